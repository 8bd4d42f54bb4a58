"""hf_jobs against the stand-in Hub: what is submitted, what comes back, what goes wrong."""

import base64
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import ToolError
from core.policy.decide import Situation, decide
from core.units import duration, seconds_of
from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_jobs import Job, secret_values
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.service import Answer
from tests.tools.bench import THREAD, Bench
from tools.hub.jobs import launch as job_run
from tools.hub.jobs import wait
from tools.hub.jobs.log import JobLog
from tools.hub.jobs.spec import label_of, volumes_of
from tools.hub.jobs.tool import HfJobs

RUN: dict[str, Any] = {"operation": "run", "flavor": "t4-small", "timeout": "30m"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at a job come after hundredths of seconds."""
    monkeypatch.setattr(wait, "FIRST_LOOK", 0.02)
    monkeypatch.setattr(wait, "DRAIN", 0.3)
    monkeypatch.setattr(job_run, "LOOKS", (0.0, 0.02))


def only(hub: HubServer) -> Job:
    (job,) = hub.jobs.jobs.values()
    return job


async def test_a_script_is_sent_inline_and_returns_at_once(bench: Bench, hub: HubServer) -> None:
    source = "print('it''s \"quoted\" $HOME `ls`')\n"
    bench.file("train.py", source)
    result = await bench.call(
        "hf_jobs", **RUN, script="train.py", dependencies=["trl>=0.24", "datasets"], name="tuning",
        env={"EPOCHS": "3"}, volumes=["datasets/ann/data:/data"],
    )  # fmt: skip
    job = only(hub)
    assert result.ok, result.text
    assert f"Job {job.id} was submitted on t4-small: {hub.url}/jobs/ann/{job.id}" in result.text
    assert "$0.40 an hour, at most $0.20 (30 min)" in result.text
    body = job.body
    assert (body["timeoutSeconds"], body["attempts"], body["environment"]) == (
        1800,
        1,
        {"EPOCHS": "3"},
    )
    assert body["labels"]["ml-agent-call"] == label_of(bench.last_id)
    assert body["volumes"] == [{"type": "dataset", "source": "ann/data", "mountPath": "/data"}]
    shell, option, line, packed = body["command"]
    assert (shell, option) == ("bash", "-c")
    assert gzip.decompress(base64.b64decode(packed)).decode() == source
    assert "uv run --with 'trl>=0.24' --with datasets /tmp/job/script.py" in line
    states = [e for e in bench.events if e.name == "tool_state_change"]
    assert states[-1].url == f"{hub.url}/jobs/ann/{job.id}"  # type: ignore[attr-defined]


async def test_the_packed_script_runs(bench: Bench, hub: HubServer, tmp_path: Path) -> None:
    """The submitted line, by a real shell, with an `uv` that runs Python."""
    import subprocess
    import sys

    await bench.call("hf_jobs", **RUN, script="import sys\nprint('ran', 'ä', sys.argv[1:])")
    shim = tmp_path / "bin" / "uv"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} "$@"\n')
    shim.chmod(0o755)
    done = subprocess.run(
        only(hub).body["command"], env={"PATH": f"{shim.parent}:/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "ran ä []\n"


async def test_a_command(bench: Bench, hub: HubServer) -> None:
    await bench.call("hf_jobs", **RUN, command="nvidia-smi && python x.py", image="org/image:1")
    body = only(hub).body
    assert body["command"] == ["bash", "-c", "nvidia-smi && python x.py"]
    assert body["dockerImage"] == "org/image:1"


async def test_secrets_go_by_name(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "wandb-value-0123456789")
    result = await bench.call("hf_jobs", **RUN, command="x", secrets=["HF_TOKEN", "WANDB_API_KEY"])
    job = only(hub)
    assert job.body["secrets"] == {"HF_TOKEN": "hf_ann", "WANDB_API_KEY": "wandb-value-0123456789"}
    told = result.text + str(bench.events) + secret_values(job)
    assert "wandb-value" not in told
    row = await bench.services.journal.row(THREAD, bench.last_id)
    assert row is not None
    assert "wandb-value" not in str(row)


TOKEN = "hf_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"command": "x", "env": {"WANDB_API_KEY": "f00ba4f00ba4"}}, "env: WANDB_API_KEY holds"),
        ({"command": "x", "env": {"X": "value-of-mine-1"}}, "env: it holds the value of MY_SECRET"),
        ({"command": "x", "env": {"X": TOKEN}}, "env: it holds what looks like a hugging face"),
        ({"command": "login value-of-mine-1"}, "command: it holds the value of MY_SECRET"),
        ({"command": f"hf auth login --token {TOKEN}"}, "command: it holds what looks like"),
        ({"script": f"login('{TOKEN}')\n"}, "script: it holds what looks like"),
        ({"script": "train.py"}, "script: it holds the value of MY_SECRET"),
        (
            {"script": "x\n", "dependencies": [f"git+https://{TOKEN}@example.org/x"]},
            "dependencies: it holds what looks like",
        ),
        ({"command": "x", "name": "value-of-mine-1"}, "arguments: it holds the value of MY_SECRET"),
        ({"command": "x", "secrets": ["MY_SECRET"]}, "MY_SECRET is not among those"),
    ],
)
async def test_a_credential_outside_of_secrets_is_refused(
    bench: Bench,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setenv("MY_SECRET", "value-of-mine-1")
    bench.file("train.py", "login('value-of-mine-1')")
    result = await bench.call("hf_jobs", **RUN, **arguments)
    assert (result.ok, hub.jobs.jobs) == (False, {})
    assert said in result.text
    assert "job_secrets" in result.text
    assert "value-of-mine-1" not in result.text
    assert TOKEN not in result.text


async def test_what_only_looks_like_a_credential_runs(bench: Bench, hub: HubServer) -> None:
    env = {
        "TOKENIZERS_PARALLELISM": "false",
        "MAX_TOKENS": "4096",
        "PAD_TOKEN": "<|endoftext|>",
        "WANDB_MODE": "offline",
        "KEY_COLUMN": "id",
        "MODEL": "meta-llama/Llama-3.1-8B-Instruct",
    }
    script = (
        "import os\ntoken = os.environ['HF_TOKEN']\napi_key = get_api_key()\n"
        "# HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\npassword = 'changeme'\n"
        "auth_token = config.auth_token_from_file2\n"
    )
    result = await bench.call("hf_jobs", **RUN, script=script, env=env)
    assert result.ok, result.text
    assert only(hub).body["environment"] == env


async def test_nothing_else_of_the_environment_goes(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "WANDB_API_KEY", "OPENAI_API_KEY", "SOME_SERVICE"):
        monkeypatch.setenv(name, f"canary-of-{name}-1")
    await bench.call("hf_jobs", **RUN, command="x", secrets=["GITHUB_TOKEN"])
    body = only(hub).body
    assert body["secrets"] == {"GITHUB_TOKEN": "canary-of-GITHUB_TOKEN-1"}
    assert "canary" not in str({k: v for k, v in body.items() if k != "secrets"})


@pytest.mark.parametrize("operation", ["run", "schedule"])
def test_a_script_is_judged_by_its_place(operation: str, tmp_path: Path) -> None:
    tool = HfJobs()

    def action(script: str, mode: str) -> str:
        arguments = tool.args_schema(operation=operation, script=script)
        effect = replace(tool.effect(arguments, str(tmp_path)), always_asks=False)  # type: ignore[arg-type]
        return decide("hf_jobs", effect, [operation], Situation(mode, str(tmp_path))).action

    (tmp_path / "link.py").symlink_to(tmp_path / ".env")
    (tmp_path / "away.py").symlink_to(tmp_path.parent / "x.py")
    assert [action(s, "auto") for s in ("train.py", "print(1)\n")] == ["run", "run"]
    assert [action(s, "auto") for s in ("../x.py", "/srv/x.py", "away.py")] == ["ask"] * 3
    assert action("link.py", "auto") == "deny"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"operation": "run", "command": "x"}, "needs flavor and timeout"),
        ({**RUN, "timeout": ""}, "needs flavor and timeout"),
        ({**RUN}, "script or command, one of them"),
        ({**RUN, "command": "x", "script": "y\n"}, "script or command, one of them"),
        ({**RUN, "command": "x", "timeout": "soon"}, "'soon' is not a duration"),
        ({**RUN, "command": "x", "timeout": "0"}, "'0' is not a duration"),
        ({**RUN, "command": "x", "flavor": "t4-smal"}, "there is no 't4-smal'; there are t4-small"),
        ({**RUN, "command": "x", "secrets": ["AWS_KEY"]}, "AWS_KEY is not among those"),
        ({**RUN, "command": "x", "secrets": ["WANDB_API_KEY"]}, "WANDB_API_KEY is not set"),
        ({**RUN, "command": "x", "volumes": ["data:/x"]}, "'data:/x' is none"),
        ({**RUN, "script": "gone.py"}, "cannot read"),
        ({**RUN, "script": "x = '''\n" + "".join(map(chr, range(33, 50_000))) + "'''"}, "too long"),
        ({"operation": "logs"}, "logs needs id"),
        ({"operation": "cancel"}, "cancel needs id"),
        ({**RUN, "operation": "schedule", "command": "x"}, "schedule needs cron"),
    ],
)  # fmt: skip
async def test_what_cannot_be_run(
    bench: Bench, hub: HubServer, arguments: dict[str, Any], said: str
) -> None:
    result = await bench.call("hf_jobs", **arguments)
    assert (result.ok, hub.jobs.jobs) == (False, {})
    assert said in result.text


async def test_waiting_streams_the_log_and_settles_the_cost(bench: Bench, hub: HubServer) -> None:
    hub.jobs.log = ["{'loss': 2.5, 'epoch': 1}", "{'loss': 1.25, 'epoch': 2}", "saved"]
    result = await bench.call("hf_jobs", **RUN, command="x", detach=False)
    job = only(hub)
    assert result.ok
    assert f"Job {job.id} on t4-small: COMPLETED (ran 10 min)" in result.text
    assert "$0.0667" in result.text
    assert "loss: 2.5 → 1.25 over 2 points" in result.text
    assert result.text.endswith("saved")
    assert "saved" in bench.logs()
    spent = await bench.services.ledger.spent("thread", THREAD)
    assert spent.amount == 66670


async def test_a_failed_job_is_a_failure_with_its_last_lines(bench: Bench, hub: HubServer) -> None:
    hub.jobs.ends, hub.jobs.log = "ERROR", ["step 1", "CUDA out of memory"]
    result = await bench.call("hf_jobs", **RUN, command="x", detach=False)
    assert (result.ok, result.outcome) == (False, "failed")
    assert "ERROR" in result.text.splitlines()[0]
    assert "CUDA out of memory" in result.text


async def test_a_detached_job_stays_reserved_until_its_end_is_seen(
    bench: Bench, hub: HubServer
) -> None:
    ledger = bench.services.ledger
    await bench.call("hf_jobs", **RUN, command="x")
    job = only(hub)
    assert (await ledger.spent("thread", THREAD)).amount == 200_010
    await bench.call("hf_jobs", operation="inspect", id=job.id)
    assert (await ledger.spent("thread", THREAD)).amount == 200_010
    hub.jobs.end("COMPLETED", seconds=60)
    seen = await bench.call("hf_jobs", operation="inspect", id=job.id)
    assert "cost: $0.0067" in seen.text
    await bench.call("hf_jobs", operation="wait", id=job.id)
    assert (await ledger.spent("thread", THREAD)).amount == 6667


async def test_logs_metrics_and_lists(bench: Bench, hub: HubServer) -> None:
    hub.jobs.log = [f"line {n}" for n in range(100)]
    hub.jobs.looks = 100
    for name in ("one", "two"):
        await bench.call("hf_jobs", **RUN, command="x", name=name)
    first, _ = hub.jobs.jobs
    early = await bench.call("hf_jobs", operation="metrics", id=first)
    assert "gpu a: 97 % busy, memory 20.0 of 24.0 GB" in early.text
    logs = await bench.call("hf_jobs", operation="logs", id=first, tail=3)
    assert logs.text.splitlines()[1:] == ["line 97", "line 98", "line 99"]
    hub.jobs.page = 1
    listed = await bench.call("hf_jobs", operation="ps")
    assert [line.split(" | ")[1] for line in listed.text.splitlines()] == ["two", "one"]
    await bench.call("hf_jobs", operation="cancel", id=first)
    assert hub.jobs.jobs[first].stage == "CANCELED"
    gone = await bench.call("hf_jobs", operation="metrics", id=first)
    assert "only while it runs" in gone.text


async def test_hardware_with_prices(bench: Bench, hub: HubServer) -> None:
    shown = await bench.call("hf_jobs", operation="hardware")
    assert shown.text.splitlines()[0].startswith("cpu-basic | $0.01/h")
    assert "a100-large | $2.50/h" in shown.text


async def test_schedules(bench: Bench, hub: HubServer) -> None:
    arguments = {**RUN, "operation": "schedule", "command": "x", "cron": "@daily"}
    made = await bench.call("hf_jobs", **arguments)
    (number,) = hub.jobs.schedules
    assert f"Scheduled job {number}: @daily; next run 2026-11-21" in made.text
    listed = await bench.call("hf_jobs", operation="schedules")
    assert listed.text.startswith(f"{number} | @daily")
    await bench.call("hf_jobs", operation="unschedule", id=number)
    assert hub.jobs.schedules == {}
    assert "no scheduled jobs" in (await bench.call("hf_jobs", operation="schedules")).text


async def test_somebody_else_pays_by_a_setting(bench: Bench, hub: HubServer) -> None:
    hub.organizations.add("acme")
    bench.services.settings.jobs_namespace = "acme"
    await bench.call("hf_jobs", **RUN, command="x")
    assert only(hub).namespace == "acme"
    bench.services.settings.jobs_namespace = "others"
    refused = await bench.call("hf_jobs", **RUN, command="x")
    assert "cannot run jobs in this namespace" in refused.text
    assert len(hub.jobs.jobs) == 1


# --- once ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [errors.BROKEN_NOW, Answer("<html>", 502)])
async def test_a_lost_answer_is_looked_up(bench: Bench, hub: HubServer, lost: Answer) -> None:
    hub.misbehave(lost, path="/api/jobs/ann", method="POST", times=1, after=True)
    result = await bench.call("hf_jobs", **RUN, command="x")
    assert result.ok
    assert f"Job {only(hub).id} was submitted" in result.text


async def test_a_refusal_that_launched_nothing_is_one(bench: Bench, hub: HubServer) -> None:
    paid = Answer({"error": "You are out of credits"}, 402)
    hub.misbehave(paid, path="/api/jobs/ann", method="POST", times=1)
    result = await bench.call("hf_jobs", **RUN, command="x")
    assert (result.ok, hub.jobs.jobs) == (False, {})
    assert "add credits at" in result.text
    assert result.outcome == "failed"
    # What was set aside for it is free again.
    assert (await bench.services.ledger.spent("thread", THREAD)).amount == 0


async def test_where_nobody_can_tell_it_is_unknown(bench: Bench, hub: HubServer) -> None:
    hub.misbehave(errors.BROKEN_NOW, path="/api/jobs/ann")
    result = await bench.call("hf_jobs", **RUN, command="x")
    assert result.outcome == "unknown"
    assert "look with ps first" in result.text
    hub.behave()
    again = await bench.call("hf_jobs", call_id=bench.last_id, **RUN, command="x")
    assert again.outcome == "unknown"  # from the journal: it is not launched again
    assert hub.jobs.jobs == {}


@pytest.mark.parametrize("launched", [True, False])
async def test_after_a_kill_the_label_is_looked_up_first(
    bench: Bench, hub: HubServer, launched: bool
) -> None:
    call = bench.new_id()
    note = {"namespace": "ann", "label": label_of(call), "flavor": "t4-small",
            "per_minute": 6667, "ceiling": 200_010, "at": 1.0}  # fmt: skip
    await bench.begun(call, "hf_jobs", note)
    if launched:
        body = {"flavor": "t4-small", "labels": {"ml-agent-call": label_of(call)}}
        hub.jobs.jobs["a" * 24] = Job("a" * 24, "ann", body, 9, "COMPLETED")
    result = await bench.call("hf_jobs", call_id=call, **RUN, command="x")
    assert result.ok, result.text
    assert len(hub.jobs.jobs) == 1
    posted = hub.asked("/api/jobs/ann", "POST")
    assert len(posted) == (0 if launched else 1)


# --- before money ----------------------------------------------------------------------------


async def test_the_price_is_the_live_one(bench: Bench, hub: HubServer) -> None:
    effect = await bench.foreseen("hf_jobs", **{**RUN, "timeout": "2h"}, command="python x.py")
    assert (effect.kind, effect.price_micro_usd) == ("spend", 800_040)
    assert "$0.40 an hour × 2 h = $0.80 at most" in effect.preview
    assert effect.preview.endswith("python x.py")
    hub.jobs.hardware[1]["unitCostMicroUSD"] = 10_000
    assert (await bench.foreseen("hf_jobs", **RUN, command="x")).price_micro_usd == 300_000


async def test_a_price_that_cannot_be_had_is_unknown(bench: Bench, hub: HubServer) -> None:
    hub.misbehave(errors.BROKEN_NOW, path="/api/jobs/hardware")
    effect = await bench.foreseen("hf_jobs", **RUN, command="x")
    assert effect.price_micro_usd is None
    assert "price unknown: The Hub fails at the moment" in effect.preview


async def test_what_cannot_run_is_said_before(bench: Bench) -> None:
    for arguments in ({**RUN, "flavor": "h900"}, {**RUN, "timeout": "x"}):
        with pytest.raises(ToolError):
            await bench.foreseen("hf_jobs", **arguments, command="x")


async def test_the_preflight_names_its_evidence(bench: Bench) -> None:
    planned = {
        **RUN, "command": "x", "datasets": ["ann/data"], "model": "ann/model",
        "output": "ann/tuned", "monitoring": "trackio",
    }  # fmt: skip
    before = (await bench.foreseen("hf_jobs", **planned)).preview
    assert "data: ann/data not checked (hf_dataset inspect was not called on it)" in before
    assert "memory: ann/model not checked" in before
    assert "time limit: not checked" in before
    journal = bench.services.journal
    now = bench.services.clock()
    fit = {"model": "ann/model", "method": "lora", "flavors": ["t4-small"], "at": now - 7300}
    done = {"job": "j", "stage": "COMPLETED", "seconds": 90.0, "flavor": "t4-small"}
    for call, tool, note in (
        ("c1", "hf_dataset", {"dataset": "ann/data", "fits": ["DPO"], "at": now - 9}),
        ("c2", "hf_fit", fit),
        ("c3", "hf_jobs", done),
    ):
        await journal.begin(THREAD, call, tool)
        await journal.note(THREAD, call, note)
    after = (await bench.foreseen("hf_jobs", **planned)).preview
    assert "data: ann/data inspected, its columns fit DPO (checked less than 1 h ago)" in after
    assert "memory: lora of ann/model fits t4-small (checked 2 h ago)" in after
    assert "result: to ann/tuned, says the model" in after
    assert "monitoring: trackio" in after
    assert "time limit: an earlier job took 1 min 30 s on t4-small (job j)" in after
    other = (await bench.foreseen("hf_jobs", **{**planned, "flavor": "cpu-basic"})).preview
    assert "lora of ann/model does NOT fit cpu-basic" in other
    bare = (
        await bench.foreseen("hf_jobs", **RUN, command="push_to_hub=True report_to=wandb")
    ).preview
    assert "data: none named, not checked" in bare
    assert "result: no place named" in bare


# --- words and figures -----------------------------------------------------------------------

TROUBLE = [
    (errors.BAD_TOKEN, "does not accept this machine's token"),
    (errors.NO_TOKEN, "Not logged in to the Hub"),
    (Answer({"error": "missing scope job.write"}, 403), "it lacks the permission"),
    (Answer({"error": "slow down"}, 429, {"Retry-After": "90"}), "resets in 90 s"),
    (errors.BROKEN_NOW, "The Hub fails at the moment"),
    (Answer("<html>", 200), "could not be understood"),
]


@pytest.mark.parametrize(("answer", "said"), TROUBLE, ids=[said for _, said in TROUBLE])
@pytest.mark.parametrize("operation", ["ps", "schedules", "hardware", "inspect", "logs", "wait"])
async def test_trouble(
    bench: Bench, hub: HubServer, answer: Answer, said: str, operation: str
) -> None:
    hub.misbehave(answer, path="/api/(scheduled-)?jobs/.*")
    result = await bench.call("hf_jobs", operation=operation, id="a" * 24)
    assert not result.ok
    assert said in result.text


@pytest.mark.parametrize(
    "operation", ["inspect", "logs", "wait", "metrics", "cancel", "unschedule"]
)
async def test_no_such_job(bench: Bench, operation: str) -> None:
    result = await bench.call("hf_jobs", operation=operation, id="b" * 24)
    assert not result.ok
    assert "nothing there" in result.text or "no " in result.text


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")


async def test_without_a_token(nobody: None, bench: Bench, hub: HubServer) -> None:
    result = await bench.call("hf_jobs", **RUN, command="x")
    assert "needs a token: `hf auth login`" in result.text
    assert (await bench.call("hf_jobs", operation="hardware")).ok


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("1.5h", 5400), ("1d", 86400)]
)
def test_durations(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


def test_durations_in_words() -> None:
    assert [duration(s) for s in (None, 0, 59, 90, 3600, 5400)] == [
        "unknown", "0 s", "59 s", "1 min 30 s", "1 h", "1 h 30 min",
    ]  # fmt: skip


def test_metrics_of_several_trainers() -> None:
    lines = [
        "{'loss': 2.5, 'grad_norm': 1.0, 'learning_rate': 2e-05, 'epoch': 0.1}",
        "{'loss': '1.5', 'grad_norm': 3.0, 'learning_rate': 1e-05, 'epoch': 0.2}",
        "epoch 3 eval_loss=0.9 accuracy: 0.71 port: 8080",
        "epoch 4 eval_loss=0.8 accuracy: 0.75 port: 8080",
        "Loaded 3 shards at 12:00:01",
    ]
    log = JobLog()
    for line in lines:
        log.add({"data": line})
    found = {line.split(":")[0]: line for line in log.metrics()}
    assert set(found) == {"loss", "grad_norm", "learning_rate", "eval_loss", "accuracy"}
    assert "2.5 → 1.5 over 2 points" in found["loss"]
    assert "0.71 → 0.75" in found["accuracy"]


def bar(epoch: int, percent: int) -> str:
    """A state of tqdm's bar, with the loss that it shows."""
    filled, loss = "█" * (percent // 10), epoch - percent / 1000
    return f"Epoch {epoch}: {percent:3d}%|{filled:10}| {percent}/100 [00:01, loss={loss:.3f}]"


def training(epochs: int) -> list[str]:
    """A log of a training as the Hub sends it: each bar in pieces that a size cut."""
    events = []
    for epoch in range(1, epochs + 1):
        states = [bar(epoch, percent) for percent in range(101)]
        for start in range(0, 101, 10):
            events.append("\r" + "\r".join(states[start : start + 10]))
        events.append(f"{{'eval_loss': {2 / epoch:.3f}, 'epoch': {epoch}}}")
    return [*events, "Traceback (most recent call last):", "ValueError: the end"]


@pytest.mark.parametrize("operation", ["logs", "wait"])
async def test_progress_bars_push_nothing_out_of_a_log(
    operation: str, bench: Bench, hub: HubServer
) -> None:
    hub.jobs.log = training(20)
    await bench.call("hf_jobs", **RUN, command="x")
    told = await bench.call("hf_jobs", operation=operation, id=only(hub).id, tail=42)
    shown = told.text.splitlines()[-42:]
    assert shown[-1] == "ValueError: the end"
    # One line a bar, one line an epoch.
    for epoch in range(1, 21):
        assert shown[2 * epoch - 2].startswith(f"Epoch {epoch}: 100%|██████████| 100/100")
        assert f"'epoch': {epoch}}}" in shown[2 * epoch - 1]
    assert "\r" not in told.text
    assert "eval_loss: 2 → 0.1 over 20 points" in told.text
    # What a bar showed and overwrote is measured, too.
    assert "loss: 1 → 19.9 over 2020 points (least 0.9, most 20)" in told.text


async def test_the_end_of_a_long_log_is_kept(bench: Bench, hub: HubServer) -> None:
    hub.jobs.log = [f"step {n} loss={n}" for n in range(20_500)]
    result = await bench.call("hf_jobs", **RUN, command="x", detach=False, tail=2)
    assert result.text.splitlines()[-2:] == ["step 20498 loss=20498", "step 20499 loss=20499"]
    assert "loss: 0 → 20499 over 20500 points" in result.text


def test_what_rewrites_a_line() -> None:
    log = JobLog()
    bars = ["a:  10%|#", "a:  90%|#", "a:  20%|#", "a: 100%|#", "a: 100%|#", "b:   1%|#"]
    for text in (*bars, "c\rd", "one\ntwo\r\n", "\r"):
        log.add({"data": text})
    assert list(log.lines) == [
        "a:  90%|#", "a: 100%|#", "a: 100%|#", "b:   1%|#", "d", "one", "two",
    ]  # fmt: skip


def test_volumes() -> None:
    (one, two) = volumes_of(["hf://datasets/a/b@v1/sub/dir:/in:ro", "buckets/a/c:/out:rw"]) or []
    assert (one.type, one.source, one.revision, one.path, one.read_only) == (
        "dataset", "a/b", "v1", "sub/dir", True,
    )  # fmt: skip
    assert (two.type, two.mount_path, two.read_only) == ("bucket", "/out", False)
