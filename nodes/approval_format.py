"""The shape in which approval asks and is answered: LangChain's human-in-the-loop middleware.

Studio and agent inboxes understand it; our own keys are next to theirs.
"""

from collections.abc import Sequence
from typing import Any

from core.history import Call
from core.secrets.redaction import redacted, redacted_in, restored
from core.state import QUESTION, Decision, Verdict


def request_of(calls: Sequence[Call], verdicts: dict[str, Verdict]) -> dict[str, Any]:
    """The interrupt's value: `{"action_requests": [...], "review_configs": [...]}`.

    Source of the shape: LangChain's HumanInTheLoopMiddleware. Ours next to it: id, effect, title,
    marks, reason, rule, price_micro_usd, preview. It is shown, so it holds no secrets; what runs
    is the stored call.
    """
    requests = []
    for call in calls:
        verdict = verdicts[call.id]
        requests.append(
            {
                "name": call.name,
                "args": redacted_in(call.args),
                "description": verdict["reason"],
                "id": call.id,
                **{k: verdict[k] for k in ("effect", "reason", "rule")},  # type: ignore[literal-required]
                "title": redacted(verdict.get("title", "")),
                "marks": verdict.get("marks", []),
                "price_micro_usd": verdict.get("price_micro_usd"),
                "left_micro_usd": verdict.get("left_micro_usd"),
                "preview": redacted_in(verdict["preview"]),
            }
        )
    kinds = {call.name: allowed_decisions(verdicts[call.id]) for call in calls}
    return {
        "action_requests": requests,
        "review_configs": [
            {"action_name": name, "allowed_decisions": allowed} for name, allowed in kinds.items()
        ],
    }


def allowed_decisions(verdict: Verdict) -> list[str]:
    """What a user can decide on a call: a question is answered, everything else judged."""
    return ["respond", "reject"] if verdict["rule"] == QUESTION else ["approve", "edit", "reject"]


def read_decisions(answer: Any, calls: Sequence[Call]) -> list[Decision]:
    """The decisions in `{"decisions": [...]}`, one per call in order.

    Whatever cannot be read counts as a rejection that says so: an unreadable answer must
    neither run a call nor wedge the thread.
    """
    given = answer.get("decisions") if isinstance(answer, dict) else answer
    if not isinstance(given, list) or len(given) != len(calls):
        said = "the decisions could not be read: one per request is needed, in order"
        return [{"type": "reject", "message": said} for _ in calls]
    return [_read(decision, call) for decision, call in zip(given, calls, strict=True)]


def _read(given: Any, call: Call) -> Decision:
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "approve":
        rule = given.get("rule")
        return {"type": "approve", "rule": str(rule)} if rule else {"type": "approve"}
    if kind in ("reject", "respond"):
        return {"type": kind, "message": str(given.get("message") or "")}
    if kind == "edit":
        action = given.get("edited_action")
        if isinstance(action, dict) and isinstance(action.get("args"), dict):
            # It was shown without secrets: what a user left of it means what stood there.
            return {"type": "edit", "arguments": restored(action["args"], call.args)}
    return {"type": "reject", "message": f"the decision could not be read: {given!r}"[:300]}
