"""An editor for tests: the package's own client, before a process or an agent in this one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from acp import PROTOCOL_VERSION
from acp._transport import memory_transport_pair
from acp.agent.connection import AgentSideConnection
from acp.client.connection import ClientSideConnection
from acp.helpers import text_block
from acp.schema import AllowedOutcome, DeniedOutcome, RequestPermissionResponse

from configs.settings import Settings
from graph.options import RunOptions
from server.acp.agent import EditorAgent
from tests.stand_ins.model_script import Choose
from tests.stand_ins.model_server import ModelServer

SECONDS = 90


class Editor:
    """A client that keeps what it is told, and answers questions with `choice`."""

    def __init__(self) -> None:
        self.updates: dict[str, list[Any]] = {}
        self.questions: list[tuple[str, Any, list[Any]]] = []
        self.choice: dict[str, str] = {}
        self.changed = asyncio.Condition()
        self.messages: list[dict[str, Any]] = []

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        async with self.changed:
            self.updates.setdefault(session_id, []).append(update)
            self.changed.notify_all()

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_: Any
    ) -> RequestPermissionResponse:
        async with self.changed:
            self.questions.append((session_id, tool_call, options))
            self.changed.notify_all()
        choice = self.choice.get(session_id, "")
        if not choice:
            await asyncio.Event().wait()
        if choice == "cancelled":
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        outcome = AllowedOutcome(outcome="selected", option_id=choice)
        return RequestPermissionResponse(outcome=outcome)

    def on_connect(self, conn: Any) -> None:
        pass

    def heard(self, event: Any) -> None:
        """Keep a message as it was sent."""
        if event.direction == "incoming":
            self.messages.append(event.message)

    async def until(self, is_so: Any) -> None:
        async with asyncio.timeout(SECONDS), self.changed:
            await self.changed.wait_for(is_so)

    def told(self, session: str, kind: str) -> list[Any]:
        return [u for u in self.updates.get(session, []) if u.session_update == kind]

    def text(self, session: str, kind: str = "agent_message_chunk") -> str:
        return "".join(update.content.text for update in self.told(session, kind))

    def states(self, session: str) -> list[str]:
        return [u.status for u in self.told(session, "tool_call_update") if u.status]


async def prompt(connection: Any, session: str, *blocks: Any) -> str:
    given = [text_block(block) if isinstance(block, str) else block for block in blocks]
    async with asyncio.timeout(SECONDS):
        return str((await connection.prompt(session_id=session, prompt=given)).stop_reason)


@asynccontextmanager
async def served(
    script: Choose, settings: Settings, editor: Editor
) -> AsyncIterator[tuple[Any, ModelServer]]:
    """(a connection to an agent in this process, its model). At its end the editor is gone."""
    with ModelServer(script) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-stand-in")
        patch.setenv("OPENAI_BASE_URL", server.openai_base)
        theirs, ours = memory_transport_pair()
        agent: Any = EditorAgent(lambda _: settings, RunOptions())
        behind = AgentSideConnection(agent, ours, listening=False)
        listening = asyncio.create_task(behind.listen())
        connection = ClientSideConnection(editor, theirs, observers=[editor.heard])
        try:
            await connection.initialize(PROTOCOL_VERSION)
            yield connection, server
        finally:
            await connection.close()
            async with asyncio.timeout(SECONDS):
                await listening
                await agent.close()
            await behind.close()
