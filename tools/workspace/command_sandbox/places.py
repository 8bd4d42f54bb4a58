"""Places outside of the working directory that matter to a command: caches, secrets, our own."""

import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from configs.folders import make_private_folder
from configs.kept_ways import KeptFolders, existing_paths, real_paths
from configs.real_path import once, real_path
from configs.settings import Settings
from core.policy import paths
from core.policy.paths import inside
from core.policy.secret_files import is_secret_name
from tools.workspace.command_sandbox.program import own_program
from tools.workspace.command_sandbox.repositories import entries_of

#: Of a machine: read-only even if the working directory is the root.
SYSTEM = (
    "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/run", "/sbin", "/sys", "/usr",
    "/var",
)  # fmt: skip


#: Folders with settings of programs that are looked into, in the home folder.
SETTINGS_FOLDERS = 150


def real(path: str) -> str:
    """`path` with `~` and links resolved."""
    return real_path(os.path.expanduser(path))


def home() -> str:
    return once("home", lambda: real("~"))


def is_wide(folder: str) -> bool:
    """Whether a folder holds the whole home folder: there a command sees more than a project."""
    return inside(home(), folder)


def temporary() -> list[str]:
    """Folders for temporary files."""
    found = {real(place) for place in (tempfile.gettempdir(), *paths.TEMPORARY)}
    return sorted(place for place in found if os.path.isdir(place))


def caches() -> list[str]:
    """The caches of Hugging Face, pip and uv; made if they are missing, since a command cannot
    make them."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    hugging_face = os.environ.get("HF_HOME") or os.path.join(base, "huggingface")
    wanted = [
        hugging_face,
        os.environ.get("HF_HUB_CACHE") or os.path.join(hugging_face, "hub"),
        os.environ.get("PIP_CACHE_DIR") or os.path.join(base, "pip"),
        os.environ.get("UV_CACHE_DIR") or os.path.join(base, "uv"),
    ]
    found = []
    for path in real_paths(tuple(map(os.path.expanduser, wanted))):
        try:
            if not os.path.isdir(path):
                make_private_folder(Path(path), readable=True)
        except OSError:
            continue
        found.append(path)
    return found


def hidden(settings: Settings) -> list[str]:
    """What no command in the sandbox reads: credentials, and our own state and settings."""
    state = str(settings.state_path())
    wanted = [
        *paths.secret_places(),
        *paths.own_places(state),
        *_database(settings),
        *_named_secret_in_home(),
    ]
    return sorted(existing_paths(tuple(wanted)))


def _named_secret_in_home() -> list[str]:
    """Files of the home folder whose names say that they hold credentials, as deep as programs
    keep their settings: ~/.netrc, ~/.kaggle/kaggle.json, ~/.config/rclone/rclone.conf."""
    base = home()
    top, own = kept.of(base), kept.of(os.path.join(base, ".config"))
    folders = [one.path for one in top if one.is_hidden() and one.is_folder()]
    folders += [one.path for one in own if one.is_folder()]
    within = [one for folder in folders[:SETTINGS_FOLDERS] for one in kept.of(folder)]
    return [one.path for one in (*top, *own, *within) if one.is_secret()]


class _Entry(NamedTuple):
    """An entry of a folder. kind: where a link leads is asked each time."""

    path: str
    kind: Literal["folder", "secret file", "link"]

    def is_hidden(self) -> bool:
        return self.path.rpartition(os.sep)[2].startswith(".")

    def is_folder(self) -> bool:
        return self.kind == "folder" or (self.kind == "link" and os.path.isdir(self.path))

    def is_secret(self) -> bool:
        if self.kind == "link":
            return is_secret_name(self.path) and os.path.isfile(self.path)
        return self.kind == "secret file"


def _entries(folder: str) -> list[_Entry]:
    """Those that may count."""
    found = []
    for entry in entries_of(folder):
        if entry.is_symlink():
            found.append(_Entry(entry.path, "link"))
        elif entry.is_dir():
            found.append(_Entry(entry.path, "folder"))
        elif is_secret_name(entry.path) and entry.is_file():
            found.append(_Entry(entry.path, "secret file"))
    return found


kept = KeptFolders(_entries)


def _database(settings: Settings) -> list[str]:
    """The files of an SQLite database that is not in the state directory."""
    parts = urlsplit(settings.database_url)
    if parts.scheme != "sqlite":
        return []
    file = parts.path[1:] if parts.path.startswith("//") else parts.path
    return [f"{file}{end}" for end in ("", "-wal", "-shm", "-journal")]


def governing() -> list[str]:
    """What runs later without a question, or is ml-agent itself: shell profiles, our code."""
    program = [os.path.dirname(own)] if (own := own_program()) else []
    return sorted(existing_paths((*paths.profile_places(), *_own_code(), *program)))


@cache
def _own_code() -> list[str]:
    """Our packages, where they are installed and not being worked on."""
    here = Path(__file__).resolve().parents[3]
    if not any(inside(str(here), real(place)) for place in (sys.prefix, sys.base_prefix)):
        return []
    return [str(here / name) for name in ("cli", "configs", "core", "graph", "nodes", "tools")]
