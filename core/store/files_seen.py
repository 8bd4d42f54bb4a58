"""Which files a thread has read, by content."""

from core.store.sqlite.tables import Database


class SqlFilesSeen:
    """`core.durable.FilesSeen` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self, thread: str, path: str, sha256: str) -> None:
        """Remember the content that this thread knows of `path`."""
        await self._database.rows(
            "INSERT INTO files_seen (thread, path, sha256) VALUES (?, ?, ?) "
            "ON CONFLICT (thread, path) DO UPDATE SET sha256 = excluded.sha256",
            [thread, path, sha256],
        )

    async def copy(self, thread: str, other: str) -> None:
        """Let `other` know what `thread` knows."""
        await self._database.rows(
            "INSERT INTO files_seen (thread, path, sha256) "
            "SELECT ?, path, sha256 FROM files_seen WHERE thread = ? ON CONFLICT DO NOTHING",
            [other, thread],
        )

    async def get(self, thread: str, path: str) -> str | None:
        """The content's sha256 as last read or written by this thread; None if never."""
        found = await self._database.rows(
            "SELECT sha256 FROM files_seen WHERE thread = ? AND path = ?", [thread, path]
        )
        return str(found[0][0]) if found else None
