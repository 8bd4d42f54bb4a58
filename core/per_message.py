"""What was once made of a message, kept as long as the message is in use.

A thread's messages never change: another content is another object. So each step of a long turn
only makes what is new.
"""

import weakref
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

from langchain_core.messages import BaseMessage

T = TypeVar("T")


class PerMessage(Generic[T]):
    """By message and variant: one message may be sent to two providers."""

    def __init__(self) -> None:
        # By identity: a message cannot be hashed, and comparing two takes longer than most uses.
        self._known: dict[int, tuple[weakref.ref[BaseMessage], dict[Hashable, T]]] = {}
        #: By variant, of the last call of `each`: all messages but the newest, the id of that one,
        #: and what was made. The newest is not held, and takes the rest with it when it goes.
        self._last: dict[Hashable, tuple[list[BaseMessage], int, list[T]]] = {}

    def of(self, message: BaseMessage, variant: Hashable, make: Callable[[], T]) -> T:
        """What `make` gave for this message and variant."""
        key = id(message)
        kept = self._known.get(key)
        if kept is None:
            gone = weakref.ref(message, lambda _: self._forget(key))
            kept = self._known[key] = (gone, {})
        if variant not in kept[1]:
            kept[1][variant] = make()
        return kept[1][variant]

    def each(
        self, messages: Sequence[BaseMessage], variant: Hashable, make: Callable[[BaseMessage], T]
    ) -> list[T]:
        """`of` each message. A history grows by new messages behind the old ones: only what comes
        after those of the last call is looked up."""
        if not messages:
            return []
        before, newest, made = self._last.get(variant, ([], 0, []))
        count = len(before)
        # The same objects are equal without a look into them. Of an equal message the same is made.
        is_longer = count < len(messages) and id(messages[count]) == newest
        if not is_longer or messages[:count] != before:
            made = []
        known = self._known.get
        new = [
            kept[1][variant]
            if (kept := known(id(message))) is not None and variant in kept[1]
            else self.of(message, variant, partial(make, message))
            for message in messages[len(made) :]
        ]
        made = [*made, *new]
        self._last[variant] = list(messages[:-1]), id(messages[-1]), made
        return list(made)

    def _forget(self, key: int) -> None:
        # Another message may get its id.
        self._known.pop(key, None)
        self._last.clear()


_in_parts: PerMessage[bool] = PerMessage()


def has_parts(messages: Sequence[BaseMessage]) -> bool:
    """Whether the content of a message is a list, as with a picture, and not a text."""
    return any(_in_parts.each(messages, None, lambda message: isinstance(message.content, list)))
