"""Which places are special: secrets, what controls us, and where reading is always fine.

Pure: paths come in with symlinks resolved (`resolved`), nothing is looked up here.
"""

from __future__ import annotations

import os
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

import platformdirs

#: File names that hold secrets wherever they stand.
SECRET_NAMES = (
    ".env", ".env.*", ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".git-credentials",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx",
    "credentials.json", "service-account*.json",
)  # fmt: skip
#: Examples of such files hold none.
NOT_SECRET = (".env.example", ".env.sample", ".env.template", "*.pub")
#: Below the home folder.
SECRET_PLACES = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker/config.json", ".config/gcloud",
    ".config/gh", ".cache/huggingface/token", ".cache/huggingface/stored_tokens",
    ".huggingface/token",
)  # fmt: skip
SHELL_PROFILES = (
    ".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".zprofile",
    ".zlogin", ".config/fish", ".gitconfig", ".config/git",
)  # fmt: skip


def resolved(path: str, cwd: str) -> str:
    """`path` as an absolute path, `~`, `..` and symlinks resolved as far as they exist."""
    return os.path.realpath(os.path.join(cwd, os.path.expanduser(path)))


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_secret(path: str) -> bool:
    """A file that is known to hold credentials."""
    name = os.path.basename(path)
    if any(fnmatch(name, pattern) for pattern in NOT_SECRET):
        return False
    if any(fnmatch(name, pattern) for pattern in SECRET_NAMES):
        return True
    return any(inside(path, place) for place in _below_home(SECRET_PLACES))


def is_protected(path: str) -> bool:
    """What governs ml-agent itself or runs unasked later: our settings and database, git
    hooks, shell profiles."""
    parts = Path(path).parts
    if any(parts[i : i + 2] == (".git", "hooks") for i in range(len(parts))):
        return True
    if ".ml-agent" in parts or path.endswith(f"{os.sep}.git{os.sep}config"):
        return True
    ours = (platformdirs.user_config_dir("ml-agent"), platformdirs.user_state_dir("ml-agent"))
    return any(inside(path, os.path.realpath(o)) for o in ours) or any(
        inside(path, place) for place in _below_home(SHELL_PROFILES)
    )


def is_readable_anywhere(path: str) -> bool:
    """Outside the working directory, yet harmless to read: temporary files, installed
    packages, the Hugging Face cache, results that ml-agent saved itself."""
    places = [tempfile.gettempdir(), "/tmp", sys.prefix, sys.base_prefix]
    places.append(os.environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface"))
    places.append(os.path.join(platformdirs.user_state_dir("ml-agent"), "threads"))
    if any(inside(path, os.path.realpath(place)) for place in places):
        return True
    return any(part in ("site-packages", "dist-packages") for part in Path(path).parts)


def _below_home(places: tuple[str, ...]) -> list[str]:
    home = os.path.realpath(os.path.expanduser("~"))
    return [os.path.join(home, place) for place in places]
