"""The guard before every route: Host, Origin, the header of ours, size, and the security headers.

A page of another site can make the browser send requests here, cookies included; it cannot set our
header or read an answer. A name that leads to 127.0.0.1 (DNS rebinding) is not our Host.
"""

import json
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-ml-agent"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
#: Of every answer. `frame-ancestors` is the door's alone (server/door.py).
SECURITY = {
    "content-security-policy": f"{POLICY}; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(eq=False)
class Refusal(Exception):
    """Why a request is not answered."""

    status: int
    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Guard:
    """ASGI middleware.

    Attributes:
        hosts: the values of Host that are ours. scheme: of our address. body: bytes that a
            request can have.
    """

    app: ASGIApp
    hosts: frozenset[str]
    scheme: str
    body: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            self._check(scope)
            body = await self._read(scope, receive)
        except Refusal as refusal:
            await _refuse(refusal, secured)
            return
        await self.app(scope, body, secured)

    def _check(self, scope: Scope) -> None:
        """Raises Refusal."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
            return  # asked by the machine that runs us, under whatever name
        if host not in self.hosts:
            known = ", ".join(sorted(self.hosts))
            raise _forbidden(f"this server is not {host or 'without a name'}", f"open {known}")
        site = headers.get("sec-fetch-site", "")
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"{self.scheme}://{host}":
            raise _forbidden("the request comes from another site")
        if scope["method"] in ("GET", "HEAD"):
            is_navigation = headers.get("sec-fetch-mode") in (None, "navigate")
            if site in ("cross-site", "same-site") and not is_navigation:
                raise _forbidden("the request comes from another site")
            return
        if scope["method"] != "POST":
            raise Refusal(405, "usage_error", f"{scope['method']} is not offered")
        if site not in ("", "same-origin") or (not site and origin is None):
            raise _forbidden("the request comes from another site")
        if headers.get(HEADER) != "1":
            raise _forbidden("the header X-ML-Agent is missing", "send X-ML-Agent: 1")
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refusal(415, "usage_error", "the body is not application/json")

    async def _read(self, scope: Scope, receive: Receive) -> Receive:
        """The request's body, read within the limit, for the route to receive again."""
        if scope["method"] != "POST":
            return receive
        large = Refusal(
            413, "too_large", f"the request is over {self.body:,} bytes", "send a shorter text"
        )
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > self.body:
            raise large
        data, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "usage_error", "the request was cut off")
            data, more = data + message.get("body", b""), message.get("more_body", False)
            if len(data) > self.body:
                raise large
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": data, "more_body": False}

        return again


def _forbidden(message: str, hint: str = "reload the page") -> Refusal:
    return Refusal(403, "forbidden", message, hint)


async def _refuse(refusal: Refusal, send: Send) -> None:
    error = {"kind": refusal.kind, "message": refusal.message, "hint": refusal.hint}
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    # The body of the request is perhaps not read: the connection is of no more use.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
