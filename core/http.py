"""Requests that tools make: retried where that helps, bounded in size and time, told in words.

For the Hub's own calls there is huggingface_hub (core/hub/connection.py); this is for the rest:
documentation, dataset viewer, papers, GitHub, the web.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from core.errors import ToolError

if TYPE_CHECKING:
    # Loaded at the first request: 30 ms that no start should pay.
    import ssl
    from http.cookiejar import CookieJar

    import httpx

#: Seconds: of silence while an answer comes, and to connect.
SILENCE, CONNECT = 30.0, 10.0
#: Requests in all for one answer, and the longest pause that is waited between two.
ATTEMPTS, LONGEST_PAUSE = 4, 60.0
#: Bytes of an answer that are read; the rest is left.
MOST = 20_000_000
MOST_REDIRECTS = 10

RETRIED = (429, 500, 502, 503, 504)


def no_cookies() -> CookieJar:
    """For a client that a server's users share: it keeps no cookie of one for the next."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def certificates(url: str = "") -> ssl.SSLContext:
    """What a client checks servers with. Reading the certificates takes a fortieth of a second,
    which httpx spends for each client.

    Args:
        url: all that is asked, without redirects. If it begins with http://, nothing is read, and
            no server is trusted.
    """
    if url.startswith("http://"):
        return _no_certificates()
    return _certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _no_certificates() -> ssl.SSLContext:
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@cache
def _certificates(*_: str | None) -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


@dataclass(frozen=True)
class Reply:
    """An answer, whatever its status. `cut`: it was longer than what was read."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes
    cut: bool = False

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def text(self) -> str:
        kind = self.headers.get("content-type", "")
        found = re.search(r"charset=[\"']?([\w-]+)", kind)
        try:
            return self.body.decode(found[1] if found else "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ToolError where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise ToolError(f"{self.url} answered with something that is not JSON") from None


@dataclass(frozen=True)
class GetOptions:
    """How a GET goes.

    Attributes:
        most: bytes read; None: MOST. longest: seconds; a server that needs a longer pause is not
            waited for.
        log: told about each pause in a line. retried: which answers are asked for again next to
            the statuses of RETRIED. named: the seconds that an answer needs to be waited, if
            that is not `wanted_pause`. transport: what connects, in place of httpx's own.
        follow: whether a redirect from one address to another is followed; it may raise.
    """

    most: int | None = None
    longest: float = LONGEST_PAUSE
    log: Callable[[str], None] = lambda text: None
    retried: Callable[[Reply], bool] = lambda reply: False
    named: Callable[[Reply], float | None] = lambda reply: wanted_pause(reply.headers)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    transport: httpx.AsyncBaseTransport | None = None
    follow: Callable[[str, str], bool] = lambda before, after: True


async def get(
    url: str,
    how: GetOptions | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """GET, redirects followed; busy servers are asked again after the pause they name.

    Args:
        params: None values are left out. headers: for this host alone: if a redirect leads to
            another, they stay behind, so that a credential does not follow.
    Returns the last answer, whatever its status: what a 404 means is the caller's to say.
    Raises ToolError when no answer came.
    """
    import httpx

    how = how or GetOptions()

    wanted = {k: v for k, v in (params or {}).items() if v is not None}
    timeout = httpx.Timeout(SILENCE, connect=CONNECT)
    async with httpx.AsyncClient(
        timeout=timeout, transport=how.transport, verify=certificates()
    ) as client:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                reply = await _once(client, url, wanted, headers or {}, how)
            except httpx.InvalidURL as error:
                raise ToolError(f"{url} is not a URL: {error}") from None
            except httpx.HTTPError as error:
                if attempt == ATTEMPTS or isinstance(error, httpx.UnsupportedProtocol):
                    raise ToolError(f"{url} cannot be reached: {_said(error)}") from None
                wait, why = _backoff(attempt), _said(error)
            else:
                again = reply.status in RETRIED or how.retried(reply)
                if not again or attempt == ATTEMPTS:
                    return reply
                asked = how.named(reply)
                wait, why = _backoff(attempt) if asked is None else asked, f"{reply.status}"
                if wait > how.longest:
                    return reply
            how.log(f"{why}; asking again in {wait:.0f} s ({attempt + 1} of {ATTEMPTS})")
            await how.pause(wait)
    raise AssertionError("every attempt returns, raises or continues")


async def _once(
    client: httpx.AsyncClient,
    url: str,
    params: Mapping[str, Any],
    headers: Mapping[str, str],
    how: GetOptions,
) -> Reply:
    most = MOST if how.most is None else how.most
    # Parameters that are none would take those of the URL away.
    request = client.build_request("GET", url, params=params or None, headers=headers)
    for _ in range(MOST_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            if response.next_request is None:
                return await _read(response, most)
            there = response.next_request.url
            if not how.follow(str(request.url), str(there)):
                return await _read(response, most)
        finally:
            await response.aclose()
        same = (there.scheme, there.netloc) == (request.url.scheme, request.url.netloc)
        headers = headers if same else {}
        request = client.build_request("GET", there, headers=headers)
    raise ToolError(f"{url} redirects more than {MOST_REDIRECTS} times")


async def _read(response: httpx.Response, most: int) -> Reply:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most:
            break
    cut = len(body) > most
    return Reply(str(response.url), response.status_code, response.headers, bytes(body[:most]), cut)


def wanted_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks for: `Retry-After`, or the `t=` of the Hub's `RateLimit`."""
    for value in (headers.get("retry-after", ""), _reset_of(headers.get("ratelimit", ""))):
        if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
            return float(value)
    return None


def _reset_of(rate_limit: str) -> str:
    """`"api";r=0;t=55` → "55", where nothing remains."""
    found = re.search(r"\br=0\b.*\bt=(\d+)", rate_limit)
    return found[1] if found else ""


def _backoff(attempt: int) -> float:
    return 2.0 ** (attempt - 1) * random.uniform(0.8, 1.2)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
