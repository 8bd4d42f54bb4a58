"""Which places are special: secrets, what controls us, and where reading is always fine.

A path is judged by both its forms, as it was named (`named`) and where it leads
(`resolved`): `.env` may be a link to a file without a telling name, and the other way round.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from configs.folders import user_folder
from configs.kept_keys import keys_file
from configs.kept_ways import real_paths
from configs.memory import is_memory
from configs.real_path import once, real_path
from configs.skills import SKILL_FOLDERS
from core.policy.secret_files import MAY_BE_FOLDER, is_secret_name

#: Below the home folder.
SECRET_PLACES = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker/config.json", ".config/gcloud",
    ".config/gh", ".cache/huggingface/token", ".cache/huggingface/stored_tokens",
    ".huggingface/token", ".config/litellm",
)  # fmt: skip
SHELL_PROFILES = (
    ".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".zprofile",
    ".zlogin", ".config/fish", ".gitconfig", ".config/git", ".config/autostart",
    ".config/systemd", "Library/LaunchAgents",
)  # fmt: skip
#: A place below a copy of a folder, behind the state directory.
_COPY = re.compile(r"/threads/[^/]+/copies/[^/]+((?:/.*)?)", re.DOTALL)
#: Next to the one that Python names.
TEMPORARY = ("/tmp",)


def named(path: str, cwd: str) -> str:
    """`path` as an absolute path, `~` and `..` resolved, symlinks as they are."""
    whole = joined(path, cwd)
    is_plain = whole.startswith(os.sep) and not (
        "/." in whole or "//" in whole or whole.endswith(os.sep)
    )
    return whole if is_plain else os.path.abspath(whole)


def joined(path: str, cwd: str) -> str:
    """`path` below `cwd`, `~` resolved and nothing else."""
    # As os.path.join does it, which takes longer: each word of a line gets here several times.
    if path.startswith("~"):
        path = os.path.expanduser(path)
    if path.startswith(os.sep):
        return path
    return f"{cwd}{path}" if not cwd or cwd.endswith(os.sep) else f"{cwd}{os.sep}{path}"


def changed_place(places: Mapping[str, str]) -> str:
    """What to tell the model of a path that leads elsewhere than it did; "": all are the same.

    Args:
        places: by path (`joined`), where it led when the call was judged.
    """
    for path, judged in places.items():
        now = resolved(path, "/")
        if now != judged:
            return (
                f"{path} was not used: it leads to {now} now, and led to {judged} when this call "
                "was allowed. Call again"
            )
    return ""


def resolved(path: str, cwd: str) -> str:
    """`path` as an absolute path, `~`, `..` and symlinks resolved as far as they exist."""
    whole = joined(path, cwd)
    try:
        return real_path(whole)
    except ValueError:
        return os.path.abspath(whole)  # a NUL byte: no such file can be


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


class Folders:
    """Folders, made ready for many questions: one line makes hundreds of pairs."""

    def __init__(self, folders: Iterable[str]) -> None:
        self.all = tuple(dict.fromkeys(folders))
        self._themselves = frozenset(self.all)
        self._beginnings = tuple(folder.rstrip(os.sep) + os.sep for folder in self.all)

    def hold(self, path: str) -> bool:
        """Whether `path` is `inside` one of them."""
        return path in self._themselves or path.startswith(self._beginnings)


def is_secret(path: str) -> bool:
    """A file that is known to hold credentials."""
    if is_secret_name(path):
        return os.path.basename(path).lower() not in MAY_BE_FOLDER or not os.path.isdir(path)
    return once("secret places", _secret_folders).hold(path)


def is_protected(path: str, state: str = "") -> bool:
    """What governs ml-agent itself or runs without asking later: our settings and database, git
    hooks and settings, shell profiles."""
    copied = _place_in_copy(path, state)
    whole = (path if copied is None else copied).lower()
    if ".ml-agent" in whole or ".git" in whole:
        parts = [part for part in whole.split(os.sep) if part not in ("", os.curdir)]
        if ".ml-agent" in parts:
            return True
        # Also below .git/modules and .git/worktrees.
        within = parts[parts.index(".git") + 1 :] if ".git" in parts else []
        if "hooks" in within or (within and within[-1] in ("config", "config.worktree")):
            return True
    if copied is not None:
        return False
    return once(("protected", state), lambda: _protected_folders(state)).hold(path)


def protected_place(paths: Iterable[str], kind: str, state: str, cwd: str) -> str | None:
    """The first of these that is protected. The memory of `cwd` may be written: the effect of that
    asks, and unlike the rest of its folder, a rule may allow it."""
    open_here = (cwd, resolved(".", cwd)) if kind == "write" else ()
    return next((p for p in paths if is_protected(p, state) and not is_memory(p, *open_here)), None)


def _place_in_copy(path: str, state: str) -> str | None:
    """Where a path is in the copy of a folder that a trial works in; None: in none. They are in
    the state directory (core/store/files/folder_copy.py), and no part of ml-agent."""
    ours = _own_folders(state)
    if not ours.hold(path):
        return None
    place = next(place for place in ours.all if inside(path, place))
    found = _COPY.fullmatch(path[len(place) :])
    return found[1] if found else None


def is_frozen(path: str, frozen: Iterable[str]) -> bool:
    """What judges the work of a thread, and what holds it."""
    return any(inside(path, place) or inside(place, path) for place in frozen)


def is_readable_anywhere(path: str, state: str = "") -> bool:
    """Outside the working directory, yet harmless to read: temporary files, installed
    packages, the Hugging Face cache, results that ml-agent saved itself."""
    if once(("readable", state), lambda: _readable_folders(state)).hold(path):
        return True
    return any(part in ("site-packages", "dist-packages") for part in Path(path).parts)


def _readable_folders(state: str) -> Folders:
    places = [tempfile.gettempdir(), *TEMPORARY, sys.prefix, sys.base_prefix]
    places.append(os.environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface"))
    places += [os.path.expanduser(f"~/{folder}") for folder in SKILL_FOLDERS]
    places += [os.path.join(folder, "threads") for folder in _states(state)]
    return _ready(real_paths(tuple(places)))


def secret_places() -> list[str]:
    """Files and folders outside of projects that hold credentials. They need not exist."""
    return [*_below(os.path.expanduser("~"), SECRET_PLACES), *_hf_tokens(), str(keys_file())]


def own_places(state: str = "") -> list[str]:
    """Our settings and state directories. They need not exist."""
    return [user_folder("config"), *_states(state)]


def profile_places() -> list[str]:
    """What runs or counts at the user's next login or command. It need not exist."""
    return [*_below(os.path.expanduser("~"), SHELL_PROFILES)]


def _states(state: str) -> list[str]:
    """Our state directories: the usual one, the one in use, and the one that the environment
    names."""
    named_state = os.environ.get("ML_AGENT_STATE_DIR") or ""
    found = [user_folder("state"), state, os.path.expanduser(named_state)]
    return [folder for folder in found if folder]


def _secret_folders() -> Folders:
    return _with_links(tuple(secret_places()))


def _protected_folders(state: str) -> Folders:
    return _ready((*_own_folders(state).all, *_with_links(tuple(profile_places())).all))


def _own_folders(state: str) -> Folders:
    found: Folders = once(("own", state), lambda: _ready(real_paths(tuple(own_places(state)))))
    return found


def _hf_tokens() -> list[str]:
    folder = os.environ.get("HF_HOME")
    found = [os.path.join(folder, name) for name in ("token", "stored_tokens")] if folder else []
    if os.environ.get("HF_TOKEN_PATH"):
        found.append(os.environ["HF_TOKEN_PATH"])
    return found


def _with_links(places: tuple[str, ...]) -> Folders:
    """The places by name, and where their links lead: a profile is often a link."""
    return _ready((*places, *real_paths(places)))


@lru_cache(maxsize=16)
def _ready(folders: tuple[str, ...]) -> Folders:
    return Folders(folders)


@lru_cache(maxsize=16)
def _below(home: str, places: tuple[str, ...]) -> list[str]:
    return [os.path.join(home, place) for place in places]
