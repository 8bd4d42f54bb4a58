"""The folder's memory as the user sees and edits it."""

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from configs.folder_files import Unreadable
from configs.folders import write_atomically
from configs.memory import is_trusted, memory_content, memory_file, memory_item
from configs.trust import remember
from configs.visible import inline, visible
from core.errors import UsageError

HOW = "ml-agent memory edit writes it; the model proposes lines, and you approve them"


def memory_state(folder: Path) -> dict[str, Any]:
    """path, text, and whether it counts."""
    content = _content(folder)
    text = (content or b"").decode("utf-8", "replace")
    counts = bool(text.strip()) and is_trusted(folder, content)
    return {"path": str(memory_file(folder)), "text": text, "trusted": counts}


def memory_lines(folder: Path) -> Iterator[str]:
    """For people: the file, and why it does not count."""
    state = memory_state(folder)
    if not state["text"].strip():
        yield f"no memory in this folder yet; {HOW}"
        return
    counts = "" if state["trusted"] else " · not trusted, so it does not count (ml-agent trust)"
    yield f"{visible(state['path'])}{counts}"
    yield from map(inline, state["text"].splitlines())


def add_line(folder: Path, line: str) -> None:
    """The user's own line, at the end. Raises UsageError."""
    content = _content(folder) or b""
    if content.strip() and not is_trusted(folder, content):
        raise UsageError(f"{memory_file(folder)} is not trusted", "ml-agent trust shows it")
    before = content.decode("utf-8", "replace").rstrip("\n")
    _prepared(folder)
    write_atomically(memory_file(folder), f"{before}\n- {line}\n".lstrip("\n"))
    trust_edited(folder, content)


def edit_command(folder: Path) -> list[str]:
    """The user's editor on the file. Raises UsageError: there is none, or it cannot be edited."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    known = shlex.split(named) or [name for name in ("nano", "vi") if shutil.which(name)][:1]
    if not known or shutil.which(known[0]) is None:
        raise UsageError("Cannot edit the memory: no editor was found", "set EDITOR")
    _content(folder)
    _prepared(folder)
    return [*known, str(memory_file(folder))]


def trust_edited(folder: Path, before: bytes | None) -> bool:
    """Whether the user changed it; it counts then."""
    after = _content(folder)
    if after is None or after == before:
        return False
    remember(folder, [memory_item(after)], trusted=True)
    return True


def _content(folder: Path) -> bytes | None:
    try:
        return memory_content(folder)
    except Unreadable as why:
        raise UsageError(f"{memory_file(folder)} cannot be used: {why}") from None


def _prepared(folder: Path) -> None:
    try:
        memory_file(folder).parent.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot write {memory_file(folder)}: {error.strerror}") from None
