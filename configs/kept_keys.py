"""Keys that the user let ML Agent keep: a file `env` next to the user's settings, NAME=VALUE per
line, readable by its owner alone. The environment wins over it."""

import os
import stat
from functools import lru_cache
from pathlib import Path

from configs.dotenv import NAMES, NEVER
from configs.folders import user_folder, write_atomically


def keys_file() -> Path:
    return _keys_file(user_folder("config"))


@lru_cache(maxsize=8)
def _keys_file(folder: str) -> Path:
    # Asked for at each call that is judged; making a path takes longer than the rest.
    return Path(folder, "env")


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
