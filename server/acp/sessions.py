"""The sessions that one editor has open."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from configs.real_path import real_path
from configs.settings import Settings
from core.errors import NoSuchThread, UsageError
from core.store import Store, ThreadRow, open_store
from graph.options import RunOptions
from graph.session import Session
from server.acp.content import with_servers
from server.acp.conversation import Conversation
from server.acp.editor import Editor
from server.closing import close_all

#: Sessions of a list: the newest.
LISTED = 200


class Sessions:
    """Args as of EditorAgent."""

    def __init__(
        self, editor: Editor, settings_for: Callable[[Path], Settings], options: RunOptions
    ) -> None:
        self._editor = editor
        self._settings_for = settings_for
        self._options = options
        self._open: dict[str, Conversation] = {}
        self._opening, self._storing = asyncio.Lock(), asyncio.Lock()
        self._store: Store | None = None

    async def new(self, cwd: str, servers: Sequence[Any] | None) -> Conversation:
        """A new session. Raises AgentError."""
        return await self._begin(None, cwd, servers)

    async def load(self, thread: str, cwd: str, servers: Sequence[Any] | None) -> Conversation:
        """A stored session; one that is open stays as it is. Raises AgentError."""
        if thread not in self._open:
            await self._check_folder(thread, cwd)
            return await self._begin(thread, cwd, servers)
        return self._open[thread]

    async def list(self, cwd: str | None) -> Sequence[ThreadRow]:
        """Stored sessions, those of a folder or all, the newest first."""
        store = await self._stored(self._settings_for(Path(cwd or os.getcwd())))
        return await store.threads.list(cwd, LISTED)

    async def close(self) -> None:
        """End every turn, so that its thread is valid."""
        await close_all(talk.close() for talk in self._open.values())
        if self._store is not None:
            await self._store.close()

    def get(self, id: str) -> Conversation:
        try:
            return self._open[id]
        except KeyError:
            raise NoSuchThread(f"session {id!r} is not open", "load it with session/load") from None

    async def _begin(
        self, thread: str | None, cwd: str, servers: Sequence[Any] | None
    ) -> Conversation:
        """Open a session. Raises AgentError."""
        if not os.path.isabs(cwd) or not await asyncio.to_thread(os.path.isdir, cwd):
            raise UsageError(f"Cannot work in {cwd!r}", "cwd must be a folder, as an absolute path")
        found = self._settings_for(Path(cwd))
        settings = found.model_copy(update={"mcpServers": with_servers(found.mcpServers, servers)})
        async with self._opening:
            if thread in self._open:
                return self._open[thread]
            session = Session.open(
                settings, cwd=cwd, thread=thread, options=self._options,
                store=await self._stored(settings),
            )  # fmt: skip
            await session.__aenter__()
            talk = Conversation(session, self._editor)
            self._open[talk.id] = talk
        return talk

    async def _check_folder(self, thread: str, cwd: str) -> None:
        """Raises NoSuchThread; UsageError if the thread works in another folder of this machine."""
        store = await self._stored(self._settings_for(Path(cwd)))
        row = await store.threads.get(thread)
        if row is None:
            raise NoSuchThread(f"no session has the id {thread!r}")
        if row.host == socket.gethostname() and real_path(row.cwd) != real_path(cwd):
            raise UsageError(
                f"session {thread} works in {row.cwd}, not in {cwd}", f"open {row.cwd} and load it"
            )

    async def _stored(self, settings: Settings) -> Store:
        """The database, which all sessions share: no folder can name another."""
        async with self._storing:
            if self._store is None:
                self._store = await open_store(settings)
            return self._store
