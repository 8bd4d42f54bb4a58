"""The reducer of the state's `messages`."""

from collections.abc import Mapping, Sequence
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
    merged = _as_messages(current)
    place = {m.id: i for i, m in enumerate(merged) if m.id}
    for write in writes:
        for message in _as_messages(write if isinstance(write, list | tuple) else [write]):
            if not message.id:
                message = message.model_copy(update={"id": _free_id(len(merged), place)})
            if message.id in place:
                merged[place[message.id]] = message
                continue
            place[message.id] = len(merged)
            merged.append(message)
    return merged


def _free_id(position: int, taken: Mapping[str, int]) -> str:
    while f"in-{position}" in taken:
        position += 1
    return f"in-{position}"


def _as_messages(values: Sequence[Any]) -> list[Any]:
    if all(isinstance(v, BaseMessage) for v in values):
        return list(values)
    return list(convert_to_messages(values))
