"""The lease on Postgres: a session advisory lock on the connection that writes the journal.

Without that connection no call is begun, so none has an effect without the lease. The server
frees the lock when the connection ends: at once after kill -9, within a minute when a machine
or its network vanished. Who holds it is in the connection's application_name. A pooler
between us and the server must keep one connection per client (session mode).
"""

import asyncio
import os
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import ThreadBusy
from core.store.postgres.connection import Connection
from core.store.postgres.tables import PostgresDatabase
from core.store.sqlite.lease import described

#: How often, and after how many seconds, a lock is tried again: the server needs an instant to
#: see that a process was killed. All of it again, so often, where the holder has left meanwhile.
TRIES, PAUSE, ROUNDS = 30, 0.05, 5

_KEY = "hashtextextended('ml-agent lease ' || current_schema() || ' ' || %s, 0)"
_HOLDER = f"""
    SELECT a.application_name FROM pg_locks l
    JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND (l.classid::bigint << 32 | l.objid::bigint) = {_KEY}
"""
#: Postgres keeps 63 bytes of an application_name.
_NAME = re.compile(r"ml-agent (\d+) (\d+) (.+)")


class AdvisoryLeases:
    """One driver per thread of a Postgres database."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def hold(self, thread: str) -> AsyncIterator[None]:
        """Hold the thread's lock while the block runs. Raises ThreadBusy, StoreError."""

        def unlock(connection: Connection) -> None:
            connection.execute(f"SELECT pg_advisory_unlock({_KEY})", [thread])

        ours = object()
        try:
            await self._acquire(thread, ours)
            yield
        finally:
            # After a cancel too: a lock that was asked for is still taken.
            self._database.release(thread, ours, unlock)

    def is_held(self, thread: str) -> bool:
        """Whether some process drives the thread right now."""
        return self._database.call_now(lambda c: _holder(c, thread)) is not None

    def forget(self, thread: str) -> None:
        """Nothing to do: a lock leaves nothing."""

    async def _acquire(self, thread: str, ours: object) -> None:
        holder: str | None = None
        for _ in range(ROUNDS):
            for _ in range(TRIES):
                if await self._database.call(lambda c: self._try(c, thread, ours)):
                    return
                if thread in self._database.held:
                    break
                await asyncio.sleep(PAUSE)
            holder = await self._database.call(lambda c: _holder(c, thread))
            if holder is not None:
                break  # else it has left since: a killed one is noticed with some delay
        raise ThreadBusy(f"session {thread} is already open in {_words(holder or '')}")

    def _try(self, connection: Connection, thread: str, ours: object) -> bool:
        if thread in self._database.held:
            return False  # the server would give it to the same connection twice
        name = f"ml-agent {os.getpid()} {time.time():.0f} {socket.gethostname()}"
        connection.execute("SELECT set_config('application_name', %s, false)", [name])
        found = connection.execute(f"SELECT pg_try_advisory_lock({_KEY})", [thread]).fetchone()
        if found != (True,):
            return False
        self._database.held[thread] = ours
        return True


def _holder(connection: Connection, thread: str) -> str | None:
    """The application_name of who holds the lock; None: no one."""
    found = connection.execute(_HOLDER, [thread]).fetchone()
    return None if found is None else str(found[0] or "")


def _words(name: str) -> str:
    found = _NAME.match(name)
    if found is None:
        return "another process"
    return described(int(found[1]), found[3], float(found[2]))
