"""The graph as a server runs it: no session, no context, a message as a dict in the input."""

import json
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from core.tool import AgentContext
from graph.agent import build_graph
from nodes import shared_services
from tests.stand_ins.mcp_forks import command
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.model_server import ModelServer


def choose(asked: Asked) -> Reply:
    calls = [Call("bash", {"command": "touch ran"})]
    return Reply(calls=calls) if asked.step == 0 else Reply("done")


async def test_services_are_opened_once_and_approvals_come_in_langchains_shape(
    tmp_path: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workdir)
    monkeypatch.setenv("ML_AGENT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ML_AGENT_MODEL_NAME", "openai/stand-in")
    app = build_graph().compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "studio"}}
    with ModelServer(choose) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base)
        said = {"messages": [{"role": "user", "content": "go"}]}
        state = await app.ainvoke(said, config, context=AgentContext())
        (waiting,) = state["__interrupt__"]
        assert waiting.value["action_requests"][0]["name"] == "bash"
        decisions = {"decisions": [{"type": "approve"}]}
        state = await app.ainvoke(Command(resume=decisions), config, context=AgentContext())
        assert [m.type for m in state["messages"]] == ["human", "ai", "tool", "ai"]
        assert (workdir / "ran").exists()
        assert state["turn"]["number"] == 1
        state = await app.ainvoke(said, config, context=AgentContext())
        assert state["turn"]["number"] == 2
        assert not server.violations
    await shared_services.close_shared()


async def test_mcp_tools_are_there_without_a_session(
    tmp_path: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asks(asked: Asked) -> Reply:
        calls = [Call("box__echo", {"text": "hello"})]
        return Reply(calls=calls) if asked.step == 0 else Reply("done")

    server, *arguments = command("good")
    box = {"command": server, "args": arguments}
    config_file = tmp_path / "home" / ".config" / "ml-agent" / "config.json"
    config_file.parent.mkdir(parents=True)
    # That the tool only reads is its server's word; the user took it.
    rules = {"permissions": {"allow": ["mcp_reads(box)"]}}
    config_file.write_text(json.dumps({"mcpServers": {"box": box}, "mcp": {"wait": 60}, **rules}))
    monkeypatch.chdir(workdir)
    monkeypatch.setenv("ML_AGENT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ML_AGENT_MODEL_NAME", "openai/stand-in")
    app = build_graph().compile(checkpointer=InMemorySaver())
    with ModelServer(asks) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_base)
        state = await app.ainvoke(
            {"messages": [{"role": "user", "content": "go"}]},
            {"configurable": {"thread_id": "studio"}},
            context=AgentContext(),
        )
        assert state["messages"][2].content == "echo hello"
        assert len({json.dumps(body["tools"]) for body in server.bodies}) == 1
    await shared_services.close_shared()
