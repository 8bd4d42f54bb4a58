"""What one server gives at most, to one user and in all."""

from dataclasses import dataclass

from core.errors import AgentError


class TooMany(AgentError):
    """A limit of the server is reached; it can be tried again."""

    default_hint = "try again in a minute"


@dataclass(frozen=True)
class Limits:
    """Attributes:
    user_turns, turns: that run at once. On two busy cores 40 leave the event loop 5 s behind.
    user_streams, streams: open tabs. threads: of one user. message: characters of one message.
    body: bytes of a request. idle: seconds after which a room that no one uses is closed.
    """

    user_turns: int = 4
    turns: int = 16
    user_streams: int = 30
    streams: int = 1000
    threads: int = 1000
    message: int = 200_000
    body: int = 1_000_000
    idle: float = 300.0
