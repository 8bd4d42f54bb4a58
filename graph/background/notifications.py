"""Notifications: Slack and a webhook are told that a user is needed, or that work has ended.

In the background and never in the way: a turn does not wait for them, a failure is one line. What
they say is short and has no secrets; the addresses are credentials themselves, and named nowhere.
"""

import asyncio
import json
import logging
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from configs.sections import Notify
from core.events import ApprovalRequired, Error, Event, ToolStateChange, TurnComplete
from core.http import RETRIED, certificates, wanted_pause
from core.secrets.redaction import redacted
from core.store import ThreadRow

log = logging.getLogger(__name__)

#: Seconds: of silence of a server; in which the end of a session waits for what is not sent yet.
SILENCE, PATIENCE = 10.0, 5.0
#: Requests in all for one message, and the longest pause that is waited between two.
ATTEMPTS, LONGEST_PAUSE = 4, 60.0
#: Characters of a title, and of what is told about an answer or a call.
TITLE, WORDS = 80, 300


class Notifier:
    """The messages of one session.

    Args:
        notice: told about the first failure in one line. web: address of the web chat, or "".
    """

    def __init__(
        self, settings: Notify, notice: Callable[[str], None] | None, web: str = ""
    ) -> None:
        self._settings = settings
        self._web = web.rstrip("/")
        self._notice = notice or log.warning
        self._sending: set[asyncio.Task[None]] = set()
        self._told = False

    def tell(self, event: Event, thread: ThreadRow) -> None:
        """Send what `event` means for a user, if anything; returns at once."""
        slack, webhook = self._settings.slack_webhook_url, self._settings.webhook_url
        if not slack and not webhook:
            return
        message = message_of(event, thread)
        if message is None or message["event"] not in self._settings.on:
            return
        if self._web:
            # It only names the session: who decides there is who is signed in there.
            message["url"] = f"{self._web}/?thread={thread.id}"
        if slack:
            self._begin(slack, {"text": for_slack(message)})
        if webhook:
            self._begin(webhook, message)

    async def settled(self) -> None:
        """Wait for what is not sent yet, not for long."""
        if not self._sending:
            return
        await asyncio.wait(self._sending, timeout=PATIENCE)
        for task in self._sending:
            task.cancel()
            self._say("the server takes too long")

    def _begin(self, url: str, body: dict[str, str]) -> None:
        task = asyncio.ensure_future(self._send(url, body))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, url: str, body: dict[str, str]) -> None:
        try:
            why = await post(url, body)
        except Exception as error:  # in the background: nothing of it may end a session
            # Its words may hold the address.
            why = type(error).__name__
        if why:
            self._say(f"{urlsplit(url).hostname or 'its address'}: {why}")

    def _say(self, why: str) -> None:
        if not self._told:
            self._told = True
            self._notice(f"a notification was not sent: {why}")


def message_of(event: Event, thread: ThreadRow) -> dict[str, str] | None:
    """{event, status, thread, title, text, go_on} of what a user needs to know; None of the rest.
    `event` is a word of `notify.on`, `go_on` the command that continues. `Notifier` adds `url`."""
    kind, status, text = "", "", ""
    go_on = f'ml-agent -r {thread.id} "..."'
    match event:
        case ApprovalRequired(requests=requests):
            kind, status, go_on = "approval", "waiting", f"ml-agent approvals approve {thread.id}"
            first = requests[0]
            shown = first["preview"] or json.dumps(first["arguments"], ensure_ascii=False)
            more = f" (and {len(requests) - 1} more)" if len(requests) > 1 else ""
            text = f"{first['tool']}{more}: {shown}"
        case Error(message=said):
            kind, status, text = "error", "error", said
        case TurnComplete(status=status, reason=reason, text=said):
            kind, text = "done", reason or said
        case ToolStateChange(tool="hf_jobs", state="done" | "failed" as status, url=url) if url:
            kind, text = "job", url
        case _:
            return None
    return {
        "event": kind,
        "status": status,
        "thread": thread.id,
        "title": _short(thread.title, TITLE),
        "text": _short(text, WORDS),
        "go_on": go_on,
    }


def for_slack(message: dict[str, str]) -> str:
    """The message as Slack's text, in which `&`, `<` and `>` have a meaning of their own."""
    heads = {
        "approval": "An approval is needed",
        "error": "It failed",
        "done": "Done" if message["status"] == "done" else "It stopped at a limit",
        "job": "A job has ended" if message["status"] == "done" else "A job has failed",
    }
    head = f"{heads[message['event']]}: {message['title']}"
    lines = [head, message["text"], f"session {message['thread']} · {message['go_on']}"]
    text = "\n".join([*lines, *filter(None, [message.get("url")])])
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(text: str, most: int) -> str:
    # Secrets first: half a secret is not recognised any more.
    clean = " ".join(redacted(text).split())
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


async def post(url: str, body: dict[str, Any]) -> str:
    """POST `body` as JSON; busy servers and broken connections are tried again. Returns why it was
    not taken, without the address; "" where it was."""
    import httpx

    async with httpx.AsyncClient(timeout=SILENCE, verify=certificates()) as client:
        for attempt in range(1, ATTEMPTS + 1):
            wait = 2.0 ** (attempt - 1) * random.uniform(0.8, 1.2)
            try:
                response = await client.post(url, json=body)
            except httpx.TransportError as error:
                why, again = type(error).__name__, not isinstance(error, httpx.UnsupportedProtocol)
            else:
                if response.is_success:
                    return ""
                why, again = f"it answered {response.status_code}", response.status_code in RETRIED
                named = wanted_pause(response.headers)
                wait = wait if named is None else named
            if not again or attempt == ATTEMPTS or wait > LONGEST_PAUSE:
                return why
            await asyncio.sleep(wait)
    raise AssertionError("every attempt returns or continues")
