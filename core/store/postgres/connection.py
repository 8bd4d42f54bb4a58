"""A connection to Postgres: how it is opened, how long it may be silent, errors in words.

What libpq says of a URL that it cannot read or resolve may carry pieces of the password, so
its words are shown only where they come from a server.
"""

import os
import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict

from core.errors import StoreError
from core.store.base.database import Row
from core.store.sqlite.connection import BUSY_SECONDS

Connection = psycopg.Connection[Row]

#: Where our tables and LangGraph's stand, unless the URL sets a search_path.
SCHEMA = "ml_agent"
#: How long connecting may take, and any answer after that, in seconds.
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60.0
#: A connection that was idle for so many seconds is tried before it is used.
IDLE_SECONDS = 5.0

_ELSEWHERE = "or set ML_AGENT_DATABASE_URL to another database"


class Address:
    """A database URL, read. `place` names it for a user, without the password."""

    def __init__(self, url: str) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.Error:
            raise _unreadable() from None
        host, port = str(given.get("host", "")), str(given.get("port", ""))
        if "@" in host or not re.fullmatch(r"[\d,]*", port):
            raise _unreadable()
        user = f"{given['user']}@" if given.get("user") else ""
        at = host + (f":{port}" if port else "")
        self.place = f"postgresql://{user}{at}/{given.get('dbname', '')}"
        self.password = str(given.get("password", ""))
        self.own_schema = "search_path" not in str(given.get("options", ""))
        #: Keepalives: a network that is gone is noticed within a minute.
        self.parameters: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "fallback_application_name": "ml-agent",
            "client_encoding": "UTF8",
            "keepalives_idle": 20,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            **given,
        }

    def greeting(self) -> str:
        """What every connection says first. The server's keepalives free the lease of a machine
        that vanished; by default they would after two hours."""
        said = [
            f"SET lock_timeout = '{BUSY_SECONDS:.0f}s'",
            "SET default_transaction_isolation = 'read committed'",
            "SET tcp_keepalives_idle = 20",
            "SET tcp_keepalives_interval = 10",
            "SET tcp_keepalives_count = 3",
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'",
        ]
        if self.own_schema:
            said.append(f"SET search_path TO {SCHEMA}")
        return "; ".join(said)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what psycopg raises into a StoreError about this place."""
        try:
            yield
        except psycopg.Error as error:
            raise self._in_words(error) from error

    def _in_words(self, error: psycopg.Error) -> StoreError:
        said = " ".join(str(error).split())
        for pattern, message, hint in _WORDS:
            if re.search(pattern, f"{error.sqlstate or ''} {type(error).__name__} {said}"):
                return StoreError(message.format(place=self.place), hint)
        if error.sqlstate is None:
            return StoreError(
                f"the connection to the database {self.place} failed",
                f"check that the server can be reached from here, {_ELSEWHERE}",
            )
        if self.password:
            said = said.replace(self.password, "***")
        return StoreError(f"the database {self.place} failed: {said}")


def connect(address: Address) -> Connection:
    # Values are put into the text by the client: a `?` then needs no type that Postgres could
    # guess, and several statements go out at once.
    connection: Connection = psycopg.connect(
        **address.parameters, autocommit=True, cursor_factory=psycopg.ClientCursor
    )
    connection.adapters.register_loader("numeric", _Number)
    connection.execute(address.greeting())
    return connection


class _Number(Loader):
    """A sum comes back as the int or float that SQLite gives, not as a Decimal."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


def doubtful(descriptor: int, idle: float) -> bool:
    """Whether a connection may have ended: no one used it for a while, or the server said
    something without asking, which mostly is goodbye."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return idle > IDLE_SECONDS or bool(waiting.poll(0))


def hang_up(descriptor: int) -> None:
    """End a connection that does not answer: whoever waits on it is told at once."""
    # An OSError: it has ended by itself.
    with socket.socket(fileno=os.dup(descriptor)) as line, suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def silent(place: str) -> StoreError:
    return StoreError(
        f"the database {place} did not answer for {ANSWER_SECONDS:.0f} seconds",
        "check the server and the network; the session is intact: ml-agent sessions resume",
    )


def _unreadable() -> StoreError:
    return StoreError(
        "the database URL cannot be read",
        "write postgresql://user:password@host:port/database, special characters in user and "
        "password as %XX",
    )


#: (what is found in the error's code, class and text; what happened; what to do). Errors of
#: connecting carry no code.
_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        r"28P01|password authentication failed|no password supplied",
        "the database {place} does not accept this user and password",
        "check ML_AGENT_DATABASE_URL, or ~/.pgpass",
    ),
    (
        r"28000|no pg_hba\.conf entry|role .* does not exist|not permitted to log in",
        "the database {place} does not let this user in from here",
        "check the user in ML_AGENT_DATABASE_URL and the server's pg_hba.conf",
    ),
    (
        r"3D000|database .* does not exist",
        "no such database: {place}",
        "create it (createdb), or correct ML_AGENT_DATABASE_URL",
    ),
    (
        r"resolve host|translate host name|Name or service not known",
        "no host has the name in {place}",
        "correct ML_AGENT_DATABASE_URL",
    ),
    (
        r"ConnectionTimeout|timeout expired",
        "the database {place} did not answer in time",
        f"check host, port, firewall and network, {_ELSEWHERE}",
    ),
    (
        r"Connection refused|No such file or directory",
        "no Postgres server answers at {place}",
        f"start it, correct host and port, {_ELSEWHERE}",
    ),
    (
        r"53300|too many clients|connection slots",
        "the database {place} takes no more connections",
        "raise its max_connections, or end some of its clients",
    ),
    (
        r"53100|No space left",
        "the disk of the database {place} is full",
        f"free some space there and run again: what was stored is intact; {_ELSEWHERE}",
    ),
    (
        r"25006",
        "the database {place} is read-only",
        f"name the primary server in the URL, {_ELSEWHERE}",
    ),
    (
        r"42501",
        "no permission in the database {place}",
        f"GRANT CREATE on the database, or USAGE and CREATE on its schema, to this user, "
        f"{_ELSEWHERE}",
    ),
    (
        r"55P03",
        f"another process kept the database {{place}} locked for {BUSY_SECONDS:.0f} seconds",
        "look for a program that holds locks on the tables of ml-agent, then run again",
    ),
    (
        r"57P0[123]|server closed the connection|connection is lost|terminating connection"
        r"|starting up|shutting down",
        "the database {place} ended the connection",
        "the session is intact: ml-agent sessions resume continues once the server is back",
    ),
)
