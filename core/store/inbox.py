"""The inbox: messages of the person, on disk before anything else happens."""

from core.durable import InboxRow
from core.store.sqlite.tables import Database


class SqlInbox:
    """`core.durable.Inbox` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, thread: str, text: str) -> int:
        """Append; returns the row's seq, from 1 in each thread."""
        # One statement, so that two writers cannot take the same number.
        found = await self._database.rows(
            "INSERT INTO inbox (thread, seq, text) "
            "SELECT ?, COALESCE(MAX(ABS(seq)), 0) + 1, ? FROM inbox WHERE thread = ? RETURNING seq",
            [thread, text, thread],
        )
        return int(found[0][0])

    async def after(self, thread: str, seq: int) -> list[InboxRow]:
        """The rows beyond `seq`, oldest first."""
        found = await self._database.rows(
            "SELECT seq, text FROM inbox WHERE thread = ? AND seq > ? ORDER BY seq", [thread, seq]
        )
        return [InboxRow(int(s), str(text)) for s, text in found]

    async def withdraw(self, thread: str, seq: int) -> None:
        """Take a message back. Its row stays, out of reach, so that its number is not given again:
        a step under way may have read it."""
        await self._database.batch(
            [("UPDATE inbox SET seq = -seq WHERE thread = ? AND seq = ?", [thread, seq])]
        )
