"""Writes the tables of README.md and docs/guide from the code.

    uv run python -m docs.print_guide

Names, options, fields and defaults are the code's; the words are in this file where the code has
none. tests/test_guide.py holds the pages to what this prints, and fails on a name without words.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from cli.main import cli
from configs.project import FOR_PROJECTS, IF_TRUSTED, LOWERED
from configs.settings import Settings
from core.events import EVENTS, Event
from tools import builtin_tools

ROOT = Path(__file__).parent.parent
#: What the commands do; those with a space are commands of a group.
COMMANDS = {
    "demo": "Offline tour with a recorded model",
    "sessions": "List, show, resume, undo, fork, export and delete sessions",
    "sessions list": "Newest sessions of this folder; with `--all` also those of other folders",
    "sessions show": "Conversation of a session",
    "sessions resume": "Finish a turn that was cut off, headless, without a new message",
    "sessions undo": "Undo the last turn: conversation and files",
    "sessions redo": "Redo the last undone turn",
    "sessions fork": "New session that starts as a copy; prints its id",
    "sessions rename": "Change the title of a session",
    "sessions export": "Whole session as Markdown or JSON Lines, compacted parts included",
    "sessions prune": "Delete old sessions, except those that are open, wait or were cut off",
    "sessions delete": "Delete a session and everything stored for it",
    "approvals": "List, approve and reject pending calls, from any terminal",
    "approvals list": "Pending approvals from all sessions",
    "approvals approve": "Run pending calls, change the arguments of one, or answer a question",
    "approvals reject": "Reject pending calls; the model gets the message",
    "approvals granted": "Rules that you granted for this folder",
    "watch": "Wake sessions that wait, of all folders, and continue them",
    "wake": "End the wait of a session by hand; `--message` is for the model",
    "replay": "Run a recorded session again and name the first difference",
    "trust": "Show what a folder contains for ML Agent, and trust it",
    "web": "Chat in a browser, with the same sessions",
    "acp": "Work in an editor: Zed, JetBrains, VS Code",
    "mcp": "List, test, add and remove MCP servers",
    "mcp list": "Configured servers and their tools",
    "mcp test": "Start servers, sign in if needed, list their tools",
    "mcp add": "Add a server by its address or its command",
    "mcp remove": "Remove a server",
    "tools": "Tools of the model, with their cost in tokens",
    "config": "Show settings, explain what the policy decides",
    "config show": "Every setting with value, origin and meaning",
    "config explain": "Verdict of the policy on a call, without running it",
    "doctor": "What works on this machine and what is missing",
    "completion": 'Completion script for a shell: `eval "$(ml-agent completion bash)"`',
}
OPTIONS = {
    "--model": "Model id, see [Models](models.md); `-m list` prints all",
    "--fallback-model": "Model to use for the rest of a turn if the main model is unavailable",
    "--effort": "[Reasoning effort](models.md#reasoning), `none` to `max`, if the model takes it",
    "--max-iterations": "Max model calls per turn (default 300)",
    "--max-cost": "Cap of this run, in USD (headless: default 5, unless `budget.turn` is set)",
    "--max-time": "Max time of a turn: `90`, `90s`, `15m`, `2h`",
    "--detach": "Exit with code 6 when the run [waits](autonomy.md), instead of staying",
    "--no-stream": "Ask the model for whole answers instead of streams",
    "--continue": "Continue the newest session of this folder; without a task and a terminal: "
    "finish its cut-off turn",
    "--resume": "Continue this session; a unique prefix of the id is enough",
    "--mode": "[Permission mode](permissions.md) (default: `ask` in the chat, `auto` headless)",
    "--yolo": "Same as `--mode yolo`",
    "--allow": "[Rule](permissions.md#rules) that allows calls in this run; repeatable",
    "--deny": "Rule that denies calls in this run; repeatable",
    "--output": "Output of a headless run on stdout",
    "--json": "Same as `--output json`",
    "--sandbox": "Work in a [Hugging Face sandbox](jobs.md#a-hugging-face-sandbox); "
    "`none`: on this machine again. The session remembers it",
    "--cwd": "Working directory",
    "--config": "Additional settings file",
    "--debug": "Print tracebacks and the logs of libraries",
    "--version": "Print the version",
}
SLASH = {
    "/help": "List commands; `/help NAME` explains one",
    "/model": "List, find or switch the model",
    "/effort": "Set the reasoning effort",
    "/mode": "Set the permission mode",
    "/yolo": "Switch the mode `yolo` on and off",
    "/new": "Start a new session",
    "/clear": "Clear the screen and start a new session",
    "/status": "Session, model, mode and running commands",
    "/cost": "Cost of the turn, the session and the day",
    "/context": "Contents of the next request, in tokens",
    "/plan": "Plan of the session",
    "/undo": "Show what the last turn changed; Enter undoes it",
    "/redo": "Redo the last undone turn",
    "/rewind": "Choose an earlier turn and undo back to it",
    "/fork": "Continue in a copy of this session",
    "/resume": "Open another session of this folder",
    "/sessions": "List the sessions of this folder",
    "/compact": "Summarize the conversation now",
    "/tools": "List the tools of the model",
    "/mcp": "Status of the MCP servers",
    "/jobs": "Running jobs; `/jobs cancel ID` ends one",
    "/export": "Write the session to a file",
    "/demo": "Offline tour",
    "/quit": "Leave; the session is kept",
}
#: What an event means, and what its fields do not say by themselves.
EVENT_WORDS = {
    "ready": "The session is open",
    "processing": "A message begins a turn or joins it; `resumes` says why an old one continues",
    "assistant_chunk": "Part of an answer; `kind` is `answer` or `thinking`",
    "assistant_message": "A whole answer",
    "assistant_stream_end": "The stream ended; `withdrawn`: discard what was shown of this answer",
    "tool_call": "The model calls a tool; `title`: the call in a few words",
    "tool_output": "Result of a call; `truncated`: `text` is not complete; `summary`: what came of "
    "it in a line, if it has one",
    "tool_log": "Line of a running command, or a wait before the next attempt (tool `model`); "
    "`progress`: loss, step and time left of a training, in a line",
    "tool_state_change": "`state` is `pending`, `approved`, `edited`, `rejected`, `running`, "
    "`done`, `failed`, `interrupted` or `unknown`",
    "approval_required": "Each request has `id`, `tool`, `arguments`, `effect`, `title`, `reason`, "
    "`marks` (what is dangerous in it), "
    "`price_micro_usd`, `left_micro_usd` (what the caps leave), `preview` and `decisions`",
    "waiting": "The turn [waits](autonomy.md); `reasons` in words, times in epoch seconds",
    "turn_complete": "The turn ended; `since`: epoch seconds, if it began in an earlier process",
    "error": "The turn failed; `hint` is the next step",
    "interrupted": "The turn was stopped; `at` is `model`, `tools` or the reason",
    "compacted": "Older messages became a summary",
    "undo_complete": "Result of an undo from a program (`Moved.event()`); turns never send it",
    "shutdown": "The session closed",
}
TOOLS = {
    "ask_user": "Asks you a question; headless the model must decide itself",
    "bash": "Runs a shell command, in the background if asked",
    "edit": "Changes a passage of a file or notebook cell that the session has read",
    "github": "Searches code, lists repositories by stars, finds examples, reads files and issues",
    "glob": "Finds files by name, without those in `.gitignore` and without secret files",
    "grep": "Finds lines by regular expression, without the same files",
    "hf_api": "Searches the Hub's HTTP API",
    "hf_dataset": "Inspects a dataset: training methods, problems, rows, leaks of evaluation sets",
    "hf_docs": "Searches and reads current Hugging Face documentation",
    "hf_fit": "Lists hardware that a model fits for a training method, with price",
    "hf_jobs": "Runs scripts and commands on Hugging Face hardware, see [Jobs](jobs.md)",
    "hf_papers": "Finds and reads papers: trending, search, one section, citations, resources",
    "hf_repo": "Reads and changes repositories: files, branches, tags, pull requests, settings",
    "hf_search": "Finds models, datasets and Spaces",
    "plan": "Keeps the plan",
    "process": "Lists, follows and ends background commands",
    "read": "Reads lines of a file, cells of a notebook, an image or a folder",
    "research": "Gives a question to a sub-agent that only reads, with its own context and budget",
    "web": "Searches the web without a key, reads public pages as Markdown",
    "wait": "Ends the run until a job or command ends, a command succeeds, or a time comes",
    "write": "Creates a file, or replaces one that the session has read",
}


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n"
                   for line in lines)  # fmt: skip


def commands_table() -> str:
    """The commands of the first level."""
    return table(
        ("command", "what it does"),
        ((f"`{n}`", COMMANDS[n]) for n in cli.list_commands(click.Context(cli))),
    )


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that runs something, with its path."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group):
            yield name, command
            continue
        for inner in command.list_commands(context):
            one = command.get_command(context, inner)
            assert one is not None
            if not one.hidden:
                yield f"{name} {inner}", one


def value(option: click.Option) -> str:
    """What follows the name of `option`; empty for a flag."""
    if option.is_flag:
        return ""
    shown = option.make_metavar(click.Context(cli)).strip("<>")
    return " " + shown.replace("INTEGER RANGE", "N")


def usage(path: str, command: click.Command) -> str:
    """`path` with its arguments and options; --output json is said once for all."""
    context = click.Context(command)
    parts = [path]
    for one in command.params:
        if isinstance(one, click.Argument):
            parts.append(one.make_metavar(context))
        elif isinstance(one, click.Option) and not set(one.opts) & {"--output", "--json"}:
            parts.append(f"[{one.opts[-1]}{value(one)}]")
    return " ".join(parts)


def all_commands_table() -> str:
    rows = ((f"`{usage(path, command)}`", COMMANDS[path]) for path, command in all_commands())
    return table(("command", "what it does"), rows)


def options_table() -> str:
    rows = []
    for one in cli.params:
        if isinstance(one, click.Option) and one.opts[-1] != "--help":
            names = ", ".join(f"`{name}`" for name in one.opts[:-1])
            shown = f"{names}, " if names else ""
            rows.append((f"{shown}`{one.opts[-1]}{value(one)}`", OPTIONS[one.opts[-1]]))
    return table(("option", "meaning"), iter(rows))


def slash_table() -> str:
    return table(("command", "what it does"), ((f"`{n}`", words) for n, words in SLASH.items()))


def settings(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """(dotted key, default, meaning) of each setting; MCP servers have another page."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings(kind, f"{prefix}{name}.")
        else:
            default = field.get_default(call_default_factory=True)
            yield prefix + name, default, field.description or ""


def who_may_set(key: str) -> str:
    """Whether a folder's file may set `key`."""
    names = {key, key.split(".")[0]}
    if names & set(FOR_PROJECTS):
        return "yes"
    if names & set(LOWERED):
        return "stricter"
    return "if trusted" if names & set(IF_TRUSTED) else "no"


def settings_table() -> str:
    rows = (
        (f"`{key}`", meaning, f"`{json.dumps(default)}`", who_may_set(key))
        for key, default, meaning in settings()
    )
    return table(("key", "meaning", "default", "folder"), rows)


def events_table() -> str:
    common = {field.name for field in dataclasses.fields(Event)}
    rows = []
    for name, event in EVENTS.items():
        fields = [f"`{one.name}`" for one in dataclasses.fields(event) if one.name not in common]
        rows.append((f"`{name}`", ", ".join(fields), EVENT_WORDS[name]))
    return table(("event", "fields", "meaning"), iter(rows))


def tools_table() -> str:
    return table(("tool", "what it does"), ((f"`{name}`", TOOLS[name]) for name in builtin_tools()))


#: Page and name of each table.
TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"commands": commands_table},
    "docs/guide/commands.md": {"options": options_table, "all commands": all_commands_table},
    "docs/guide/chat.md": {"slash commands": slash_table},
    "docs/guide/settings.md": {"settings": settings_table},
    "docs/guide/events.md": {"events": events_table},
    "docs/guide/tools.md": {"tools": tools_table},
}


def with_tables(name: str, page: str) -> str:
    """`page` with its tables as the code has them."""
    for what, make in TABLES[name].items():
        start, end = f"<!-- {what}: docs/print_guide.py -->", f"<!-- end of {what} -->"
        block = f"{start}\n\n{make()}\n{end}"
        pattern = f"{re.escape(start)}.*?{re.escape(end)}"
        page, count = re.subn(pattern, lambda _, b=block: b, page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{name} has {count} places for {what}")
    return page


if __name__ == "__main__":
    for name in TABLES:
        path = ROOT / name
        path.write_text(with_tables(name, path.read_text(encoding="utf-8")), encoding="utf-8")
