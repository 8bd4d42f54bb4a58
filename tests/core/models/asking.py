"""Asking the stand-in provider through the real client: what the model tests share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool, tool

from configs.settings import Settings
from core.events import AssistantChunk, AssistantStreamEnd, Event, ToolLog
from core.model import Answer, AnswerOptions
from core.model_errors import ModelError
from core.models.client import ChatClient
from tests.stand_ins.model_script import Choose, Reply
from tests.stand_ins.model_server import ModelServer

OPENAI = "openai/gpt-5.1"
ANTHROPIC = "anthropic/claude-sonnet-4-5-20250929"
#: Both formats, over our own wires and through LiteLLM, for what must hold on every route.
DIRECT = (OPENAI, ANTHROPIC)
BOTH = (*DIRECT, *(f"litellm/{model}" for model in DIRECT))
KEY = "sk-very-secret-key-0123456789"
SYSTEM = SystemMessage("You are a test.")
HELLO: tuple[BaseMessage, ...] = (SYSTEM, HumanMessage("hello"))


@tool
def bash(command: str) -> str:
    """Run a command."""
    return command


@tool
def read(path: str) -> str:
    """Read a file."""
    return path


def speaks_openai(model: str) -> bool:
    """Whether a model of `BOTH` is asked in OpenAI's format."""
    return model.endswith(OPENAI)


@dataclass
class Asking:
    """A client with its stand-in provider. `pauses`: the seconds it would have slept."""

    server: ModelServer
    settings: Settings = field(default_factory=lambda: Settings(request_timeout=30))
    pauses: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    now: float = 0.0
    uniform: Callable[[float, float], float] = lambda low, high: 1.0

    def __post_init__(self) -> None:
        self.client = ChatClient(
            self.settings, sleep=self._sleep, clock=lambda: self.now, uniform=self.uniform
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def ask(
        self,
        model: str,
        messages: Sequence[BaseMessage] = HELLO,
        tools: Sequence[BaseTool] = (),
        **options: Any,
    ) -> Answer:
        asked = AnswerOptions(**options)
        return await self.client.answer(
            model, messages, tools, emit=self.events.append, options=asked
        )

    async def refused(self, model: str, **options: Any) -> ModelError:
        """The error that asking ends in."""
        with pytest.raises(ModelError) as caught:
            await self.ask(model, **options)
        return caught.value

    @property
    def shown(self) -> str:
        """What a user sees of answers: a withdrawn one is gone."""
        text = ""
        for event in self.events:
            if isinstance(event, AssistantChunk) and event.kind == "answer":
                text += event.text
            elif isinstance(event, AssistantStreamEnd) and event.withdrawn:
                text = ""
        return text

    @property
    def withdrawals(self) -> int:
        return sum(isinstance(e, AssistantStreamEnd) and e.withdrawn for e in self.events)

    @property
    def logs(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, ToolLog)]


@contextmanager
def asking(script: Choose | Sequence[Reply], **options: Any) -> Iterator[Asking]:
    """A client whose OpenAI and Anthropic are the stand-in, which must find nothing wrong."""
    with ModelServer(script) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.setenv("ANTHROPIC_API_KEY", KEY)
        patch.setenv("OPENAI_BASE_URL", server.openai_base)
        patch.setenv("ANTHROPIC_BASE_URL", server.anthropic_base)
        yield Asking(server, **options)
        assert server.violations == []
