"""Between what waits in a thread and what a user decides: interrupts to requests, and back."""

import time
from collections.abc import Sequence
from typing import Any

from langgraph.types import Command, Interrupt

from core.errors import UsageError
from core.store import Store
from core.store.rows import SqlDecisions


def requests_of(interrupts: Sequence[Interrupt]) -> list[dict[str, Any]]:
    """The approval requests that wait: [{tool, arguments, id, effect, title, marks,
    reason, price_micro_usd, left_micro_usd, preview, decisions}], in the model's order.
    `decisions` are the kinds of decision that fit: a question takes "respond"."""
    keys = ("id", "effect", "reason", "price_micro_usd", "left_micro_usd", "preview")
    return [
        {
            "tool": r["name"],
            "arguments": r["args"],
            **{k: r.get(k) for k in keys},
            "title": r.get("title") or "",
            "marks": r.get("marks") or [],
            "decisions": allowed[r["name"]],
        }
        for i in interrupts
        if "action_requests" in i.value
        for allowed in [_allowed(i.value)]
        for r in i.value["action_requests"]
    ]


def waiting_of(interrupts: Sequence[Interrupt]) -> dict[str, Any] | None:
    """What the thread waits for (`nodes/wait.py`, request_of); None if it does not wait."""
    return next((i.value["waiting"] for i in interrupts if "waiting" in i.value), None)


async def woken(store: Store, thread: str, interrupts: Sequence[Interrupt]) -> Command[Any] | None:
    """The resume value of a wait that is over: a message came, or its row says what happened; None
    while it is not over. Under the lease."""
    row = await store.waits.of(thread)
    if row and row.event is None and await store.inbox.after(thread, row.seq):
        said = "The user sent a message; it follows."
        happened = {"kind": "message", "text": said, "at": time.time()}
        row = await store.waits.wake(thread, row.call_id, happened)
    if row is None or row.event is None:
        return None
    return Command(resume={i.id: "woken" for i in interrupts if "waiting" in i.value})


def _allowed(value: dict[str, Any]) -> dict[str, list[str]]:
    return {c["action_name"]: c["allowed_decisions"] for c in value["review_configs"]}


def decide(interrupts: Sequence[Interrupt], decisions: Sequence[dict[str, Any]]) -> Command[Any]:
    """The resume value. Several interrupts wait only where sub-agents do; each takes its share
    of the decisions, in order. Raises UsageError: not one decision per request."""
    wanted = sum(len(i.value["action_requests"]) for i in interrupts)
    if wanted != len(decisions):
        raise UsageError(f"{wanted} decisions are needed, one per request; got {len(decisions)}")
    given = iter(decisions)
    return Command(
        resume={
            i.id: {"decisions": [next(given) for _ in i.value["action_requests"]]}
            for i in interrupts
        }
    )


def rejections(requests: Sequence[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    """The decisions of a user who wrote something else instead of deciding."""
    return [{"type": "reject", "message": words} for _ in requests]


async def decided(
    stored: SqlDecisions,
    thread: str,
    interrupts: Sequence[Interrupt],
    decisions: Sequence[dict[str, Any]] | None,
) -> Command[Any] | None:
    """The resume value: `decisions` where a call was not decided elsewhere before; None while a
    call has none."""
    ids = [request["id"] for request in requests_of(interrupts)]
    if decisions is not None:
        decide(interrupts, decisions)  # as many as are needed, or UsageError
        for call_id, decision in zip(ids, decisions, strict=True):
            await stored.put(thread, call_id, decision)
    found = await stored.of(thread, ids)
    if len(found) < len(ids):
        return None
    return decide(interrupts, [found[call_id] for call_id in ids])
