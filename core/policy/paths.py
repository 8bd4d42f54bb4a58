"""Which places are special: secrets, what controls us, and where reading is always fine.

A path is judged by both its forms, as it was named (`named`) and where it leads
(`resolved`): `.env` may be a link to a file without a telling name, and the other way round.
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from configs.folders import user_folder
from configs.kept_keys import keys_file
from configs.memory import is_memory
from configs.real_path import one_look, real_path
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
    return os.path.abspath(os.path.join(cwd, os.path.expanduser(path)))


def joined(path: str, cwd: str) -> str:
    """`path` below `cwd`, `~` resolved and nothing else."""
    return os.path.join(cwd, os.path.expanduser(path))


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
    known = _known.get()
    if known is None:
        return _followed_to_its_end(whole)
    # Each word of a line is looked at several times, and one verdict is of one moment.
    if whole not in known:
        known[whole] = [_followed_to_its_end(whole)]
    return known[whole][0]


def _followed_to_its_end(whole: str) -> str:
    try:
        return real_path(whole)
    except ValueError:
        return os.path.abspath(whole)  # a NUL byte: no such file can be


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def inside_any(path: str, folders: tuple[str, ...]) -> bool:
    """Whether `path` is `inside` one of `folders`. One line makes hundreds of pairs."""
    return path in folders or path.startswith(_beginnings(folders))


@lru_cache(maxsize=64)
def _beginnings(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(folder.rstrip(os.sep) + os.sep for folder in folders)


def is_secret(path: str) -> bool:
    """A file that is known to hold credentials."""
    if is_secret_name(path):
        return os.path.basename(path).lower() not in MAY_BE_FOLDER or not os.path.isdir(path)
    return inside_any(path, (*_below_home(SECRET_PLACES), *_hf_tokens(), *_kept_keys()))


def is_protected(path: str, state: str = "") -> bool:
    """What governs ml-agent itself or runs without asking later: our settings and database, git
    hooks and settings, shell profiles."""
    ours = _once(("own", state), lambda: [real_path(place) for place in own_places(state)])
    copied = _place_in_copy(path, ours)
    whole = path if copied is None else copied
    parts = [part for part in whole.lower().split(os.sep) if part not in ("", os.curdir)]
    if ".ml-agent" in parts:
        return True
    # Also below .git/modules and .git/worktrees.
    within = parts[parts.index(".git") + 1 :] if ".git" in parts else []
    if "hooks" in within or (within and within[-1] in ("config", "config.worktree")):
        return True
    if copied is not None:
        return False
    return inside_any(path, (*ours, *_below_home(SHELL_PROFILES)))


def protected_place(paths: Iterable[str], kind: str, state: str, cwd: str) -> str | None:
    """The first of these that is protected. The memory of `cwd` may be written: the effect of that
    asks, and unlike the rest of its folder, a rule may allow it."""
    open_here = (cwd, resolved(".", cwd)) if kind == "write" else ()
    return next((p for p in paths if is_protected(p, state) and not is_memory(p, *open_here)), None)


def _place_in_copy(path: str, ours: Iterable[str]) -> str | None:
    """Where a path is in the copy of a folder that a trial works in; None: in none. They are in
    the state directory (core/store/files/folder_copy.py), and no part of ml-agent."""
    place = next((place for place in ours if inside(path, place)), None)
    found = _COPY.fullmatch(path[len(place) :]) if place is not None else None
    return found[1] if found else None


def is_frozen(path: str, frozen: Iterable[str]) -> bool:
    """What judges the work of a thread, and what holds it."""
    return any(inside(path, place) or inside(place, path) for place in frozen)


def is_readable_anywhere(path: str, state: str = "") -> bool:
    """Outside the working directory, yet harmless to read: temporary files, installed
    packages, the Hugging Face cache, results that ml-agent saved itself."""
    places = _once(("readable", state), lambda: _readable_places(state))
    if inside_any(path, tuple(places)):
        return True
    return any(part in ("site-packages", "dist-packages") for part in Path(path).parts)


def _readable_places(state: str) -> list[str]:
    places = [tempfile.gettempdir(), *TEMPORARY, sys.prefix, sys.base_prefix]
    places.append(os.environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface"))
    places += [os.path.expanduser(f"~/{folder}") for folder in SKILL_FOLDERS]
    places += [os.path.join(folder, "threads") for folder in _states(state)]
    return [real_path(place) for place in places]


def secret_places() -> list[str]:
    """Files and folders outside of projects that hold credentials. They need not exist."""
    home = os.path.expanduser("~")
    places = [os.path.join(home, place) for place in SECRET_PLACES]
    return [*places, *_hf_tokens(), str(keys_file())]


def own_places(state: str = "") -> list[str]:
    """Our settings and state directories. They need not exist."""
    return [user_folder("config"), *_states(state)]


def profile_places() -> list[str]:
    """What runs or counts at the user's next login or command. It need not exist."""
    home = os.path.expanduser("~")
    return [os.path.join(home, place) for place in SHELL_PROFILES]


def _states(state: str) -> list[str]:
    """Our state directories: the usual one, the one in use, and the one that the environment
    names."""
    named_state = os.environ.get("ML_AGENT_STATE_DIR") or ""
    found = [user_folder("state"), state, os.path.expanduser(named_state)]
    return [folder for folder in found if folder]


def _hf_tokens() -> list[str]:
    return _once("tokens", _find_hf_tokens)


def _kept_keys() -> list[str]:
    return _once("kept keys", lambda: [file := str(keys_file()), real_path(file)])


def _find_hf_tokens() -> list[str]:
    folder = os.environ.get("HF_HOME")
    found = [os.path.join(folder, name) for name in ("token", "stored_tokens")] if folder else []
    if os.environ.get("HF_TOKEN_PATH"):
        found.append(os.environ["HF_TOKEN_PATH"])
    return [form for place in found for form in (place, real_path(place))]


def _below_home(places: tuple[str, ...]) -> list[str]:
    """The places by name, and where their links lead: a profile is often a link."""
    return _once(places, lambda: _with_links(os.path.expanduser("~"), places))


def _with_links(home: str, places: tuple[str, ...]) -> list[str]:
    found = [os.path.join(home, place) for place in places]
    return [*found, *map(real_path, found)]


def _once(what: Hashable, find: Callable[[], list[str]]) -> list[str]:
    """The places that `find` finds; while one call is judged, those that it found first."""
    known = _known.get()
    if known is None:
        return find()
    if what not in known:
        known[what] = find()
    return known[what]


#: Special places, and where paths lead, while one call is judged.
_known: ContextVar[dict[Hashable, list[str]] | None] = ContextVar("known", default=None)


@contextmanager
def special_places_looked_up_once() -> Iterator[None]:
    """While this is open, the links of special places are followed once, not for every word."""
    token = _known.set({})
    try:
        with one_look():
            yield
    finally:
        _known.reset(token)
