"""The methods of the Agent Client Protocol, on sessions."""

import asyncio
import contextlib
import datetime
import functools
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from acp import PROTOCOL_VERSION, Client
from acp.schema import (
    AgentCapabilities,
    AuthenticateResponse,
    AuthMethodAgent,
    ConfigOptionUpdate,
    CurrentModeUpdate,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    McpCapabilities,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    SessionCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SetSessionConfigOptionResponse,
)

from configs.settings import Settings
from core.credentials import hub_token
from core.errors import AgentError, NoSuchThread, UsageError
from core.model_errors import NotAuthenticated
from graph.options import RunOptions
from server.acp import choices, slash
from server.acp.editor import Editor, request_error
from server.acp.sessions import Sessions

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
SIGN_IN = AuthMethodAgent(
    id="hugging-face",
    name="Hugging Face",
    description="Run `hf auth login` in a terminal, then continue. A key of another provider "
    "(ANTHROPIC_API_KEY, OPENAI_API_KEY, ...) goes into the `env` of this agent's settings.",
)


def _answers(work: Callable[Given, Awaitable[Answer]]) -> Callable[Given, Awaitable[Answer]]:
    """`work`, whose errors of ours become the protocol's."""

    @functools.wraps(work)
    async def answered(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return await work(*args, **kwargs)
        except AgentError as error:
            raise request_error(error) from None

    return answered


class EditorAgent:
    """All sessions of one editor.

    Args:
        settings_for: the settings for a folder; raises AgentError. options: of every session.
    """

    def __init__(self, settings_for: Callable[[Path], Settings], options: RunOptions) -> None:
        self.editor = Editor()
        self._sessions = Sessions(self.editor, settings_for, options)
        self._background: set[asyncio.Task[None]] = set()

    def on_connect(self, client: Client) -> None:
        self.editor.connect(client)

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        return InitializeResponse(
            protocol_version=min(protocol_version, PROTOCOL_VERSION) or PROTOCOL_VERSION,
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(image=True, embedded_context=True),
                mcp_capabilities=McpCapabilities(http=True),
                session_capabilities=SessionCapabilities(list=SessionListCapabilities()),
            ),
            auth_methods=[SIGN_IN],
            agent_info=Implementation(
                name="ml-agent", title="ML Agent", version=version("ml-agent")
            ),
        )

    @_answers
    async def authenticate(self, method_id: str, **_: Any) -> AuthenticateResponse:
        if method_id != SIGN_IN.id:
            raise UsageError(f"unknown sign-in {method_id!r}", f"choose {SIGN_IN.id}")
        if not await asyncio.to_thread(hub_token):
            raise NotAuthenticated("not signed in to Hugging Face", "run hf auth login")
        return AuthenticateResponse()

    @_answers
    async def new_session(
        self, cwd: str, mcp_servers: Sequence[Any] | None = None, **_: Any
    ) -> NewSessionResponse:
        talk = await self._sessions.new(cwd, mcp_servers)
        self._later(self.editor.update(talk.id, slash.available()))
        return NewSessionResponse(
            session_id=talk.id,
            modes=choices.modes_of(talk.session),
            config_options=choices.options_of(talk.session),
        )

    @_answers
    async def load_session(
        self, cwd: str, session_id: str, mcp_servers: Sequence[Any] | None = None, **_: Any
    ) -> LoadSessionResponse:
        talk = await self._sessions.load(session_id, cwd, mcp_servers)
        await talk.replay()
        self._later(self.editor.update(talk.id, slash.available()))
        return LoadSessionResponse(
            modes=choices.modes_of(talk.session), config_options=choices.options_of(talk.session)
        )

    @_answers
    async def list_sessions(self, cwd: str | None = None, **_: Any) -> ListSessionsResponse:
        rows = await self._sessions.list(cwd)
        infos = [
            SessionInfo(
                session_id=row.id,
                cwd=row.cwd,
                title=row.title,
                updated_at=datetime.datetime.fromtimestamp(row.updated, datetime.UTC).isoformat(),
            )
            for row in rows
        ]
        return ListSessionsResponse(sessions=infos)

    @_answers
    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        return await self._sessions.get(session_id).prompt(prompt)

    async def cancel(self, session_id: str, **_: Any) -> None:
        with contextlib.suppress(NoSuchThread):
            self._sessions.get(session_id).cancel()

    @_answers
    async def set_session_mode(self, session_id: str, mode_id: str, **_: Any) -> None:
        talk = self._sessions.get(session_id)
        await choices.set_mode(talk.session, mode_id)
        options = choices.options_of(talk.session)
        update = ConfigOptionUpdate(session_update="config_option_update", config_options=options)
        await self.editor.update(session_id, update)

    @_answers
    async def set_config_option(
        self, config_id: str, session_id: str, value: str | bool, **_: Any
    ) -> SetSessionConfigOptionResponse:
        talk = self._sessions.get(session_id)
        await choices.choose(talk.session, config_id, value)
        if config_id == "mode":
            mode = talk.session.thread.mode
            update = CurrentModeUpdate(session_update="current_mode_update", current_mode_id=mode)
            await self.editor.update(session_id, update)
        return SetSessionConfigOptionResponse(config_options=choices.options_of(talk.session))

    async def close(self) -> None:
        """End every turn, so that its thread is valid."""
        self.editor.gone.set()
        await self._sessions.close()

    def _later(self, work: Any) -> None:
        """Tell something after the answer that it needs."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
