"""Questions of a server in the middle of a call: answered live by a person, else declined.

They never interrupt the graph: the call they belong to would run a second time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """What a server asks.

    Attributes:
        schema: JSON Schema of a flat object with the fields that it wants; None for a page.
        url: a page that the person shall open instead; the server is not told what was done there.
    """

    server: str
    message: str
    schema: dict[str, Any] | None = None
    url: str = ""


#: The person's answer: the fields ({} for a page), or None: declined.
Ask = Callable[[Question], Awaitable[dict[str, Any] | None]]


async def answered(server: str, params: Any, ask: Ask | None, log: Callable[[str], None]) -> Any:
    """The SDK's ElicitResult for its ElicitRequestParams."""
    from mcp.types import ElicitResult

    url = str(getattr(params, "url", "") or "")
    schema = getattr(params, "requestedSchema", None)
    if ask is None:
        log(f"{server} asks: {params.message} (declined: nobody is there)")
        return ElicitResult(action="decline")
    log(f"{server} asks: {params.message}")
    given = await ask(Question(server, params.message, schema, url))
    if given is None:
        return ElicitResult(action="decline")
    wrong = None if url else _wrong(given, schema)
    if wrong:
        log(f"the answer was not sent: {wrong}")
        return ElicitResult(action="cancel")
    return ElicitResult(action="accept", content=None if url else given)


def _wrong(given: dict[str, Any], schema: dict[str, Any] | None) -> str:
    from tools.mcp.schema import problems

    return problems(given, schema or {})
