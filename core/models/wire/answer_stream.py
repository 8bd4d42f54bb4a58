"""One request over our own wire, and its answer in pieces that can be shown."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import httpx
from langchain_core.messages import BaseMessage

from core.models.wire import anthropic_answer, ollama, openai_answer
from core.models.wire.failures import StreamCut, WireError
from core.models.wire.parts import Parts
from core.models.wire.requests import Target, body_of
from core.models.wire.thinking import Piece
from core.models.wire.transport import exchange
from core.models.wire.values import DONE

#: Seconds that the rest of a stream may take after its end was announced: read, so that the
#: connection serves the next request, and not waited for, since some servers leave it open.
REST = 0.2


class AnswerStream:
    """One request to `target`.

    Args:
        silence: seconds without a byte after which it is given up.

    Attributes:
        parts: what the answer said; whole when `pieces` ends.
    """

    def __init__(self, target: Target, silence: float) -> None:
        self._target = target
        self._silence = silence
        self.parts = Parts()

    async def pieces(
        self, messages: Sequence[BaseMessage], options: dict[str, Any], *, stream: bool
    ) -> AsyncIterator[Piece]:
        """What can be shown, as it comes.

        Raises WireError, NotAnAnswer, StreamCut, httpx's errors.
        """
        parts = self.parts
        read = _reader(self._target.wire, parts)
        tools = options.get("tools") or []
        body = body_of(
            self._target,
            messages,
            tools,
            stream=stream,
            max_tokens=options.get("max_tokens"),
            effort=options.get("effort") or "",
        )
        sent = exchange(self._target.url, self._target.headers, body, self._silence)
        try:
            async with aclosing(sent) as events:
                async for _, event in events:
                    if event == DONE:
                        parts.is_done = True
                    else:
                        for piece in read(event):
                            yield piece
                    if parts.is_done:
                        await _rest(events)
                        break
        except (httpx.TransportError, StreamCut):
            # The server has said how the answer ended: it is whole, whatever became of the rest.
            if not parts.finish:
                raise
        for piece in parts.close():
            yield piece
        _close(parts)


def _reader(wire: str, parts: Parts) -> Any:
    if wire == "anthropic":
        return anthropic_answer.Reader(parts).take
    take = ollama.take if wire == "ollama" else openai_answer.take
    return lambda event: take(parts, event)


async def _rest(events: Any) -> None:
    with suppress(TimeoutError, httpx.TransportError, StreamCut, WireError):
        async with asyncio.timeout(REST):
            async for _ in events:
                pass


def _close(parts: Parts) -> None:
    """Check that the answer is whole. Raises StreamCut, WireError."""
    parts.check_end()
    if not parts.finish and not parts.is_done:
        raise StreamCut("the stream ended without a finish reason")
    parts.finish = parts.finish or ("tool_calls" if parts.calls.all else "stop")
