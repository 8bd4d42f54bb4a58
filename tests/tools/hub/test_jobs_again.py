"""hf_jobs rerun and trigger, what only some releases can, folders as volumes, Trackio."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import ToolError
from core.history import Call
from core.policy.decide import Situation, decide
from nodes.validate import validated
from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.service import Answer
from tests.stand_ins.trackio_server import TrackioServer
from tests.tools.bench import Bench
from tests.tools.hub.test_jobs import RUN, only

SCHEDULE: dict[str, Any] = {**RUN, "operation": "schedule", "cron": "@daily", "command": "x"}
#: (operation, makes what it starts from and says its id)
AGAIN = ("rerun", "trigger")


async def first(bench: Bench, hub: HubServer, operation: str) -> str:
    if operation == "rerun":
        await bench.call("hf_jobs", **RUN, command="python train.py", secrets=["HF_TOKEN"])
        return only(hub).id
    await bench.call("hf_jobs", **{**SCHEDULE, "command": "python train.py"})
    return next(iter(hub.jobs.schedules))


@pytest.mark.parametrize("operation", AGAIN)
async def test_runs_the_same_again(bench: Bench, hub: HubServer, operation: str) -> None:
    source = await first(bench, hub, operation)
    before = len(hub.jobs.jobs)
    effect = await bench.foreseen("hf_jobs", operation=operation, id=source)
    assert (effect.kind, effect.price_micro_usd) == ("spend", 6667 * 30)
    assert "$0.40 an hour × 30 min = $0.20 at most" in effect.preview
    assert "python train.py" in effect.preview
    result = await bench.call("hf_jobs", operation=operation, id=source)
    assert result.ok, result.text
    assert len(hub.jobs.jobs) == before + 1
    job = list(hub.jobs.jobs.values())[-1]
    assert f"Job {job.id} was submitted on t4-small" in result.text
    assert job.initiator is not None
    assert job.initiator["id"] == source
    # Its end is booked like that of any other.
    hub.jobs.end()
    ended = await bench.call("hf_jobs", operation="wait", id=job.id)
    assert ended.cost_micro_usd == 66670


async def test_a_packed_script_is_shown_as_its_source(bench: Bench, hub: HubServer) -> None:
    given = {"script": "print('all of it')\n", "dependencies": ["trl"], "script_args": ["--lr=1"]}
    await bench.call("hf_jobs", **RUN, **given)
    effect = await bench.foreseen("hf_jobs", operation="rerun", id=only(hub).id)
    assert "uv run --with trl script.py --lr=1\n\nprint('all of it')" in effect.preview
    assert only(hub).body["command"][3] not in effect.preview


@pytest.mark.parametrize("operation", AGAIN)
async def test_an_answer_that_is_lost_makes_no_second_one(
    bench: Bench, hub: HubServer, operation: str
) -> None:
    source = await first(bench, hub, operation)
    before = len(hub.jobs.jobs)
    hub.misbehave(errors.BROKEN_NOW, path=".*/(duplicate|run)", after=True)
    result = await bench.call("hf_jobs", operation=operation, id=source)
    assert "was submitted" in result.text
    assert len(hub.jobs.jobs) == before + 1


@pytest.mark.parametrize("operation", AGAIN)
@pytest.mark.parametrize("happened", [True, False])
async def test_after_a_kill_there_is_one(
    bench: Bench, hub: HubServer, operation: str, happened: bool
) -> None:
    source = await first(bench, hub, operation)
    # An earlier one of the same source is not taken for this call's.
    await bench.call("hf_jobs", operation=operation, id=source)
    known = [job.id for job in hub.jobs.jobs.values() if job.initiator]
    before = len(hub.jobs.jobs)
    call = bench.new_id()
    await bench.begun(call, "hf_jobs", {
        "namespace": "ann", "known": known, "flavor": "t4-small", "per_minute": 6667.0,
        "ceiling": 200010, "at": 1.0, "output": "", "model": "",
    })  # fmt: skip
    if happened:
        kind = "scheduled-job" if operation == "trigger" else "duplicated-job"
        body = next(iter(hub.jobs.jobs.values())).body
        hub.jobs._made_from(kind, source, "ann", body)
    result = await bench.call("hf_jobs", call_id=call, operation=operation, id=source)
    assert "was submitted" in result.text
    assert len(hub.jobs.jobs) == before + 1


@pytest.mark.parametrize("operation", AGAIN)
async def test_what_is_not_there_cannot_run_again(bench: Bench, operation: str) -> None:
    result = await bench.call("hf_jobs", operation=operation, id="0" * 24)
    assert result.text == f"Cannot {operation} {'0' * 24}: not found."
    with pytest.raises(ToolError, match="needs id"):
        await bench.foreseen("hf_jobs", operation=operation)


def test_running_again_costs_and_is_asked_about(bench: Bench) -> None:
    for operation in AGAIN:
        tool, given = validated(
            Call("c", "hf_jobs", {"operation": operation, "id": "j"}), bench.services.tools
        )
        effect = tool.effect(given, "/")
        for mode, action in (("ask", "ask"), ("read-only", "deny")):
            assert decide("hf_jobs", effect, [operation], Situation(mode, "/")).action == action


async def test_networks_ssh_and_ports(bench: Bench, hub: HubServer) -> None:
    result = await bench.call(
        "hf_jobs", **RUN, command="x", network_group="train", network_aliases=["master"], ssh=True,
        expose=[8000],
    )  # fmt: skip
    assert result.ok, result.text
    body = only(hub).body
    assert body["network"] == {"group": "train", "aliases": ["master"]}
    assert (body["ssh"], body["expose"]["ports"]) == ({"enabled": True}, [8000])
    told = await bench.call("hf_jobs", operation="inspect", id=only(hub).id)
    assert f"reached at ssh://{only(hub).id}@ssh.hf.jobs" in told.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({**RUN, "network_aliases": ["a"]}, "network_aliases needs network_group"),
        ({**SCHEDULE, "ssh": True}, "schedule does not take ssh"),
        ({**RUN, "operation": "smoke", "network_group": "g"}, "does not take network_group"),
    ],
)
async def test_what_does_not_go_together(
    bench: Bench, hub: HubServer, arguments: dict[str, Any], said: str
) -> None:
    result = await bench.call("hf_jobs", **{"command": "x", **arguments})
    assert said in result.text
    assert not hub.jobs.jobs


async def test_a_release_that_lacks_something_is_named(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi, __version__

    source = await first(bench, hub, "rerun")
    run_job = HfApi.run_job

    def older(self: HfApi, *, image: str, command: list[str], flavor: str, timeout: int,
              attempts: int, labels: Any, env: Any, secrets: Any, volumes: Any,
              namespace: str) -> Any:  # fmt: skip
        return run_job(self, image=image, command=command, flavor=flavor, namespace=namespace)

    monkeypatch.setattr(HfApi, "run_job", older)
    monkeypatch.delattr(HfApi, "rerun_job")
    lacks = await bench.call("hf_jobs", **RUN, command="x", ssh=True)
    assert f"huggingface_hub {__version__} has no run_job(ssh). Install a newer" in lacks.text
    again = await bench.call("hf_jobs", operation="rerun", id=source)
    assert "has no rerun_job" in again.text
    assert len(hub.jobs.jobs) == 1
    assert (await bench.call("hf_jobs", **RUN, command="x")).ok


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The library's calls of a bucket, which go to Xet servers: what they were given."""
    from types import SimpleNamespace

    from huggingface_hub import HfApi

    state: dict[str, Any] = {"private": True, "files": {}}

    def create(self: HfApi, bucket_id: str, *, private: bool, exist_ok: bool) -> None:
        state["made"] = (bucket_id, private, exist_ok)

    def add(self: HfApi, bucket_id: str, *, add: list[tuple[str, str]]) -> None:
        state["files"] |= {to: Path(path).read_text() for path, to in add}

    monkeypatch.setattr(HfApi, "create_bucket", create)
    monkeypatch.setattr(
        HfApi, "bucket_info", lambda self, bucket_id: SimpleNamespace(private=state["private"])
    )
    monkeypatch.setattr(HfApi, "batch_bucket_files", add)
    return state


@pytest.fixture
def data(bench: Bench) -> Path:
    folder = bench.cwd / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "rows.csv").write_text("a,b\n")
    (folder / ".env").write_text("KEY=1\n")
    return folder


async def test_a_local_folder_becomes_a_volume(
    bench: Bench, hub: HubServer, bucket: dict[str, Any], data: Path
) -> None:
    given = {**RUN, "command": "x", "volumes": ["./data:/in", "datasets/ann/d:/d", "./data:/o:rw"]}
    effect = await bench.foreseen("hf_jobs", **given)
    assert effect.paths == ("./data", "./data")
    assert "uploads ./data (1 files" in effect.preview
    assert "left out, known to hold secrets: 1" in effect.preview
    assert not bucket["files"]
    assert (await bench.call("hf_jobs", **given)).ok
    assert bucket["made"] == ("ann/jobs-artifacts", True, True)
    dataset, read, write = only(hub).body["volumes"]
    assert dataset["type"] == "dataset"
    assert (read["source"], read["mountPath"], read["readOnly"]) == (
        "ann/jobs-artifacts", "/in", True,
    )  # fmt: skip
    assert (write["mountPath"], write["readOnly"]) == ("/o", False)
    assert bucket["files"][f"{read['path']}/sub/rows.csv"] == "a,b\n"
    assert not [name for name in bucket["files"] if ".env" in name]


async def test_a_public_bucket_gets_nothing(
    bench: Bench, hub: HubServer, bucket: dict[str, Any], data: Path
) -> None:
    bucket["private"] = False
    result = await bench.call("hf_jobs", **RUN, command="x", volumes=["./data:/in"])
    assert "the bucket ann/jobs-artifacts is public" in result.text
    assert (bucket["files"], hub.jobs.jobs) == ({}, {})


async def test_trackio_gets_its_variables(bench: Bench, hub: HubServer) -> None:
    given = {**RUN, "command": "x", "output": "ann/tuned", "monitoring": "trackio"}
    shown = (await bench.foreseen("hf_jobs", **given)).preview
    assert "trackio to the Space ann/trackio, project tuned; without HF_TOKEN" in shown
    named = {**given, "monitoring": "Trackio: team/board", "name": "sft", "secrets": ["HF_TOKEN"]}
    assert (
        "Space team/board, project sft; a new Space is public"
        in (await bench.foreseen("hf_jobs", **named)).preview
    )
    await bench.call("hf_jobs", **named)
    env = only(hub).body["environment"]
    assert env == {"TRACKIO_SPACE_ID": "team/board", "TRACKIO_PROJECT": "sft"}
    smoke = {**named, "operation": "smoke"}
    await bench.call("hf_jobs", **smoke)
    assert list(hub.jobs.jobs.values())[-1].body["environment"] == {}


async def tracked(bench: Bench, hub: HubServer, space: TrackioServer) -> str:
    hub.add("ann/trackio", "space", host=space.url)
    await bench.call(
        "hf_jobs", **RUN, command="x", name="sft", monitoring="trackio", secrets=["HF_TOKEN"]
    )
    hub.jobs.end()
    return (await bench.call("hf_jobs", operation="metrics", id=only(hub).id)).text


async def test_figures_and_alerts_are_read_back(bench: Bench, hub: HubServer) -> None:
    with TrackioServer() as space:
        for step, loss in enumerate([2.0, 1.5, 1.0, 1.8, None]):
            space.log(step * 10, loss=loss, **{"eval/acc": step / 10})
        space.alert("Loss spike", "loss rose to 1.8", "warn", 30)
        text = await tracked(bench, hub, space)
        assert f"Trackio run run-1: 5 points, {space.url}/?project=sft" in text
        # The token stays with the Hub.
        assert not [r for r in space.requests if "authorization" in r.headers]
    assert "loss is not a number since step 40" in text
    assert "loss: 2 → 1.8 over 4 points (least 1, most 2), it diverges" in text
    assert "eval/acc: 0 → 0.4 over 5 points" in text
    assert "alert WARN at step 30: Loss spike: loss rose to 1.8" in text
    assert "note" not in text


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lambda s: setattr(s, "project", "other"), "has no run of this job in project sft yet"),
        (lambda s: s.misbehave(Answer("<html>", 404)), "its Trackio has no HTTP API"),
        (lambda s: s.misbehave(Answer({"error": "x"}, 500)), "status 500 to get_runs_for_project"),
        (lambda s: s.misbehave(Answer({"data": "?"}, 200)), "status 200 to get_runs_for_project"),
    ],
)
async def test_a_space_that_has_nothing_is_told(
    bench: Bench, hub: HubServer, plant: Callable[[TrackioServer], None], said: str
) -> None:
    with TrackioServer() as space:
        plant(space)
        assert said in await tracked(bench, hub, space)


async def test_a_private_space_is_opened_by_a_jwt(bench: Bench, hub: HubServer) -> None:
    with TrackioServer() as space:
        hub.add("ann/trackio", "space", host=space.url, visibility="private")
        hub.misbehave(Answer({"token": "jwt-1", "exp": 1}, 200), path="/api/spaces/.*/jwt")
        await bench.call("hf_jobs", **RUN, command="x", name="sft", monitoring="trackio")
        hub.jobs.end()
        await bench.call("hf_jobs", operation="metrics", id=only(hub).id)
        assert {r.query["__sign"] for r in space.requests} == {"jwt-1"}
