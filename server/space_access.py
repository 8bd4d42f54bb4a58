"""Access in a Space: by the sign-in with Hugging Face. Everything is in memory: after a restart one
click signs in again, and the sessions are where they were."""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from server.door import door_page
from server.oauth import Provider, SignedIn, SignInFailed, new_secret
from server.requests import NotSignedIn, answering
from server.users import User, Users

COOKIE, SIGN_IN_COOKIE = "__Host-ml-agent", "__Host-ml-agent-sign-in"
#: Seconds for the way to the provider and back; how many such ways and cookies are known.
PATIENCE, MOST = 600.0, 20_000
#: Where Hugging Face shows a Space in a frame.
FRAME = "https://huggingface.co"
#: A thread's id, as a link to it has it.
THREAD = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class _Begun:
    """A sign-in on its way. browser: digest of its cookie. thread: to open afterwards."""

    verifier: str
    browser: str
    until: float
    thread: str


@dataclass(frozen=True)
class _Known:
    """A browser that is signed in."""

    who: SignedIn
    until: float


class SpaceAccess:
    """`server.site.Access` of a Space.

    Args:
        provider: None: the Space lacks `hf_oauth: true`. home: the Space's own address.
    """

    how_to_sign_in = "sign in with Hugging Face"

    def __init__(
        self,
        provider: Provider | None,
        users: Users,
        home: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._users = users
        self._home = home
        self._clock = clock
        self._begun: dict[str, _Begun] = {}
        self._known: dict[str, _Known] = {}

    # --- who it is --------------------------------------------------------------------------

    def _of(self, request: Request) -> _Known | None:
        key = _digest(request.cookies.get(COOKIE, ""))
        known = self._known.get(key)
        if known is not None and known.until <= self._clock():
            del self._known[key]
            return None
        return known

    def user_of(self, request: Request) -> User | None:
        known = self._of(request)
        return None if known is None else self._users.get(known.who.id)

    def name_of(self, user: User) -> str:
        return user.account.name if user.account is not None else ""

    def warnings_for(self, user: User) -> list[str]:
        account = user.account
        of_user = [k.who for k in self._known.values() if account and k.who.token == account.token]
        missing = of_user[-1].missing() if of_user else []
        if not missing:
            return []
        return [f"Your sign-in lacks {', '.join(missing)}. Sign out, sign in again and allow it."]

    # --- the door -----------------------------------------------------------------------------

    async def door(self, request: Request) -> Response | None:
        if self._provider is None:
            words = "The front matter of the Space's README lacks hf_oauth: true."
            return door_page("Sign-in is not set up", words, status=503, framed_by=FRAME)
        thread = request.query_params.get("thread", "")
        query = f"?thread={thread}" if THREAD.fullmatch(thread) else ""
        if request.headers.get("sec-fetch-dest") in ("iframe", "frame"):
            # In the frame of huggingface.co browsers keep no cookies of ours.
            words = "A machine-learning engineer that works in your Hugging Face account."
            link = (f"{self._home}/{query}", "Open ML Agent")
            return door_page("ML Agent", words, link, framed_by=FRAME)
        if self.user_of(request) is not None:
            return None
        words = (
            "A machine-learning engineer that works in your Hugging Face account. You pay for "
            "models, sandboxes and jobs; it asks before it spends."
        )
        link = (f"/signin{query}", "Sign in with Hugging Face")
        return door_page("ML Agent", words, link, status=401)

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/signin", answering(self.sign_in)),
            Route("/signin/done", answering(self.done)),
            Route("/signout", answering(self.sign_out), methods=["POST"]),
        )

    async def sign_in(self, request: Request) -> Response:
        if self._provider is None:
            return RedirectResponse("/", 303)
        state, verifier, browser = new_secret(), new_secret(), new_secret()
        thread = request.query_params.get("thread", "")
        thread = thread if THREAD.fullmatch(thread) else ""
        self._begun[state] = _Begun(verifier, _digest(browser), self._clock() + PATIENCE, thread)
        _drop_oldest(self._begun)
        answer = RedirectResponse(self._provider.address(state, verifier), 303)
        _set(answer, SIGN_IN_COOKIE, browser, PATIENCE)
        return answer

    async def done(self, request: Request) -> Response:
        """The browser comes back. A state works once, in the browser that began with it."""
        begun = self._begun.pop(request.query_params.get("state", ""), None)
        browser = _digest(request.cookies.get(SIGN_IN_COOKIE, ""))
        if self._provider is None or begun is None or begun.until < self._clock():
            return _failed("This sign-in is too old, or was used.")
        if begun.browser != browser:
            return _failed("This sign-in was begun in another browser.")
        if "code" not in request.query_params:
            return _failed("Hugging Face did not allow it.")
        try:
            who = await self._provider.signed_in(request.query_params["code"], begun.verifier)
        except SignInFailed as error:
            return _failed(f"{error.message}.")
        return self._welcome(who, begun.thread)

    def _welcome(self, who: SignedIn, thread: str) -> Response:
        user = self._users.get(who.id)
        assert user.account is not None
        user.account.name = who.name
        user.account.sign_in(who.token)
        cookie = new_secret()
        self._known[_digest(cookie)] = _Known(who, self._clock() + who.seconds)
        _drop_oldest(self._known)
        answer = RedirectResponse(f"/?thread={thread}" if thread else "/", 303)
        _set(answer, COOKIE, cookie, who.seconds)
        answer.delete_cookie(SIGN_IN_COOKIE, path="/", secure=True, httponly=True)
        return answer

    async def sign_out(self, request: Request) -> Response:
        known, user = self._of(request), self.user_of(request)
        if known is None or user is None:
            raise NotSignedIn("you are not signed in", self.how_to_sign_in)
        self._known.pop(_digest(request.cookies.get(COOKIE, "")))
        now = self._clock()
        if not any(o.who.id == known.who.id and o.until > now for o in self._known.values()):
            # No browser is left: what runs fails at its next request, and can be resumed.
            assert user.account is not None
            user.account.sign_out()
        for room in user.rooms.values():
            await room.log.cut()
        answer = JSONResponse({})
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True)
        return answer


def _failed(words: str) -> Response:
    return door_page("You are not signed in", words, ("/signin", "Sign in again"), status=400)


def _set(answer: Response, name: str, value: str, seconds: float) -> None:
    answer.set_cookie(
        name, value, max_age=int(seconds), path="/", secure=True, httponly=True, samesite="lax"
    )


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _drop_oldest(kept: dict[str, Any]) -> None:
    while len(kept) > MOST:
        del kept[next(iter(kept))]
