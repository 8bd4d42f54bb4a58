"""`ml-agent approvals`: pending calls of any session, decided from any terminal.

A decision is stored. A chat that shows the question continues within a second; if the session is
open nowhere, `sessions resume` continues it.
"""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cli.shared.approval_prompt import PREVIEW_LINES, reason_of
from cli.shared.command import HELP, prints, tell, thread_argument, with_store
from cli.shared.options import Options
from cli.shared.render import EventPrinter
from cli.shared.request_text import all_rows, head_and_rows
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note, to_stdout
from configs.visible import inline
from core.errors import NoSuchThread, UsageError
from core.titles import title_of

if TYPE_CHECKING:
    from core.store import Store

CALL = click.option("--call", metavar="ID", help="Only this call: id, its start or its end")


@click.group(context_settings=HELP)
def approvals() -> None:
    """Pending approvals from all sessions.

    Without an ID, a command uses the newest session of this folder that waits for approval.
    """


@approvals.command("list")
@click.option("--full", is_flag=True, help="Show every call in full")
@prints
@with_store
async def list_(store: "Store", options: Options, full: bool) -> int:
    """List the pending calls of all folders."""
    told = []
    for row in await store.threads.waiting():
        for request in await _open_requests(store, row.id):
            told.append({"thread": row.id, "title": row.title, "cwd": row.cwd, **request})
    if options.output != "json":
        if told:
            to_stdout(f"{'session':<20}  {'call':<13}  needs approval\n")
        for item in told:
            _show(item, full)
        if not told:
            note("no pending approvals")
    return tell(options, {"approvals": told}, [])


@approvals.command()
@thread_argument
@CALL
@click.option("--arguments", metavar="JSON", help="Run the call with these arguments instead")
@click.option("--answer", metavar="TEXT", help="Answer to a question of the model")
@prints
@with_store
async def approve(
    store: "Store", options: Options, arguments: str | None, answer: str | None, **which: Any
) -> int:
    """Approve pending calls."""
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
@click.option("--message", metavar="WORDS", default="", help="Message for the model")
@prints
@with_store
async def reject(store: "Store", options: Options, message: str, **which: Any) -> int:
    """Reject pending calls."""
    decision = {"type": "reject", "message": message}
    return await _decide(store, options, lambda request: decision, **which)


@approvals.command()
@click.option("--remove", metavar="RULE", help="Rule to revoke")
@prints
@with_store
async def granted(store: "Store", options: Options, remove: str | None) -> int:
    """List the rules that you granted for this folder with "always" in the chat."""
    folder = str(options.folder)
    if remove is not None:
        by_a_person("remove a rule")
        if not await store.grants.remove(folder, remove):
            raise UsageError(f"no such rule in {folder}: {remove!r}", "ml-agent approvals granted")
    rules = await store.grants.of(folder)
    if not rules and options.output != "json":
        note(f"no rules granted in {inline(folder)}")
    return tell(options, {"folder": folder, "rules": rules}, map(inline, rules))


def _show(item: dict[str, Any], full: bool) -> None:
    lines = EventPrinter(sys.stdout)
    place = lines.place(PREVIEW_LINES, "; --full shows all")
    head, rows = head_and_rows(item, place)
    lines.line(f"{item['thread']}  {item['id'][:13]}  {head.removeprefix('? ')}")
    lines.line("    " + " · ".join([reason_of(item), *map(inline, item.get("marks", []))]))
    lines.rows(all_rows(item, place) if full else rows)


async def _decide(
    store: "Store",
    options: Options,
    decide: Callable[[dict[str, Any]], dict[str, Any]],
    thread: str | None,
    call: str | None,
) -> int:
    by_a_person("decide about a call")
    row = await _waiting(store, thread, options.folder)
    requests = await _open_requests(store, row.id)
    chosen = [
        r for r in requests if call is None or r["id"].startswith(call) or r["id"].endswith(call)
    ]
    if not chosen:
        known = ", ".join(r["id"] for r in requests) or "none"
        raise UsageError(f"no such pending call in {row.id}; pending: {known}")
    if call is not None and len(chosen) > 1:
        raise UsageError(f"{call!r} matches several calls", "type more of the id")
    made = [(request, decide(request)) for request in chosen]
    for request, decision in made:
        if not await store.decisions.put(row.id, request["id"], decision):
            raise UsageError(f"{request['id']} is already decided", "ml-agent approvals list")
    left = len(requests) - len(chosen)
    decided = [{"call": r["id"], **d} for r, d in made]
    whats = [inline(r.get("title") or title_of(r["arguments"])) for r in chosen]
    lines = [f"{d['type']}: {r['tool']} {w}" for (r, d), w in zip(made, whats, strict=True)]
    tell(options, {"thread": row.id, "decided": decided, "left": left}, lines)
    if options.output != "json" and left:
        note(f"{left} more pending in {row.id}")
    elif options.output != "json" and not store.is_driven(row.id):
        note(f"an open chat continues on its own; otherwise: ml-agent sessions resume {row.id}")
    return 0


async def _waiting(store: "Store", thread: str | None, folder: Any) -> Any:
    """The thread that is intended. Raises NoSuchThread, UsageError: nothing waits in it."""
    waiting = await store.threads.waiting()
    if thread is None:
        here = [row for row in waiting if row.cwd == str(folder)]
        if not here:
            raise NoSuchThread(f"no pending approvals in {folder}", "ml-agent approvals list")
        return here[0]
    row = await store.threads.resolve(thread, str(folder))
    if row.status != "approval":
        raise UsageError(f"no pending approvals in {row.id}", "ml-agent approvals list")
    return row


async def _open_requests(store: "Store", thread: str) -> list[dict[str, Any]]:
    """The requests of a thread that no one has decided yet."""
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
        raise click.BadParameter(f"not JSON: {error}", param_hint="--arguments") from None
    if not isinstance(value, dict):
        raise click.BadParameter("not a JSON object", param_hint="--arguments")
    return value
