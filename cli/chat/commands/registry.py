"""The slash commands: one list, from which help, completion and running follow.

A new one is a `Command` in the list COMMANDS of a module, and that module in `all_commands`.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.chat.loop import Chat

#: Values that can follow a command: (value, what it is).
Values = Callable[["Chat"], Awaitable[Sequence[tuple[str, str]]]]


@dataclass(frozen=True)
class SlashCommand:
    """A slash command.

    Attributes:
        name: without the slash. help: one line. takes: what may follow, for help.
        run: gets the chat and the words behind the name.
        values: for completion. anytime: it may run while a turn does. message: it stands for a
            message, made of the words behind it.
    """

    name: str
    help: str
    run: Callable[[Chat, str], Awaitable[None]]
    takes: str = ""
    values: Values | None = None
    anytime: bool = False
    message: Callable[[str], str] | None = None


def all_commands(chat: Chat) -> dict[str, SlashCommand]:
    """By name; a command of the person's own never takes the place of a built-in one."""
    from cli.chat import custom_commands, first_run
    from cli.chat.commands import info, model, undo

    groups = (undo, model, info, first_run)
    built_in = [HELP, *(command for group in groups for command in group.COMMANDS), QUIT]
    known = {command.name: command for command in built_in}
    return {**{c.name: c for c in custom_commands.commands(chat.folder)}, **known}


def find(chat: Chat, text: str) -> tuple[SlashCommand | None, str]:
    """The command that `text` names, and the words behind it."""
    name, _, word = text.strip()[1:].partition(" ")
    name = {"exit": "quit", "q": "quit"}.get(name, name)
    return all_commands(chat).get(name), word.strip()


def nearest(chat: Chat, name: str) -> str:
    near = difflib.get_close_matches(name, list(all_commands(chat)), 1, 0.6)
    return f"/{near[0]}" if near else ""


async def _help(chat: Chat, word: str) -> None:
    for text in help_lines(chat, word.removeprefix("/")):
        chat.lines.line(text)


def help_lines(chat: Chat, name: str = "") -> Iterator[str]:
    """A line per command; with `name`, that one only."""
    for command in all_commands(chat).values():
        if not name or command.name == name:
            yield f"{f'/{command.name} {command.takes}':<18} {command.help}"
    if not name:
        yield "!command           run it yourself; the model is told with your next message"
        yield "@path              mention a file, with completion; pictures, too"
        yield "Alt-Enter, or \\ at its end, goes on in the next line. Ctrl-R searches."
        yield "While it works: Enter queues a message, Up takes it back, Esc or Ctrl-C stops."
        yield "Ctrl-O shows a folded result. Ctrl-D leaves."


async def _quit(chat: Chat, word: str) -> None:
    chat.leaving = True


async def _names(chat: Chat) -> list[tuple[str, str]]:
    return [(name, command.help) for name, command in all_commands(chat).items()]


HELP = SlashCommand("help", "what there is", _help, "[NAME]", _names, anytime=True)
QUIT = SlashCommand("quit", "leave; the thread stays", _quit)
