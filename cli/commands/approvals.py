"""`ml-agent approvals`: calls that wait for a person, of any thread, decided from any terminal.

A decision is written down. The chat that asks takes it within a second; where nobody drives the
thread, `sessions resume` goes on with it.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from cli.shared.approval_prompt import PREVIEW_LINES
from cli.shared.command import HELP, prints, tell, thread_argument, with_store
from cli.shared.options import Options
from cli.shared.render import EventPrinter, told_word
from cli.shared.request_text import all_rows, head_and_rows
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note
from configs.visible import inline
from core.errors import NoSuchThread, UsageError

CALL = click.option("--call", metavar="ID", help="Only this call; the start of its id will do.")


@click.group(context_settings=HELP)
def approvals() -> None:
    """Calls that wait for your word, of any thread.

    Where a thread's ID is left out, the newest one that waits in this folder is meant.
    """


@approvals.command("list")
@click.option("--full", is_flag=True, help="All of each call, however long.")
@prints
@with_store
async def list_(store: Any, options: Options, full: bool) -> int:
    """What waits, in every folder."""
    told = []
    for row in await store.threads.waiting():
        for request in await _open_requests(store, row.id):
            told.append({"thread": row.id, "title": row.title, "cwd": row.cwd, **request})
    if options.output != "json":
        for item in told:
            _show(item, full)
        if not told:
            note("nothing waits for approval")
    return tell(options, {"approvals": told}, [])


@approvals.command()
@thread_argument
@CALL
@click.option("--arguments", metavar="JSON", help="Run it with these arguments instead.")
@click.option("--answer", metavar="TEXT", help="The answer to a question of the model.")
@prints
@with_store
async def approve(
    store: Any, options: Options, arguments: str | None, answer: str | None, **which: Any
) -> int:
    """Let calls that wait run."""
    changed = _object(arguments)

    def decide(request: dict[str, Any]) -> dict[str, Any]:
        if "respond" in request["decisions"]:
            if answer is None:
                raise UsageError(f"{request['tool']} asks a question", "give --answer TEXT")
            return {"type": "respond", "message": answer}
        if changed is not None:
            return {"type": "edit", "edited_action": {"name": request["tool"], "args": changed}}
        return {"type": "approve"}

    return await _decide(store, options, decide, **which)


@approvals.command()
@thread_argument
@CALL
@click.option("--message", metavar="WORDS", default="", help="What to tell the model.")
@prints
@with_store
async def reject(store: Any, options: Options, message: str, **which: Any) -> int:
    """Do not let calls that wait run."""
    decision = {"type": "reject", "message": message}
    return await _decide(store, options, lambda request: decision, **which)


@approvals.command()
@click.option("--remove", metavar="RULE", help="Take this rule back.")
@prints
@with_store
async def granted(store: Any, options: Options, remove: str | None) -> int:
    """Rules that were granted for this folder, "always" in the chat."""
    folder = str(options.folder)
    if remove is not None:
        by_a_person("remove a rule")
        if not await store.grants.remove(folder, remove):
            raise UsageError(f"no rule {remove!r} was granted in {folder}", "approvals granted")
    rules = await store.grants.of(folder)
    return tell(options, {"folder": folder, "rules": rules}, map(inline, rules))


def _show(item: dict[str, Any], full: bool) -> None:
    lines = EventPrinter(sys.stdout)
    place = lines.place(PREVIEW_LINES, "; --full shows them")
    head, rows = head_and_rows(item, place)
    lines.line(f"{item['thread']}  {item['id'][:13]}  {head.removeprefix('? ')}")
    lines.line(f"    {item['effect']}: {inline(item['reason'])}")
    lines.rows(all_rows(item, place) if full else rows)


async def _decide(
    store: Any,
    options: Options,
    decide: Callable[[dict[str, Any]], dict[str, Any]],
    thread: str | None,
    call: str | None,
) -> int:
    by_a_person("decide about a call")
    row = await _waiting(store, thread, options.folder)
    requests = await _open_requests(store, row.id)
    chosen = [r for r in requests if call is None or r["id"].startswith(call)]
    if not chosen:
        known = ", ".join(r["id"] for r in requests) or "none"
        raise UsageError(f"no such call waits in {row.id}; there are: {known}")
    if call is not None and len(chosen) > 1:
        raise UsageError(f"{call!r} fits several calls", "type more of the id")
    made = [(request, decide(request)) for request in chosen]
    for request, decision in made:
        if not await store.decisions.put(row.id, request["id"], decision):
            raise UsageError(f"{request['id']} was decided before", "approvals list")
    left = len(requests) - len(chosen)
    decided = [{"call": r["id"], **d} for r, d in made]
    whats = [inline(told_word(r["tool"], r["arguments"])) for r in chosen]
    lines = [f"{d['type']}: {r['tool']} {w}" for (r, d), w in zip(made, whats, strict=True)]
    tell(options, {"thread": row.id, "decided": decided, "left": left}, lines)
    if options.output != "json" and left:
        note(f"{left} more wait in {row.id}")
    elif options.output != "json" and not store.is_driven(row.id):
        note(f"a chat that asks goes on by itself; else: ml-agent sessions resume {row.id}")
    return 0


async def _waiting(store: Any, thread: str | None, folder: Any) -> Any:
    """The thread that is meant. Raises NoSuchThread, UsageError: nothing waits in it."""
    waiting = await store.threads.waiting()
    if thread is None:
        here = [row for row in waiting if row.cwd == str(folder)]
        if not here:
            raise NoSuchThread(f"nothing waits for approval in {folder}", "approvals list")
        return here[0]
    row = await store.threads.resolve(thread)
    if row.status != "approval":
        raise UsageError(f"nothing waits for approval in {row.id}", "approvals list")
    return row


async def _open_requests(store: Any, thread: str) -> list[dict[str, Any]]:
    """The requests of a thread that nobody has decided yet."""
    from graph.thread import Thread

    requests = await Thread(store, thread).pending()
    decided = await store.decisions.of(thread, [request["id"] for request in requests])
    return [request for request in requests if request["id"] not in decided]


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is no JSON: {error}", param_hint="--arguments") from None
    if not isinstance(value, dict):
        raise click.BadParameter("it is no JSON object", param_hint="--arguments")
    return value
