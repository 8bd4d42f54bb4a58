"""The reducer of the state's `messages`."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from langchain_core.messages import AnyMessage, BaseMessage, convert_to_messages


def reduce_messages(current: Sequence[Any], writes: Sequence[Any]) -> list[AnyMessage]:
    """Append each written message; one with a known id takes the old one's place.

    Args:
        current: the messages so far (as dicts when Studio's read path replays them).
        writes: a batch of writes, each a message or a list of messages, as objects or dicts.

    LangGraph replays old writes in batches of any size, so reducing two batches in turn must
    equal reducing them as one. We set ids where we write; a server's client may not, and gets
    one that follows from what came before, so that a replay gives the same.
    """
    merged = Messages.of(current)
    for write in writes:
        for message in _as_messages(write if isinstance(write, list | tuple) else [write]):
            if not message.id:
                message = message.model_copy(update={"id": _free_id(merged)})
            merged.put(message)
    return merged


class Messages(list[Any]):
    """Messages that know the position of each id.

    Every step of a turn reduces, four times, and a dict of all ids would be made at each. So the
    lists that follow from one another share one, in which an entry never changes: a list that has
    the id at another position gets another dict.
    """

    __slots__ = ("_place",)
    _place: dict[str, int]

    @classmethod
    def of(cls, messages: Sequence[Any]) -> "Messages":
        """A copy of `messages`, which may be dicts."""
        if isinstance(messages, Messages):
            return copy(messages)
        found = cls(_as_messages(messages))
        found._place = found._places()
        return found

    def __copy__(self) -> "Messages":
        found = Messages(self)
        found._place = self._place
        return found

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def place(self, id: str) -> int | None:
        """The position of the message with this id; None if there is none."""
        at = self._place.get(id)
        return at if at is not None and at < len(self) and self[at].id == id else None

    def put(self, message: Any) -> None:
        """Append a message, or replace the one with its id."""
        at = self.place(message.id)
        if at is not None:
            self[at] = message
            return
        if self._place.get(message.id) not in (None, len(self)):
            self._place = self._places()
        self._place[message.id] = len(self)
        self.append(message)

    def _places(self) -> dict[str, int]:
        return {m.id: i for i, m in enumerate(self) if m.id}


def _free_id(messages: Messages) -> str:
    position = len(messages)
    while messages.place(f"in-{position}") is not None:
        position += 1
    return f"in-{position}"


def _as_messages(values: Sequence[Any]) -> list[Any]:
    if all(isinstance(v, BaseMessage) for v in values):
        return list(values)
    return list(convert_to_messages(values))
