"""What the user and the model are told of the sandbox after a command."""

from core.store.runs import Meta
from tools.workspace.command_sandbox.changes import changed
from tools.workspace.command_sandbox.refusals import refusal


def report(output: str, code: int | None, meta: Meta | None) -> str:
    """What the sandbox refused a command that failed, and what the command left that may run
    later; "" if there is nothing to say. Looks at the disk."""
    if meta is None or not meta.sandbox:
        return ""
    refused = refusal(output, meta.sandbox) if code != 0 else ""
    folder, before = meta.sandbox.get("folder"), meta.sandbox.get("marks")
    left = changed(before, folder) if before is not None and folder else ""
    return "\n".join(part for part in (refused, left) if part)
