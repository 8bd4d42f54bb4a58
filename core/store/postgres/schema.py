"""Our tables in Postgres: the steps of core/store/sqlite/schema.py, in a schema of their own.

LangGraph's tables (`checkpoints`, `checkpoint_writes`, `checkpoint_blobs`) stand next to them;
its saver makes and migrates them.
"""

import time
from collections.abc import Sequence

from core.errors import NewerDatabase, StoreError
from core.store.postgres.connection import SCHEMA, Address, Connection
from core.store.postgres.sql import with_types
from core.store.sqlite.connection import BUSY_SECONDS
from core.store.sqlite.schema import MIGRATIONS, Migration

#: Held while tables are made, ours or LangGraph's.
MAKING_TABLES = "hashtextextended('ml-agent tables ' || current_database(), 0)"


def migrate(
    connection: Connection, address: Address, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Bring our tables to the version that `migrations` lead to, whichever they have.

    Safe with several processes at once on an empty database. Raises NewerDatabase, StoreError.
    """
    target = len(migrations)
    if _checked_version(connection, address, target) == target:
        return
    lock_tables(connection)
    try:
        _make_schema(connection, address)
        with connection.transaction():
            for step in migrations[_checked_version(connection, address, target) :]:
                for statement in step:
                    connection.execute(with_types(statement))
            connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"
            )
            connection.execute("DELETE FROM schema_version")
            connection.execute("INSERT INTO schema_version (version) VALUES (%s)", [target])
    finally:
        unlock_tables(connection)


def lock_tables(connection: Connection) -> None:
    """Wait until no other process makes tables. Asked again and again, as a statement that
    waits would hold up a CREATE INDEX CONCURRENTLY of LangGraph's, and that it."""
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute(f"SELECT pg_try_advisory_lock({MAKING_TABLES})").fetchone() != (True,):
        if time.monotonic() > deadline:
            raise StoreError(
                "another process keeps making the tables of this database",
                "look for a stopped ml-agent that is connected to it, then run again",
            )
        time.sleep(0.02)


def unlock_tables(connection: Connection) -> None:
    if not connection.closed:
        connection.execute(f"SELECT pg_advisory_unlock({MAKING_TABLES})")


def _make_schema(connection: Connection, address: Address) -> None:
    if connection.execute("SELECT current_schema()").fetchone() != (None,):
        return
    if not address.own_schema:
        raise StoreError(
            f"the schema that the URL's search_path names is not in {address.place}",
            "create it, or leave the search_path out: ml-agent then creates its own schema",
        )
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")


def table_names(connection: Connection) -> set[str]:
    asked = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return {str(name) for (name,) in connection.execute(asked)}


def _checked_version(connection: Connection, address: Address, target: int) -> int:
    tables = table_names(connection)
    if "schema_version" not in tables:
        if tables:
            raise StoreError(
                f"the schema in {address.place} holds tables of another program",
                "leave the search_path out of the URL, or name a schema of ml-agent's own",
            )
        return 0
    found = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()
    version = int(found[0]) if found else 0
    if version > target:
        raise NewerDatabase(
            f"the database {address.place} has version {version}; "
            f"this ml-agent knows up to {target}"
        )
    return version
