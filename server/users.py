"""Users of a server: what is one user's is reached through that user alone.

Each has another state directory, and so another database: another user's thread id leads nowhere.
On the user's own machine there is one user, with the state directory that the CLI has.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from configs.settings import Settings
from core.credentials import Account, acting_for
from core.errors import NoSuchThread
from core.store import Store, open_store
from graph.options import RunOptions
from graph.session import Session
from server.closing import close_all
from server.limits import Limits, TooMany
from server.room import Room
from server.warming import Warming

Answer = TypeVar("Answer")
#: Requests of one user that are remembered.
KEYS = 500


class User:
    """One user.

    Args:
        account: whose token is used; None: this machine's credentials. folder: where a new thread
            works. options: of every session; model and mode are each thread's own.
    """

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        *,
        folder: Path,
        account: Account | None = None,
        options: RunOptions | None = None,
    ) -> None:
        self.settings = settings
        self.account = account
        self.folder = folder
        self.rooms: dict[str, Room] = {}
        self._done: dict[str, asyncio.Task[Any]] = {}
        self._limits = limits
        self._options = replace(options or RunOptions(), model=None, mode=None)
        self._store: Store | None = None
        self._last_used = time.monotonic()
        self._opening = asyncio.Lock()
        #: What must be over before a session opens.
        self.warming: Warming | None = None

    @contextmanager
    def acting(self) -> Iterator[None]:
        """What begins in the block uses this user's token."""
        with acting_for(self.account):
            yield

    async def store(self) -> Store:
        self._last_used = time.monotonic()
        if self._store is None:
            async with self._opening:
                self._store = self._store or await open_store(self.settings)
        return self._store

    async def once(self, key: str, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """What `work` comes back with; for a key that was there before, what it came back with
        then: a page that lost its line asks again. It ends, even if the request does not."""
        task = self._done.get(key) if key else None
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(work())
        if key:
            self._done[key] = task
            while len(self._done) > KEYS:
                del self._done[next(iter(self._done))]
        answer: Answer = await asyncio.shield(task)
        return answer

    @property
    def turns(self) -> int:
        """Turns that run."""
        return sum(room.is_running for room in self.rooms.values())

    @property
    def streams(self) -> int:
        """Open tabs."""
        return sum(room.listeners for room in self.rooms.values())

    async def room(self, thread: str) -> Room:
        """The room of a thread, by its whole id. Raises NoSuchThread."""
        store = await self.store()
        async with self._opening:
            # Two tabs that come at once get one room.
            if thread not in self.rooms:
                if await store.threads.get(thread) is None:
                    raise NoSuchThread(
                        f"no session has the id {thread!r}", "choose one of the list"
                    )
                self.rooms[thread] = await self._open(store, thread, {})
        room = self.rooms[thread]
        room.last_used = time.monotonic()
        return room

    async def new_room(self, **chosen: Any) -> Room:
        """The room of a new thread. chosen: model and mode. Raises AgentError."""
        store = await self.store()
        if len(await store.threads.list(limit=self._limits.threads)) >= self._limits.threads:
            raise TooMany("there are too many sessions", "delete some")
        room = await self._open(store, None, chosen)
        self.rooms[room.session.thread.id] = room
        return room

    async def _open(self, store: Store, thread: str | None, chosen: dict[str, Any]) -> Room:
        if self.warming is not None:
            await self.warming.over()
        told: list[Callable[[str], None]] = []
        loop = asyncio.get_running_loop()

        def notice(text: str) -> None:
            # A server of MCP may speak from a thread.
            for tell in told:
                loop.call_soon_threadsafe(tell, text)

        options = replace(self._options, notice=notice, **chosen)
        session = Session.open(
            self.settings, cwd=self.folder, thread=thread, options=options, store=store
        )
        await session.__aenter__()
        room = Room(session, store)
        told.append(room.notice)
        try:
            await room.open()
        except BaseException:
            await session.close()
            raise
        return room

    async def forget(self, thread: str) -> None:
        """Close a thread's room."""
        room = self.rooms.pop(thread, None)
        if room is not None:
            await room.close()

    async def close_idle(self) -> None:
        """Close what was not used for a while; what waits in a thread is on disk. Each open store
        has threads of this process."""
        now = time.monotonic()
        for thread, room in list(self.rooms.items()):
            unused = now - room.last_used > self._limits.idle
            if unused and not room.listeners and not room.is_running:
                await self.forget(thread)
        if not self.rooms and now - self._last_used > self._limits.idle:
            await self._close_store()

    async def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    async def close(self) -> None:
        """End every turn, so that its thread is valid, and let go of everything."""
        await close_all(self.forget(thread) for thread in list(self.rooms))
        await self._close_store()


class Users:
    """All users of this server, by a key that the sign-in gives."""

    def __init__(self, make: Callable[[str], User], limits: Limits) -> None:
        self._make = make
        self._users: dict[str, User] = {}
        self._closing: asyncio.Task[None] | None = None
        self._warming: Warming | None = None
        self.limits = limits

    def warm(self, settings: Settings) -> None:
        """Import what the first session needs, from now on."""
        self._warming = Warming(settings)

    def get(self, key: str) -> User:
        """The user; made if there is none."""
        if key not in self._users:
            self._users[key] = self._make(key)
        user = self._users[key]
        user.warming = self._warming
        return user

    def check_turns(self, user: User) -> None:
        """Raises TooMany if no further turn can run now."""
        running = sum(one.turns for one in self._users.values())
        if user.turns >= self.limits.user_turns:
            raise TooMany(f"{user.turns} of your turns run already", "wait for one, or stop one")
        if running >= self.limits.turns:
            raise TooMany("this server is busy: too many turns run")

    def check_streams(self, user: User) -> None:
        """Raises TooMany if no further tab can be open."""
        open_ = sum(one.streams for one in self._users.values())
        if user.streams >= self.limits.user_streams or open_ >= self.limits.streams:
            raise TooMany("too many tabs are open", "close some")

    async def close_idle(self) -> None:
        await close_all(user.close_idle() for user in list(self._users.values()))

    async def close(self) -> None:
        """End all work. A signal and the end of the application both ask for it: the second waits
        for the first, whose turns still need their database."""
        if self._closing is None:
            closing = close_all(user.close() for user in self._users.values())
            self._closing = asyncio.create_task(closing)
        await asyncio.shield(self._closing)
