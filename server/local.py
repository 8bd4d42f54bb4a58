"""Access on the user's own machine: a link that works once, then a cookie.

Another program on this machine can reach the port, so the port alone opens nothing. Cookies survive
a restart of the server: their digests are in the state directory, which only the user can read.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from configs.folders import make_private_folder, write_atomically
from server.door import door_page
from server.users import User

#: Seconds that a cookie is good for, and how many are.
AGE, MOST = 30 * 86400, 50


class LocalAccess:
    """`server.site.Access` for one user.

    Args:
        file: where the digests of cookies are kept. port: in the cookie's name, since browsers give
            the cookies of one port to every other.
    """

    how_to_sign_in = "open the link that ml-agent web prints"

    def __init__(self, user: User, file: Path, port: int) -> None:
        self._user = user
        self._file = file
        self._cookie = f"ml_agent_{port}"
        self._link = secrets.token_urlsafe(32)
        self._known = _read(file)

    @property
    def path(self) -> str:
        """Path and query of the link that works once."""
        return f"/?key={self._link}"

    def user_of(self, request: Request) -> User | None:
        until = self._known.get(_digest(request.cookies.get(self._cookie, "")), 0.0)
        return self._user if until > time.time() else None

    def name_of(self, user: User) -> str:
        return ""

    def warnings_for(self, user: User) -> list[str]:
        return []

    async def door(self, request: Request) -> Response | None:
        key = request.query_params.get("key")
        given, link = (key or "").encode(), self._link.encode()
        if link and hmac.compare_digest(given, link):
            self._link = ""
            return self._welcome()
        # A link in a message opens the page without the cookie, which is SameSite=Strict: the page
        # holds nothing, and its own requests have the cookie.
        from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
        if self.user_of(request) is not None or (from_elsewhere and self._known):
            return RedirectResponse("/", 303) if key is not None else None
        used = "This link was used, or is of an earlier start. " if key is not None else ""
        words = f"{used}Run ml-agent web in a terminal and open the link that it prints."
        return door_page("Open the link", words, status=401)

    def _welcome(self) -> Response:
        cookie = secrets.token_urlsafe(32)
        now = time.time()
        kept = {k: until for k, until in self._known.items() if until > now}
        kept[_digest(cookie)] = now + AGE
        self._known = dict(sorted(kept.items(), key=lambda item: item[1])[-MOST:])
        make_private_folder(self._file.parent)
        write_atomically(self._file, json.dumps(self._known))
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            self._cookie, cookie, max_age=AGE, httponly=True, samesite="strict", path="/"
        )
        return answer

    def routes(self) -> Sequence[BaseRoute]:
        return ()


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _read(file: Path) -> dict[str, float]:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return {str(k): float(v) for k, v in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
