"""Carries out a call, or finds out what became of one that an earlier process began."""

from dataclasses import dataclass

from pydantic import BaseModel

from core.durable import JournalRow
from core.errors import ToolError
from core.policy.paths import changed_place
from core.quick import quickly
from core.tool import AgentTool, NotBegun, ToolContext, ToolResult

CUT_OFF = (
    "The session was cut off while this ran; its outcome is unknown. Inspect what it left before "
    "repeating it."
)


@dataclass(frozen=True)
class Begun:
    """A call with its journal row: None if it is new, else what an earlier process left."""

    tool: AgentTool
    arguments: BaseModel
    ctx: ToolContext
    row: JournalRow | None


async def carry_out(begun: Begun) -> ToolResult:
    """`_run`, with the files that the call may change kept for undo."""
    changing = begun.ctx.services.changing_files
    if changing is None:
        return await _run(begun)
    effect = begun.tool.effect(begun.arguments, begun.ctx.cwd)
    async with changing(begun.tool, begun.arguments, effect):
        return await _run(begun)


async def _run(begun: Begun) -> ToolResult:
    """Run the call; or, when an earlier process had begun it, find out what became of it."""
    row = begun.row
    looks_only = begun.tool.effect(begun.arguments, begun.ctx.cwd).kind == "read"
    if row is not None and row.state == "done" and row.note is None and not looks_only:
        # Someone went back to a checkpoint before it: done is done.
        said = "It ran before; its result is no longer kept. Inspect what it left."
        return ToolResult(said, ok=False, outcome="unknown")
    if row is None or row.note is None or looks_only:
        return await _in_its_places(begun)
    try:
        found = await begun.tool.recover(begun.arguments, begun.ctx, row.note)
    except NotBegun:
        return await _in_its_places(begun)
    if found is not None and found.outcome != "interrupted":
        return found
    # No one stopped this turn: what was ended with an earlier process is half-done.
    so_far = f"{found.text}\n" if found else ""
    return ToolResult(f"{so_far}{CUT_OFF}", ok=False, outcome="unknown")


async def _in_its_places(begun: Begun) -> ToolResult:
    """The call, if its paths lead where they led when it was judged. In a sandbox the links are
    others than those that were looked up here."""
    if not (begun.tool.in_backend and begun.ctx.services.backend.about):
        changed = await quickly(changed_place, begun.ctx.places)
        if changed:
            raise ToolError(changed)
    return await begun.tool.execute(begun.arguments, begun.ctx)
