"""Threads that are shared: where it was asked for, in private, without secrets, not in the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from graph.transcript.format import read_recording
from tests.graph.driving import driven
from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Reply

KEY = "hf_" + "QwErTyUiOpAsDfGhJkLz" + "XcVbNmKjHgFdSa"


@pytest.fixture
def given(settings: Settings, hub: HubServer) -> Settings:
    return settings.model_copy(update={"hub_url": hub.url, "share_traces": True})


def talk(asked: Asked) -> Reply:
    if asked.step == 0 and asked.user_messages == 1:
        return Reply(calls=[Call("bash", {"command": f"echo the key is {KEY}"})])
    return Reply("done")


async def test_each_turn_goes_to_a_private_dataset(
    given: Settings, workdir: Path, hub: HubServer, tmp_path: Path
) -> None:
    async with driven(talk, given, workdir, mode="yolo") as driver:
        await driver.send("first")
        await driver.send("second")
        thread = driver.session.thread.id
    repo = hub.repos[("dataset", "ann/ml-agent-sessions")]
    assert repo.visibility == "private"
    files = repo.head.files
    assert "format:agent-traces" in files["README.md"].decode()
    (name,) = [name for name in files if name.endswith(f"{thread}.jsonl")]
    shared = files[name].decode()
    assert KEY not in shared
    head, *messages = map(json.loads, shared.splitlines())
    assert (head["type"], head["harness"], head["id"]) == ("session", "ml-agent", thread)
    said = [m["message"]["content"] for m in messages if m["message"]["role"] == "user"]
    assert said == ["first", "second"]
    path = tmp_path / "shared.jsonl"
    path.write_text(shared)
    assert read_recording(path).messages


async def test_nothing_is_shared_unasked(settings: Settings, workdir: Path, hub: HubServer) -> None:
    asked = settings.model_copy(update={"hub_url": hub.url})
    async with driven(talk, asked, workdir, mode="yolo") as driver:
        await driver.send("first")
    assert hub.requests == []


async def test_a_dataset_that_is_public_is_not_used(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    hub.add("ann/ml-agent-sessions", "dataset")
    told: list[str] = []
    async with driven(talk, given, workdir, mode="yolo", notice=told.append) as driver:
        assert (await driver.send("first")).name == "turn_complete"
    assert hub.repos[("dataset", "ann/ml-agent-sessions")].head.files == {}
    assert told == [
        "this session was not shared: the dataset ann/ml-agent-sessions is not private: make it "
        "so, or rename it"
    ]


@pytest.mark.parametrize("trouble", [errors.BAD_TOKEN, errors.BROKEN_NOW])
async def test_trouble_is_one_line_and_no_turn_fails(
    given: Settings, workdir: Path, hub: HubServer, trouble: Any
) -> None:
    hub.misbehave(trouble, path="/api/(whoami-v2|datasets/.*|repos/.*)")
    told: list[str] = []
    async with driven(talk, given, workdir, mode="yolo", notice=told.append) as driver:
        for text in ("first", "second"):
            assert (await driver.send(text)).name == "turn_complete"
    assert len(told) == 1
    assert told[0].startswith("this session was not shared: ")
