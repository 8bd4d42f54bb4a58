"""Slash commands that show something and change nothing of the conversation."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.chat.first_run import run_demo
from cli.chat.slash_commands import help_lines, with_prompts
from cli.chat.state import Chat
from cli.chat.threads import ensure_open
from cli.shared.render import MARKS, money
from configs.visible import inline

FORMS = "/experiments table, /experiments tree or /experiments plot"
PERIODS = {"turn": "this turn", "thread": "this session", "day": "today, all sessions"}


async def cost(chat: Chat, word: str) -> None:
    if chat.session is None:
        chat.lines.line("no cost yet")
        return
    for name, spent in (await chat.session.cost()).items():
        if name in PERIODS:
            unknown = ", plus calls at an unknown price" if spent.unknown else ""
            chat.lines.line(f"{PERIODS[name]:<20} {money(spent.amount)}{unknown}")
    left = await chat.session.left()
    if left is not None:
        chat.lines.line(f"{'left under the caps':<20} {money(left)}")


async def context(chat: Chat, word: str) -> None:
    if await ensure_open(chat):
        for text in use_of_context(await chat.session.context_use()):
            chat.lines.line(text)


def use_of_context(use: Any) -> Iterator[str]:
    """What the next request holds, as lines."""
    known = "" if use.window_is_known else " (assumed; set context_window)"
    share = 100 * use.total / use.window
    yield f"{use.total:,} of {use.window:,} tokens, {share:.0f} %{known}"
    yield f"  system prompt   {use.prompt:>9,}"
    yield f"  {len(use.tools):>2} tools        {sum(use.tools.values()):>9,}"
    yield f"  messages        {use.messages:>9,}"
    yield f"compacted above   {use.threshold:>9,}"


async def tools(chat: Chat, word: str) -> None:
    if await ensure_open(chat):
        use = await chat.session.context_use()
        for name, tokens in use.tools.items():
            if word in name:
                chat.lines.line(f"{name:<12} {tokens:>6,} tokens")


async def mcp(chat: Chat, word: str) -> None:
    """The state of each server; of one that is named, its prompts and resources."""
    if word:
        from cli.chat.mcp_prompts import known_prompts, known_resources

        prompts = [name for name, one in (await known_prompts(chat)).items() if one.server == word]
        found = [f"/{name}" for name in prompts]
        found += [f"@{name}" for name, _ in await known_resources(chat, f"{word}:")]
        for text in found or [f"no prompts or resources are known of {inline(word)}"]:
            chat.lines.line(text)
    elif await ensure_open(chat):
        states = await chat.session.mcp_states()
        for name, state in states.items():
            chat.lines.line(f"{name:<20} {state}")
        if not states:
            chat.lines.line("no MCP servers configured; add one: ml-agent mcp add")


async def jobs(chat: Chat, word: str) -> None:
    from cli.shared.jobs import jobs_command

    if chat.session is None:
        chat.lines.line("no session yet")
    else:
        await jobs_command(chat.session, word, chat.lines.line)


async def experiments(chat: Chat, word: str) -> None:
    """The trials as a table, a tree or a plot."""
    from cli.shared.experiment_plot import plotted
    from cli.shared.experiment_text import table, tree
    from configs.visible import visible
    from core.errors import UsageError
    from core.experiments.points import chart_of
    from core.secrets.redaction import redacted

    found = await chat.session.experiment() if chat.session is not None else None
    if found is None:
        chat.lines.line("no experiment")
        return
    if word == "plot":
        chart = chart_of(*found).with_words(visible)
        lines = plotted(chart, shutil.get_terminal_size().columns)
    elif word in ("", "table", "tree"):
        lines = tree(found[1]) if word == "tree" else table(*found)
    else:
        raise UsageError(f"Cannot show {word}: it is not a form of an experiment.", FORMS)
    for text in lines:
        chat.lines.line(redacted(text))


async def experiment_forms(chat: Chat) -> list[tuple[str, str]]:
    """For completion."""
    return [
        ("table", "a line per trial"),
        ("tree", "each trial below its parent"),
        ("plot", "the metric over the trials, the cost over the metric"),
    ]


async def plan(chat: Chat, word: str) -> None:
    items: list[Any] = await chat.session.plan() if chat.session is not None else []
    if not items:
        chat.lines.line("no plan")
    for item in items:
        chat.lines.line(f"{MARKS[item['status']]} {item['text']}")


async def export(chat: Chat, word: str) -> None:
    """Markdown, or a recording where the file's name ends with .jsonl."""
    from cli.shared.export import written
    from core.errors import UsageError
    from graph.transcript.write import as_jsonl, as_markdown

    if chat.session is None:
        chat.lines.line("no session yet")
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
    """The file that a user named, from `folder` on. Raises UsageError: it is a folder."""
    from core.errors import UsageError

    path = folder / Path(name).expanduser()
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "name a file")
    return path


async def show_help(chat: Chat, word: str) -> None:
    for text in help_lines(await with_prompts(chat), word.removeprefix("/")):
        chat.lines.line(text)


async def names(chat: Chat) -> list[tuple[str, str]]:
    return [(name, command.help) for name, command in (await with_prompts(chat)).items()]


async def demo(chat: Chat, word: str) -> None:
    await run_demo(chat)


async def quit_(chat: Chat, word: str) -> None:
    chat.leaving = True
