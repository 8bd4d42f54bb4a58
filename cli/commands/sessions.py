"""`ml-agent sessions`: list, search, show, resume, undo, rename, delete and prune sessions."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cli.commands.time_line import fork, redo, undo
from cli.headless import headless
from cli.shared.chosen_thread import chosen_thread
from cli.shared.command import HELP, prints, tell, thread_argument, with_store
from cli.shared.message_text import message_as_data, print_message
from cli.shared.options import Duration, Options
from cli.shared.thread_text import line_of, plain
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import confirm, note
from configs.visible import inline
from core.errors import UsageError
from core.secrets.redaction import redacted, redacted_in
from core.store.goals import goal_line, goal_of
from core.store.wait_words import wait_line, wait_of

if TYPE_CHECKING:
    from core.store import Store

QUOTES = "a title is one argument: put it in quotes"
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation")


@click.group(context_settings=HELP)
def sessions() -> None:
    """Sessions: conversations and their changes, stored on disk.

    Without an ID, a command uses the newest session of this folder. ID is an id, its
    start or its end, @1 for the newest session of this folder, or words of the title.
    """


@sessions.command("list")
@click.option("--all", "everywhere", is_flag=True, help="Also list the sessions of other folders")
@click.option("--limit", type=click.IntRange(1), default=20, help="Max sessions (default 20)")
@prints
@with_store
async def list_(store: "Store", options: Options, everywhere: bool, limit: int) -> int:
    """List the newest sessions of this folder."""
    cwd, threads = str(options.folder), store.threads
    rows = await (threads.by_folder(cwd, limit) if everywhere else threads.list(cwd, limit))
    waits = {
        row.id: wait_of(wait) for wait, row in await store.waits.open() if row.status == "waiting"
    }
    found = await store.goals.of([row.id for row in rows])
    goals = {r.id: goal_of(found[r.id], store.standing(r)) for r in rows if r.id in found}
    if not rows and options.output != "json":
        note(f"no sessions in {cwd}{'' if everywhere else '; --all lists those of every folder'}")

    def lines() -> Iterator[str]:
        folder = None
        for row in rows:
            if everywhere and row.cwd != folder:
                folder = row.cwd
                yield inline(folder)
            indent = "  " if everywhere else ""
            yield redacted(f"{indent}{line_of(row, store.standing(row))}")
            if row.id in waits:
                yield f"{indent}    {wait_line(waits[row.id])}"
            if row.id in goals:
                yield f"{indent}    {goal_line(goals[row.id])}"

    told = [plain(row, store.standing(row), waits.get(row.id), goals.get(row.id)) for row in rows]
    return tell(options, redacted_in({"threads": told}), lines())


@sessions.command(options_metavar="[OPTIONS] TEXT")
@click.argument("words", metavar="TEXT", nargs=-1, required=True)
@click.option("--all", "everywhere", is_flag=True, help="Also search the sessions of other folders")
@click.option("--limit", type=click.IntRange(1), default=20, help="Max sessions (default 20)")
@prints
@with_store
async def search(
    store: "Store", options: Options, words: tuple[str, ...], everywhere: bool, limit: int
) -> int:
    """Find sessions by what was said in them, or by their title, the newest first.

    A message or title matches if it has all words, in any case.
    """
    from cli.shared.thread_text import found_lines, plain_found
    from graph.search import search as search_in

    text = " ".join(words)
    if not text.strip():
        raise click.UsageError("the text is empty")
    found = await search_in(store, text, None if everywhere else str(options.folder), limit)
    if not found and options.output != "json":
        here = "" if everywhere else f" in {inline(options.folder)}; --all searches every folder"
        note(f"no session has {inline(text)!r}{here}")
    told = [plain_found(one, store.standing(one.row)) for one in found]
    lines = (redacted(line) for one in found for line in found_lines(one, store.standing(one.row)))
    return tell(options, redacted_in({"threads": told}), lines)


@sessions.command()
@thread_argument
@prints
@with_store
async def show(store: "Store", options: Options, thread: str | None) -> int:
    """Show the conversation of a session."""
    from graph.thread import Thread

    row = await chosen_thread(store, thread, options)
    messages = await Thread(store, row.id).messages()
    told = redacted_in(
        {**plain(row, store.standing(row)), "messages": [message_as_data(m) for m in messages]}
    )
    head = f"{row.id}  {inline(redacted(row.title))}"
    tell(options, told, [head, f"{inline(row.cwd)} · {inline(row.model)} · {store.standing(row)}"])
    if options.output != "json":
        for message in messages:
            print_message(message)
    return 0


@sessions.command()
@thread_argument
@prints
def resume(options: Options, thread: str | None) -> int:
    """Finish a turn that was cut off, without a new message."""
    by_a_person("resume a session", terminal=False)
    return headless(replace(options, resume=thread, go_on=thread is None), None)


@sessions.command(options_metavar="[OPTIONS] [ID]")
@click.argument("words", metavar="TITLE", nargs=-1, required=True)
@prints
@with_store
async def rename(store: "Store", options: Options, words: tuple[str, ...]) -> int:
    """Change the title of a session."""
    if len(words) > 2:
        raise click.UsageError(QUOTES)
    *wanted, title = words
    if not title.strip():
        raise click.UsageError("the title is empty")
    by_a_person("rename a session")
    row = await chosen_thread(store, wanted[0] if wanted else None, options, QUOTES)
    row = await store.threads.rename(row.id, title)
    if options.output != "json":
        note(f"{row.id} is now '{inline(row.title)}'")
    return tell(options, plain(row, store.standing(row)), [])


@sessions.command()
@click.argument("thread", metavar="ID")
@yes_option
@prints
@with_store
async def delete(store: "Store", options: Options, thread: str, yes: bool) -> int:
    """Delete a session and everything stored for it."""
    from cli.commands.delete_threads import delete_one

    by_a_person("delete a session")
    row = await store.threads.resolve(thread, str(options.folder))
    if not yes and not _confirmed(f"delete {row.id} ({inline(row.title)})?"):
        return 1
    return await delete_one(store, row, options)


@sessions.command()
@click.option(
    "--older-than", type=Duration(), metavar="DURATION",
    help="Minimum age: 12h, 30d (default 30d; with --keep: any age)",
)  # fmt: skip
@click.option(
    "--keep", type=click.IntRange(0), metavar="N", help="Keep the newest N of each folder"
)
@click.option("--all", "everywhere", is_flag=True, help="Delete in all folders")
@click.option(
    "--force", is_flag=True, help="Also delete sessions that wait for approval or were cut off"
)
@click.option("--dry-run", is_flag=True, help="List the sessions, delete none")
@yes_option
@prints
@with_store
async def prune(
    store: "Store", options: Options, everywhere: bool, yes: bool, **wanted: Any
) -> int:
    """Delete the old sessions of this folder, and free their disk space.

    Without --force, sessions stay if they wait for approval, were cut off, or have a running
    command. A session that is open in another process always stays.
    """
    from cli.commands.delete_threads import Wanted
    from cli.commands.delete_threads import prune as pruned

    if not wanted["dry_run"]:
        by_a_person("delete sessions")
    cwd = None if everywhere else str(options.folder)
    ask = (lambda question: True) if yes else _confirmed
    return await pruned(store, Wanted(cwd=cwd, **wanted), options, ask)


@sessions.command()
@thread_argument
@click.option(
    "--format", "form", type=click.Choice(["markdown", "jsonl"]), default="markdown",
    show_default=True, help="Format; jsonl is for replay and the Hub's trace viewer",
)  # fmt: skip
@click.option("--to", metavar="FILE", help="File to write instead of standard output")
@prints
@with_store
async def export(
    store: "Store", options: Options, thread: str | None, form: str, to: str | None
) -> int:
    """Print a whole session, compacted parts included."""
    from cli.shared.export import export as exported

    row = await chosen_thread(store, thread, options)
    return await exported(store, row, form, to, as_object=options.output == "json")


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask in", "pass --yes")
    return confirm(question)


for command in (undo, redo, fork):
    sessions.add_command(command)
