"""Keys that the user let ML Agent keep: a file `env` next to the user's settings, NAME=VALUE per
line, readable by its owner alone. The environment wins over it."""

import os
import stat
from pathlib import Path

from configs.dotenv import NAMES, NEVER
from configs.folders import write_atomically
from configs.layers import user_file


def keys_file() -> Path:
    return user_file().with_name("env")


def kept_keys() -> dict[str, str]:
    """{} if there are none, or if others can read the file."""
    path = keys_file()
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid != os.getuid():
            return {}
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {k: v for k, v in pairs if v and NAMES.match(k) and not NEVER.match(k)}


def apply_kept_keys() -> None:
    """Set those that the environment does not have."""
    for name, value in kept_keys().items():
        if not os.environ.get(name):
            os.environ[name] = value


def keep_key(name: str, value: str) -> Path:
    """Add a key to the file; where it is. Raises OSError."""
    keys = {**kept_keys(), name: value}
    write_atomically(keys_file(), "".join(f"{k}={v}\n" for k, v in sorted(keys.items())))
    return keys_file()
