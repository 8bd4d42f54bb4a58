"""`langgraph dev` serves the graph of langgraph.json: driven over HTTP with langgraph_sdk, with
its own guard against blocking calls on."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client

from tests.cli.program import ROOT
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.model_server import ModelServer

GRAPH = "ml_agent"

#: One server for the whole file, and one folder whose effects are counted.
pytestmark = pytest.mark.xdist_group("studio")


def command(word: str) -> str:
    return f"printf '{word}\\n' >> effects"


def choose(asked: Asked) -> Reply:
    if "fail" in asked.user:
        return Reply(status=400)
    if "run" not in asked.user or asked.step:
        return Reply("done" if asked.step else "hello")
    commands = [word for word in asked.user.split() if word in ("one", "two")] or ["one"]
    # No shipped rule allows printf, so it is asked about.
    calls = [Call("bash", {"command": command(word)}) for word in commands]
    return Reply("I run it", calls=[*calls, Call("grep", {"pattern": "x"})])


@dataclass
class Studio:
    url: str
    work: Path
    state: Path
    model: ModelServer

    @property
    def effects(self) -> str:
        path = self.work / "effects"
        return path.read_text() if path.exists() else ""

    def client(self) -> Any:
        return get_client(url=self.url)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    for name in ("home", "work", "state"):
        (folder / name).mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ModelServer(choose) as model:
        environment = {
            **os.environ,
            "HOME": str(folder / "home"),
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": model.openai_base,
            "ML_AGENT_MODEL_NAME": "openai/stand-in",
            "ML_AGENT_STATE_DIR": str(folder / "state"),
        }
        log = (folder / "log").open("w")
        # A copy of the configuration elsewhere: the server keeps its own files next to it.
        config = json.loads((ROOT / "langgraph.json").read_text())
        config["dependencies"] = [str(ROOT)]
        config["graphs"] = {GRAPH: f"{ROOT}/graph/agent.py:graph"}
        (folder / "work" / "langgraph.json").write_text(json.dumps(config))
        command = [Path(sys.executable).parent / "langgraph", "dev", "--no-browser", "--no-reload"]
        server = subprocess.Popen(
            [*command, "--port", str(port)], cwd=folder / "work", env=environment,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, server, folder / "log")
            yield Studio(url, folder / "work", folder / "state", model)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"{url}/ok", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


async def run(client: Any, thread: str, text: str = "", **options: Any) -> list[dict[str, Any]]:
    """A run to its end; our events, as the server streams them."""
    if text:
        options["input"] = {"messages": [{"role": "user", "content": text}]}
    events = []
    async for part in client.runs.stream(thread, GRAPH, stream_mode=["custom"], **options):
        assert part.event != "error", part.data
        if part.event == "custom":
            events.append(part.data)
    return events


def texts(state: Any) -> list[tuple[str, str]]:
    return [(m["type"], m["content"]) for m in state["values"]["messages"]]


APPROVE = {"type": "approve"}


async def test_a_thread_with_an_approval_and_no_context(studio: Studio) -> None:
    client = studio.client()
    thread = (await client.threads.create())["thread_id"]
    events = await run(client, thread, "please run it")
    assert [e["event"] for e in events if e["event"] == "tool_call"] == ["tool_call"] * 2
    state = await client.threads.get_state(thread)
    (waiting,) = state["interrupts"]
    (request,) = waiting["value"]["action_requests"]
    assert (request["name"], request["args"]) == ("bash", {"command": command("one")})
    assert waiting["value"]["review_configs"][0]["action_name"] == "bash"
    assert studio.effects == ""

    events = await run(client, thread, command={"resume": {"decisions": [APPROVE]}})
    assert "tool_output" in [e["event"] for e in events]
    state = await client.threads.get_state(thread)
    assert [kind for kind, _ in texts(state)] == ["human", "ai", "tool", "tool", "ai"]
    assert studio.effects == "one\n"
    sent = studio.model.bodies[0]["messages"]
    assert [m["role"] for m in sent] == ["system", "user"]
    # The turn is handled as the command line's: its folder told, numbered, ended.
    assert texts(state)[0][1].startswith("<environment>\n")
    assert f"working directory: {studio.work}" in texts(state)[0][1]
    turn = state["values"]["turn"]
    assert (turn["number"], turn["status"], turn["iterations"]) == (1, "done", 2)
    # Its calls are in our journal.
    with sqlite3.connect(studio.state / "ml-agent.db") as database:
        rows = database.execute("SELECT tool, state FROM journal WHERE thread = ?", (thread,))
        assert sorted(rows) == [("bash", "done"), ("grep", "done")]

    await run(client, thread, "thanks")
    state = await client.threads.get_state(thread)
    assert texts(state)[-2:] == [("human", "thanks"), ("ai", "hello")]
    assert state["values"]["turn"]["number"] == 2


@pytest.mark.parametrize(
    ("decisions", "ran", "told"),
    [
        (
            [APPROVE, {"type": "reject", "message": "not that"}],
            "one\n",
            "rejected this call: not that",
        ),
        (
            [
                {
                    "type": "edit",
                    "edited_action": {"name": "bash", "args": {"command": "echo other >> effects"}},
                },
                APPROVE,
            ],
            "other\n",
            "[exit code 0]",
        ),
    ],
)  # fmt: skip
async def test_each_kind_of_decision(
    decisions: list[dict[str, Any]], ran: str, told: str, studio: Studio
) -> None:
    (studio.work / "effects").unlink(missing_ok=True)
    client = studio.client()
    thread = (await client.threads.create())["thread_id"]
    await run(client, thread, "run one and two")
    await run(client, thread, command={"resume": {"decisions": decisions}})
    assert ran in studio.effects
    state = await client.threads.get_state(thread)
    assert any(told in text for _, text in texts(state))
    assert state["next"] == []


async def test_history_and_a_fork(studio: Studio) -> None:
    client = studio.client()
    thread = (await client.threads.create())["thread_id"]
    for text in ("first", "second", "third"):
        await run(client, thread, text)
    history = await client.threads.get_history(thread, limit=100)
    counts = [len(s["values"].get("messages", [])) for s in history]
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (6, 0)
    after_first = next(s for s in history if len(s["values"].get("messages", [])) == 2)
    checkpoint = after_first["checkpoint"]["checkpoint_id"]
    await run(client, thread, "other way", checkpoint_id=checkpoint)
    state = await client.threads.get_state(thread)
    said = [text for kind, text in texts(state) if kind == "human"]
    assert said[0].endswith("first")
    assert said[1:] == ["other way"]
    assert state["values"]["turn"]["number"] == 2


async def test_options_of_the_context(studio: Studio, tmp_path: Path) -> None:
    client = studio.client()
    thread = (await client.threads.create())["thread_id"]
    await run(client, thread, "run it", context={"mode": "yolo", "cwd": str(tmp_path)})
    assert (tmp_path / "effects").read_text() == "one\n"

    refused = (await client.threads.create())["thread_id"]
    await run(client, refused, "run it", context={"mode": "read-only"})
    assert "Refused by policy" in str(texts(await client.threads.get_state(refused)))

    short = (await client.threads.create())["thread_id"]
    await run(client, short, "run it", context={"mode": "yolo", "max_iterations": 1})
    turn = (await client.threads.get_state(short))["values"]["turn"]
    assert (turn["status"], turn["error"]["kind"]) == ("limit", "limit_reached")


async def test_the_form_that_studio_shows(studio: Studio) -> None:
    client = studio.client()
    (assistant,) = await client.assistants.search(graph_id=GRAPH)
    schemas = await client.assistants.get_schemas(assistant["assistant_id"])
    fields = schemas["context_schema"]["properties"]
    assert {"model", "mode", "cwd", "max_iterations"} <= set(fields)
    assert "services" not in fields
    assert fields["mode"]["default"] == "ask"
    assert "messages" in schemas["state_schema"]["properties"]


async def test_a_new_message_over_a_pending_approval(studio: Studio) -> None:
    (studio.work / "effects").unlink(missing_ok=True)
    client = studio.client()
    thread = (await client.threads.create())["thread_id"]
    await run(client, thread, "run it")
    await run(client, thread, "never mind")
    state = await client.threads.get_state(thread)
    kinds = [kind for kind, _ in texts(state)]
    assert kinds == ["human", "ai", "tool", "tool", "human", "ai"]
    assert texts(state)[2][1].startswith("Not run")
    assert studio.effects == ""
    assert studio.model.violations == []


async def test_a_failing_model_is_told_and_can_be_asked_again(studio: Studio) -> None:
    client = studio.client()
    thread = (await client.threads.create())["thread_id"]
    said = {"messages": [{"role": "user", "content": "fail"}]}
    stream = client.runs.stream(thread, GRAPH, input=said, stream_mode=["custom"])
    parts = [part async for part in stream]
    assert parts[-1].event == "error"
    # The server hides what was raised; our own event says it.
    assert parts[-2].data["event"] == "error"
    assert parts[-2].data["kind"] == "request_refused"
    assert parts[-2].data["thread"] == thread
    other = {"model": "groq/llama"}  # without a key
    stream = client.runs.stream(
        thread,
        GRAPH,
        input=said,
        context=other,
        stream_mode=["custom"],
        multitask_strategy="reject",
    )
    parts = [part async for part in stream]
    assert parts[-2].data["kind"] == "not_authenticated"
    assert "GROQ_API_KEY" in parts[-2].data["hint"]
    await run(client, thread, "now work")
    assert texts(await client.threads.get_state(thread))[-1] == ("ai", "hello")
