"""From what the page sends about a call that waits to what the session takes."""

from typing import Any

from core.errors import UsageError
from core.events import ToolState


def decision_of(request: dict[str, Any], given: dict[str, Any]) -> tuple[dict[str, Any], ToolState]:
    """(the decision in LangChain's shape, the call's state after it). given: `OneDecision`.

    Raises UsageError: it does not fit the call.
    """
    kind = given["type"]
    if kind not in request["decisions"]:
        raise UsageError(f"{kind!r} does not fit this call", ", ".join(request["decisions"]))
    if kind == "edit":
        action = {"name": request["tool"], "args": given["arguments"]}
        return {"type": kind, "edited_action": action}, "edited"
    if kind == "reject":
        return {"type": kind, "message": given["message"]}, "rejected"
    if kind == "respond":
        return {"type": kind, "message": given["message"]}, "approved"
    return {"type": kind}, "approved"
