"""Messages and tools as the provider takes them. What is stored stays as it is.

Threads that hold what no provider takes (a name with a dot, half a character, the id of another
provider) work again: everything is made sendable here, at each request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from core.models.wire.json_body import Same, Sent
from core.models.wire.names import SENDABLE, sendable, sendable_id
from core.models.wire.schemas import Offered, acceptable
from core.per_message import PerMessage
from core.text import encodable, encodable_in

#: What a provider gave to be sent back to it alone.
SIGNED = ("thinking_blocks", "reasoning_details", "call_extras")


@dataclass(frozen=True)
class Tools:
    """The tools of a request.

    Attributes:
        specs: as they are sent, in OpenAI's shape.
        names: name as sent → name as we know it. renamed: the same of a tool's parameters.
        without_parameters: names, as sent, of tools that take nothing.
    """

    specs: list[dict[str, Any]]
    names: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    without_parameters: frozenset[str] = frozenset()

    def given(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call under the names that the tool knows."""
        renamed = self.renamed.get(name)
        if not renamed:
            return arguments
        return {renamed.get(key, key): value for key, value in arguments.items()}


def prepared_tools(specs: Sequence[Mapping[str, Any]]) -> Tools:
    """`specs` (OpenAI's shape) as every provider takes them; the same object for the same ones."""
    return _prepared(Same(specs))  # the caller keeps one list per set of tools


@lru_cache(maxsize=16)
def _prepared(key: Same[Sequence[Mapping[str, Any]]]) -> Tools:
    sent: list[dict[str, Any]] = []
    names, renamed, empty = {}, {}, set()
    for spec in key.it:
        function = encodable_in(dict(spec["function"]))
        known = str(spec["function"]["name"])
        name = sendable(known)
        offered: Offered = acceptable(function.get("parameters"))
        names[name] = known
        if offered.renamed:
            renamed[name] = offered.renamed
        if not offered.schema["properties"] and not offered.schema.get("additionalProperties"):
            empty.add(name)
        function = {**function, "name": name, "parameters": offered.schema}
        sent.append(Sent({"type": "function", "function": function}))
    return Tools(sent, names, renamed, frozenset(empty))


def prepared_messages(
    messages: Sequence[BaseMessage], *, provider: str, nine: bool = False
) -> list[BaseMessage]:
    """`messages` as `provider` takes them; those that need no change are the same objects.

    Args:
        nine: ids of calls have nine letters or digits.
    """
    make = partial(_prepared_message, provider=provider, nine=nine)
    made = _prepared_messages.each(messages, (provider, nine), make)
    if not any(made):
        return list(messages)
    return [changed or m for changed, m in zip(made, messages, strict=True)]


#: None for a message that goes as it is: it would keep itself alive.
_prepared_messages: PerMessage[BaseMessage | None] = PerMessage()


def _prepared_message(message: BaseMessage, provider: str, nine: bool) -> BaseMessage | None:
    update: dict[str, Any] = {}
    content = _clean(message.content)
    if content is not message.content:
        update["content"] = content
    if isinstance(message, AIMessage):
        if message.tool_calls:
            calls = [_call(call, nine) for call in message.tool_calls]
            if calls != message.tool_calls:
                update["tool_calls"] = calls
        if not came_from(message, provider) and set(SIGNED) & set(message.additional_kwargs):
            kept = {k: v for k, v in message.additional_kwargs.items() if k not in SIGNED}
            update["additional_kwargs"] = kept
    elif isinstance(message, ToolMessage):
        answered = sendable_id(message.tool_call_id, nine=nine)
        if answered != message.tool_call_id:
            update["tool_call_id"] = answered
        if message.name and not SENDABLE.fullmatch(message.name):
            update["name"] = sendable(message.name)
    return message.model_copy(update=update) if update else None


def came_from(message: AIMessage, provider: str) -> bool:
    """Whether `provider` gave this answer. Of threads from before routes had names ("litellm"),
    only Anthropic's thinking was stored."""
    told = message.response_metadata.get("model_provider", "")
    return told in ("", provider) or (told == "litellm" and provider != "openrouter")


def _call(call: Any, nine: bool) -> Any:
    return {
        **call,
        "id": sendable_id(call["id"] or "none", nine=nine),
        "name": sendable(call["name"] or "unknown"),
        "args": _clean(call["args"]),
    }


def _clean(value: Any) -> Any:
    """`value` without lone surrogates; the same object if it has none."""
    if isinstance(value, str):
        return encodable(value)
    cleaned = encodable_in(value)
    return value if cleaned == value else cleaned
