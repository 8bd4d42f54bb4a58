"""What the file tools share: content as text, what a thread knows of it, how names are shown."""

import asyncio
import difflib
import hashlib
import os.path
import re
from dataclasses import dataclass
from typing import Any

from configs.memory import is_memory, keep_trust
from core.backend import Entry
from core.errors import ToolError
from core.policy.paths import changed_place, is_secret, joined, named, resolved
from core.tool import NotBegun, ToolContext, ToolResult

#: Bytes of a file that is read whole; of a notebook, whose outputs are most of it.
LARGEST, LARGEST_NOTEBOOK = 20_000_000, 500_000_000


#: A diff of more lines is only counted: it helps no one and takes seconds.
DIFF_LINES = 4000
#: Marks at a file's start, with the encoding they stand for. UTF-32's begins like UTF-16's.
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
UTF_32 = b"\xff\xfe\0\0"


@dataclass(frozen=True)
class TextFile:
    """A text file. `text` has "\\n" alone; `ends`: each line's own end, "\\r\\n" or "\\n".
    `mark`: the byte order mark it starts with, if any."""

    path: str
    text: str
    encoding: str
    ends: tuple[str, ...]
    mark: bytes
    sha256: str

    def encoded(self, text: str) -> bytes:
        """`text` as bytes in this file's encoding. Lines that stay keep their ends, new ones take
        those of the lines that they replace. Raises ToolError."""
        try:
            return self.mark + self._with_ends(text).encode(self.encoding)
        except UnicodeEncodeError as error:
            raise ToolError(
                f"{self.path} is {self.encoding} and cannot hold this text: {error}"
            ) from None

    def _with_ends(self, text: str) -> str:
        kinds = set(self.ends)
        if len(kinds) <= 1:
            return text.replace("\n", kinds.pop() if kinds else "\n")
        old, new = self.text.split("\n"), text.split("\n")
        ends: list[str] = []
        for a, b, c, d in _blocks(old, new):
            # Lines beyond those that are replaced end as the last of them, or the one before.
            known = self.ends[a:b] or self.ends[max(a - 1, 0) : a] or self.ends[:1]
            ends += [known[min(i, len(known) - 1)] for i in range(d - c)]
        return "".join(
            line + (end if number < len(new) else "")
            for number, (line, end) in enumerate(zip(new, ends, strict=True), 1)
        )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def content_of(path: str, ctx: ToolContext) -> bytes | None:
    """A file's bytes; None if there is none. Raises ToolError with what is wrong."""
    try:
        _check(path, await ctx.services.backend.stat(path))
        content: bytes = await ctx.services.backend.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ToolError(f"cannot read {path}: {error.strerror}") from None
    return content


def _check(path: str, entry: Entry) -> None:
    """Raise ToolError for what cannot be read whole: a device or pipe may never end."""
    if entry.kind == "folder":
        raise ToolError(f"{path} is a folder")
    if entry.kind != "file":
        raise ToolError(f"{path} is not a regular file")
    most = LARGEST_NOTEBOOK if path.endswith(".ipynb") else LARGEST
    if entry.size > most:
        raise ToolError(
            f"{path} has {entry.size:,} bytes, more than {most:,}: look at parts of it "
            "with a command (head, sed -n, grep)"
        )


def decoded(path: str, content: bytes) -> TextFile:
    """`content` as text. Raises ToolError for what is not text."""
    marks = () if content.startswith(UTF_32) else MARKS
    mark = next((mark for mark in marks if content.startswith(mark)), b"")
    encoding = MARKS.get(mark, "utf-8")
    no_text = ToolError(f"{path} is not a text file ({len(content):,} bytes)")
    if b"\0" in content[:8192] and not encoding.startswith("utf-16"):
        raise no_text
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise no_text from None
        # Any bytes are latin-1, and go back unchanged.
        mark, encoding = b"", "latin-1"
        text = content.decode(encoding)
    ends = tuple(re.findall(r"\r?\n", text))
    return TextFile(path, text.replace("\r\n", "\n"), encoding, ends, mark, digest(content))


async def absolute(path: str, ctx: ToolContext) -> str:
    """`path` as the thread means it: relative to its working directory, links followed. Raises
    ToolError if it leads elsewhere than when the call was judged."""
    backend = ctx.services.backend
    whole: str = await backend.resolve(path, ctx.cwd)
    judged = ctx.places.get(joined(path, ctx.cwd), whole)
    # In a sandbox (`about`) the links are others than those that were looked up here.
    if whole != judged and not backend.about:
        raise ToolError(changed_place({joined(path, ctx.cwd): judged}) or f"{path} changed")
    return whole


async def is_folder(path: str, ctx: ToolContext) -> bool:
    try:
        entry: Entry = await ctx.services.backend.stat(path)
    except OSError:
        return False
    return entry.kind == "folder"


async def known(path: str, content: bytes, ctx: ToolContext) -> None:
    """Raise ToolError unless this thread has read exactly this content of `path`."""
    seen = await ctx.services.files_seen.get(ctx.thread, path)
    if seen is None:
        raise ToolError(f"{path} exists and was not read in this thread: read it first")
    if seen != digest(content):
        raise ToolError(f"{path} has changed since it was read: read it again")


async def put(path: str, before: bytes | None, after: bytes, ctx: ToolContext) -> None:
    """Write `after`, with the evidence in the journal first. Raises ToolError.

    A cancel that comes during the write is not heard: its thread cannot be stopped, so the
    call would be told as interrupted and the file be changed all the same.
    """
    evidence = {"path": path, "before": digest(before) if before is not None else None}
    await ctx.note({**evidence, "after": digest(after)})
    writing = asyncio.ensure_future(_write(path, after, ctx))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await writing
    if is_memory(path, ctx.cwd, resolved(".", ctx.cwd)) and not ctx.services.backend.about:
        await asyncio.to_thread(keep_trust, ctx.cwd, before, after)


async def _write(path: str, after: bytes, ctx: ToolContext) -> None:
    try:
        await ctx.services.backend.write(path, after)
    except OSError as error:
        raise ToolError(f"cannot write {path}: {error.strerror or error}") from None
    await ctx.services.files_seen.mark(ctx.thread, path, digest(after))


async def recovered(ctx: ToolContext, note: dict[str, Any]) -> ToolResult | None:
    """What became of a write that was cut off, by the file's content. Raises NotBegun."""
    try:
        content = await ctx.services.backend.read(note["path"])
    except FileNotFoundError:
        content = None
    except (OSError, ToolError):
        return None
    now = digest(content) if content is not None else None
    if now == note["after"]:
        await ctx.services.files_seen.mark(ctx.thread, note["path"], note["after"])
        return ToolResult(f"Wrote {note['path']} (found done after the session was cut off).")
    if now == note["before"]:
        raise NotBegun
    return None


async def near(path: str, ctx: ToolContext) -> str:
    """Names like the one that is not there."""
    folder, name = os.path.split(path)
    try:
        entries = await ctx.services.backend.list(folder)
    except OSError:
        return f"; there is no folder {folder}"
    alike = difflib.get_close_matches(name, [entry.name for entry in entries], 3)
    return f"; near it: {', '.join(alike)}" if alike else ""


def diff(path: str, before: str, after: str) -> str:
    """A unified diff, as short as it can be."""
    old, new = before.split("\n"), after.split("\n")
    start = _alike(old, new)
    end = min(_alike(old[::-1], new[::-1]), len(old) - start, len(new) - start)
    # What is alike at both ends costs the comparison nothing; two lines of it are context.
    start, end = max(start - 2, 0), max(end - 2, 0)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if len(old) + len(new) > DIFF_LINES:
        return f"[{len(old)} lines became {len(new)}: too many to show]"
    lines = difflib.unified_diff(old, new, path, path, lineterm="", n=2)
    return "\n".join(_moved(line, start) for line in lines)


def _blocks(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Where old[a:b] became new[c:d], the whole of both in order."""
    start = _alike(old, new)
    end = min(_alike(old[::-1], new[::-1]), len(old) - start, len(new) - start)
    middle, changed = old[start : len(old) - end], new[start : len(new) - end]
    blocks = [(0, len(middle), 0, len(changed))]
    if len(middle) + len(changed) <= DIFF_LINES:
        matched = difflib.SequenceMatcher(None, middle, changed, False).get_opcodes()
        blocks = [block[1:] for block in matched]
    moved = [(a + start, b + start, c + start, d + start) for a, b, c, d in blocks]
    tail = (len(old) - end, len(old), len(new) - end, len(new))
    return [(0, start, 0, start), *moved, tail]


def _alike(one: list[str], other: list[str]) -> int:
    """How many lines from the start on are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _moved(line: str, by: int) -> str:
    """A hunk's head with its line numbers counted from the start of the file."""
    found = re.fullmatch(r"@@ -(\d+)(.*) \+(\d+)(.*) @@", line)
    if found is None:
        return line
    return f"@@ -{int(found[1]) + by}{found[2]} +{int(found[3]) + by}{found[4]} @@"


def hides_secrets(path: str, cwd: str) -> bool:
    """Whether a file that a search came by is left out: reading it would be asked about."""
    return is_secret(named(path, cwd)) or is_secret(resolved(path, cwd))


def shown(text: str) -> str:
    """A name or line as text: bytes that are not UTF-8 stand as escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
