"""What the graph is given to run without a new message: a turn continues, or is compacted."""

from collections.abc import Sequence
from typing import Any

from core.errors import UsageError
from core.events import Processing
from core.history import is_note, is_summary, said_by_person
from core.state import Turn
from graph.decisions import waiting_of
from graph.stream import GraphInput
from graph.turn_input import NOTHING, Nothing, TurnInput
from nodes.opening import ROOT


class AnyInput(TurnInput):
    """The inputs of a thread, those of its messages too. Each may be NOTHING."""

    async def of_resume(self, decisions: Sequence[dict[str, Any]] | None) -> GraphInput | Nothing:
        """For a turn that was cut off, waits for decisions, or was ended by a limit."""
        state = await self._thread.standing()
        if waiting_of(state.interrupts):
            if decisions is not None:
                raise UsageError("no approval waits for a decision in this session")
            return await self._woken(state.interrupts)
        if state.interrupts:
            return await self._decided(state.interrupts, decisions)
        if decisions is not None:
            raise UsageError("no approval waits for a decision in this session")
        if state.tasks:
            return None
        turn: Turn = state.values.get("turn", ROOT)
        if await self._store.inbox.after(self._id, turn.get("seq", 0)):
            return await self.open_turn()
        if turn.get("status") == "limit":
            # It stopped without money, time or iterations: this run may have some.
            return {"turn": goes_on(turn)}
        return NOTHING

    async def resumed(self) -> Processing:
        """What a resume says first: the message of the turn that continues, and why it stopped."""
        state = await self._thread.standing()
        turn = state.values.get("turn", ROOT)
        said = [
            said_by_person(m)
            for m in state.values.get("messages", [])
            if m.type == "human" and not is_note(m) and not is_summary(m)
        ]
        event = Processing(text=said[-1] if said else "", resumes="nothing")
        if waiting_of(state.interrupts):
            event.resumes = "wait"
        elif state.interrupts:
            event.resumes = "approval"
        elif state.tasks:
            event.resumes = "cut off"
        elif rows := await self._store.inbox.after(self._id, turn.get("seq", 0)):
            return Processing(text=rows[0].text, number=rows[0].seq)
        elif turn.get("status") == "limit":
            event.resumes = "limit"
        return event

    async def of_compaction(self) -> GraphInput | Nothing:
        state = await self._thread.standing()
        if not state.values.get("messages"):
            return NOTHING
        if state.interrupts or state.tasks:
            raise UsageError(
                "a turn is under way in this session", "finish it first: sessions resume"
            )
        turn: Turn = state.values["turn"]
        return {"turn": {**turn, "compact": "requested"}}


def goes_on(turn: Turn) -> Turn:
    """`turn`, which a limit ended, under way again."""
    kept: Turn = {**turn, "status": "running", "reason": ""}
    kept.pop("error", None)
    return kept
