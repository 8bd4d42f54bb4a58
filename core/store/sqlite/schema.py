"""Our tables, as a list of steps forward: a file of any earlier version becomes today's.

A step that was released is never changed, only followed by another. LangGraph's own tables
(`checkpoints`, `writes`) are in the same file; its saver makes and migrates them.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from core.errors import NewerDatabase, StoreError
from core.store.sqlite.connection import patiently, transaction

Migration = tuple[str, ...]

MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE threads (
            id TEXT PRIMARY KEY,
            cwd TEXT NOT NULL,
            host TEXT NOT NULL,
            title TEXT NOT NULL,
            model TEXT NOT NULL,
            mode TEXT NOT NULL,
            caps TEXT NOT NULL,
            status TEXT NOT NULL,
            turns INTEGER NOT NULL,
            created REAL NOT NULL,
            updated REAL NOT NULL
        )""",
        "CREATE INDEX threads_of_folder ON threads (cwd, updated)",
        "CREATE INDEX threads_by_age ON threads (updated)",
        """CREATE TABLE inbox (
            thread TEXT NOT NULL,
            seq INTEGER NOT NULL,
            text TEXT NOT NULL,
            PRIMARY KEY (thread, seq)
        )""",
        """CREATE TABLE journal (
            thread TEXT NOT NULL,
            call_id TEXT NOT NULL,
            tool TEXT NOT NULL,
            state TEXT NOT NULL,
            note TEXT,
            result TEXT,
            PRIMARY KEY (thread, call_id)
        )""",
        """CREATE TABLE files_seen (
            thread TEXT NOT NULL,
            path TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            PRIMARY KEY (thread, path)
        )""",
    ),
    (
        """CREATE TABLE snapshots (
            thread TEXT NOT NULL,
            before_id TEXT NOT NULL,
            start TEXT NOT NULL,
            finish TEXT NOT NULL,
            off TEXT NOT NULL,
            PRIMARY KEY (thread, before_id)
        )""",
        """CREATE TABLE ledger (
            id TEXT PRIMARY KEY,
            ref TEXT NOT NULL,
            thread TEXT NOT NULL,
            invocation TEXT NOT NULL,
            turn TEXT NOT NULL,
            day TEXT NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            amount INTEGER NOT NULL,
            known INTEGER NOT NULL,
            at REAL NOT NULL
        )""",
        "CREATE INDEX ledger_by_invocation ON ledger (invocation, amount, known)",
        "CREATE INDEX ledger_by_turn ON ledger (turn, amount, known)",
        "CREATE INDEX ledger_by_thread ON ledger (thread, amount, known)",
        "CREATE INDEX ledger_by_day ON ledger (day, amount, known)",
        """CREATE TABLE decisions (
            thread TEXT NOT NULL,
            call_id TEXT NOT NULL,
            decision TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (thread, call_id)
        )""",
        """CREATE TABLE grants (
            folder TEXT NOT NULL,
            rule TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (folder, rule)
        )""",
    ),
    ("ALTER TABLE threads ADD COLUMN sandbox TEXT NOT NULL DEFAULT ''",),
    (
        """CREATE TABLE waits (
            thread TEXT NOT NULL,
            call_id TEXT NOT NULL,
            conditions TEXT NOT NULL,
            note TEXT NOT NULL,
            made REAL NOT NULL,
            until REAL,
            seq INTEGER NOT NULL,
            run TEXT NOT NULL,
            woken REAL,
            event TEXT,
            PRIMARY KEY (thread, call_id)
        )""",
    ),
    (
        """CREATE TABLE experiments (
            thread TEXT PRIMARY KEY,
            judge TEXT NOT NULL,
            folder TEXT NOT NULL,
            digest TEXT NOT NULL,
            made REAL NOT NULL,
            spent INTEGER NOT NULL,
            tokens INTEGER NOT NULL,
            place TEXT NOT NULL,
            notes TEXT NOT NULL
        )""",
        """CREATE TABLE trials (
            thread TEXT NOT NULL,
            number INTEGER NOT NULL,
            call_id TEXT NOT NULL,
            parent INTEGER,
            hypothesis TEXT NOT NULL,
            verdict TEXT NOT NULL,
            metrics TEXT NOT NULL,
            value REAL,
            rule TEXT NOT NULL,
            files TEXT NOT NULL,
            diff TEXT NOT NULL,
            snapshot TEXT NOT NULL,
            digest TEXT NOT NULL,
            seconds REAL NOT NULL,
            cost INTEGER NOT NULL,
            tokens INTEGER NOT NULL,
            began REAL NOT NULL,
            ended REAL,
            note TEXT NOT NULL,
            progress TEXT NOT NULL,
            PRIMARY KEY (thread, number)
        )""",
        "CREATE UNIQUE INDEX trials_by_call ON trials (thread, call_id)",
        "ALTER TABLE ledger ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0",
    ),
    (
        """CREATE TABLE goals (
            thread TEXT PRIMARY KEY,
            text TEXT NOT NULL,
            command TEXT NOT NULL,
            terms TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            made REAL NOT NULL,
            checks INTEGER NOT NULL,
            progress TEXT NOT NULL
        )""",
    ),
    (
        """CREATE TABLE search_texts (
            thread TEXT NOT NULL,
            id TEXT NOT NULL,
            turn INTEGER NOT NULL,
            place INTEGER NOT NULL,
            role TEXT NOT NULL,
            text TEXT NOT NULL,
            folded TEXT NOT NULL,
            PRIMARY KEY (thread, id)
        )""",
        "CREATE TABLE search_state (thread TEXT PRIMARY KEY)",
    ),
    # Each step asks for the jobs of its thread; nearly all of its calls are of bash.
    ("CREATE INDEX journal_elsewhere ON journal (thread, tool) WHERE tool <> 'bash'",),
)


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Bring the file to the version that `migrations` lead to, whichever it has.

    Safe with several processes at once on a file that is not there yet. A newer file, or one
    of another program, is left as it is: NewerDatabase, StoreError.
    """
    target = len(migrations)
    if patiently(lambda: _checked_version(connection, path, target)) < target:
        # Before the first table, or it has no effect.
        patiently(lambda: connection.execute("PRAGMA auto_vacuum = INCREMENTAL"))
    patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
    if patiently(lambda: _checked_version(connection, path, target)) == target:
        return
    with transaction(connection):
        # Read again under the lock: another process may have come first.
        for step in migrations[_checked_version(connection, path, target) :]:
            for statement in step:
                connection.execute(statement)
        _write_version(connection, target)


def _checked_version(connection: sqlite3.Connection, path: Path, target: int) -> int:
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if "schema_version" not in tables:
        if tables:
            raise StoreError(
                f"{path} is a database of another program",
                "set ML_AGENT_DATABASE_URL to a file of ml-agent's own",
            )
        return 0
    (version,) = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()
    if version > target:
        raise NewerDatabase(
            f"the database {path} has version {version}; this ml-agent knows up to {target}"
        )
    return int(version)


def _write_version(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    connection.execute("DELETE FROM schema_version")
    connection.execute("INSERT INTO schema_version (version) VALUES (?)", (version,))
