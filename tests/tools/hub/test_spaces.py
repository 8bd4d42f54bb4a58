"""hf_repo on running Spaces: state, logs, restart, secrets by name, hardware with a price."""

from typing import Any

import pytest

from core.policy.decide import Situation, decide
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.hub_spaces import Space
from tests.stand_ins.service import Answer
from tests.tools.bench import THREAD, Bench
from tools.hub.jobs.notices import ended_jobs

DEMO: dict[str, Any] = {"repo": "ann/demo", "type": "space"}
T4: dict[str, Any] = {**DEMO, "operation": "hardware", "name": "t4-small", "hours": 2}
SECRET = "wandb-value-0123456789"


@pytest.fixture
def space(hub: HubServer) -> Space:
    hub.add("ann/demo", "space")
    return hub.spaces.of("ann/demo")


def later(bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = bench.services.clock()
    monkeypatch.setattr(bench.services, "clock", lambda: now + seconds)


async def spent(bench: Bench) -> int:
    return (await bench.services.ledger.spent("thread", THREAD)).amount


async def test_status_and_logs(bench: Bench, space: Space) -> None:
    space.secrets["HF_TOKEN"] = "hf_hidden_value"
    told = await bench.call("hf_repo", operation="status", **DEMO)
    assert told.text.splitlines() == [
        "space ann/demo: RUNNING on cpu-basic, sleeps after 48 h", "secrets: HF_TOKEN"
    ]  # fmt: skip
    run = await bench.call("hf_repo", operation="logs", **DEMO)
    assert "log of the run\nRunning on local URL" in run.text
    space.stage = "BUILD_ERROR"
    build = await bench.call("hf_repo", operation="logs", **DEMO, limit=1)
    assert build.text.endswith("log of the build\npip: no\n")
    assert "error: build failed" in (await bench.call("hf_repo", operation="status", **DEMO)).text


@pytest.mark.parametrize("operation", ["status", "logs", "restart", "pause", "secret", "hardware"])
async def test_only_of_spaces(bench: Bench, operation: str) -> None:
    result = await bench.call("hf_repo", operation=operation, repo="ann/demo", name="x", hours=1)
    assert result.text == f"{operation} is for Spaces: say type=space"


async def test_restart_and_pause(bench: Bench, space: Space) -> None:
    assert "RUNNING on cpu-basic" in (await bench.call("hf_repo", operation="restart", **DEMO)).text
    assert "PAUSED" in (await bench.call("hf_repo", operation="pause", **DEMO)).text
    assert space.done == ["restart", "pause"]


async def test_a_secret_goes_by_name_and_is_in_no_record(
    bench: Bench, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = {"operation": "secret", **DEMO, "name": "WANDB_API_KEY"}
    assert "is not set on this machine" in (await bench.call("hf_repo", **call)).text
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    effect = await bench.foreseen("hf_repo", **call)
    assert (effect.kind, effect.preview) == ("publish", "secret WANDB_API_KEY of space ann/demo")
    result = await bench.call("hf_repo", **call)
    assert space.secrets == {"WANDB_API_KEY": SECRET}
    row = await bench.services.journal.row(THREAD, bench.last_id)
    assert SECRET not in f"{result} {bench.events} {row}"
    gone = await bench.call("hf_repo", **call, remove=True)
    assert (gone.ok, space.secrets) == (True, {})
    assert (await bench.foreseen("hf_repo", **call, remove=True)).kind == "destroy"
    other = await bench.call("hf_repo", **{**call, "name": "MY_SECRET"})
    assert "MY_SECRET is not among those" in other.text


async def test_hardware_is_rented_for_hours_and_given_back(
    bench: Bench, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = await bench.foreseen("hf_repo", **T4)
    assert (effect.kind, effect.price_micro_usd) == ("spend", 800_000)
    assert "$0.40 an hour × 2 h = $0.80 set aside" in effect.preview
    assert "the Hub has no time limit" in effect.preview
    assert decide("hf_repo", effect, ["hardware"], Situation("yolo", "/project")).action == "ask"
    result = await bench.call("hf_repo", **T4)
    assert "space ann/demo moves to t4-small: $0.40 an hour" in result.text
    assert (space.hardware, await spent(bench)) == ("t4-small", 800_000)
    later(bench, monkeypatch, 1800)
    back = await bench.call("hf_repo", **{**T4, "name": "cpu-basic", "hours": 0})
    assert back.text == "space ann/demo moves to cpu-basic. It cost at most $0.21."
    assert (space.hardware, await spent(bench)) == ("cpu-basic", 206_667)


async def test_over_its_time_the_space_is_put_back(
    bench: Bench, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.call("hf_repo", **T4)
    later(bench, monkeypatch, 2 * 3600 + 1)
    (message,), _ = await ended_jobs(bench.services, THREAD, [], bench.events.append)
    assert "Space ann/demo is on cpu-basic again: its 2 h are over." in str(message.content)
    assert space.hardware == "cpu-basic"


async def test_other_notes_of_the_tool_are_no_runs(bench: Bench, space: Space) -> None:
    """A branch keeps the commit that it is at in its note, where a run keeps its time."""
    await bench.call("hf_repo", operation="branch", **DEMO, name="next")
    assert (await bench.call("hf_repo", **T4)).ok
    assert await ended_jobs(bench.services, THREAD, [], bench.events.append) == ([], [])


async def test_a_pause_settles_the_hardware(bench: Bench, space: Space) -> None:
    await bench.call("hf_repo", **T4)
    assert "It cost at most $0.0" in (await bench.call("hf_repo", operation="pause", **DEMO)).text
    assert await spent(bench) < 20_000


@pytest.mark.parametrize(
    ("change", "said"),
    [({"hours": 0}, "needs hours"), ({"name": ""}, "needs a name"), ({"name": "t4"}, "t4-small")],
)
async def test_what_is_missing_is_named(
    bench: Bench, space: Space, change: dict[str, Any], said: str
) -> None:
    result = await bench.call("hf_repo", **{**T4, **change})
    assert (result.ok, said in result.text) == (False, True), result.text
    assert (space.done, await spent(bench)) == ([], 0)


@pytest.mark.parametrize("after", [True, False])
async def test_a_lost_answer_is_looked_up(
    bench: Bench, hub: HubServer, space: Space, after: bool
) -> None:
    hub.misbehave(Answer({"error": "gateway"}, 400), path=".*/hardware", method="POST", times=1,
                  after=after)  # fmt: skip
    result = await bench.call("hf_repo", **T4)
    assert result.ok == after
    assert await spent(bench) == (800_000 if after else 0)


@pytest.mark.parametrize("made", [True, False])
async def test_after_a_kill_it_is_rented_once(bench: Bench, space: Space, made: bool) -> None:
    await bench.call("hf_repo", **T4)
    row = await bench.services.journal.row(THREAD, bench.last_id)
    space.done.clear()
    space.hardware = "t4-small" if made else "cpu-basic"
    other = bench.new_id()
    await bench.begun(other, "hf_repo", dict(row.note or {}) if row else {})
    result = await bench.call("hf_repo", call_id=other, **T4)
    assert "moves to t4-small" in result.text
    assert space.done == ([] if made else ["hardware t4-small"])
