"""The snapshots of a session's turns: begun beside the first request, ended with the turn."""

from __future__ import annotations

import asyncio

from graph.context import Services
from graph.store import ThreadRow


class TurnFiles:
    """One session's snapshots. An effect waits until the start of its turn is kept."""

    def __init__(self, services: Services, thread: ThreadRow) -> None:
        self._services = services
        self._thread = thread
        self._beginning: asyncio.Task[None] | None = None

    def begin(self, before: str | None, *, after: str | None) -> None:
        """Start keeping what the turn after checkpoint `before` begins with. `after`: the turn
        before it, which may have been cut off before it was kept."""
        if self._services.settings.undo_files and before:
            self._beginning = asyncio.ensure_future(self._begin(before, after))

    async def _begin(self, before: str, after: str | None) -> None:
        snapshots, thread = self._services.snapshots, self._thread
        taken = await snapshots.take(thread.cwd)
        last = await snapshots.of(thread.id, after) if after else None
        if after and last is not None and last.start and not last.finish and taken.id:
            await snapshots.finish(thread.id, after, thread.cwd, taken)
        await snapshots.begin(thread.id, before, thread.cwd, taken)

    async def begun(self) -> None:
        """Wait for the start's snapshot, where one is being taken. Raises StoreError."""
        if self._beginning is not None:
            await asyncio.shield(self._beginning)

    async def settled(self) -> None:
        """Wait for what is under way, whatever comes of it: the store may be closed next."""
        if self._beginning is not None:
            await asyncio.wait({self._beginning})
            if not self._beginning.cancelled() and self._beginning.exception():
                self._beginning = None

    async def end(self, before: str | None) -> None:
        """Keep what the turn ended with."""
        await self.begun()
        self._beginning = None
        if not before:
            return
        snapshots, thread = self._services.snapshots, self._thread
        kept = await snapshots.of(thread.id, before)
        if kept is not None and kept.start:
            await snapshots.finish(thread.id, before, thread.cwd, await snapshots.take(thread.cwd))
