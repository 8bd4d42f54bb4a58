"""What the chats of a column are made of: keys, roles, turns, and what trainers stumble over."""

import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

#: Roles that chat templates know; TRL passes messages to the template as they are.
ROLES = frozenset({"system", "user", "assistant", "tool"})
#: What ShareGPT's `from` says, as a role.
SHAREGPT_ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant",
    "chatgpt": "assistant", "bard": "assistant", "bing": "assistant", "model": "assistant",
    "system": "system", "tool": "tool", "function": "tool", "observation": "tool",
    "function_call": "assistant",
}  # fmt: skip

#: Keys of a message, as chat templates and as ShareGPT have them.
ROLE_KEYS, SHAREGPT_KEYS = {"role", "content"}, {"from", "value"}

Chat = list[dict[str, Any]]


@dataclass(frozen=True)
class ChatFacts:
    """Counts over chats. Everything but `turns` and `messages` counts chats.

    Attributes:
        keys, roles: of messages; `roles` as they stand, `from` where it is ShareGPT.
        turns: messages per chat.
        unanswered: do not end with the assistant.
        assistant_first: begin (after a system message) with the assistant.
        repeated: two neighbours of the same role, user or assistant.
        empty: hold a message with neither content nor tool calls.
        late_system: a system message that is not the first.
        parts: content that is a list of parts (pictures and text).
    """

    chats: int
    messages: int
    sharegpt: bool
    keys: Counter[str]
    roles: Counter[str]
    turns: list[int]
    with_system: int
    unanswered: int
    assistant_first: int
    repeated: int
    empty: int
    late_system: int
    parts: int
    tool_calls: int

    @property
    def unknown_roles(self) -> list[str]:
        known = SHAREGPT_ROLES if self.sharegpt else ROLES
        return [role for role in self.roles if role not in known]

    @property
    def answered(self) -> float:
        """Share of chats that end with the assistant."""
        return 1 - self.unanswered / self.chats if self.chats else 0.0

    def lines(self, name: str) -> list[str]:
        """The facts as lines of a result."""

        def share(n: int) -> str:
            return f"{n / self.chats:.0%}"

        roles = ", ".join(f"{role} {n / self.messages:.0%}" for role, n in self.roles.most_common())
        lines = [
            f"{name}: message keys {', '.join(self.keys)}; roles {roles}",
            f"  {min(self.turns)} to {max(self.turns)} messages, median "
            f"{statistics.median(self.turns):g}; system message in {share(self.with_system)}; "
            f"ends with the assistant in {share(self.chats - self.unanswered)}",
        ]
        if self.tool_calls:
            lines.append(f"  tool calls in {share(self.tool_calls)}")
        if self.parts:
            lines.append(f"  content in parts (text, images) in {share(self.parts)}")
        return lines


def messages(value: Any) -> list[dict[str, Any]] | None:
    """A chat in any of its shapes as [{role, content, ...}] or [{from, value}]; None: it is none.

    Shapes: a list of objects, an object of lists (an old Sequence of objects), JSON of either,
    one message alone.
    """
    if isinstance(value, str):
        if not value.lstrip().startswith(("[", "{")):
            return None
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if isinstance(value, Mapping):
        keys = set(value)
        if not (keys >= ROLE_KEYS or keys >= SHAREGPT_KEYS):
            return None
        if all(isinstance(v, list) for v in value.values()):
            value = [
                dict(zip(value, one, strict=False)) for one in zip(*value.values(), strict=False)
            ]
        else:
            value = [value]
    if not isinstance(value, list) or not value:
        return None
    fitting = all(isinstance(m, Mapping) and _is_message(m) for m in value)
    return [dict(m) for m in value] if fitting else None


def _is_message(message: Mapping[str, Any]) -> bool:
    # A message that calls tools may come without content.
    keys = set(message)
    return keys >= SHAREGPT_KEYS or ("role" in keys and bool(keys & {"content", "tool_calls"}))


def chat_facts(chats: Sequence[Chat]) -> ChatFacts:
    sharegpt = bool(chats) and "role" not in chats[0][0]
    said = [[_role(m, sharegpt) for m in chat] for chat in chats]
    meant = [[SHAREGPT_ROLES.get(r, r) if sharegpt else r for r in roles] for roles in said]
    talk = [roles[1:] if roles[:1] == ["system"] else roles for roles in meant]
    return ChatFacts(
        chats=len(chats),
        messages=sum(map(len, chats)),
        sharegpt=sharegpt,
        keys=Counter(key for chat in chats for m in chat for key, v in m.items() if v is not None),
        roles=Counter(role for roles in said for role in roles),
        turns=[len(chat) for chat in chats],
        with_system=sum("system" in roles for roles in meant),
        unanswered=sum(roles[-1] != "assistant" for roles in meant),
        assistant_first=sum(roles[:1] == ["assistant"] for roles in talk),
        repeated=sum(_repeats(roles) for roles in talk),
        empty=sum(any(_is_empty(m) for m in chat) for chat in chats),
        late_system=sum("system" in roles[1:] for roles in meant),
        parts=sum(any(isinstance(m.get("content"), list) for m in chat) for chat in chats),
        tool_calls=sum(any(m.get("tool_calls") for m in chat) for chat in chats),
    )


def content(message: dict[str, Any]) -> str:
    """A message's text: `content` or `value`, the text parts of a list joined."""
    value = message.get("content", message.get("value"))
    if isinstance(value, list):
        return " ".join(str(p.get("text") or "") for p in value if isinstance(p, dict)).strip()
    return value if isinstance(value, str) else ""


def _role(message: dict[str, Any], sharegpt: bool) -> str:
    return str(message.get("from" if sharegpt else "role", ""))


def _repeats(roles: list[str]) -> bool:
    return any(a == b and a in ("user", "assistant") for a, b in pairwise(roles))


def _is_empty(message: dict[str, Any]) -> bool:
    value = message.get("content", message.get("value"))
    has_parts = isinstance(value, list) and bool(value)
    return not (has_parts or content(message).strip() or message.get("tool_calls"))
