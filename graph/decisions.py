"""Between what waits in a thread and what a user decides: interrupts to requests, and back."""

from collections.abc import Sequence
from typing import Any

from langgraph.types import Command, Interrupt

from core.errors import UsageError
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
        for allowed in [_allowed(i.value)]
        for r in i.value["action_requests"]
    ]


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
