"""Prompts of MCP servers as slash commands: `/mcp__server__prompt words`.

The names are Claude Code's; `/server:prompt` means the same. They are known from the servers' last
start, so none is started for the list.
"""

import asyncio
import re
import shlex
from typing import TYPE_CHECKING, Any

from cli.chat.state import Chat, while_stoppable
from cli.chat.threads import ensure_open
from cli.chat.turns import run_turn, with_ran
from cli.shared.answers import Asked
from configs.visible import inline, needs_escapes, visible
from core.errors import AgentError, UsageError

if TYPE_CHECKING:
    from tools.extension import ServerContents, ServerPrompt

PREFIX = "mcp__"
#: Characters of a description that are shown.
LONGEST = 70
#: Resources that are offered.
OFFERED = 50


def command_name(server: str, prompt: str) -> str:
    return PREFIX + "__".join(re.sub(r"[^A-Za-z0-9_-]", "_", part) for part in (server, prompt))


async def known_prompts(chat: Chat) -> "dict[str, ServerPrompt]":
    """By the name of their command, as the servers listed them last."""
    contents = await _contents(chat)
    prompts = [] if contents is None else await contents.prompts()
    return {command_name(one.server, one.name): one for one in prompts}


async def known_resources(chat: Chat, begun: str) -> list[tuple[str, str]]:
    """(`server:uri`, what it is) of the resources that what was typed after @ may mean."""
    contents = await _contents(chat)
    found = [] if contents is None else await contents.resources()
    words = begun.lower()
    near = [(name, told) for name, told in found if words in name.lower()]
    near.sort(key=lambda pair: not pair[0].lower().startswith(words))
    shown = [(name, visible(" ".join(told.split())[:LONGEST])) for name, told in near]
    return [pair for pair in shown if not needs_escapes(pair[0])][:OFFERED]


async def _contents(chat: Chat) -> "ServerContents | None":
    """What the servers listed last; none is started."""
    from tools import tool_servers

    if chat.session is not None:
        found: ServerContents | None = chat.session.contents
        return found
    try:
        # In a thread: the first time, it imports much.
        servers = await asyncio.to_thread(tool_servers, chat.settings, str(chat.folder))
    except AgentError:
        return None  # said when a session opens
    return servers.contents if servers is not None else None


async def find_prompt(chat: Chat, typed: str) -> "ServerPrompt | None":
    """The prompt of a command, `/server:prompt` too. Its server is started if its list is not
    known. Raises AgentError."""
    server, colon, prompt = typed.partition(":")
    name = command_name(server, prompt) if colon else typed
    if not name.startswith(PREFIX):
        return None
    known = await known_prompts(chat)
    if name in known or not await ensure_open(chat) or chat.session.contents is None:
        return known.get(name)
    for server in chat.session.contents.names():
        if name.startswith(command_name(server, "")):
            listed = await while_stoppable(chat, chat.session.contents.prompts(server))
            known |= {command_name(one.server, one.name): one for one in listed or ()}
    return known.get(name)


def takes(prompt: "ServerPrompt") -> str:
    """Its arguments, for help: `PATH [DEPTH]`."""
    names = [(inline(one["name"]).upper(), one.get("required")) for one in prompt.arguments]
    return " ".join(name if required else f"[{name}]" for name, required in names)


def told(prompt: "ServerPrompt") -> str:
    return visible(" ".join(prompt.description.split())[:LONGEST]) or f"prompt of {prompt.server}"


async def run_prompt(chat: Chat, prompt: "ServerPrompt", words: str) -> None:
    """Ask for the arguments that are missing, and send the prompt's text. Raises AgentError."""
    from graph.server_contents import message_of_prompt

    if not await ensure_open(chat):
        return
    given = arguments_of(prompt, words)
    for argument in prompt.arguments:
        if argument.get("required") and not given.get(argument["name"]):
            answer = await chat.frontend.ask(Asked(_question(argument)))
            if not answer:
                chat.lines.line(f"not sent: {inline(argument['name'])} is missing", "33")
                return
            given[argument["name"]] = answer
    said = " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())
    command = f"/{command_name(prompt.server, prompt.name)} {said}".strip()
    made = await while_stoppable(chat, message_of_prompt(chat.session, prompt, given, command))
    if made is not None:
        await run_turn(chat, chat.session.send(with_ran(chat, made)))


def _question(argument: dict[str, Any]) -> str:
    said = " ".join(str(argument.get("description") or "").split())[:LONGEST]
    return f"{inline(argument['name'])}{f' ({visible(said)})' if said else ''}: "


def arguments_of(prompt: "ServerPrompt", words: str) -> dict[str, str]:
    """The words behind the command by the argument's name: `name=value`, or in their order; the
    last argument takes the rest. Raises UsageError: there are too many."""
    names = [argument["name"] for argument in prompt.arguments]
    if not names and words:
        raise UsageError(f"the prompt {inline(prompt.name)} takes no arguments")
    if len(names) == 1 and not words.startswith(f"{names[0]}="):
        return {names[0]: words} if words else {}
    try:
        parts = shlex.split(words)
    except ValueError:  # a quote that does not end
        parts = words.split()
    given: dict[str, str] = {}
    placed: list[str] = []
    for part in parts:
        name, equals, value = part.partition("=")
        if equals and name in names:
            given[name] = value
        else:
            placed.append(part)
    free = [name for name in names if name not in given]
    if placed and not free:
        raise UsageError(f"{' '.join(placed)}: each argument of the prompt has its value already")
    if len(placed) > len(free):
        placed = [*placed[: len(free) - 1], " ".join(placed[len(free) - 1 :])]
    return {**given, **dict(zip(free, placed, strict=False))}
