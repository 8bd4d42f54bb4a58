"""Which local files an upload takes: those of the folder, without what must not be published.

What was published once cannot be taken back. So a link that leads out of the folder, a file that
is known by its name to hold secrets, and one in which something looks like a secret stay here, and
the result names them. The value of a credential of this machine refuses the whole upload.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from configs.real_path import real_path
from core.credentials import check_local_file
from core.errors import ToolError
from core.policy.paths import inside, is_secret, named, resolved
from core.policy.secret_files import is_secret_name
from core.secrets.leaving import credential_at, credential_in_bytes

#: Files of one commit.
MOST = 20_000
NEVER = frozenset({".git", ".cache", "__pycache__", ".ml-agent", ".venv", "node_modules"})
#: Names of left-out files that a result shows, of each reason.
SHOWN = 20
SECRET_NAME, OUTSIDE = "known to hold secrets", "links out of the folder"


@dataclass
class Files:
    """What is uploaded: paths in the repository with a local path or the content.

    Attributes:
        contents: by path in the repository. left_out: paths in the folder, by why. size: in bytes.
        seen: what each local file was when it was looked through.
    """

    contents: dict[str, str | bytes] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    size: int = 0
    seen: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def described(self) -> str:
        parts = [_listed(sorted(self.contents))]
        parts += [f"left out, {why}: {_listed(names)}" for why, names in self.left_out.items()]
        return "; ".join(parts)

    def check_unchanged(self) -> None:
        """Raises ToolError: a file is not what was looked through."""
        for path, was in self.seen.items():
            if _state(path) != was:
                raise ToolError(f"{path} changed while it was prepared: upload again")


def content_of(target: str, content: str) -> Files:
    """Text that becomes the file `target`. Raises ToolError if it holds a credential."""
    data = content.encode()
    if is_secret_name(target):
        raise ToolError(f"Cannot upload {target}: it is {SECRET_NAME}")
    found = credential_in_bytes(data)
    if found:
        raise _holds(target, found)
    return Files({target: data}, size=len(data))


def files_of(source: str, target: str, cwd: str) -> Files:
    """The file or folder `source`, as `target` in the repository. Raises ToolError for what is not
    there or must not be published. Reads all of it: call it in a thread."""
    check_local_file("source")
    top = resolved(source, cwd)
    if not os.path.lexists(top):
        raise ToolError(f"there is no {source} to upload")
    if any(part.lower() in (".git", ".ml-agent") for part in top.split(os.sep)):
        raise ToolError(f"Cannot upload {source}: .git and .ml-agent are never published")
    if not os.path.isdir(top):
        return _file_of(source, top, target, cwd)
    files = Files()
    for path, inner in _below(top):
        why = _kept_back(path, top)
        if why:
            files.left_out.setdefault(why, []).append(inner)
        elif os.path.isfile(path):
            _add(files, f"{target}/{inner}" if target else inner, path, inner)
    if not files.contents:
        raise ToolError(f"{source} holds nothing to upload" + _all_left_out(files))
    return files


def _file_of(source: str, path: str, target: str, cwd: str) -> Files:
    if not os.path.isfile(path):
        raise ToolError(f"Cannot upload {source}: it is not a regular file")
    if is_secret(path) or is_secret(named(source, cwd)):
        raise ToolError(f"Cannot upload {source}: it is {SECRET_NAME}")
    files = Files()
    name = target or os.path.basename(path)
    _add(files, name, path, name)
    if not files.contents:
        raise _holds(name, next(iter(files.left_out)).removeprefix("they hold "))
    return files


def _below(top: str) -> Iterator[tuple[str, str]]:
    """(path, path from `top`) of each file below, and of each link to a folder."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name.lower() not in NEVER)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted([*names, *links]):
            if name.lower() in NEVER:
                continue
            path = os.path.join(folder, name)
            yield path, os.path.relpath(path, top).replace(os.sep, "/")


def _kept_back(path: str, top: str) -> str:
    """Why a path of the folder is not published, by its name and where it leads."""
    real = real_path(path)
    if not inside(real, top):
        return OUTSIDE
    parts = {part.lower() for part in os.path.relpath(real, top).split(os.sep)}
    if is_secret(path) or is_secret(real) or parts & {".git", ".ml-agent"}:
        return SECRET_NAME
    return ""


def _add(files: Files, name: str, path: str, inner: str) -> None:
    if len(files.contents) >= MOST:
        raise ToolError(f"It holds over {MOST} files: `hf upload-large-folder` in bash")
    real = real_path(path)
    try:
        before = _state(real)
        found = credential_at(real)
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}") from None
    if found.startswith("the value of "):
        raise _holds(name, found)
    if found:
        files.left_out.setdefault(f"they hold {found}", []).append(inner)
        return
    files.contents[name] = real
    files.seen[real] = before
    files.size += before[2]


def _state(path: str) -> tuple[int, ...]:
    try:
        found = os.lstat(path)
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise ToolError(f"Cannot upload {path}: it is not a regular file")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _holds(name: str, found: str) -> ToolError:
    return ToolError(f"{name} holds {found}: take it out before publishing")


def _all_left_out(files: Files) -> str:
    return f" ({'; '.join(f'{why}: {_listed(n)}' for why, n in files.left_out.items())})" * bool(
        files.left_out
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
