"""What the web tool may connect to: public addresses alone, checked after DNS and used as checked.

A name is looked up once for each request, redirects included, and the connection goes to an
address of that answer: no second look-up, so none that could answer otherwise. Where one address
of a name is private, none is used. Proxies of the environment are not used: they would look the
name up themselves.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.errors import ToolError

if TYPE_CHECKING:
    import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: NAT64: an IPv4 address is in the last four bytes.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: What Python's `is_global` lets through although IANA's registries of special addresses list it:
#: IETF protocols, the old 6to4 relay, local NAT64, a discard-like block, documentation, SRv6.
SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24", "192.88.99.0/24",
        "64:ff9b:1::/48", "100:0:0:1::/64", "3fff::/20", "5f00::/16",
    )
)  # fmt: skip
#: ISATAP: an interface identifier of these four bytes and an IPv4 address leads to that machine.
ISATAP = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))
#: How an answer may be packed: others grow without bound as they are unpacked.
PACKED = ("", "identity", "gzip", "deflate")


def is_public(address: Address) -> bool:
    """Whether an address is on the open internet: neither private, loopback, link-local, CGNAT,
    multicast nor reserved, and does not lead to such a one inside an IPv6 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if address.teredo is not None or address.is_site_local:
            return False
        if address.packed[8:12] in ISATAP:
            return False
        if inner is not None:
            return is_public(inner)
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not any(address in network for network in SPECIAL)
    )


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system resolves it (`127.1` and `0x7f000001` too)."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


#: What decides. Tests put their own in place, to reach servers of their own; no setting does.
allowed: Callable[[Address], bool] = is_public
lookup: Callable[[str, int], Awaitable[list[str]]] = resolve


async def checked(url: httpx.URL) -> list[str]:
    """The addresses that a request for `url` may go to. Raises ToolError."""
    if url.scheme not in ("http", "https"):
        raise ToolError(f"{url} is not read: only http and https are")
    if not url.host:
        raise ToolError(f"{url} is not read: it names no host")
    if url.userinfo:
        raise ToolError(f"{url.host}: a URL with a user or password in it is not read")
    port = url.port or (443 if url.scheme == "https" else 80)
    if not 0 < port < 65536:
        raise ToolError(f"{url} is not read: there is no port {port}")
    try:
        found = await lookup(url.host, port)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ToolError(f"{url.host} has no address: {why}{_proxy()}") from None
    for text in found:
        try:
            public = allowed(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            public = False
        if not public:
            raise ToolError(
                f"{url.host} is not read: its address {text} is not on the public internet. "
                "For your own server use bash (curl)."
            )
    if not found:
        raise ToolError(f"{url.host} has no address{_proxy()}")
    return found


def _proxy() -> str:
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    named = next((name for name in names if os.environ.get(name)), None)
    return f" (web connects directly: {named} is not used; curl in bash uses it)" if named else ""


def transport() -> httpx.AsyncBaseTransport:
    """For one fetch: what connects to checked addresses, and to nothing else."""
    import httpx

    class Guarded(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            # No connection is kept: an address may belong to several names.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._inner = httpx.AsyncHTTPTransport(limits=limits)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            addresses = await checked(request.url)
            for last, address in enumerate(addresses, 1 - len(addresses)):
                try:
                    return await self._at(address, request)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    if last == 0:
                        raise
            raise AssertionError("there is an address, and the last one returns or raises")

        async def _at(self, address: str, request: httpx.Request) -> httpx.Response:
            # The Host header is the name's already; TLS has to ask for the name, and check it.
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                extensions={**request.extensions, "sni_hostname": request.url.host},
            )
            response = await self._inner.handle_async_request(pinned)
            packed = response.headers.get("content-encoding", "").lower()
            if packed not in PACKED:
                await response.aclose()
                raise ToolError(f"{request.url} answers packed as {packed}, which is not read")
            return response

        async def aclose(self) -> None:
            await self._inner.aclose()

    return Guarded()
