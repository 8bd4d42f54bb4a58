"""The editor on the other side of the protocol: what it is told, and what it is asked."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from acp import Client, RequestError
from acp.helpers import update_agent_message_text
from acp.schema import AllowedOutcome, PermissionOption, ToolCallUpdate

from core.errors import AgentError
from core.events import Error
from core.secrets.redaction import redacted

Answer = TypeVar("Answer")
#: JSON-RPC codes of the protocol, by the kind of our error.
CODES = {
    "not_authenticated": -32000,
    "no_such_thread": -32002,
    "usage_error": -32602,
    "settings_error": -32602,
    "unknown_model": -32602,
}
INTERNAL = -32603


def request_error(failed: AgentError | Error) -> RequestError:
    """The JSON-RPC error for one of ours: editors show the message and nothing else."""
    said = redacted(f"{failed.message} ({failed.hint})" if failed.hint else failed.message)
    data = {"kind": failed.kind, "hint": failed.hint}
    return RequestError(CODES.get(failed.kind, INTERNAL), said, data)


class Editor:
    """Once it is gone, nothing waits for it: a turn has to end."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self._client: Client | None = None

    def connect(self, client: Client) -> None:
        self._client = client

    async def update(self, session: str, update: Any) -> None:
        """Tell it something of a session."""
        if self._client is not None:
            await self._until(self.gone, self._client.session_update(session, update))

    async def say(self, session: str, text: str) -> None:
        """Tell words that are not the model's."""
        await self.update(session, update_agent_message_text(f"{text}\n\n"))

    async def ask(
        self,
        session: str,
        call: ToolCallUpdate,
        options: list[PermissionOption],
        withdrawn: asyncio.Event,
    ) -> str:
        """The id of the option that the user chose; "" without a choice.

        Args:
            withdrawn: ends the wait, since the question has no use any more.
        """
        assert self._client is not None
        asked = self._client.request_permission(session, call, options)
        try:
            answer = await self._until(withdrawn, asked)
        except RequestError:
            return ""
        chosen = answer and answer.outcome
        return chosen.option_id if isinstance(chosen, AllowedOutcome) else ""

    async def _until(
        self, ended: asyncio.Event, work: Coroutine[Any, Any, Answer]
    ) -> Answer | None:
        """What `work` comes back with; None if `ended` comes first, or the editor is gone."""
        task = asyncio.ensure_future(work)
        waits = [asyncio.ensure_future(event.wait()) for event in {ended, self.gone}]
        try:
            await asyncio.wait({task, *waits}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        except ConnectionError:
            return None
        finally:
            for one in (task, *waits):
                one.cancel()
