"""Driving a session against the stand-in model: what the graph's tests share."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.events import Event
from graph.session import RunOptions, Session
from tests.stand_ins.model_script import Choose, Reply, by_step
from tests.stand_ins.model_server import ModelServer

#: The last event of every turn is one of these.
LAST = ("turn_complete", "error", "interrupted", "approval_required", "waiting")


class Driver:
    """A session with its stand-in model, and everything it told."""

    def __init__(self, session: Session, server: ModelServer) -> None:
        self.session = session
        self.server = server
        self.events: list[Event] = []

    async def send(self, text: str) -> Any:
        """One turn; its last event."""
        return await self.collect(self.session.send(text))

    async def resume(self, decisions: list[dict[str, Any]] | None = None) -> Any:
        return await self.collect(self.session.resume(decisions))

    async def collect(self, events: AsyncGenerator[Event, None]) -> Any:
        turn = [event async for event in events]
        self.events += turn
        names = [event.name for event in turn if event.name != "ready"]
        assert names[0] == "processing"
        assert names[-1] in LAST
        assert not set(names[:-1]) & set(LAST)
        return turn[-1]

    def named(self, name: str) -> list[Any]:
        return [event for event in self.events if event.name == name]

    def outputs(self) -> list[str]:
        """The text of each tool's result, in the order in which they were told."""
        return [event.text for event in self.named("tool_output")]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of the newest request, as the provider got them."""
        messages: list[dict[str, Any]] = self.server.bodies[-1]["messages"]
        return messages


@asynccontextmanager
async def driven(
    script: Choose | Sequence[Reply],
    settings: Settings,
    cwd: Path,
    *,
    thread: str | None = None,
    **options: Any,
) -> AsyncIterator[Driver]:
    """A session in `cwd`; a list of replies is taken by step, so that a resumed turn gets the
    right one. The provider must have had nothing to complain about."""
    choose = script if callable(script) else by_step(script)
    options.setdefault("interactive", False)
    with ModelServer(choose) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-stand-in")
        patch.setenv("OPENAI_BASE_URL", server.openai_base)
        patch.setenv("ANTHROPIC_API_KEY", "sk-stand-in")
        patch.setenv("ANTHROPIC_BASE_URL", server.anthropic_base)
        chosen = RunOptions(**options)
        async with Session.open(settings, cwd=cwd, thread=thread, options=chosen) as session:
            yield Driver(session, server)
        assert server.violations == []
