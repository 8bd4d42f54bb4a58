"""A whole copy of a folder, for a trial that works while others do. Blocking.

What git ignores and what snapshots leave out is copied as well: a training reads it. No file is
shared, by no link: where the file system can, blocks are shared until one of both is written. The
copy's repository is another one, with the user's history and index: git ignores the same files in
it, and nothing that is done in it reaches the user's.
"""

import fcntl
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from configs.folders import make_private_folder
from core.errors import ToolError
from core.git import run_git
from core.policy.paths import inside

#: Linux's request that lets a file share the blocks of another until one of them is written.
FICLONE = 0x40049409
#: The part of the free space that copies may take.
ROOM = 0.9


def copy_folder(folder: str, root: Path, prepare: Callable[[str], None]) -> str:
    """The copy of `folder` below `root`: whole and prepared, or not there at all. It is at the
    place that the folder has in its repository, since rules of the folders above count. `prepare`
    gets its path. Raises ToolError."""
    top = _said(["rev-parse", "--show-toplevel"], folder)
    below = os.path.relpath(folder, top) if top and inside(folder, top) else os.curdir
    found = os.path.normpath(root / below)
    if root.exists():
        return found
    make_private_folder(root.parent)
    draft = root.with_name(f"{root.name}.new")
    remove_copy(draft)
    draft.mkdir(mode=0o700)
    _copy_repository(folder, top, draft)
    place, at = os.path.normpath(draft / below), draft
    for name in Path(below).parts:
        with suppress(OSError):
            shutil.copyfile(Path(top) / at.relative_to(draft) / ".gitignore", at / ".gitignore")
        at /= name
    try:
        shutil.copytree(
            folder, place, symlinks=True, copy_function=_copy, dirs_exist_ok=True,
            ignore=lambda where, names: {".git"} & {*names} if where == folder else (),
        )  # fmt: skip
    except (OSError, shutil.Error) as error:
        first = error.args[0][0] if isinstance(error, shutil.Error) else (folder, "", error)
        remove_copy(draft)
        raise ToolError(f"Cannot copy the folder: {first[0]}: {first[2]}.") from error
    prepare(place)
    os.replace(draft, root)
    return found


def check_room(folder: str, state: Path, count: int) -> None:
    """Raises ToolError: so many copies of the folder do not fit, or would hold themselves."""
    if inside(str(state), folder):
        raise ToolError(f"Cannot copy {folder}: it holds the state directory {state}.")
    size = sum(
        os.lstat(os.path.join(where, name)).st_size
        for where, _, names in os.walk(folder)
        for name in names
        if os.path.lexists(os.path.join(where, name))
    )
    free = shutil.disk_usage(state).free
    if size * count > free * ROOM:
        raise ToolError(
            f"Cannot make {count} copies of {folder}: each has {size / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB are free. Try fewer hypotheses, or keep data elsewhere."
        )


def remove_copy(root: Path) -> None:
    """Remove a copy; folders that a trial closed are opened first."""
    shutil.rmtree(root, ignore_errors=True)
    for where, folders, _ in os.walk(root):
        for name in folders:
            with suppress(OSError):
                os.chmod(os.path.join(where, name), 0o700, follow_symlinks=False)
    shutil.rmtree(root, ignore_errors=True)


def _copy_repository(folder: str, top: str, draft: Path) -> None:
    """History by the user's objects, which stay where they are; index and rules as copies."""
    local = {"GIT_ALLOW_PROTOCOL": "file"}
    try:
        if not top:
            raise OSError("no repository")
        clone = ["clone", "--quiet", "--shared", "--no-checkout", "--template=", top, str(draft)]
        run_git(clone, extra=local)
        run_git(["remote", "remove", "origin"], cwd=str(draft))
    except (OSError, subprocess.CalledProcessError):
        with suppress(OSError, subprocess.CalledProcessError):
            run_git(["init", "--quiet", "--template=", str(draft)])
    for name in ("index", "info/exclude") if top else ():
        source, target = _said(["rev-parse", "--git-path", name], folder), draft / ".git" / name
        with suppress(OSError):
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(os.path.join(folder, source), target)


def _said(arguments: list[str], folder: str) -> str:
    """What git says of the folder; "" if that is in no repository."""
    with suppress(OSError):
        return os.fsdecode(run_git(arguments, cwd=folder, check=False)).rstrip("\n")
    return ""


def _copy(source: str, target: str) -> None:
    try:
        if not stat.S_ISREG(os.stat(source, follow_symlinks=False).st_mode):
            return  # a pipe or a socket
        with open(source, "rb") as old, open(target, "xb") as new:
            if not _shares_blocks(old.fileno(), new.fileno()):
                shutil.copyfileobj(old, new, 1 << 20)
        shutil.copystat(source, target)
    except FileNotFoundError:
        return  # it went away meanwhile


def _shares_blocks(old: int, new: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(new, FICLONE, old)
        return True
    except OSError:
        return False
