"""Sharing threads, where it was asked for: after each turn the thread goes to the user's own
private dataset on the Hub, secrets replaced, in the format that the Hub's trace viewer shows.

In the background and never in the way: a turn does not wait for it, a failure is one line.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from langchain_core.messages import AnyMessage

from configs.settings import Settings
from core.errors import AgentError, ToolError
from core.hub.connection import Hub, author_of
from core.store import ThreadRow
from graph.transcript.write import as_jsonl

if TYPE_CHECKING:
    from huggingface_hub import HfApi

log = logging.getLogger(__name__)

DATASET = "ml-agent-sessions"
#: Seconds that the end of a session waits for an upload under way.
PATIENCE = 10.0
README = """---
tags:
- agent-traces
- format:agent-traces
---
Sessions of ML Agent, secrets replaced. Written after each turn where `share_traces` is set.
"""


History = Callable[[], Awaitable[Sequence[AnyMessage]]]


class Sharing:
    """The uploads of one session's thread. `history` returns all its messages. `notice`: told of a
    failure in one line."""

    def __init__(
        self, settings: Settings, history: History, notice: Callable[[str], None] | None
    ) -> None:
        self._settings = settings
        self._history = history
        self._notice = notice or log.warning
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._told = False

    def turn_ended(self, thread: ThreadRow) -> None:
        """Upload `thread` as it is now; of several turns in a row the newest state."""
        if not self._settings.share_traces:
            return
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._work(thread))

    async def settled(self) -> None:
        """Wait for the upload under way, not for long."""
        if self._task is None or self._task.done():
            return
        await asyncio.wait({self._task}, timeout=PATIENCE)
        if not self._task.done():
            self._task.cancel()
            self._say("it takes too long; it is tried again after the next turn")

    async def _work(self, thread: ThreadRow) -> None:
        while self._again:
            self._again = False
            try:
                await self._upload(thread)
            except AgentError as error:
                self._say(error.message)
            except Exception as error:  # in the background: nothing of it may end a session
                log.debug("sharing failed", exc_info=True)
                self._say(f"{type(error).__name__}: {error}")

    async def _upload(self, thread: ThreadRow) -> None:
        messages = await self._history()
        text = "\n".join(as_jsonl(thread, messages)) + "\n"
        day = time.strftime("%Y-%m-%d", time.gmtime(thread.created))
        path = f"sessions/{day}/{thread.id}.jsonl"
        # Sent again it is the same file: the Hub may be asked again when it is busy.
        await Hub(self._settings).ask(lambda api: _put(api, path, text.encode()))

    def _say(self, why: str) -> None:
        if not self._told:
            self._told = True
            self._notice(f"this session was not shared: {why}")


def _put(api: HfApi, path: str, content: bytes) -> None:
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import RepositoryNotFoundError

    repo = f"{author_of(api)}/{DATASET}"
    files = {path: content}
    try:
        if not api.dataset_info(repo).private:
            raise ToolError(f"the dataset {repo} is not private: make it so, or rename it")
    except RepositoryNotFoundError:
        api.create_repo(repo, repo_type="dataset", visibility="private", exist_ok=True)
        files["README.md"] = README.encode()
    operations = [CommitOperationAdd(name, body) for name, body in files.items()]
    api.create_commit(
        repo, operations, repo_type="dataset", commit_message=f"Session {path.rpartition('/')[2]}"
    )
