"""What the graph is given to run for a message; graph/resumed_input.py has the other inputs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from langgraph.types import Interrupt

from core.events import Event, Processing
from core.store import Store
from graph.decisions import decided, rejections, requests_of, waiting_of, woken
from graph.stream import GraphInput
from graph.thread import Thread
from graph.turn_files import TurnFiles
from nodes.opening import ROOT, next_turn
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
    """The inputs of a thread's messages, by how the thread stands."""

    def __init__(self, store: Store, thread: Thread, files: TurnFiles, id: str) -> None:
        self._store = store
        self._thread = thread
        self._files = files
        self._id = id

    async def of_message(self, text: str, step: Step) -> GraphInput | Nothing:
        """For a message that is in the inbox. Approvals that wait count as rejected with it;
        unfinished work is closed first."""
        state = await self._thread.standing()
        if waiting_of(state.interrupts):
            return await self._woken(state.interrupts)
        if state.interrupts:
            rejected = rejections(requests_of(state.interrupts), text)
            return await self._decided(state.interrupts, rejected)
        if state.tasks:
            await self._thread.settle(step)
        return await self.open_turn()

    async def of_left_over(self) -> GraphInput | Nothing:
        """A further turn for what arrived during the final answer."""
        state = await self._thread.standing()
        turn = state.values.get("turn", ROOT)
        if waiting_of(state.interrupts):
            return await self._woken(state.interrupts)
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

    async def _woken(self, interrupts: Sequence[Interrupt]) -> GraphInput | Nothing:
        return await woken(self._store, self._id, interrupts) or NOTHING

    async def _decided(
        self, interrupts: Sequence[Interrupt], decisions: Sequence[dict[str, Any]] | None
    ) -> GraphInput | Nothing:
        """The resume value; NOTHING while a call has no decision."""
        return await decided(self._store.decisions, self._id, interrupts, decisions) or NOTHING
