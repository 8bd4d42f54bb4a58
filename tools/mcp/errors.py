"""What goes wrong with a server, in words."""

import errno
import os

from core.refusals import MCP, sentence


class Trouble(Exception):
    """A server cannot be used. The text is one line that a user can act on."""


class NotSent(Exception):
    """A call never left: asking again is safe."""


class Lost(Exception):
    """The session ended while a call was under way: no one can tell whether it happened."""


class TimedOut(Exception):
    """No answer to a call in time: it may still happen."""


class Refused(Exception):
    """The server answered a call with an error of the protocol."""


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions that groups of groups hold."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


def never_left(error: BaseException) -> bool:
    """Whether the request that failed so cannot have reached the server."""
    import httpx

    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def in_words(error: BaseException, target: str, last_words: str = "") -> str:
    """Why a server did not start, or its session ended. `last_words`: the end of its stderr."""
    import anyio
    import httpx
    from mcp.shared.exceptions import McpError

    found = [leaf for leaf in leaves(error) if isinstance(leaf, Exception)]
    cause: BaseException = found[0] if found else error
    if isinstance(cause, Trouble):
        return str(cause)
    if isinstance(cause, FileNotFoundError):
        return f"there is no program {target.split()[0]!r}"
    if isinstance(cause, httpx.HTTPStatusError):
        return sentence(MCP, cause.response.status_code, target=target)
    if isinstance(cause, httpx.HTTPError):
        return f"{target} cannot be reached: {str(cause) or type(cause).__name__}"
    if isinstance(cause, OSError):
        said = os.strerror(cause.errno) if cause.errno else str(cause)
        hint = " (is it a program?)" if cause.errno in (errno.EACCES, errno.ENOEXEC) else ""
        return f"{target.split()[0]}: {said}{hint}"
    if isinstance(cause, McpError) and "Session terminated" in str(cause):
        return sentence(MCP, 404, target=target)
    gone = isinstance(cause, anyio.BrokenResourceError | anyio.ClosedResourceError)
    if gone or (isinstance(cause, McpError) and "Connection closed" in str(cause)):
        said = f": {last_words}" if last_words else ""
        return f"it ended while it was asked{said}"
    return f"{_first_line(cause)}{': ' + last_words if last_words else ''}"


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:300] if text else type(error).__name__
