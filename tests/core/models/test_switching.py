"""A thread that began on one route continues on another, and then on the first again.

The strict stand-in takes every request, and what one provider signed goes back to it alone.
"""

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from configs.settings import Settings
from core.history import Call as OurCall
from core.history import tool_message
from core.model import Answer
from core.models.routes import resolve
from core.tool import ToolResult
from tests.core.models.asking import ANTHROPIC, BOTH, KEY, SYSTEM, Asking, asking, bash, read
from tests.core.models.test_rich_answers import PNG
from tests.stand_ins.model_script import Asked, Call, Reply

GEMINI = "gemini/gemini-3-pro-preview"
ROUTES = (*BOTH, GEMINI)
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
#: Ids as other providers give them, half of a character with them.
ODD = ("functions.bash:0", "toolu_01/x=\u00e4", "x" * 70)


def answer(asked: Asked) -> Reply:
    signed = {"signature": f"c2lnbmVk{asked.index}", "thinking": f"thought {asked.index}"}
    if asked.step == 2:
        return Reply("It is done.", **signed)
    calls = [Call("bash", {"command": "ls"}), Call("read", {"path": "a"})][: 2 - asked.step]
    return Reply("I look.", calls=calls, **signed)


@pytest.fixture
def a(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    with asking(answer, settings=Settings(request_timeout=30, vision=True)) as asked:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        monkeypatch.setenv("GEMINI_API_BASE", f"{asked.server.url}/v1beta")
        yield asked


def stored(answer: Answer) -> list[BaseMessage]:
    """The answer and its results, as a thread keeps them; one of them is a picture."""
    ids = iter(ODD)
    calls: Any = [{**call, "id": next(ids)} for call in answer.message.tool_calls]
    image = {"mime_type": "image/png", "base64": PNG}
    results = [
        tool_message(
            OurCall(call["id"], call["name"], {}),
            ToolResult("half \ud83d", images=[image] if call["name"] == "read" else []),
        )
        for call in calls
    ]
    return [answer.message.model_copy(update={"tool_calls": calls}), *results]


def signed(a: Asking, request: int) -> set[int]:
    """Of which answers the request holds the signature."""
    sent = json.dumps(a.server.bodies[request])
    return {number for number in range(3) if f"c2lnbmVk{number}" in sent}


@pytest.mark.parametrize(("first", "second"), [*permutations(ROUTES, 2)])
async def test_there_and_back(a: Asking, first: str, second: str) -> None:
    task = HumanMessage([{"type": "text", "text": "what is here?"}, PICTURE])
    thread: list[BaseMessage] = [SYSTEM, task]
    for model in (first, second, first):
        said = await a.ask(model, thread, tools=[bash, read])
        assert said.bad_calls == ()
        thread += stored(said)
    assert said.message.text == "It is done."
    seen = [[t.role for t in r.asked.turns] for r in a.server.requests if r.asked]
    assert [(roles.count("assistant"), roles.count("tool")) for roles in seen] == [
        (0, 0), (1, 2), (2, 3)
    ]  # fmt: skip
    assert all(PNG in json.dumps(body) for body in a.server.bodies)
    one, other = (resolve(m, Settings()).provider for m in (first, second))
    keeps = {provider: provider != "openai" for provider in (one, other)}
    assert signed(a, 1) == ({0} if keeps[one] and one == other else set())
    mine = {0} if keeps[one] else set()
    assert signed(a, 2) == (mine | {1} if keeps[other] and one == other else mine)


@pytest.mark.parametrize("model", ROUTES)
async def test_what_openrouter_and_ollama_left_is_no_hindrance(a: Asking, model: str) -> None:
    details = [{"type": "reasoning.encrypted", "data": "HIDDEN", "index": 0}]
    call = {"name": "bash", "args": {"command": "half \ud83d"}, "id": "call_0_1"}
    left = AIMessage(
        "",
        tool_calls=[call],
        additional_kwargs={"reasoning_details": details, "reasoning_content": "hm"},
        response_metadata={"model_provider": "openrouter"},
    )
    result = tool_message(OurCall("call_0_1", "bash", {}), ToolResult("r"))
    said = await a.ask(model, [SYSTEM, HumanMessage("go"), left, result], tools=[bash, read])
    assert said.message.tool_calls
    assert "HIDDEN" not in json.dumps(a.server.bodies)


async def test_a_signature_survives_a_turn_elsewhere(a: Asking) -> None:
    """The user switches for one question, and back."""
    said = await a.ask(ANTHROPIC, [SYSTEM, HumanMessage("go")], tools=[bash, read])
    thread = [SYSTEM, HumanMessage("go"), *stored(said)]
    said = await a.ask(GEMINI, thread, tools=[bash, read])
    thread += [*stored(said), HumanMessage("and now?")]
    await a.ask(f"litellm/{ANTHROPIC}", thread, tools=[bash, read])
    assert [signed(a, number) for number in range(3)] == [set(), set(), {0}]
