"""The handle of one stored thread: what it holds, and what is written into it between turns."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import Interrupt, StateSnapshot

from core.history import is_summary, pending_calls, tool_message
from core.state import OURS, Turn
from core.store import Store
from graph.agent import graph
from graph.decisions import requests_of
from graph.stream import Graph
from nodes.close_open_calls import known_result
from nodes.opening import ROOT, ended
from nodes.step import Step


class Thread:
    """One thread of a store, by its id. A checkpoint is named by its id; "" is the newest."""

    def __init__(self, store: Store, id: str) -> None:
        self._store = store
        self._id = id
        self._compiled: Graph | None = None
        self._standing: StateSnapshot | None = None

    async def app(self) -> Graph:
        """The graph over the store's checkpoints."""
        if self._compiled is None:
            # Compiling it once more would take 15 ms, and only the checkpointer differs.
            self._compiled = graph.copy({"checkpointer": await self._store.saver()})
        return self._compiled

    def config(self, checkpoint: str = "") -> RunnableConfig:
        if not checkpoint:
            return {"configurable": {"thread_id": self._id}}
        where = {"thread_id": self._id, "checkpoint_ns": "", "checkpoint_id": checkpoint}
        return {"configurable": where}

    async def state(self, checkpoint: str = "") -> StateSnapshot:
        return await (await self.app()).aget_state(self.config(checkpoint))

    async def standing(self) -> StateSnapshot:
        """The newest state, loaded once for a turn: a long thread takes a second. Only who holds
        the lease may ask, and says with `forget` where a turn begins or fails."""
        if self._standing is None:
            self._standing = await self.state()
        return self._standing

    def forget(self) -> None:
        """What `standing` knows holds no longer."""
        self._standing = None

    def stands(self, values: dict[str, Any], interrupts: Sequence[Interrupt]) -> None:
        """The graph has run to its end, or to where it waits, and left this."""
        self._standing = StateSnapshot(
            values=values,
            next=(),
            config=self.config(),
            metadata=None,
            created_at=None,
            parent_config=None,
            tasks=(),
            interrupts=tuple(interrupts),
        )

    async def turn(self, checkpoint: str = "") -> Turn:
        """The turn that a checkpoint holds."""
        turn: Turn = (await self.without_messages(checkpoint)).get("turn", ROOT)
        return turn

    async def without_messages(self, checkpoint: str = "") -> dict[str, Any]:
        """What a checkpoint holds. The messages are not replayed for it, which takes long."""
        found = await (await self._store.saver()).aget_tuple(self.config(checkpoint))
        return {} if found is None else found.checkpoint["channel_values"]

    async def head(self) -> str:
        """The id of the newest checkpoint; "" without any. It changes with each step, in any
        process."""
        found = await (await self._store.saver()).aget_tuple(self.config())
        return "" if found is None else str(found.checkpoint["id"])

    async def messages(self) -> list[AnyMessage]:
        """The messages as they stand, oldest first; compacted parts as their summary."""
        return list((await self.state()).values.get("messages", []))

    async def whole_history(self) -> list[AnyMessage]:
        """Every message, compacted parts in full: a summary names the checkpoint that holds what
        it is for. If that thread was deleted, the summary stays."""
        later: list[AnyMessage] = []
        messages = await self.messages()
        while True:
            places = [i for i, m in enumerate(messages) if is_summary(m)]
            whole = messages[places[-1]].additional_kwargs[OURS].get("whole") if places else None
            if not whole:
                return [*messages, *later]
            other = Thread(self._store, whole["thread"])
            state = await other.state(whole["checkpoint"])
            earlier: Sequence[AnyMessage] = state.values.get("messages", [])
            if not earlier:
                return [*messages, *later]
            known = {m.id for m in earlier}
            later = [*(m for m in messages[places[-1] + 1 :] if m.id not in known), *later]
            messages = list(earlier)

    async def pending(self) -> list[dict[str, Any]]:
        """The approval requests that wait, as `requests_of` has them."""
        return requests_of((await self.state()).interrupts)

    async def write(self, update: dict[str, Any]) -> RunnableConfig:
        """Store an update after which nothing runs; the config of its checkpoint."""
        self.forget()
        return await (await self.app()).aupdate_state(self.config(), update, as_node="stop")

    async def go_to(self, checkpoint: str, seq: int, *, redo: str | None) -> None:
        """Make a copy of `checkpoint` the newest. Its turn remembers what to redo; messages that
        were taken from the inbox are not taken again (`seq`)."""
        await self._store.search.forget(self._id)
        turn: Turn = {**await self.turn(checkpoint), "seq": seq, "redo": redo}
        update = [({"turn": turn}, "stop")]
        await (await self.app()).aupdate_state(self.config(checkpoint), update, as_node="__copy__")

    async def settle(self, step: Step) -> None:
        """Close a turn that was cut off, before a new message goes over it.

        `aget_state` shows the writes of tasks that had finished, but an update as another node
        drops them; so they are flushed first, then what is still missing is filled in from the
        journal. The repair is stored, not only sent.
        """
        self.forget()
        await (await self.app()).aupdate_state(self.config(), None, as_node="__end__")
        state = (await self.state()).values
        answers = [
            tool_message(call, await known_result(call, step))
            for call in pending_calls(state.get("messages", []))
        ]
        turn = ended(state.get("turn", {}), "interrupted", reason="cut off")
        await self.write({"turn": turn, **({"messages": answers} if answers else {})})
