"""Thread rows: what a thread remembers next to its checkpoints, and the list of threads."""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

from core.errors import NoSuchThread
from core.store.base.database import Database

TITLE_CHARACTERS = 80
#: Threads that are named if several match; those whose titles are searched, the newest.
NAMED, SEARCHED = 5, 2000
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread.

    Attributes:
        cwd: its working directory, absolute. host: where that directory is.
        title: first line of its first message.
        status: of its last turn: running, done, error, limit, approval, waiting, interrupted.
        turns: how many were begun. created, updated: epoch seconds.
        sandbox: the hardware of its Hugging Face sandbox; empty: it works on its host.
    """

    id: str
    cwd: str
    host: str
    title: str
    model: str
    mode: str
    status: str = "done"
    turns: int = 0
    created: float = 0.0
    updated: float = 0.0
    sandbox: str = ""


COLUMNS = tuple(f.name for f in fields(ThreadRow))
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM threads"


def new_thread_id(now: float) -> str:
    """An id that sorts by time and can be typed: 20261121-013205-a1b2."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    return f"{stamp}-{secrets.token_hex(2)}"


class ThreadRows:
    """The table of threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def create(self, row: ThreadRow) -> ThreadRow:
        """Store a new row; its times are set here, its title shortened."""
        now = self._clock()
        row = replace(row, title=_shortened(row.title), created=now, updated=now)
        # The column `caps` is of an older version, and must not be NULL.
        marks = ", ".join("?" for _ in COLUMNS)
        await self._database.rows(
            f"INSERT INTO threads (caps, {', '.join(COLUMNS)}) VALUES ('{{}}', {marks})",
            list(astuple(row)),
        )
        return row

    async def update(self, thread: str, **changes: Any) -> ThreadRow:
        """Change columns of a row, and its time. Raises NoSuchThread."""
        values = {**changes, "updated": self._clock()}
        assert set(values) <= set(COLUMNS), values
        sets = ", ".join(f"{name} = ?" for name in values)
        found = await self._database.rows(
            f"UPDATE threads SET {sets} WHERE id = ? RETURNING {', '.join(COLUMNS)}",
            [*values.values(), thread],
        )
        if not found:
            raise NoSuchThread(f"no session has the id {thread}")
        return _row(found[0])

    async def get(self, thread: str) -> ThreadRow | None:
        found = await self._database.rows(f"{_SELECT} WHERE id = ?", [thread])
        return _row(found[0]) if found else None

    async def list(self, cwd: str | None = None, limit: int = 20) -> list[ThreadRow]:
        """The newest threads first; with `cwd`, those of that folder."""
        where, values = ("WHERE cwd = ?", [cwd]) if cwd is not None else ("", [])
        found = await self._database.rows(
            f"{_SELECT} {where} ORDER BY updated DESC LIMIT ?", [*values, limit]
        )
        return [_row(r) for r in found]

    async def waiting(self) -> Sequence[ThreadRow]:
        """Threads whose last turn waits for approval, the newest first."""
        found = await self._database.rows(
            f"{_SELECT} WHERE status = ? ORDER BY updated DESC", ["approval"]
        )
        return [_row(r) for r in found]

    async def by_folder(self, first: str, limit: int = 20) -> Sequence[ThreadRow]:
        """Threads of all folders: those of `first`, then the other folders, the one with the
        newest thread before the rest; in each the newest first."""
        rows = await self.list(first, limit)
        others = await self._database.rows(
            f"{_SELECT} WHERE cwd <> ? ORDER BY updated DESC LIMIT ?", [first, limit - len(rows)]
        )
        place: dict[str, int] = {}
        for row in (more := [_row(r) for r in others]):
            place.setdefault(row.cwd, len(place))
        return [*rows, *sorted(more, key=lambda row: place[row.cwd])]

    async def outdated(
        self, before: float, *, cwd: str | None = None, keep: int = 0
    ) -> Sequence[ThreadRow]:
        """Threads not touched since `before` (epoch seconds), the oldest first; with `cwd`, of that
        folder. The newest `keep` of each folder are not among them."""
        where, values = ("WHERE cwd = ?", [cwd]) if cwd is not None else ("", [])
        columns = ", ".join(COLUMNS)
        found = await self._database.rows(
            f"SELECT {columns} FROM (SELECT {columns}, "
            "ROW_NUMBER() OVER (PARTITION BY cwd ORDER BY updated DESC) AS place "
            f"FROM threads {where}) AS placed WHERE place > ? AND updated < ? ORDER BY updated",
            [*values, keep, before],
        )
        return [_row(r) for r in found]

    async def newest(self, cwd: str) -> ThreadRow | None:
        rows = await self.list(cwd, 1)
        return rows[0] if rows else None

    async def resolve(self, wanted: str, cwd: str = "") -> ThreadRow:
        """The thread with this id; else the only one whose id begins so, or ends so, or whose
        title has these words. `@1` is the newest of the folder `cwd`, `@2` the one before it.

        Raises NoSuchThread: none, or several (they are named).
        """
        exact = await self.get(wanted)
        if exact is not None:
            return exact
        if re.fullmatch(r"@\d+", wanted):
            return await self._numbered(wanted, cwd)
        found: Sequence[ThreadRow] = ()
        if wanted.strip():
            found = await self._with_id("substr(id, 1, ?) = ?", wanted)
            found = found or await self._with_id("substr(id, length(id) - ? + 1) = ?", wanted)
            found = found or await self._titled(wanted, cwd)
        if not found:
            raise NoSuchThread(f"no session matches {wanted!r}")
        if len(found) > 1:
            names = ", ".join(f"{row.id} ({row.title[:30]})" for row in found[:NAMED])
            raise NoSuchThread(
                f"{wanted!r} matches several sessions: {names}", "type more of the id, or its end"
            )
        return found[0]

    async def _with_id(self, condition: str, part: str) -> Sequence[ThreadRow]:
        found = await self._database.rows(
            f"{_SELECT} WHERE {condition} ORDER BY updated DESC LIMIT {NAMED}", [len(part), part]
        )
        return [_row(r) for r in found]

    async def _titled(self, words: str, cwd: str) -> Sequence[ThreadRow]:
        """Threads whose titles have all `words`; those of `cwd`, if it has any."""
        wanted = set(_WORD.findall(words.casefold()))
        rows = await self.list(limit=SEARCHED) if wanted else []
        found = [row for row in rows if wanted <= set(_WORD.findall(row.title.casefold()))]
        return [row for row in found if row.cwd == cwd] or found

    async def _numbered(self, wanted: str, cwd: str) -> ThreadRow:
        number = int(wanted[1:])
        rows = await self.list(cwd or None, number)
        if not 0 < number <= len(rows):
            there = "this folder has no sessions" if not rows else f"the last one is @{len(rows)}"
            raise NoSuchThread(f"no session {wanted}: {there}")
        return rows[number - 1]

    async def rename(self, thread: str, title: str) -> ThreadRow:
        """Give a thread another title; its time stays, as nothing was said. Raises NoSuchThread."""
        found = await self._database.rows(
            f"UPDATE threads SET title = ? WHERE id = ? RETURNING {', '.join(COLUMNS)}",
            [_shortened(title), thread],
        )
        if not found:
            raise NoSuchThread(f"no session has the id {thread}")
        return _row(found[0])

    async def delete(self, threads: Sequence[str]) -> None:
        """Remove everything the database holds of threads, LangGraph's rows included, in one
        transaction. The space is free after `Database.reclaim`."""
        ours = {"threads": "id"}
        ours |= dict.fromkeys(
            (
                "inbox", "journal", "files_seen", "snapshots", "decisions", "waits",
                "experiments", "trials", "goals", "search_texts", "search_state",
            ),
            "thread",
        )  # fmt: skip
        theirs = dict.fromkeys(
            ("checkpoints", "writes", "checkpoint_blobs", "checkpoint_writes"), "thread_id"
        )
        tables = await self._database.tables()
        marks = ", ".join("?" for _ in threads)
        await self._database.batch(
            [
                (f"DELETE FROM {table} WHERE {column} IN ({marks})", threads)
                for table, column in {**ours, **theirs}.items()
                if table in tables
            ]
        )


def _shortened(title: str) -> str:
    title = " ".join(title.split())
    return title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1] + "…"


def _row(values: tuple[Any, ...]) -> ThreadRow:
    return ThreadRow(*values)
