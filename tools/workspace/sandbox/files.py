"""Files in a sandbox, over huggingface_hub's calls. All of it blocks; OSError as a system gives it.

The file calls of the sandbox follow no links, so that paths are resolved by a command first.
"""

from __future__ import annotations

import errno
import os.path
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.backend import Entry

if TYPE_CHECKING:
    from huggingface_hub import Sandbox

#: $1 path, $2 the working directory.
RESOLVE = """
case $1 in "~") p=$HOME;; "~/"*) p=$HOME/${1#"~/"};; /*) p=$1;; *) p=$2/$1;; esac
readlink -m -- "$p" 2>/dev/null || readlink -f -- "$p" 2>/dev/null || printf '%s\\n' "$p"
"""
#: $1 path. Kind (of what a link leads to), bytes, time, name; of a folder's entries with $2.
STAT = """
told() {
  k=other; [ -f "$1" ] && k=file; [ -d "$1" ] && k=folder
  s=$(stat $3 -c '%s %Y' -- "$1" 2>/dev/null) || return 0
  printf '%s %s %s\\0' "$k" "$s" "$2"
}
if [ -z "$2" ]; then
  [ -e "$1" ] || exit 44
  told "$1" . -L; exit 0
fi
[ -d "$1" ] || exit 44
cd -- "$1" || exit 45
for f in .* *; do
  case $f in .|..) ;; *) if [ -e "$f" ] || [ -h "$f" ]; then told "./$f" "$f"; fi;; esac
done
"""
#: $1 the new file, $2 the place it takes.
PUT = """
if [ -e "$2" ]; then chmod "$(stat -c %a -- "$2")" "$1"; fi
mv -f -- "$1" "$2"
"""
MODIFIED = "xargs -0 -r stat -c '%Y %n' -- 2>/dev/null; exit 0"


def run(
    sandbox: Sandbox,
    script: str,
    arguments: Sequence[str],
    given: str = "",
    timeout: float = 60,
) -> tuple[int, str, str, bool]:
    """(exit code, output, complaints, whether its time was up) of a script in the sandbox."""
    argv = ["/bin/sh", "-c", script, "ml-agent", *arguments]
    done = sandbox.run(argv, stdin=given or None, timeout=timeout, check=False)
    return (done.exit_code or 0), done.stdout, done.stderr, done.timed_out


def resolve(sandbox: Sandbox, path: str, cwd: str) -> str:
    _, told, _, _ = run(sandbox, RESOLVE, [path, cwd])
    return os.path.normpath(told.removesuffix("\n") or os.path.join(cwd, path))


def stat(sandbox: Sandbox, path: str) -> Entry:
    found = _entries(sandbox, path, "")
    if not found:
        raise _error(errno.EACCES, path)
    one = found[0]
    return Entry(os.path.basename(path), one.kind, one.size, one.modified)


def listed(sandbox: Sandbox, path: str) -> list[Entry]:
    return sorted(_entries(sandbox, path, "entries"), key=lambda entry: entry.name)


def _entries(sandbox: Sandbox, path: str, what: str) -> list[Entry]:
    code, told, said, _ = run(sandbox, STAT, [path, what])
    if code == 44:
        raise _error(errno.ENOENT, path)
    if code:
        raise OSError(errno.EIO, said.strip() or os.strerror(errno.EIO), path)
    found = []
    for line in told.split("\0")[:-1]:
        kind, size, modified, name = line.split(" ", 3)
        found.append(Entry(name, kind, int(size), float(modified)))  # type: ignore[arg-type]
    return found


def read(sandbox: Sandbox, path: str) -> bytes:
    # Anything but a file that is there is told apart by a look at it.
    if stat(sandbox, path).kind == "folder":
        raise _error(errno.EISDIR, path)
    return sandbox.files.read(path)


def write(sandbox: Sandbox, path: str, content: bytes) -> None:
    path = resolve(sandbox, path, "/")
    folder, name = os.path.split(path)
    fresh = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(4)}")
    sandbox.files.write(fresh, content, mode="0644")
    code, _, said, _ = run(sandbox, PUT, [fresh, path])
    if code:
        run(sandbox, 'rm -f -- "$1"', [fresh])
        raise OSError(errno.EIO, said.strip() or os.strerror(errno.EIO), path)


def modified(sandbox: Sandbox, paths: Sequence[str]) -> dict[str, float]:
    _, told, _, _ = run(sandbox, MODIFIED, [], "\0".join(paths))
    found = {}
    for line in told.split("\n"):
        when, _, path = line.partition(" ")
        if when.isdigit():
            found[path] = float(when)
    return found


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
