"""Slash commands of one's own: markdown files in .ml-agent/commands of the folder, and in
`commands` beside the person's settings.

The file's name is the command's; its text is the message, `$ARGUMENTS` in it the words behind the
command (without it they follow the text). `description:` in a head between two lines of `---`, or
the first line, is its help.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from cli.chat.commands import Command

if TYPE_CHECKING:
    from cli.chat.loop import Chat

HEAD = re.compile(r"\A---\n(.*?\n)?---\n", re.DOTALL)
NAME = re.compile(r"[\w-]+")
LARGEST = 100_000


def commands(folder: Path) -> Iterator[Command]:
    """The person's, and over them the folder's."""
    for place in (platformdirs.user_config_path("ml-agent"), folder / ".ml-agent"):
        for path in sorted(place.glob("commands/*.md")):
            made = _command(path) if NAME.fullmatch(path.stem) else None
            if made is not None:
                yield made


def _command(path: Path) -> Command | None:
    try:
        if path.stat().st_size > LARGEST:
            return None
        whole = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    head = HEAD.match(whole)
    text = whole[head.end() :] if head else whole
    found = re.search(r"^description:\s*(.+)$", head[0], re.MULTILINE) if head else None
    first = text.strip().split("\n")[0].lstrip("# ")
    words = found[1].strip("\"' ") if found else first

    async def run(chat: Chat, word: str) -> None:
        await chat.handle_message(filled(text, word))

    def message(word: str) -> str:
        return filled(text, word)

    if not text.strip():
        return None
    return Command(path.stem, words[:70], run, "[WORDS]", message=message)


def filled(text: str, words: str) -> str:
    """The message that the command stands for."""
    if "$ARGUMENTS" in text:
        return text.replace("$ARGUMENTS", words).strip()
    return f"{text.strip()}\n\n{words}".strip()
