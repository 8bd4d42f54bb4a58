"""A stored thread as the items of the page: a `reset` shows the newest, the page asks for the rest.
Pure, and slow: call it in another thread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from core.claims.history import claims_in, unsourced
from core.durable import Spent
from core.errors import NoSuchThread
from core.history import (
    Call,
    calls_of,
    is_note,
    is_summary,
    outcome_of,
    said_by_person,
    seconds_of,
    thinking_of,
    turn_of,
)
from core.secrets.redaction import redacted, redacted_in
from core.store.files.thread_files import LEFT_OUT
from core.tool import AgentTool
from nodes.tell_call import summary_of_call, title_of_call
from server.markdown import blocks_of
from server.totals import Totals

Item = dict[str, Any]
#: Items, and characters of them, of which a part consists: what a page draws without a pause.
PART, LARGE = 40, 200_000


@dataclass(frozen=True)
class Standing:
    """The state of a thread. state: as a row's status; "running": a turn runs, here or in another
    process. waiting: ids of the calls that wait for approval. costs: by a turn's key in the ledger.
    """

    state: str
    waiting: Sequence[str] = ()
    costs: Mapping[str, Spent] = field(default_factory=dict)

    def of_call(self, id: str) -> str:
        """The state of a call without a result."""
        if id in self.waiting:
            return "pending"
        return "running" if self.state in ("running", "waiting") else "unknown"


@dataclass(frozen=True)
class _Slot:
    """An item that is made when a page asks for it.

    Attributes: key: its own for as long as the thread has it. turn: the number of its turn.
    is_open: a call without a result.
    """

    key: str
    turn: int
    make: Callable[[], Item]
    is_open: bool = False


class Items:
    """The items of one thread, in parts: the newest first, each made when a page asks for it.
    What was made of an answer is kept: none changes.

    Args:
        tools: those that the thread has now, by name.
    """

    def __init__(self, tools: Callable[[], Mapping[str, AgentTool]]) -> None:
        self._tools = tools
        self._answers: dict[str, Item] = {}
        self._slots: list[_Slot] = []

    @property
    def turns(self) -> int:
        """The number of the newest turn."""
        return max((slot.turn for slot in self._slots), default=0)

    def read(self, messages: Sequence[AnyMessage], standing: Standing) -> None:
        """From now on the items are those of `messages`."""
        results = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
        totals = Totals(standing.costs)
        slots: list[_Slot] = []
        turn = 0

        def add(key: str, make: Callable[[], Item], *, is_open: bool = False) -> None:
            slots.append(_Slot(key, turn, make, is_open))

        for number, message in enumerate(messages):
            id = message.id or str(number)
            if isinstance(message, AIMessage):
                if thinking_of(message):
                    add(f"{id}.thought", partial(_thought, message))
                if message.text:
                    add(f"{id}.text", partial(self._answer, id, message.text))
                if missing := unsourced(claims_in([message])):
                    add(f"{id}.unsourced", partial(_unsourced, missing))
                for call in calls_of(message):
                    result = results.get(call.id)
                    make = partial(self._call, call, result, standing)
                    add(f"{id}.{call.id}", make, is_open=result is None)
            elif is_summary(message):
                add(id, partial(_words, "summary", message))
            elif is_note(message):
                add(id, partial(_words, "note", message))
            elif not isinstance(message, ToolMessage):
                for total in totals.before(message):
                    add(f"{id}.total", partial(dict, total))
                turn = turn_of(message) or turn
                add(id, partial(_said, message))
            totals.count(message)
        for total in totals.end() if standing.state == "done" else []:
            add("total", partial(dict, total))
        self._slots = slots

    def part(self, before: str = "") -> dict[str, Any]:
        """The newest items, or those right before the item with the key `before`: {items, before,
        turn}. `before` of the answer is the key to ask for more with, "" if these are the first;
        `turn` is the one under way when they begin. Raises NoSuchThread: no item has the key."""
        at = self._place(before)
        least = at
        if not before:  # frames tell of calls without a result: they must be there
            opened = (n for n, slot in enumerate(self._slots) if slot.is_open)
            least = next(opened, at)
        items: list[Item] = []
        size = 0
        while at and (at > least or (len(items) < PART and size < LARGE)):
            at -= 1
            slot = self._slots[at]
            items.append({"key": slot.key, **slot.make()})
            size += len(str(items[-1]))
        turn = self._slots[at - 1].turn if at else 0
        return {"items": items[::-1], "before": self._slots[at].key if at else "", "turn": turn}

    def _place(self, key: str) -> int:
        """The number of the item with this key; "": behind the last."""
        if not key:
            return len(self._slots)
        for number, slot in enumerate(self._slots):
            if slot.key == key:
                return number
        raise NoSuchThread("these items are gone", "reload the page")

    def _answer(self, key: str, text: str) -> Item:
        if key not in self._answers:
            shown = redacted(text)
            item = {"kind": "answer", "text": shown, "blocks": blocks_of(shown)}
            self._answers[key] = item
        return self._answers[key]

    def _call(self, call: Call, result: ToolMessage | None, standing: Standing) -> Item:
        tools = self._tools()
        item = {
            "kind": "call",
            "id": call.id,
            "tool": call.name,
            "arguments": redacted_in(call.args),
            "title": redacted(title_of_call(call, tools)),
        }
        if result is None:
            state = standing.of_call(call.id)
            nothing = {"ok": None, "text": "", "truncated": False, "seconds": None, "summary": ""}
            return {**item, **nothing, "state": state}
        is_ok = result.status == "success"
        return {
            **item,
            "state": outcome_of(result) or "done",
            "ok": is_ok,
            "text": result.text,
            "truncated": LEFT_OUT in result.text,
            "seconds": seconds_of(result),
            "summary": summary_of_call(call, is_ok, result.text, tools),
        }


def _thought(message: AIMessage) -> Item:
    return {"kind": "thinking", "text": redacted(thinking_of(message))}


def _unsourced(texts: Sequence[str]) -> Item:
    return {"kind": "unsourced", "texts": [redacted(text) for text in texts]}


def _words(kind: str, message: AnyMessage) -> Item:
    return {"kind": kind, "text": message.text}


def _said(message: AnyMessage) -> Item:
    return {"kind": "user", "text": said_by_person(message), "turn": turn_of(message)}
