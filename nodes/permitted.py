"""What a stored verdict lets its call do: run, and how far, or nothing at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.history import Call
from core.run import Mode, Reach
from core.state import Verdict
from core.tool import AgentContext, ToolResult


@dataclass(frozen=True)
class Permitted:
    """A call that may run, and how far that goes.

    Attributes:
        price: micro-USD, as it was foreseen; None: not yet. sandbox: it may start the thread's
            sandbox, whose price was decided on with it. places, reach: see ToolContext.
    """

    call: Call
    price: int | None = None
    sandbox: bool = False
    places: Mapping[str, str] = field(default_factory=dict)
    reach: Reach = "offline"


def refusal_of(verdict: Verdict | None) -> ToolResult | None:
    """The result of a call that does not run; None if it may."""
    if verdict is None:
        return ToolResult("Not run: no verdict was stored for it.", ok=False, outcome="failed")
    action, decision = verdict["action"], verdict.get("decision")
    if action == "invalid":
        return ToolResult(f"Not run: {verdict['reason']}", ok=False, outcome="failed")
    if action == "deny":
        said = f"Refused by policy ({verdict['rule']}): {verdict['reason']}"
        return ToolResult(said, ok=False, outcome="rejected")
    if action == "ask" and decision is None:
        return ToolResult("Not run: no one approved it.", ok=False, outcome="rejected")
    if decision and decision["type"] == "reject":
        words = decision.get("message", "")
        said = "The user rejected this call" + (f": {words}" if words else ".")
        return ToolResult(said, ok=False, outcome="rejected")
    if decision and decision["type"] == "respond":
        return ToolResult(decision.get("message", ""))
    return None


def permitted_by(call: Call, verdict: Verdict | None, context: AgentContext) -> Permitted:
    """The call as it may run. What a user put in the place of the model's arguments was neither
    priced nor judged: they decided on it."""
    decision = verdict.get("decision") if verdict else None
    decided = call
    if decision and decision["type"] == "edit":
        decided = call._replace(args=decision["arguments"])
    judged: Verdict | None = verdict if decided == call else None
    return Permitted(
        decided,
        price=judged.get("price_micro_usd") if judged else None,
        sandbox=bool(verdict and verdict.get("sandbox")),
        places=(judged.get("places") if judged else None) or {},
        reach=_reach(decided, verdict, context.mode),
    )


def _reach(call: Call, verdict: Verdict | None, mode: Mode) -> Reach:
    """What a command may reach: as the verdict says, or as the user left the call in an edit. A
    verdict of an older version says nothing."""
    decision = verdict.get("decision") if verdict else None
    if decision and decision["type"] == "edit" and mode != "read-only":
        return "outside" if call.args.get("outside_sandbox") is True else "network"
    if verdict and "reach" in verdict:
        return verdict["reach"]
    if mode == "read-only":
        return "read-only"
    return "network" if decision or mode in ("auto", "yolo") else "offline"
