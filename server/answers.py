"""The answer under way, as `md` frames: its text is rendered as it grows, block by block."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from server.markdown import Block, BlockStream, blocks_of

#: Seconds in which pieces of an answer are collected before they are rendered and sent.
PACE = 0.05

Send = Callable[[str, dict[str, Any]], Awaitable[None]]


class Answers:
    """The answers of one turn. `send`: takes a frame's name and data."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._number = 0
        self._lock = asyncio.Lock()
        self._begin()

    def _begin(self) -> None:
        self._stream = BlockStream()
        self._text = ""
        self._waiting: list[str] = []
        self._flushing: asyncio.Task[None] | None = None

    def add(self, text: str) -> None:
        """A piece of the answer; sent a moment later."""
        self._waiting.append(text)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(PACE)
        await self.flush()

    async def flush(self) -> None:
        """Send what has come so far: whatever is told next comes after it."""
        async with self._lock:
            if not self._waiting:
                return
            text = "".join(self._waiting)
            self._waiting.clear()
            self._text += text
            await self._tell(await asyncio.to_thread(self._stream.feed, text))

    async def withdraw(self) -> None:
        """What was shown of the answer is void."""
        async with self._lock:
            self._begin()

    async def end(self, text: str = "") -> None:
        """The answer is complete: `text`, or what has come of it. Rendered once more as a whole,
        since the end of a text can change what its start means (nested lists, references)."""
        await self.flush()
        async with self._lock:
            text = text or self._text
            if text:
                blocks = await asyncio.to_thread(blocks_of, text)
                await self._send("md", {"answer": self._number, "blocks": blocks, "final": True})
                self._number += 1
            self._begin()

    async def _tell(self, blocks: list[Block]) -> None:
        for block in blocks:
            shown = {"block": block.number, "html": block.html, "final": block.is_final}
            await self._send("md", {"answer": self._number, **shown})
