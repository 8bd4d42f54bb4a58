"""Slash commands of one's own: markdown files in .ml-agent/commands of the folder, once they are
trusted, and in `commands` beside the user's settings.

The file's name is the command's; its text is the message, `$ARGUMENTS` in it the words behind the
command (without it they follow the text). `description:` in a head between two lines of `---`, or
the first line, is its help.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.chat.commands.registry import SlashCommand
from configs.commands import command_texts
from configs.visible import visible

if TYPE_CHECKING:
    from cli.chat.loop import Chat

HEAD = re.compile(r"\A---\n(.*?\n)?---\n", re.DOTALL)


def commands(folder: Path) -> Iterator[SlashCommand]:
    """The user's, and over them the folder's that are trusted."""
    for name, text in command_texts(folder):
        made = _command(name, text)
        if made is not None:
            yield made


def _command(name: str, whole: str) -> SlashCommand | None:
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
    return SlashCommand(name, visible(words[:70]), run, "[WORDS]", message=message)


def filled(text: str, words: str) -> str:
    """The message that the command stands for."""
    if "$ARGUMENTS" in text:
        return text.replace("$ARGUMENTS", words).strip()
    return f"{text.strip()}\n\n{words}".strip()
