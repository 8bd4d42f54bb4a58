"""What the graph is given to run: a message's turn, decisions, an open turn, a compaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from langgraph.types import Interrupt

from core.errors import UsageError
from core.events import Event, Processing
from core.history import is_note, is_summary, said_by_person
from core.state import Turn
from core.store import Store
from graph.decisions import decide, rejections, requests_of
from graph.stream import GraphInput
from graph.thread import Thread
from graph.turn_files import TurnFiles
from nodes.opening import ROOT, goes_on, next_turn
from nodes.step import Step


class Nothing(Enum):
    """There is nothing to run."""

    NOTHING = auto()


NOTHING = Nothing.NOTHING
#: Makes the graph's input.
Begin = Callable[[], Awaitable[GraphInput | Nothing]]


@dataclass
class Wanted:
    """A turn that a program asks for.

    Attributes:
        begin: makes the graph's input. message: what the user says with it; number: its place in
            the inbox, once it is there. alone: it is not a part of the turn before it.
        opening: what is told first, until it was. last: the turn's last event, once it has ended.
    """

    begin: Begin
    message: str = ""
    number: int = 0
    alone: bool = False
    opening: list[Processing] = field(default_factory=list)
    last: Event | None = None

    def __post_init__(self) -> None:
        self.opening = [Processing(text=self.message)]


class TurnInput:
    """The inputs of one thread's turns, by how the thread stands. All but `open_turn` may return
    NOTHING."""

    def __init__(self, store: Store, thread: Thread, files: TurnFiles, id: str) -> None:
        self._store = store
        self._thread = thread
        self._files = files
        self._id = id

    async def of_message(self, text: str, step: Step) -> GraphInput | Nothing:
        """For a message that is in the inbox. Approvals that wait count as rejected with it;
        unfinished work is closed first."""
        state = await self._thread.standing()
        if state.interrupts:
            requests = requests_of(state.interrupts)
            return await self._decided(state.interrupts, rejections(requests, text))
        if state.tasks:
            await self._thread.settle(step)
        return await self.open_turn()

    async def of_resume(self, decisions: Sequence[dict[str, Any]] | None) -> GraphInput | Nothing:
        """For a turn that was cut off, waits for decisions, or was ended by a limit."""
        state = await self._thread.standing()
        if state.interrupts:
            return await self._decided(state.interrupts, decisions)
        if decisions is not None:
            raise UsageError("no approval waits for a decision in this thread")
        if state.tasks:
            return None
        turn: Turn = state.values.get("turn", ROOT)
        if await self._store.inbox.after(self._id, turn.get("seq", 0)):
            return await self.open_turn()
        if turn.get("status") == "limit":
            # It stopped for want of money, time or iterations: this run may have some.
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
        if state.interrupts:
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
                "a turn is under way in this thread", "finish it first: sessions resume"
            )
        turn: Turn = state.values["turn"]
        return {"turn": {**turn, "compact": "requested"}}

    async def of_left_over(self) -> GraphInput | Nothing:
        """A further turn for what arrived during the final answer."""
        state = await self._thread.standing()
        turn = state.values.get("turn", ROOT)
        if state.tasks or turn.get("status") != "done":
            return NOTHING
        if not await self._store.inbox.after(self._id, turn.get("seq", 0)):
            return NOTHING
        return await self.open_turn()

    async def open_turn(self) -> GraphInput | Nothing:
        """The input that opens a turn; a new thread gets its root checkpoint first."""
        head, last = await self._thread.head(), await self._thread.turn()
        if not head:
            config, last = await self._thread.write({"turn": ROOT}), ROOT
            head = config["configurable"]["checkpoint_id"]
        self._files.begin(head, after=last.get("before"))
        return {"turn": next_turn(last, head)}

    async def _decided(
        self, interrupts: Sequence[Interrupt], decisions: Sequence[dict[str, Any]] | None
    ) -> GraphInput | Nothing:
        """The resume value: `decisions` where a call was not decided elsewhere before; NOTHING
        while one has none."""
        ids = [request["id"] for request in requests_of(interrupts)]
        if decisions is not None:
            decide(interrupts, decisions)  # as many as are needed, or UsageError
            for call_id, decision in zip(ids, decisions, strict=True):
                await self._store.decisions.put(self._id, call_id, decision)
        found = await self._store.decisions.of(self._id, ids)
        if len(found) < len(ids):
            return NOTHING
        return decide(interrupts, [found[call_id] for call_id in ids])
