"""Hugging Face's sign-in, as a server: codes work once, and only with the verifier they began with.

with SignInProvider() as provider:
    code, state = provider.allow(address_that_the_browser_was_sent_to, "ada")
"""

import base64
import hashlib
import html
import json
import secrets
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

#: Who can allow it on the page.
PEOPLE = ("ada", "bob")
CLIENT, SECRET = "client-of-the-space", "secret-of-the-space"


@dataclass
class Granted:
    """A user's consent. used: the code was exchanged."""

    name: str
    challenge: str
    back: str
    scope: str
    used: bool = False


class SignInProvider:
    """`scopes`: what each further user grants; None: all that is asked for. `status`: of the next
    answers. A browser gets a page on which a user of PEOPLE allows it by a click."""

    def __init__(self) -> None:
        self.codes: dict[str, Granted] = {}
        self.tokens: dict[str, str] = {}
        self.scopes: str | None = None
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def allow(self, address: str, name: str) -> tuple[str, str]:
        """What the browser brings back after `name` signed in and allowed it: (code, state)."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/oauth/authorize"
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) >= 32
        code = secrets.token_urlsafe()
        scope = asked["scope"] if self.scopes is None else self.scopes
        self.codes[code] = Granted(name, asked["code_challenge"], asked["redirect_uri"], scope)
        return code, asked["state"]

    def exchanged(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The answer to a code; None: it is refused."""
        granted = self.codes.get(form.get("code", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if granted is None or granted.used or challenge != granted.challenge:
            return None
        if form.get("redirect_uri") != granted.back or form["grant_type"] != "authorization_code":
            return None
        granted.used = True
        token = f"hf_oauth_{granted.name}_{secrets.token_hex(12)}"
        self.tokens[token] = granted.name
        return {
            "access_token": token, "token_type": "bearer", "expires_in": 28800,
            "scope": granted.scope, "id_token": "not.used.here",
        }  # fmt: skip

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {key: values[0] for key, values in parse_qs(body).items()}
                basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
                known = self.headers.get("Authorization") == f"Basic {basic}"
                answer = provider.exchanged(form) if known else None
                self._send(answer, 401 if not known else 400)

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if path == "/oauth/authorize":
                    return self._page(query)
                if path.startswith("/oauth/allow/"):
                    return self._allow(path.rpartition("/")[2], query)
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                name = provider.tokens.get(token)
                answer = {"sub": f"id-of-{name}", "preferred_username": name, "name": name}
                return self._send(answer if name and path == "/oauth/userinfo" else None, 401)

            def _page(self, query: str) -> None:
                links = [f'<a href="/oauth/allow/{n}?{html.escape(query)}">{n}</a>' for n in PEOPLE]
                raw = f"<!doctype html><title>Sign in</title>{' '.join(links)}".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def _allow(self, name: str, query: str) -> None:
                code, state = provider.allow(f"{provider.url}/oauth/authorize?{query}", name)
                back = urlencode({"code": code, "state": state})
                self.send_response(302)
                self.send_header("Location", f"{provider.codes[code].back}?{back}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _send(self, answer: dict[str, Any] | None, refusal: int) -> None:
                status = provider.status if answer is not None else refusal
                raw = json.dumps(answer or {"error": "invalid_grant"}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
