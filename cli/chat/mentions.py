"""What a message mentions with @, files and resources: what the model is told about them."""

import asyncio
import os
from pathlib import Path

from cli.chat.state import Chat, while_stoppable
from core.mentions import mentioned, resources_in

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
#: Folders whose files no one means.
SKIPPED = {".git", "__pycache__", "node_modules", ".venv", ".mypy_cache", ".ruff_cache"}
#: Files that are looked at for completion, and how many are offered.
LOOKED, OFFERED = 20_000, 50


async def with_mentions(chat: Chat, text: str, typed: str) -> str | None:
    """`text`, a line per file that `typed` mentions, which says what it is, and the resources of
    MCP servers that it mentions; None: the user stopped it. The model reads files with its own
    tool, under the same rules as any other file. Raises AgentError: a resource cannot be read."""
    from graph.server_contents import resource_blocks

    told = await asyncio.to_thread(_told, chat.folder, typed)
    contents, blocks = chat.session.contents, list[str]()
    if resources_in(typed, contents.names() if contents else ()):
        read = await while_stoppable(chat, resource_blocks(chat.session, typed))
        if read is None:
            return None
        blocks = read
    if any(line.endswith("a picture") for line in told) and not await _sees(chat):
        chat.lines.line("this model cannot see pictures; it gets the file name only", "33")
    files = "\n".join(f"[mentioned: {line}]" for line in told)
    return "\n\n".join(part for part in (text, files, *blocks) if part)


async def _sees(chat: Chat) -> bool:
    seen: bool = await chat.session.sees()
    return seen


def _told(folder: Path, text: str) -> list[str]:
    found: dict[str, str] = {}
    for name in mentioned(text):
        path = folder / os.path.expanduser(name)
        if path.is_dir():
            found[name] = f"{path}, a folder"
        elif path.is_file():
            kind = "a picture" if path.suffix.lower() in PICTURES else f"{_size(path)} bytes"
            found[name] = f"{path}, {kind}"
    return list(found.values())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def offered(folder: Path, begun: str) -> list[str]:
    """Paths below `folder` that what was typed after @ may mean: those in its folder first, then
    whatever below has its letters in its name."""
    head, _, name = begun.rpartition("/")
    base = folder / os.path.expanduser(head + "/" if head else ".")
    near = [f"{head}/{entry}" if head else entry for entry in _entries(base, name)]
    if begun and len(near) < OFFERED:
        near += [path for path in _below(folder, begun.lower()) if path not in near]
    return near[:OFFERED]


def _entries(base: Path, name: str) -> list[str]:
    try:
        with os.scandir(base) as entries:
            found = [
                entry.name + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.lower().startswith(name.lower())
                and (name.startswith(".") or not entry.name.startswith("."))
                and entry.name not in SKIPPED
            ]
    except OSError:
        return []
    return sorted(found)


def _below(folder: Path, letters: str) -> list[str]:
    found, looked = [], 0
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in sorted(folders) if f not in SKIPPED and not f.startswith(".")]
        looked += len(files)
        for name in sorted(files):
            path = os.path.relpath(os.path.join(place, name), folder)
            if letters in path.lower():
                found.append(path)
        if looked > LOOKED or len(found) > OFFERED:
            break
    return sorted(found, key=lambda path: (letters not in os.path.basename(path).lower(), path))
