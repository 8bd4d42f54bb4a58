"""What read, write and edit share: a file's content as text, and what a thread knows of it."""

from __future__ import annotations

import difflib
import hashlib
import os
from dataclasses import dataclass
from typing import Any

from graph.context import NotBegun, ToolResult, ToolRun
from graph.errors import ToolError
from graph.policy.paths import resolved

#: A larger file is not read whole.
LARGEST = 20_000_000


@dataclass(frozen=True)
class TextFile:
    """A text file. `newline`: "\\r\\n" where the file uses it; `text` has "\\n" alone."""

    path: str
    text: str
    encoding: str
    newline: str
    sha256: str

    def encoded(self, text: str) -> bytes:
        """`text` as bytes in this file's encoding and line ends. Raises ToolError."""
        try:
            return text.replace("\n", self.newline).encode(self.encoding)
        except UnicodeEncodeError as error:
            raise ToolError(
                f"{self.path} is {self.encoding} and cannot hold this text: {error}"
            ) from None


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def content_of(path: str, run: ToolRun) -> bytes | None:
    """A file's bytes; None where there is none. Raises ToolError with what is wrong."""
    try:
        if os.path.isdir(path):
            raise ToolError(f"{path} is a folder")
        if os.path.exists(path) and os.path.getsize(path) > LARGEST:
            raise ToolError(f"{path} has more than {LARGEST:,} bytes: use a command on it")
        content: bytes = await run.services.backend.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ToolError(f"cannot read {path}: {error.strerror}") from None
    return content


def decoded(path: str, content: bytes) -> TextFile:
    """`content` as text. Raises ToolError for what is no text."""
    if b"\0" in content[:8192] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ToolError(f"{path} is no text file ({len(content):,} bytes)")
    encoding = "utf-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif content.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
        text = content.decode(encoding)
    newline = "\r\n" if "\r\n" in text and "\n" not in text.replace("\r\n", "") else "\n"
    if newline == "\r\n":
        text = text.replace("\r\n", "\n")
    return TextFile(path, text, encoding, newline, digest(content))


def absolute(path: str, run: ToolRun) -> str:
    """`path` as the thread means it: relative to its working directory, links followed."""
    return resolved(path, run.cwd)


async def known(path: str, content: bytes, run: ToolRun) -> None:
    """Raise ToolError unless this thread has read exactly this content of `path`."""
    seen = await run.services.files_seen.get(run.thread, path)
    if seen is None:
        raise ToolError(f"{path} exists and was not read in this thread: read it first")
    if seen != digest(content):
        raise ToolError(f"{path} has changed since it was read: read it again")


async def put(path: str, before: bytes | None, after: bytes, run: ToolRun) -> None:
    """Write `after`, with the evidence in the journal first. Raises ToolError."""
    evidence = {"path": path, "before": digest(before) if before is not None else None}
    await run.note({**evidence, "after": digest(after)})
    try:
        await run.services.backend.write(path, after)
    except OSError as error:
        raise ToolError(f"cannot write {path}: {error.strerror or error}") from None
    await run.services.files_seen.mark(run.thread, path, digest(after))


async def recovered(run: ToolRun, note: dict[str, Any]) -> ToolResult | None:
    """What became of a write that was cut off, by the file's content. Raises NotBegun."""
    try:
        content = await run.services.backend.read(note["path"])
    except FileNotFoundError:
        content = None
    except OSError:
        return None
    now = digest(content) if content is not None else None
    if now == note["after"]:
        await run.services.files_seen.mark(run.thread, note["path"], note["after"])
        return ToolResult(f"Wrote {note['path']} (found done after the session was cut off).")
    if now == note["before"]:
        raise NotBegun
    return None


def diff(path: str, before: str, after: str) -> str:
    """A unified diff, as short as it can be."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), path, path, lineterm="", n=2
    )
    return "\n".join(lines)
