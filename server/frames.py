"""What a room tells its listeners, numbered: a snapshot and every frame since.

A frame is named EPOCH.N. A listener that comes back with the name of its last frame gets those
after it; one whose frame is gone, or of another epoch, gets the snapshot first, and then what still
matters of the frames. Listeners read at their own pace: a slow one holds a position, no queue.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

#: Seconds between two comments on a stream that has nothing to tell: proxies cut silent ones.
SILENCE = 15.0
#: Milliseconds after which a browser asks again.
RETRY = "retry: 500\n\n"


@dataclass(frozen=True)
class Frame:
    """One server-sent event. about: what it tells of; is_whole: of that, the frames before it do
    not matter any more."""

    id: str
    name: str
    data: str
    about: str = ""
    is_whole: bool = False

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
        id = f"{self._epoch}.{number}"
        self._frames.append(Frame(id, name, _json(data), *_matters(name, data)))
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
        at = self._place(last)
        return [self._snapshot, *squashed(self._frames)] if at is None else self._frames[at:]

    def lacks(self, last: str) -> int:
        """How many frames follow the snapshot for a listener whose place is gone; 0: it is here."""
        return len(self._frames) if self._place(last) is None else 0

    def _place(self, last: str) -> int | None:
        """How many of the frames since the snapshot come up to frame `last`; None: it is gone."""
        epoch, _, number = last.rpartition(".")
        known = int(number) if number.isdecimal() and len(number) < 12 else -1
        is_here = epoch == self._epoch and self._base <= known <= self._base + len(self._frames)
        return known - self._base if is_here else None

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


def squashed(frames: Sequence[Frame]) -> list[Frame]:
    """Frames for a page that has none of them: without those that do not matter any more, and the
    pieces of a thought as one. They give the same page."""
    kept: list[Frame] = []
    void: set[str] = set()
    for frame in reversed(frames):
        if frame.about not in void:
            kept.append(frame)
            if frame.is_whole:
                void.add(frame.about)
    runs = groupby(reversed(kept), key=lambda frame: frame.about == "thought")
    return [frame for is_thought, run in runs for frame in (_joined(run) if is_thought else run)]


def _joined(pieces: Iterable[Frame]) -> list[Frame]:
    *_, last = all_ = list(pieces)
    data = [json.loads(frame.data) for frame in all_]
    return [replace(last, data=_json({**data[-1], "text": "".join(d["text"] for d in data)}))]


def _matters(name: str, data: dict[str, Any]) -> tuple[str, bool]:
    """`Frame.about` and `Frame.is_whole`."""
    if name == "md":
        return f"answer {data['answer']}", "blocks" in data
    if name in ("tool_log", "tool_output") and data.get("id"):
        return f"call {data['id']}", name == "tool_output"
    if name == "assistant_chunk":
        return "thought", False
    return name, name in ("status", "experiment")


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
