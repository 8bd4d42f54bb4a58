"""Slash commands that show something and change nothing of the conversation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.chat.commands.registry import SlashCommand
from cli.shared.render import MARKS, money

if TYPE_CHECKING:
    from cli.chat.loop import Chat

PERIODS = {"turn": "this turn", "thread": "this thread", "day": "today, all threads"}


async def _status(chat: Chat, word: str) -> None:
    chat.status()
    if chat.session is not None:
        for command in await chat.session.commands():
            chat.lines.line(f"runs: {command}", "2")


async def _cost(chat: Chat, word: str) -> None:
    if chat.session is None:
        chat.lines.line("nothing was spent yet")
        return
    for name, spent in (await chat.session.cost()).items():
        if name in PERIODS:
            unknown = ", and more at an unknown price" if spent.unknown else ""
            chat.lines.line(f"{PERIODS[name]:<20} {money(spent.amount)}{unknown}")


async def _context(chat: Chat, word: str) -> None:
    from cli.shared.model_choice import use_of_context

    if await chat.open_kindly():
        for text in use_of_context(await chat.session.context_use()):
            chat.lines.line(text)


async def _tools(chat: Chat, word: str) -> None:
    if await chat.open_kindly():
        use = await chat.session.context_use()
        for name, tokens in use.tools.items():
            if word in name:
                chat.lines.line(f"{name:<12} {tokens:>6,} tokens")


async def _mcp(chat: Chat, word: str) -> None:
    if await chat.open_kindly():
        states = await chat.session.mcp_states()
        for name, state in states.items():
            chat.lines.line(f"{name:<20} {state}")
        if not states:
            chat.lines.line("no MCP servers are configured; ml-agent mcp add")


async def _jobs(chat: Chat, word: str) -> None:
    from cli.shared.jobs import jobs_command

    if chat.session is None:
        chat.lines.line("there is no thread yet")
    else:
        await jobs_command(chat.session, word, chat.lines.line)


async def _plan(chat: Chat, word: str) -> None:
    items: list[Any] = await chat.session.plan() if chat.session is not None else []
    if not items:
        chat.lines.line("there is no plan")
    for item in items:
        chat.lines.line(f"{MARKS[item['status']]} {item['text']}")


async def _export(chat: Chat, word: str) -> None:
    """Markdown, or a recording where the file's name ends with .jsonl."""
    from cli.shared.export import written
    from core.errors import UsageError
    from graph.transcript.write import as_jsonl, as_markdown

    if chat.session is None:
        chat.lines.line("there is no thread yet")
        return
    row, messages = chat.session.thread, await chat.session.export()
    path = target(chat.folder, word or f"ml-agent-{row.id}.md")
    as_form = as_jsonl if path.suffix == ".jsonl" else as_markdown
    try:
        written(path, as_form(row, messages))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    chat.lines.line(f"{len(messages)} messages written to {path}")


def target(folder: Path, name: str) -> Path:
    """The file that a person named, from `folder` on. Raises UsageError: it is a folder."""
    from core.errors import UsageError

    path = folder / Path(name).expanduser()
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "name a file")
    return path


async def _clear(chat: Chat, word: str) -> None:
    await chat.close()
    await chat.face.clear()
    chat.lines.line("a new thread begins with your next message", "2")


COMMANDS = [
    SlashCommand("status", "thread, model, mode, commands that run", _status, anytime=True),
    SlashCommand("cost", "what was spent", _cost, anytime=True),
    SlashCommand("context", "what the next request holds", _context, anytime=True),
    SlashCommand("tools", "what the model can call", _tools, "[WORD]", anytime=True),
    SlashCommand("mcp", "how the MCP servers stand", _mcp, anytime=True),
    SlashCommand("jobs", "jobs that go on", _jobs, "[cancel ID]", anytime=True),
    SlashCommand("plan", "the checklist", _plan, anytime=True),
    SlashCommand(
        "export", "write the thread to a file: .md, or .jsonl to replay", _export, "[FILE]"
    ),
    SlashCommand("clear", "an empty screen, a new thread", _clear),
]
