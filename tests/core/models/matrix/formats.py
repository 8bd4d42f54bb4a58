"""An answer in the words of each format that a route speaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stand_ins import gemini_wire, model_wire, ollama_wire
from tests.stand_ins.model_script import Asked, Reply
from tests.stand_ins.raw_server import Raw

Render = Callable[[Reply, Asked], Any]


@dataclass(frozen=True)
class Format:
    """How one API writes answers.

    Attributes:
        body, stream, tail: as in `tests.stand_ins.model_wire`.
        event: one event of a stream. alive: what is sent so that a connection stays open; b"":
            nothing is. end: the line ends that its servers write.
    """

    name: str
    body: Render
    stream: Render
    tail: Render
    event: Callable[[Any], bytes]
    alive: bytes = b": keep-alive\n\n"

    def frames(self, reply: Reply) -> list[bytes]:
        """All events of a streamed answer."""
        return [*self.stream(reply, self.asked), *self.tail(reply, self.asked)]

    def whole(self, reply: Reply) -> Raw:
        return Raw(self.body(reply, self.asked))

    def error(self, message: str, *, code: str = "", status: int = 500, **more: Any) -> Any:
        """The body of a refusal, or the data of an event that breaks a stream off."""
        if self.name == "gemini":
            return gemini_wire.error(status, message, *more.get("details", ()))
        if self.name == "ollama":
            return {"error": message}
        if self.name == "anthropic":
            return model_wire.anthropic_error(code or "api_error", message)
        return {"error": {"message": message, "type": "error", "code": code or None, **more}}

    @property
    def asked(self) -> Asked:
        name: Any = self.name
        return Asked(name, "m", (), (), {"stream_options": {"include_usage": True}}, 0)


def _named(data: Any) -> bytes:
    name = data["type"] if isinstance(data, dict) else "message"
    return model_wire.frame(data, event=name)


OPENAI = Format(
    "openai", model_wire.openai_json, model_wire.openai_stream, model_wire.openai_tail,
    model_wire.frame,
)  # fmt: skip
ANTHROPIC = Format(
    "anthropic", model_wire.anthropic_json, model_wire.anthropic_stream,
    model_wire.anthropic_tail, _named, b'event: ping\ndata: {"type": "ping"}\n\n',
)  # fmt: skip
GEMINI = Format(
    "gemini", gemini_wire.whole, gemini_wire.stream, gemini_wire.tail, gemini_wire.event,
)  # fmt: skip
OLLAMA = Format(
    "ollama", ollama_wire.whole, ollama_wire.stream, ollama_wire.tail, ollama_wire.line, b"",
)  # fmt: skip
