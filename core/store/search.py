"""What was said in each thread, as text that can be searched: a user's words and the model's.

Checkpoints hold messages in a form that no database can search. A turn adds its words here when it
ends. A thread without a row in `search_state` (of an older version, a fork, after an undo) is read
whole by graph/search.py first. Secrets are redacted before anything is stored.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.secrets.redaction import redacted
from core.store.base.database import Database, Statement


@dataclass(frozen=True)
class Said:
    """A message. id: its own. turn, place: where it is. role: user or assistant."""

    id: str
    turn: int
    place: int
    role: str
    text: str


@dataclass(frozen=True)
class Hit:
    """The newest message of a thread that has the words, and how many have."""

    thread: str
    turn: int
    role: str
    text: str
    count: int


class SqlSearch:
    """The tables `search_texts` and `search_state`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, thread: str, said: Sequence[Said], *, is_whole: bool) -> None:
        """Add the words of a turn, unless the thread waits to be read whole. `is_whole`: the
        thread has no other words."""
        first: list[Statement] = [(_STATE, [thread])] if is_whole else []
        await self._database.later([*first, *(_row(thread, one) for one in said)])

    async def replace(self, thread: str, said: Sequence[Said]) -> None:
        """Let these be all words of a thread."""
        drop = ("DELETE FROM search_texts WHERE thread = ?", [thread])
        rows = [_row(thread, one) for one in said]
        await self._database.batch([drop, (_STATE, [thread]), *rows])

    async def forget(self, thread: str) -> None:
        """The thread has changed: it is read whole before the next search."""
        tables = ("search_state", "search_texts")
        await self._database.later(
            [(f"DELETE FROM {t} WHERE thread = ?", [thread]) for t in tables]
        )

    async def unread(self, cwd: str | None) -> Sequence[str]:
        """Threads that must be read whole, the newest first. One whose turn runs or was cut off
        has words that no turn's end has added."""
        where, values = _in_folder(cwd)
        found = await self._database.rows(
            "SELECT threads.id FROM threads LEFT JOIN search_state "
            "ON search_state.thread = threads.id WHERE (search_state.thread IS NULL "
            f"OR threads.status = 'running'){where} ORDER BY threads.updated DESC",
            values,
        )
        return [str(thread) for (thread,) in found]

    async def find(self, words: Sequence[str], cwd: str | None, limit: int) -> Sequence[Hit]:
        """Threads in which a message has all `words` (`folded`), those that changed last first."""
        where, values = _in_folder(cwd)
        has = " AND ".join(r"folded LIKE ? ESCAPE '\'" for _ in words)
        found = await self._database.rows(
            "SELECT thread, turn, role, text, count FROM "
            "(SELECT thread, turn, role, text, updated, "
            "COUNT(*) OVER (PARTITION BY thread) AS count, "
            "ROW_NUMBER() OVER (PARTITION BY thread ORDER BY place DESC) AS newest "
            "FROM search_texts JOIN threads ON threads.id = search_texts.thread "
            f"WHERE {has}{where}) AS hits WHERE newest = 1 ORDER BY updated DESC LIMIT ?",
            [*(f"%{_escaped(word)}%" for word in words), *values, limit],
        )
        return [Hit(*values) for values in found]


_STATE = "INSERT INTO search_state (thread) VALUES (?) ON CONFLICT DO NOTHING"
#: Adds nothing to a thread that must be read whole.
_ROW = (
    "INSERT INTO search_texts (thread, id, turn, place, role, text, folded) "
    "SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM search_state WHERE thread = ?) "
    "ON CONFLICT DO NOTHING"
)


def _row(thread: str, said: Said) -> Statement:
    text = redacted(said.text)
    values = [thread, said.id, said.turn, said.place, said.role, text, folded(text), thread]
    return _ROW, values


def folded(text: str) -> str:
    """`text` as it is compared: without case, and one form for each letter."""
    return unicodedata.normalize("NFKC", text).casefold()


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _in_folder(cwd: str | None) -> tuple[str, list[str]]:
    return (" AND threads.cwd = ?", [cwd]) if cwd is not None else ("", [])
