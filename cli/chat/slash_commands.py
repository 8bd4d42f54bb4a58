"""The slash commands: one table, from which help, completion and running follow.

A command that the user wrote is a markdown file in .ml-agent/commands of the folder, once it is
trusted, or in `commands` next to the user's settings. Its text is the message; `$ARGUMENTS` in it
is for the words behind the command (without it they follow the text). `description:` in a head
between two lines of `---`, or the first line, is its help.
"""

import difflib
import importlib
import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.chat.state import Chat
from cli.chat.turns import handle_message
from configs.commands import command_texts
from configs.visible import visible
from core.errors import AgentError
from graph.tasks import HEAD, TASKS, own_message

#: Commands without their slash, if nothing else was typed.
WORDS = ("exit", "quit", "help")
#: What other programs call them.
OTHER_NAMES = {
    "permissions": "mode", "approvals": "mode", "config": "status", "settings": "status",
    "usage": "cost", "ps": "jobs", "bashes": "jobs", "todos": "plan", "history": "sessions",
    "continue": "resume", "skills": "skill", "summarize": "compact", "restore": "undo",
    "checkpoint": "rewind", "remember": "memory", "reset": "new", "login": "model",
}  # fmt: skip


@dataclass(frozen=True)
class SlashCommand:
    """A slash command.

    Attributes:
        name: without the slash. help: one line. takes: what may follow, for help.
        run: the function in cli/chat/commands; it gets the chat and the words behind the name.
        values: a function there that lists (value, what it is), for completion.
        anytime: it may run while a turn does. text: of a command that the user wrote.
        prompt: the `tools.extension.ServerPrompt` that it stands for.
    """

    name: str
    help: str
    run: str = ""
    takes: str = ""
    values: str = ""
    anytime: bool = False
    text: str = ""
    prompt: Any = None


COMMANDS = (
    SlashCommand("help", "list commands", "info:show_help", "[NAME]", "info:names", True),
    SlashCommand("new", "start a new session", "undo:new"),
    SlashCommand("undo", "undo the last turn", "undo:undo"),
    SlashCommand("redo", "redo the undone turn", "undo:redo"),
    SlashCommand("rewind", "go back to an earlier turn", "undo:rewind", "[TURN]", "undo:numbers"),
    SlashCommand("fork", "continue in a copy of this session", "undo:fork"),
    SlashCommand("resume", "continue another session of this folder", "threads:resume", "[ID]",
                 "threads:ids"),
    SlashCommand("sessions", "list the sessions of this folder, or search them",
                 "threads:sessions", "[TEXT]", anytime=True),
    SlashCommand("compact", "summarise the conversation now", "undo:compact"),
    SlashCommand("model", "choose the model", "model:model", "[ID|WORD]", "model:models"),
    SlashCommand("effort", "reasoning effort", "model:effort", "LEVEL", "model:efforts"),
    SlashCommand("mode", "permission mode", "model:mode", "[MODE]", "model:modes", True),
    SlashCommand("yolo", "allow everything without asking, or back", "model:yolo", anytime=True),
    SlashCommand("status", "folder, keys, caps, what runs", "status:status", anytime=True),
    SlashCommand("cost", "cost so far", "info:cost", anytime=True),
    SlashCommand("context", "contents of the next request", "info:context", anytime=True),
    SlashCommand("tools", "list the tools", "info:tools", "[WORD]", anytime=True),
    SlashCommand("mcp", "MCP server status, what one has", "info:mcp", "[SERVER]", anytime=True),
    SlashCommand("goal", "work until a command succeeds", "goal:goal",
                 "[TEXT --until CMD|pause|resume|clear]", "goal:words"),
    SlashCommand("jobs", "list running jobs, cancel one", "info:jobs", "[cancel ID]", anytime=True),
    SlashCommand("experiments", "show the trials of this session", "info:experiments",
                 "[table|tree|plot]", "info:experiment_forms", True),
    SlashCommand("plan", "show the plan", "info:plan", anytime=True),
    SlashCommand("skill", "work with a skill", "named_tasks:skill", "[NAME [TASK]]",
                 "named_tasks:skill_names"),
    SlashCommand("init", "propose an AGENTS.md for this folder", "named_tasks:init", "[WORDS]"),
    SlashCommand("review", "review uncommitted changes, those since a base, or files",
                 "named_tasks:review", "[BASE|FILE ...]"),
    SlashCommand("memory", "what sessions in this folder are told", "memory:memory",
                 "[edit|add LINE]", "memory:words"),
    SlashCommand("export", "write the session to a file: .md, or .jsonl for replay", "info:export",
                 "[FILE]"),
    SlashCommand("clear", "clear the screen, start a new session", "undo:clear"),
    SlashCommand("demo", "offline tour, without a key", "info:demo"),
    SlashCommand("quit", "leave; the session stays", "info:quit_"),
)  # fmt: skip


def all_commands(folder: Path) -> dict[str, SlashCommand]:
    """By name; a command that the user wrote replaces a built-in one only if that is a task."""
    written = (_own_command(name, text) for name, text in command_texts(folder))
    own = {command.name: command for command in written if command.text.strip()}
    known = {c.name: c for c in COMMANDS if c.name not in TASKS or c.name not in own}
    return {**own, **known}


async def with_prompts(chat: Chat) -> dict[str, SlashCommand]:
    """All commands, with the prompts of MCP servers."""
    from cli.chat.mcp_prompts import known_prompts

    found = {name: _of_prompt(name, one) for name, one in (await known_prompts(chat)).items()}
    return {**found, **all_commands(chat.folder)}


def _of_prompt(name: str, prompt: Any) -> SlashCommand:
    from cli.chat.mcp_prompts import takes, told

    return SlashCommand(name, told(prompt), takes=takes(prompt), prompt=prompt)


def _own_command(name: str, whole: str) -> SlashCommand:
    head = HEAD.match(whole)
    text = HEAD.sub("", whole, count=1)
    found = re.search(r"^description:\s*(.+)$", head[0], re.MULTILINE) if head else None
    first = text.strip().split("\n")[0].lstrip("# ")
    words = found[1].strip("\"' ") if found else first
    return SlashCommand(name, visible(words[:70]), takes="[WORDS]", text=text)


def is_command(text: str) -> bool:
    """Whether `text` is `/word ...` (a path has another slash), or a word that is one alone."""
    if text.strip().lower() in WORDS:
        return True
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    return word.startswith("/") and "/" not in word[1:]


async def find(chat: Chat, text: str) -> tuple[SlashCommand | None, str]:
    """The command that `text` names, and the words behind it; None: there is none, which is
    an error line. A prompt's server may be started for it."""
    alone = text.strip().lower()
    typed, _, words = (alone if alone in WORDS else text.strip()[1:]).partition(" ")
    known = all_commands(chat.folder)
    command = known.get({"exit": "quit", "q": "quit"}.get(typed, typed))
    try:
        command = command or await _prompt_command(chat, typed)
    except AgentError as error:
        chat.lines.complain(error.message, error.hint)
        return None, ""
    if command is None:
        near = [name for name in known if typed and name.startswith(typed)][:1]
        near = [OTHER_NAMES[typed]] if typed in OTHER_NAMES else near
        near = near or difflib.get_close_matches(typed, list(known), 1, 0.75)
        hint = f"did you mean /{near[0]}?" if near else "/help lists the commands"
        chat.lines.line(f"unknown command {text.split()[0]}; {hint}")
    return command, words.strip()


async def _prompt_command(chat: Chat, typed: str) -> SlashCommand | None:
    if not typed.startswith("mcp__") and ":" not in typed:
        return None
    from cli.chat.mcp_prompts import find_prompt

    prompt = await find_prompt(chat, typed)
    return _of_prompt(typed, prompt) if prompt is not None else None


async def run_command(chat: Chat, command: SlashCommand, words: str) -> None:
    """Run it; what the user did wrong is one line."""
    try:
        if command.prompt is not None:
            from cli.chat.mcp_prompts import run_prompt

            await run_prompt(chat, command.prompt, words)
        elif command.text:
            await handle_message(chat, own_message(command.text, words))
        else:
            await _function(command.run)(chat, words)
    except AgentError as error:
        chat.lines.complain(error.message, error.hint)


async def values_of(chat: Chat, command: SlashCommand) -> Sequence[tuple[str, str]]:
    """What may follow it: (value, what it is)."""
    found: Awaitable[Sequence[tuple[str, str]]] = _function(command.values)(chat)
    return await found


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(f"cli.chat.commands.{module}"), function)


def help_lines(commands: Mapping[str, SlashCommand], name: str = "") -> Iterator[str]:
    """A line per command; with `name`, that one only."""
    for command in commands.values():
        if not name or command.name == name:
            yield f"{f'/{command.name} {command.takes}':<17}  {command.help}"
    if not name:
        yield "!command           run it yourself; the model gets the output with your next message"
        yield "@path              mention a file or picture, with completion"
        yield "@server:uri        mention a resource of an MCP server"
        yield "Alt-Enter, or \\ as the last character, starts a new line. Ctrl-R searches."
        yield "During a turn: Enter queues a message, Up edits it again, Esc or Ctrl-C stops."
        yield "Shift-Tab changes the mode, Esc Esc goes back to a turn, Ctrl-T shows the plan,"
        yield "Ctrl-O the whole result (again: the one before), ? this help. Ctrl-D leaves."
