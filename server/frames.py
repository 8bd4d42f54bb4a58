"""What a room tells its listeners, numbered: a snapshot and every frame since.

A frame is named EPOCH.N. A listener that comes back with the name of its last frame gets those
after it; one whose frame is gone, or of another epoch, gets the snapshot first. Listeners read at
their own pace: a slow one holds a position, no queue.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

#: Seconds between two comments on a stream that has nothing to tell: proxies cut silent ones.
SILENCE = 15.0
#: Milliseconds after which a browser asks again.
RETRY = "retry: 500\n\n"


@dataclass(frozen=True)
class Frame:
    """One server-sent event."""

    id: str
    name: str
    data: str

    def encoded(self) -> str:
        # JSON on one line: no data can begin another frame.
        return f"id: {self.id}\nevent: {self.name}\ndata: {self.data}\n\n"


class FrameLog:
    """The frames of one room since its snapshot."""

    def __init__(self) -> None:
        self._epoch = ""
        #: The number of the snapshot; the frames behind it have the numbers after it.
        self._base = 0
        self._snapshot = Frame("", "reset", "{}")
        self._frames: list[Frame] = []
        self._changed = asyncio.Condition()
        self._is_over = False
        self._cuts = 0

    @property
    def newest(self) -> str:
        """The name of the newest frame."""
        return (self._frames or [self._snapshot])[-1].id

    async def reset(self, snapshot: dict[str, Any]) -> None:
        """Begin an epoch: every listener gets `snapshot`."""
        self._epoch, self._base = secrets.token_hex(6), 0
        await self._begin(snapshot)

    async def rebase(self, snapshot: dict[str, Any]) -> None:
        """Let `snapshot` stand for all frames so far; listeners that have them are told nothing."""
        self._base += len(self._frames)
        await self._begin(snapshot)

    async def _begin(self, snapshot: dict[str, Any]) -> None:
        self._frames = []
        self._snapshot = Frame(f"{self._epoch}.{self._base}", "reset", _json(snapshot))
        await self._notify()

    async def add(self, name: str, data: dict[str, Any]) -> None:
        number = self._base + len(self._frames) + 1
        self._frames.append(Frame(f"{self._epoch}.{number}", name, _json(data)))
        await self._notify()

    async def end(self) -> None:
        """Every listener's stream ends."""
        self._is_over = True
        await self._notify()

    async def cut(self) -> None:
        """The streams that are open end; browsers that are still signed in come back."""
        self._cuts += 1
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def after(self, last: str) -> list[Frame]:
        """What a listener that has everything up to frame `last` lacks."""
        epoch, _, number = last.rpartition(".")
        known = int(number) if number.isdecimal() and len(number) < 12 else -1
        if epoch == self._epoch and self._base <= known <= self._base + len(self._frames):
            return self._frames[known - self._base :]
        return [self._snapshot, *self._frames]

    async def follow(self, last: str = "") -> AsyncGenerator[str, None]:
        """The stream of one listener, encoded, from behind frame `last` on."""
        yield RETRY
        cuts = self._cuts
        while cuts == self._cuts:
            for frame in self.after(last):
                yield frame.encoded()
                last = frame.id
            if last != self.newest:
                continue  # more came while the listener took these
            if self._is_over:
                return
            if not await self._wait(last, cuts):
                yield ": still here\n\n"

    async def _wait(self, last: str, cuts: int) -> bool:
        """Whether there is more than `last` before the silence is too long."""
        try:
            async with asyncio.timeout(SILENCE), self._changed:
                await self._changed.wait_for(
                    lambda: self.newest != last or self._is_over or cuts != self._cuts
                )
        except TimeoutError:
            return False
        return True


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
