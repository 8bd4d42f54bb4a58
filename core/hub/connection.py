"""The way to the Hub: huggingface_hub in its own thread, and plain requests next to it.

The token is looked up for each use and goes to the Hub's address only. Whatever goes wrong comes
back as a ToolError that says what to do next. huggingface_hub is imported at the first use: it is
slow to load.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from configs.settings import Settings
from core import http
from core.credentials import hub_token
from core.errors import ToolError
from core.hub.client import CALL, LONGEST_PAUSE, HubRequest, Left, pause_after, prepare
from core.hub.errors import OFFLINE, told
from core.hub.refusals import Repo, Said, log_in, refusal
from core.tool import NotBegun, ToolContext

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")


def hub_url(settings: Settings) -> str:
    """The Hub's address, without a slash at its end."""
    return (settings.hub_url or os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip(
        "/"
    )


def offline() -> bool:
    """Whether the user needs nothing asked of the Hub. huggingface_hub looks at start only."""
    return any(
        os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def _silent(text: str) -> None:
    """No one follows this request."""


@dataclass(frozen=True)
class Hub:
    """The Hub as one caller uses it. `log` takes a line of progress."""

    settings: Settings
    log: Callable[[str], None] = _silent

    @classmethod
    def of(cls, ctx: ToolContext) -> Hub:
        return cls(ctx.services.settings, ctx.log)

    @property
    def url(self) -> str:
        return hub_url(self.settings)

    async def ask(
        self, work: Callable[[HfApi], T], about: Repo | None = None, *, again: bool = True
    ) -> T:
        """What `work` returns; it runs in a thread, and iterates whatever it is given there.

        Args:
            about: names the repository in what is said of a failure.
            again: run it again when the Hub is busy. False for what changes something.
        Raises ToolError.
        """
        if offline():
            raise ToolError(OFFLINE)
        loop = asyncio.get_running_loop()

        def log(text: str) -> None:
            loop.call_soon_threadsafe(self.log, text)

        call = HubRequest(self.url, about, again, log)
        try:
            return await asyncio.to_thread(_asked, work, call)
        except asyncio.CancelledError:
            call.left.set()
            raise

    async def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        about: Repo | None = None,
        missing: str = "",
    ) -> http.Reply:
        """A plain GET of the Hub, for what huggingface_hub has no call for.

        Args:
            path: below the Hub's address, or a URL there. missing: what a 404 means.
        Raises ToolError, for any other address too.
        """
        if offline():
            raise ToolError(OFFLINE)
        url = path if "://" in path else f"{self.url}{path}"
        if not is_hub(url, self.url):
            raise ToolError(f"{url} is not on the Hub ({self.url})")
        token = await asyncio.to_thread(hub_token)
        how = http.GetOptions(longest=LONGEST_PAUSE, log=self.log)
        reply = await http.get(url, how, params=params, headers=bearer(token))
        if reply.ok:
            return reply
        said = Said(reply.status, reply.headers, reply.text, url)
        words = refusal(said, self.url, token is not None, about)
        plain = reply.status == 404 and "x-error-code" not in reply.headers
        raise ToolError(missing if missing and plain and "does not offer" not in words else words)

    async def token_for(self, url: str) -> str:
        """The token, for a URL on the Hub; "" for any other, and if there is none."""
        if not is_hub(url, self.url):
            return ""
        return await asyncio.to_thread(hub_token) or ""

    async def payer(self) -> str:
        """In whose name jobs run, and who pays: a setting, else whose token it is."""
        return self.settings.jobs_namespace or await self.ask(author_of)


def author_of(api: HfApi) -> str:
    """Whose token it is. Raises ToolError, in words, if there is none."""
    if not api.token:
        raise ToolError(f"Changing something on the Hub needs a token: {log_in()}.")
    return str(api.whoami()["name"])


def is_hub(url: str, hub: str) -> bool:
    """Whether a URL is on the Hub's own host: only there goes the token."""
    there, here = urlsplit(url), urlsplit(hub)
    return (there.scheme, there.netloc) == (here.scheme, here.netloc)


def bearer(token: str | None) -> dict[str, str]:
    """The header that carries a token, where there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _asked(work: Callable[[HfApi], T], call: HubRequest) -> T:
    """In the thread. The context is this call's own: to_thread copies it."""
    from huggingface_hub import HfApi

    prepare()
    CALL.set(call)
    token = hub_token()
    api = HfApi(endpoint=call.hub, token=token or False)
    for attempt in range(1, http.ATTEMPTS + 1):
        try:
            return work(api)
        except (ToolError, NotBegun, Left):
            raise
        except Exception as error:
            wait = pause_after(error, attempt) if call.again else None
            if wait is None:
                words = told(error, api, call.about)
                if words is None:
                    raise
                raise ToolError(words) from error
        call.log(f"the Hub is busy; asking again in {wait:.0f} s")
        if call.left.wait(wait):
            raise Left
    raise AssertionError("the last attempt returns or raises")
