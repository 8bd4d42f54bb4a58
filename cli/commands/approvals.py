"""`ml-agent approvals`: calls that wait for a person, of any thread, decided from any terminal.

A decision is written down. The chat that asks takes it within a second; where nobody drives the
thread, `sessions resume` goes on with it.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import click

from cli.shared.approval_prompt import PREVIEW_LINES
from cli.shared.bootstrap import folder_of, guarded, settings_for
from cli.shared.options import output_option
from cli.shared.render import EventPrinter, told_word
from cli.shared.request_text import all_rows, head_and_rows
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note, print_json, to_stdout
from configs.visible import inline

CALL = click.option("--call", metavar="ID", help="Only this call; the start of its id will do.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def approvals() -> None:
    """Calls that wait for your word, of any thread.

    Where a thread's ID is left out, the newest one that waits in this folder is meant.
    """


@approvals.command("list")
@click.option("--full", is_flag=True, help="All of each call, however long.")
@output_option
@click.pass_context
def list_(ctx: click.Context, full: bool, output: str | None) -> None:
    """What waits, in every folder."""

    async def work(store: Any, options: dict[str, Any]) -> int:
        told = []
        for row in await store.threads.waiting():
            for request in await _open_requests(store, row.id):
                told.append({"thread": row.id, "title": row.title, "cwd": row.cwd, **request})
        if options["output"] == "json":
            print_json({"approvals": told})
            return 0
        for item in told:
            _show(item, full)
        if not told:
            note("nothing waits for approval")
        return 0

    _run(ctx, output, work)


@approvals.command()
@click.argument("thread", metavar="[ID]", required=False)
@CALL
@click.option("--arguments", metavar="JSON", help="Run it with these arguments instead.")
@click.option("--answer", metavar="TEXT", help="The answer to a question of the model.")
@output_option
@click.pass_context
def approve(
    ctx: click.Context,
    thread: str | None,
    call: str | None,
    arguments: str | None,
    answer: str | None,
    output: str | None,
) -> None:
    """Let calls that wait run."""
    changed = _object(arguments)

    def decide(request: dict[str, Any]) -> dict[str, Any]:
        if "respond" in request["decisions"]:
            if answer is None:
                from core.errors import UsageError

                raise UsageError(f"{request['tool']} asks a question", "give --answer TEXT")
            return {"type": "respond", "message": answer}
        if changed is not None:
            return {"type": "edit", "edited_action": {"name": request["tool"], "args": changed}}
        return {"type": "approve"}

    _decide(ctx, thread, call, output, decide)


@approvals.command()
@click.argument("thread", metavar="[ID]", required=False)
@CALL
@click.option("--message", metavar="WORDS", default="", help="What to tell the model.")
@output_option
@click.pass_context
def reject(
    ctx: click.Context, thread: str | None, call: str | None, message: str, output: str | None
) -> None:
    """Do not let calls that wait run."""
    _decide(ctx, thread, call, output, lambda request: {"type": "reject", "message": message})


@approvals.command()
@click.option("--remove", metavar="RULE", help="Take this rule back.")
@output_option
@click.pass_context
def granted(ctx: click.Context, remove: str | None, output: str | None) -> None:
    """Rules that were granted for this folder, "always" in the chat."""

    async def work(store: Any, options: dict[str, Any]) -> int:
        from core.errors import UsageError

        folder = str(folder_of(options))
        if remove is not None:
            by_a_person("remove a rule")
        if remove is not None and not await store.grants.remove(folder, remove):
            raise UsageError(f"no rule {remove!r} was granted in {folder}", "approvals granted")
        rules = await store.grants.of(folder)
        if options["output"] == "json":
            print_json({"folder": folder, "rules": rules})
        else:
            to_stdout("".join(f"{inline(rule)}\n" for rule in rules))
        return 0

    _run(ctx, output, work)


def _show(item: dict[str, Any], full: bool) -> None:
    lines = EventPrinter(sys.stdout)
    place = lines.place(PREVIEW_LINES, "; --full shows them")
    head, rows = head_and_rows(item, place)
    lines.line(f"{item['thread']}  {item['id'][:13]}  {head.removeprefix('? ')}")
    lines.line(f"    {item['effect']}: {inline(item['reason'])}")
    lines.rows(all_rows(item, place) if full else rows)


def _decide(
    ctx: click.Context,
    thread: str | None,
    call: str | None,
    output: str | None,
    decide: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    async def work(store: Any, options: dict[str, Any]) -> int:
        from core.errors import UsageError

        by_a_person("decide about a call")
        row = await _waiting(store, thread, folder_of(options))
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
        driven = store.is_driven(row.id)
        if options["output"] == "json":
            decided = [{"call": r["id"], **d} for r, d in made]
            print_json({"thread": row.id, "decided": decided, "left": left})
            return 0
        for request, decision in made:
            what = inline(told_word(request["tool"], request["arguments"]))
            to_stdout(f"{decision['type']}: {request['tool']} {what}\n")
        if left:
            note(f"{left} more wait in {row.id}")
        elif not driven:
            said = "a chat that asks goes on by itself; else: ml-agent sessions resume"
            note(f"{said} {row.id}")
        return 0

    _run(ctx, output, work)


async def _waiting(store: Any, thread: str | None, folder: Any) -> Any:
    """The thread that is meant. Raises NoSuchThread, UsageError: nothing waits in it."""
    from core.errors import NoSuchThread, UsageError

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
    from graph.thread import read_pending

    requests = await read_pending(store, thread)
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


def _run(
    ctx: click.Context, output: str | None, work: Callable[[Any, dict[str, Any]], Awaitable[int]]
) -> None:
    options = dict(ctx.obj or {})
    options["output"] = output or options.get("output") or "text"

    async def with_store() -> int:
        from core.store import open_store

        async with await open_store(settings_for(options).settings) as store:
            return await work(store, options)

    ctx.exit(guarded(lambda: asyncio.run(with_store()), options))
