"""A whole turn with llama.cpp's real server: it parses the call, streams it, and counts tokens."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from configs.instructions import system_prompt
from configs.settings import Settings
from core.model import AnswerOptions
from core.model_errors import ContextTooLong
from core.models.client import ChatClient
from core.models.tool_specs import tool_specs
from graph.session import RunOptions, Session
from tests.core.models.asking import HELLO, bash
from tests.stand_ins.llama_server import llama_server
from tests.stand_ins.tiny_model import write_tiny_model
from tools import builtin_tools

MODEL = "llamacpp/tiny"
WINDOW = 40_960
CALL = {"command": "echo from-a-real-server"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    words = system_prompt() + json.dumps(tool_specs(list(builtin_tools().values())))
    write_tiny_model(path, words, WINDOW)
    with llama_server(path, WINDOW) as base:
        yield base


@pytest.fixture(autouse=True)
def address(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACPP_API_BASE", server)


@pytest.mark.parametrize("model", [MODEL, f"litellm/{MODEL}"])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_call(model: str, stream: bool) -> None:
    client = ChatClient(Settings())
    answer = await client.answer(
        model, HELLO, [bash], emit=lambda event: None, options=AnswerOptions(stream)
    )
    assert [(c["name"], c["args"]) for c in answer.message.tool_calls] == [("bash", CALL)]
    assert answer.bad_calls == ()
    assert answer.finish_reason == "tool_calls"
    used = answer.message.usage_metadata
    assert used is not None
    assert used["output_tokens"] == 10
    assert client.window(model) == WINDOW


@pytest.mark.parametrize("stream", [True, False])
async def test_a_whole_turn(tmp_path: Path, workdir: Path, stream: bool) -> None:
    settings = Settings(state_dir=str(tmp_path / "state"), request_timeout=300)
    options = RunOptions(model=MODEL, mode="yolo", interactive=False, stream=stream)
    async with Session.open(settings, cwd=workdir, options=options) as session:
        events = [event async for event in session.send("run it")]
    (output,) = (e.text for e in events if e.name == "tool_output")
    assert output.startswith("from-a-real-server")
    assert (events[-1].name, events[-1].text) == ("turn_complete", "It said so.")  # type: ignore[attr-defined]


async def test_a_request_that_is_longer_than_its_window() -> None:
    client = ChatClient(Settings(context_window=1_000_000))
    long = [*HELLO, HumanMessage("\x01" * (WINDOW + 1))]
    with pytest.raises(ContextTooLong):
        await client.answer(MODEL, long, [], emit=lambda event: None)
    assert client.window(MODEL) == WINDOW
