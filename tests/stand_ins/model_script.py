"""What the stand-in model answers: replies, and the ways to choose one for a request.

A script is a list of replies taken in order, a function of the request, or a JSON file
(`load_script`). A JSON script chooses by what is in the request and by nothing else, so
that a client that was killed and asks again gets the same answer.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

#: How a stream ends. done: as it should. no_done: finish reason, but no [DONE]. eof: a clean
#: end without finish reason. cut: the socket dies in the middle. quiet_cut: the same on a
#: connection without length, where nothing tells the client. error: an error event.
End = Literal["done", "no_done", "eof", "cut", "quiet_cut", "error"]


@dataclass(frozen=True)
class Call:
    """A tool call of a reply. `arguments` as text is sent as it stands, valid JSON or not.
    `id` empty: made from the request's length, so equal requests get equal ids."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str = ""

    @property
    def raw(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Usage:
    """Tokens as a provider counts them: `input` includes `cached` and `cache_write`."""

    input: int = 100
    output: int = 20
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Reply:
    """One answer of the stand-in, well behaved unless told otherwise.

    Attributes:
        thinking: reasoning text (OpenAI: reasoning_content; Anthropic: a signed block).
        finish: OpenAI's word for why it ended; empty: stop or tool_calls, as fits.
        usage: None sends none.
        pieces: into how many deltas the text and each call's arguments are cut.
        status: above 200 answers an error of the provider's shape.
        error: kind of error body: "" for the status's own, or "context_length".
        body: an error body that replaces the provider's shape.
        retry_after: the header's value.
        delay, chunk_delay: seconds before the first byte, and between events.
        end, cut_after: how the stream ends, and after how many events (None: half of them).
    """

    text: str = ""
    thinking: str = ""
    signature: str = "c2lnbmVk"
    calls: Sequence[Call] = ()
    finish: str = ""
    usage: Usage | None = field(default_factory=Usage)
    pieces: int = 3
    status: int = 200
    error: str = ""
    body: Any = None
    retry_after: str = ""
    delay: float = 0.0
    chunk_delay: float = 0.0
    end: End = "done"
    cut_after: int | None = None
    message: str = ""

    @property
    def finish_reason(self) -> str:
        return self.finish or ("tool_calls" if self.calls else "stop")


@dataclass(frozen=True)
class Turn:
    """A message of a request, the same for both formats."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: tuple[str, ...] = ()
    answers: str = ""


def is_notice(text: str) -> bool:
    """Whether the product tells of a command's end, which it does at any step of a turn."""
    return text.startswith("Background command ")


@dataclass(frozen=True)
class Asked:
    """A request as a script sees it.

    Attributes:
        format: which the client spoke.
        turns: the messages, system included; Anthropic's tool results as turns of their own.
        tools: names of the tools offered.
        index: how many requests the server got before this one.
    """

    format: Literal["openai", "anthropic", "gemini", "ollama"]
    model: str
    turns: tuple[Turn, ...]
    tools: tuple[str, ...]
    body: Mapping[str, Any]
    index: int

    @property
    def user(self) -> str:
        """The last user message's text."""
        return next((t.text for t in reversed(self.turns) if t.role == "user"), "")

    @property
    def since_user(self) -> tuple[Turn, ...]:
        spoke = (i for i, t in enumerate(self.turns) if t.role == "user" and not is_notice(t.text))
        last = max(spoke, default=-1)
        return self.turns[last + 1 :]

    @property
    def step(self) -> int:
        """How often the model has answered since the last user message."""
        return sum(t.role == "assistant" for t in self.since_user)

    @property
    def tool_results(self) -> int:
        """Tool messages since the last user message."""
        return sum(t.role == "tool" for t in self.since_user)

    @property
    def user_messages(self) -> int:
        return sum(t.role == "user" for t in self.turns)


Choose = Callable[[Asked], Reply]


class ScriptExhausted(Exception):
    """The client asked more often than the script has replies."""


def in_order(replies: Sequence[Reply]) -> Choose:
    """Each request takes the next reply. Raises ScriptExhausted after the last."""
    waiting = list(replies)
    lock = threading.Lock()

    def choose(asked: Asked) -> Reply:
        with lock:
            if not waiting:
                raise ScriptExhausted(f"request {asked.index + 1}: the script has ended")
            return waiting.pop(0)

    return choose


def by_step(replies: Sequence[Reply]) -> Choose:
    """The reply is chosen by how often the model answered since the last user message."""

    def choose(asked: Asked) -> Reply:
        if asked.step >= len(replies):
            raise ScriptExhausted(f"step {asked.step}: the script has {len(replies)}")
        return replies[asked.step]

    return choose


def load_script(source: Path | Mapping[str, Any]) -> Choose:
    """A script from JSON: `{"rules": [...]}`, `{"steps": [...]}` or `{"replies": [...]}`.

    A reply is an object with `Reply`'s fields; `{step}` in its texts becomes the step, and
    `"repeat": n` in a list is for n of it. `steps` chooses by step, `replies` goes in
    order. A rule is `{"when": {...}, "steps": [...]}` or `{"when": {...}, "reply": {...}}`;
    the first whose conditions all hold is taken: `user` (a regular expression found in the
    last user message), `user_messages`, `tool_results`, `step` (numbers), `tools` (offered
    or not), `format`.
    """
    data = json.loads(source.read_text()) if isinstance(source, Path) else source
    if "rules" in data:
        return _by_rules([(r.get("when", {}), _chooser(r)) for r in data["rules"]])
    return _chooser(data)


def _chooser(data: Mapping[str, Any]) -> Choose:
    if "reply" in data:
        reply = _reply(data["reply"])
        return lambda asked: _filled(reply, asked.step)
    if "steps" in data:
        choose = by_step(_replies(data["steps"]))
    else:
        choose = in_order(_replies(data["replies"]))
    return lambda asked: _filled(choose(asked), asked.step)


def _by_rules(rules: Sequence[tuple[Mapping[str, Any], Choose]]) -> Choose:
    def choose(asked: Asked) -> Reply:
        for when, then in rules:
            if all(_holds(name, wanted, asked) for name, wanted in when.items()):
                return then(asked)
        raise ScriptExhausted(f"no rule fits step {asked.step} of {asked.user[:60]!r}")

    return choose


def _holds(name: str, wanted: Any, asked: Asked) -> bool:
    if name == "user":
        return re.search(wanted, asked.user) is not None
    if name == "tools":
        return bool(asked.tools) == wanted
    if name in ("user_messages", "tool_results", "step", "format"):
        return bool(getattr(asked, name) == wanted)
    raise ValueError(f"unknown condition {name!r}")


def _replies(items: Sequence[Mapping[str, Any]]) -> list[Reply]:
    return [_reply(item) for item in items for _ in range(item.get("repeat", 1))]


def _reply(data: Mapping[str, Any]) -> Reply:
    fields = {k: v for k, v in data.items() if k != "repeat"}
    if "calls" in fields:
        fields["calls"] = tuple(Call(**call) for call in fields["calls"])
    if fields.get("usage") is not None:
        fields["usage"] = Usage(**fields["usage"])
    return Reply(**fields)


def _filled(reply: Reply, step: int) -> Reply:
    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{step}", str(step))
        if isinstance(value, Mapping):
            return {k: fill(v) for k, v in value.items()}
        return value

    calls = tuple(replace(c, arguments=fill(c.arguments)) for c in reply.calls)
    return replace(reply, text=fill(reply.text), calls=calls)
