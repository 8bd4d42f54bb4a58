"""`ml-agent sessions`: list, show, resume, move back, rename, delete and prune threads."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import click

from cli.shared.bootstrap import folder_of, guarded, settings_for
from cli.shared.options import Duration, output_option
from cli.shared.render import EventPrinter, telling
from cli.shared.thread_text import line_of, plain
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import confirm, note, print_json, to_stdout
from configs.visible import inline
from core.errors import UsageError
from core.secrets.redaction import redacted, redacted_in

QUOTES = "a title is one argument: put it in quotes"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def sessions() -> None:
    """Threads: what was said and done, kept on disk.

    Where an ID is left out, the newest thread of this folder is meant; the start of an ID will
    do.
    """


@sessions.command("list")
@click.option("--all", "everywhere", is_flag=True, help="Then those of the other folders.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@output_option
@click.pass_context
def list_(ctx: click.Context, everywhere: bool, limit: int, output: str | None) -> None:
    """The newest threads of this folder."""
    options = _options(ctx, output)

    async def work(store: Any) -> int:
        cwd = str(folder_of(options))
        threads = store.threads
        rows = await (threads.by_folder(cwd, limit) if everywhere else threads.list(cwd, limit))
        if options["output"] == "json":
            told = [plain(row, store.standing(row)) for row in rows]
            print_json(redacted_in({"threads": told}))
            return 0
        folder = None
        for row in rows:
            if everywhere and row.cwd != folder:
                folder = row.cwd
                to_stdout(f"{inline(folder)}\n")
            indent = "  " if everywhere else ""
            to_stdout(redacted(f"{indent}{line_of(row, store.standing(row))}\n"))
        if not rows:
            hint = "" if everywhere else "; --all shows those of every folder"
            note(f"no threads in {cwd}{hint}")
        return 0

    _exit(ctx, options, work)


@sessions.command()
@click.argument("thread", metavar="[ID]", required=False)
@output_option
@click.pass_context
def show(ctx: click.Context, thread: str | None, output: str | None) -> None:
    """A thread's conversation."""
    options = _options(ctx, output)

    async def work(store: Any) -> int:
        from graph.thread import read_thread

        row = await _chosen(store, thread, options)
        messages = await read_thread(store, row.id)
        if options["output"] == "json":
            told = [_message(m) for m in messages]
            print_json(redacted_in({**plain(row, store.standing(row)), "messages": told}))
            return 0
        to_stdout(f"{row.id}  {inline(redacted(row.title))}\n")
        to_stdout(f"{inline(row.cwd)} · {inline(row.model)} · {store.standing(row)}\n")
        for message in messages:
            _print_message(message)
        return 0

    _exit(ctx, options, work)


@sessions.command()
@click.argument("thread", metavar="[ID]", required=False)
@output_option
@click.pass_context
def resume(ctx: click.Context, thread: str | None, output: str | None) -> None:
    """Finish a turn that was cut off, without a new message."""
    from cli.headless import headless

    options = _options(ctx, output)
    options |= {"resume": thread, "go_on": thread is None}

    def work() -> int:
        by_a_person("resume a session", terminal=False)
        return headless(options, None)

    ctx.exit(guarded(work, options))


@sessions.command()
@click.argument("thread", metavar="[ID]", required=False)
@click.option("--turns", type=click.IntRange(1), default=1, help="How many (1).")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@output_option
@click.pass_context
def undo(
    ctx: click.Context, thread: str | None, turns: int, dry_run: bool, output: str | None
) -> None:
    """Take back the last turn: what was said, and the files it changed.

    A file that somebody changed since is left as it is, and named; so is what cannot be taken back.
    """
    _move(ctx, thread, output, dry_run, lambda line: line.undo(turns, dry_run=dry_run))


@sessions.command()
@click.argument("thread", metavar="[ID]", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@output_option
@click.pass_context
def redo(ctx: click.Context, thread: str | None, dry_run: bool, output: str | None) -> None:
    """Do the turn again that was taken back last."""
    _move(ctx, thread, output, dry_run, lambda line: line.redo(dry_run=dry_run), redo=True)


@sessions.command()
@click.argument("thread", metavar="[ID]", required=False)
@click.option("--at", type=click.IntRange(1), metavar="TURN", help="From the end of this turn.")
@output_option
@click.pass_context
def fork(ctx: click.Context, thread: str | None, at: int | None, output: str | None) -> None:
    """A new thread that goes on from this one; prints its id."""
    options = _options(ctx, output)

    async def work(store: Any) -> int:
        from cli.shared.undo_text import time_line

        by_a_person("fork a session", terminal=False)
        row = await _chosen(store, thread, options)
        made = await time_line(settings_for(options).settings, store, row).fork(at)
        if options["output"] == "json":
            print_json(plain(made, "done"))
        else:
            to_stdout(f"{made.id}\n")
        return 0

    _exit(ctx, options, work)


def _move(
    ctx: click.Context,
    thread: str | None,
    output: str | None,
    dry_run: bool,
    how: Callable[[Any], Awaitable[Any]],
    *,
    redo: bool = False,
) -> None:
    options = _options(ctx, output)

    async def work(store: Any) -> int:
        from cli.shared.undo_text import tell, time_line

        if not dry_run:
            by_a_person("redo a turn" if redo else "undo a turn")
        row = await _chosen(store, thread, options)
        moved = await how(time_line(settings_for(options).settings, store, row))
        if options["output"] == "json":
            print_json({"thread": row.id, "dry_run": dry_run, **moved.to_dict()})
        else:
            tell(moved, EventPrinter(sys.stdout), redo=redo, dry_run=dry_run)
        return 0

    _exit(ctx, options, work)


@sessions.command(options_metavar="[OPTIONS] [ID]")
@click.argument("words", metavar="TITLE", nargs=-1, required=True)
@output_option
@click.pass_context
def rename(ctx: click.Context, words: tuple[str, ...], output: str | None) -> None:
    """Give a thread another TITLE."""
    if len(words) > 2:
        raise click.UsageError(QUOTES)
    *wanted, title = words
    if not title.strip():
        raise click.UsageError("the title is empty")
    options = _options(ctx, output)

    async def work(store: Any) -> int:
        by_a_person("rename a session")
        row = await _chosen(store, wanted[0] if wanted else None, options, QUOTES)
        row = await store.threads.rename(row.id, title)
        if options["output"] == "json":
            print_json(plain(row, store.standing(row)))
        else:
            note(f"{row.id} is now '{inline(row.title)}'")
        return 0

    _exit(ctx, options, work)


@sessions.command()
@click.argument("thread", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option
@click.pass_context
def delete(ctx: click.Context, thread: str, yes: bool, output: str | None) -> None:
    """Delete a thread with everything kept of it."""
    options = _options(ctx, output)

    async def work(store: Any) -> int:
        from cli.commands.delete_threads import delete_one

        by_a_person("delete a session")
        row = await store.threads.resolve(thread)
        if not yes and not _confirmed(f"delete {row.id} ({inline(row.title)})?"):
            return 1
        return await delete_one(store, row, options)

    _exit(ctx, options, work)


@sessions.command()
@click.option(
    "--older-than", type=Duration(), metavar="DURATION",
    help="Not touched for so long: 12h, 30d (30d; with --keep alone: any).",
)  # fmt: skip
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Spare each folder's newest N.")
@click.option("--all", "everywhere", is_flag=True, help="In all folders.")
@click.option("--force", is_flag=True, help="Also those that wait for approval or were cut off.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option
@click.pass_context
def prune(
    ctx: click.Context,
    older_than: float | None,
    keep: int | None,
    everywhere: bool,
    force: bool,
    dry_run: bool,
    yes: bool,
    output: str | None,
) -> None:
    """Delete this folder's old threads, and give their space back.

    One stays that waits for approval, was cut off, or has a command that still runs; --force
    deletes it too. One that is driven stays in any case.
    """
    options = _options(ctx, output)

    async def work(store: Any) -> int:
        from cli.commands.delete_threads import Wanted
        from cli.commands.delete_threads import prune as pruned

        if not dry_run:
            by_a_person("delete sessions")
        cwd = None if everywhere else str(folder_of(options))
        wanted = Wanted(cwd, older_than, keep, force, dry_run)
        ask = (lambda question: True) if yes else _confirmed
        return await pruned(store, wanted, options, ask)

    _exit(ctx, options, work)


@sessions.command()
@click.argument("thread", metavar="[ID]", required=False)
@click.option(
    "--format", "form", type=click.Choice(["markdown", "jsonl"]), default="markdown",
    show_default=True, help="jsonl: for replay, and for the Hub's trace viewer.",
)  # fmt: skip
@click.option("--to", metavar="FILE", help="Write a file instead of standard output.")
@click.pass_context
def export(ctx: click.Context, thread: str | None, form: str, to: str | None) -> None:
    """Print a thread whole, compacted parts included."""
    options = _options(ctx, None)

    async def work(store: Any) -> int:
        from cli.commands.export import export as exported

        return await exported(store, await _chosen(store, thread, options), form, to)

    _exit(ctx, options, work)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask in", "pass --yes")
    return confirm(question)


def _options(ctx: click.Context, output: str | None) -> dict[str, Any]:
    options = dict(ctx.obj or {})
    options["output"] = output or options.get("output") or "text"
    return options


def _exit(
    ctx: click.Context, options: dict[str, Any], work: Callable[[Any], Awaitable[int]]
) -> None:
    async def with_store() -> int:
        from core.store import open_store

        async with await open_store(settings_for(options).settings) as store:
            return await work(store)

    ctx.exit(guarded(lambda: asyncio.run(with_store()), options))


async def _chosen(
    store: Any, wanted: str | None, options: dict[str, Any], hint: str | None = None
) -> Any:
    """The thread that is meant. Raises NoSuchThread, with `hint` where an ID was given."""
    from core.errors import NoSuchThread

    if wanted:
        try:
            return await store.threads.resolve(wanted)
        except NoSuchThread as error:
            raise NoSuchThread(error.message, hint or error.hint) from None
    row = await store.threads.newest(str(folder_of(options)))
    if row is None:
        raise NoSuchThread(f"no thread was started in {folder_of(options)}")
    return row


def _message(message: Any) -> dict[str, Any]:
    plain = {"role": message.type, "text": message.text}
    if getattr(message, "tool_calls", None):
        plain["tool_calls"] = [
            {"id": c["id"], "tool": c["name"], "arguments": c["args"]} for c in message.tool_calls
        ]
    if message.type == "tool":
        plain |= {"tool_call_id": message.tool_call_id, "ok": message.status == "success"}
    return plain


def _print_message(message: Any) -> None:
    lines = EventPrinter(sys.stdout)
    if message.type == "human":
        from core.history import is_note, said_by_person

        if is_note(message):
            return
        lines.line(f"\n> {redacted(said_by_person(message))}", "1")
    elif message.type == "ai":
        if message.text:
            lines.line(redacted(message.text))
        for call in message.tool_calls:
            said = inline(telling(call["name"], redacted_in(call["args"])))
            lines.line(f"● {call['name']} {said}", "36")
    elif message.type == "tool":
        first, *more = redacted(message.text).split("\n")
        mark = "└" if message.status == "success" else "✗"
        lines.line(f"  {mark} {first[:160]}" + (f" [+{len(more)} lines]" if more else ""), "2")
