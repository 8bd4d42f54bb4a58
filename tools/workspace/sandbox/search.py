"""Searching in a sandbox: with its ripgrep, else with git's and find's lists and GNU grep.

Without ripgrep the pattern is grep's (-P), and the result is put into ripgrep's words, so that
glob and grep read one form.
"""

import argparse
import json
import os.path
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

from core.errors import ToolError
from tools.workspace.ripgrep import COMMON, PATIENCE

#: Characters of a search's output that are fetched.
MOST = 8_000_000
#: What the scripts exit with where there is no ripgrep, and where one file is to be searched.
NO_RIPGREP, IS_FILE = 97, 98
RIPGREP = f"""
cd "$1" || exit 2; shift
command -v rg >/dev/null 2>&1 || exit {NO_RIPGREP}
rg "$@" | head -c {MOST}
"""
#: All files below $1, without what .gitignore names where there is git.
FILES = f"""
[ -f "$1" ] && exit {IS_FILE}
cd "$1" || exit 2
if command -v git >/dev/null 2>&1; then
  d=$(mktemp -d) && git init -q --bare "$d/none" 2>/dev/null
  git --git-dir="$d/none" --work-tree=. ls-files -z -o --exclude-standard | head -c {MOST}
  rm -rf "$d"
else
  find . -name .git -prune -o -type f -print0 | head -c {MOST}
fi
"""
#: $1 folder, then grep's options; the files come as input.
GREP = f"""
cd "$1" || exit 2; shift
xargs -0 -r grep -n -H -I -s --null "$@" -- /dev/null | head -c {MOST}
"""

#: (script, arguments, input) → (exit code, output, complaints, whether its time was up)
Ask = Callable[[str, Sequence[str], str, float], Awaitable[tuple[int, str, str, bool]]]


class SandboxSearch:
    """`tools.workspace.Search` in a sandbox."""

    def __init__(self, ask: Ask, arguments: Sequence[str], cwd: str, separator: bytes) -> None:
        self._ask = ask
        self._arguments = list(arguments)
        self._cwd = cwd
        self._separator = separator
        self.trouble = ""
        self.timed_out = False

    async def records(self) -> AsyncIterator[bytes]:
        code, text, self.trouble, self.timed_out = await self._ask(
            RIPGREP, [self._cwd, *COMMON, *self._arguments], "", PATIENCE
        )
        if code == NO_RIPGREP:
            self.trouble = ""
            async for record in self._without_ripgrep():
                yield record
            return
        self.trouble = self.trouble[:20_000].strip()
        for record in text.encode("utf-8", "surrogateescape").split(self._separator):
            if record:
                yield record

    async def _without_ripgrep(self) -> AsyncIterator[bytes]:
        wanted = _read(self._arguments)
        place = wanted.place or self._cwd
        names = await self._files(place, hidden=wanted.hidden)
        if wanted.files and names is not None:
            for name in names:
                yield name.encode("utf-8", "surrogateescape")
            return
        base = os.path.dirname(place) if names is None else place
        names = [os.path.basename(place)] if names is None else _fitting(names, wanted)
        options = ["-P", f"-C{wanted.context}", *(["-i"] if wanted.ignore_case else [])]
        _, text, said, self.timed_out = await self._ask(
            GREP, [base, *options, "-e", wanted.regexp], "\0".join(names), PATIENCE
        )
        if said.strip() and not text:
            if "unrecognized option" in said or "invalid option" in said:
                raise ToolError(
                    "the sandbox has neither ripgrep nor GNU grep: install one (apt-get install "
                    "ripgrep), or search with a command"
                )
            self.trouble = said.strip().splitlines()[0].replace("grep: ", "error: ", 1)
        for event in _events(text, base):
            yield json.dumps(event).encode()

    async def _files(self, folder: str, *, hidden: bool) -> list[str] | None:
        """Names below `folder`, relative to it; None where it is a file."""
        code, text, said, self.timed_out = await self._ask(FILES, [folder], "", PATIENCE)
        if code == IS_FILE:
            return None
        names = [name.removeprefix("./") for name in text.split("\0")]
        if said.strip() and not text:
            self.trouble = said.strip().splitlines()[0]
        whole = [name for name in names if name and not name.endswith("/")]
        if hidden:
            return whole
        return [n for n in whole if not any(part.startswith(".") for part in n.split("/"))]


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    """What glob and grep ask of ripgrep."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    for flag in ("--files", "--null", "--hidden", "--json", "--ignore-case"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--context", type=int, default=0)
    for option in ("--glob", "--type-add", "--type", "--regexp"):
        parser.add_argument(option, default="")
    ours = list(arguments)
    place = ours.pop() if "--" in ours else ""
    # A pattern may begin with a dash.
    for i in range(len(ours) - 1, 0, -1):
        if ours[i - 1] in ("--regexp", "--glob", "--type-add"):
            ours[i - 1 : i + 1] = [f"{ours[i - 1]}={ours[i]}"]
    found = parser.parse_args([one for one in ours if one != "--"])
    found.place = place
    return found


def _fitting(names: list[str], wanted: argparse.Namespace) -> list[str]:
    pattern = wanted.glob or wanted.type_add.partition(":")[2]
    if not pattern:
        return names
    from wcmatch import glob

    anywhere = pattern.lstrip("/") if "/" in pattern else f"**/{pattern}"
    compiled = glob.compile(anywhere, flags=glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB)
    return [name for name in names if compiled.match(name)]


def _events(text: str, base: str) -> Iterator[dict[str, Any]]:
    """GNU grep's lines (`name NUL number : or - line`) as `rg --json` tells them."""
    last = ""
    for line in text.split("\n"):
        name, nul, rest = line.partition("\0")
        if not nul:
            continue
        path = {"text": os.path.join(base, name)}
        if name != last:
            if last:
                yield {"type": "end", "data": {"path": {"text": os.path.join(base, last)}}}
            yield {"type": "begin", "data": {"path": path}}
            last = name
        digits = len(rest) - len(rest.lstrip("0123456789"))
        kind = "match" if rest[digits : digits + 1] == ":" else "context"
        number = int(rest[:digits] or 0)
        lines = {"text": rest[digits + 1 :]}
        yield {"type": kind, "data": {"path": path, "line_number": number, "lines": lines}}
