"""hf_jobs smoke: a few steps of the same script, measured, as evidence for the real run; and what
a training left in its repository."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins.hub_server import HubServer
from tests.tools.bench import THREAD, Bench
from tests.tools.hub.test_jobs import RUN, only, quick
from tools.hub.jobs.smoke import measured_in

__all__ = ["quick"]

SMOKE: dict[str, Any] = {"operation": "smoke", "flavor": "a10g-large", "model": "ann/base"}
FOUND = {"steps": 20, "of": 3000, "seconds": 60.0, "step_seconds": 1.5, "peak": 18_200_000_000,
         "memory": 24_000_000_000}  # fmt: skip
#: As much of transformers as the hook touches: its classes, and the loop's callbacks in order.
TRAINER = """
class TrainerCallback: pass
class Trainer:
    def __init__(self, steps): self.steps, self.callbacks = steps, []
    def add_callback(self, one): self.callbacks.append(one)
    def train(self):
        class state: global_step = 0; max_steps = self.steps
        for one in self.callbacks: one.on_train_begin(None, state, None)
        for state.global_step in range(1, self.steps + 1):
            for one in self.callbacks: one.on_step_end(None, state, None)
"""
SCRIPT = """
from __future__ import annotations
import sys
from transformers.trainer import Trainer
print('given', sys.argv[1:])
Trainer(3000).train()
print('pushed to the Hub')
"""


async def test_it_stops_after_its_steps_and_pushes_nothing(
    bench: Bench, hub: HubServer, tmp_path: Path
) -> None:
    """The submitted line, by a real shell."""
    await bench.call("hf_jobs", **SMOKE, script=SCRIPT, script_args=["--a", "b c"], steps=7)
    package, shim = tmp_path / "lib" / "transformers", tmp_path / "bin" / "uv"
    package.mkdir(parents=True)
    shim.parent.mkdir()
    (package / "__init__.py").write_text("")
    (package / "trainer.py").write_text(TRAINER)
    lib = tmp_path / "lib"
    shim.write_text(
        f'#!/bin/sh\nshift\nexport PYTHONPATH="$PYTHONPATH:{lib}"\nexec {sys.executable} "$@"\n'
    )
    shim.chmod(0o755)
    done = subprocess.run(
        only(hub).body["command"], env={"PATH": f"{shim.parent}:/usr/bin:/bin"},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0] == "given ['--a', 'b c']"
    assert "pushed" not in done.stdout
    found = measured_in(lines)
    assert (found["steps"], found["of"]) == (7, 3000)
    assert found["step_seconds"] >= 0


async def test_cents_cap_its_time(bench: Bench, hub: HubServer) -> None:
    effect = await bench.foreseen("hf_jobs", **SMOKE, command="x", cents=10)
    assert effect.kind == "spend"
    assert effect.price_micro_usd == 100_000
    await bench.call("hf_jobs", **SMOKE, command="x", cents=10)
    # a10g-large costs 2.5 cents a minute.
    assert only(hub).body["timeoutSeconds"] == 240
    assert (await bench.foreseen("hf_jobs", **SMOKE, command="x")).price_micro_usd == 375_000


async def test_what_it_measured_is_evidence_of_the_real_run(bench: Bench, hub: HubServer) -> None:
    hub.jobs.log = ["starting", "ML_AGENT_SMOKE " + json.dumps(FOUND), "bye"]
    result = await bench.call("hf_jobs", **SMOKE, command="x", detach=False)
    said = (
        "20 steps on a10g-large, peak 18.2 of 24.0 GB, 1.50 s a step, the whole run of 3,000 steps "
        "about 1 h 15 min, $1.89"
    )
    assert f"Measured: {said}" in result.text
    real = {**RUN, "flavor": "a10g-large", "command": "x", "model": "ann/base"}
    assert (
        f"smoke: {said} (job {only(hub).id})" in (await bench.foreseen("hf_jobs", **real)).preview
    )
    assert (
        "time limit: 30 min is LESS than the whole run takes"
        in (await bench.foreseen("hf_jobs", **real)).preview
    )
    assert "LESS" not in (await bench.foreseen("hf_jobs", **{**real, "timeout": "2h"})).preview
    other = await bench.foreseen("hf_jobs", **{**real, "flavor": "t4-small"})
    assert "(another flavor)" in other.preview
    assert (
        "smoke:" not in (await bench.foreseen("hf_jobs", **{**real, "model": "ann/other"})).preview
    )


async def test_a_log_without_a_measurement_says_so(bench: Bench, hub: HubServer) -> None:
    result = await bench.call("hf_jobs", **SMOKE, command="x", detach=False)
    assert "Measured: nothing." in result.text


async def test_options_of_a_job(bench: Bench, hub: HubServer) -> None:
    given = {"python": "3.11", "script_args": ["--lr", "1e-4"], "expose": [8000], "ssh": True}
    await bench.call("hf_jobs", **RUN, script="print(1)", network_group="pair", **given)
    body = only(hub).body
    assert "uv run --python 3.11 /tmp/job/script.py --lr 1e-4" in body["command"][2]
    assert "8000" in json.dumps(body["expose"])
    assert "pair" in json.dumps(body)
    preview = (await bench.foreseen("hf_jobs", **RUN, script="print(1)", **given)).preview
    assert "open to the internet: ports [8000]" in preview
    assert "ssh:" in preview


async def test_a_schedule_is_suspended_and_resumed(bench: Bench, hub: HubServer) -> None:
    await bench.call("hf_jobs", **{**RUN, "operation": "schedule"}, cron="@daily", command="x")
    (number,) = hub.jobs.schedules
    for operation, suspended in (("suspend", True), ("suspend", True), ("resume", False)):
        result = await bench.call("hf_jobs", operation=operation, id=number)
        assert result.ok, result.text
        assert hub.jobs.schedules[number]["suspend"] is suspended


async def test_who_cannot_pay_is_said_before(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    assert "payment:" not in (await bench.foreseen("hf_jobs", **RUN, command="x")).preview
    real = HfApi.whoami
    monkeypatch.setattr(HfApi, "whoami", lambda self: {**real(self), "canPay": False})
    preview = (await bench.foreseen("hf_jobs", **RUN, command="x")).preview
    assert "payment: ann has no payment method, so the Hub will refuse it" in preview


INDEX = json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})
CONFIG = '{"model_type": "llama"}'
CARD = "---\nlicense: mit\nbase_model: ann/base\ndatasets: [ann/data]\n---\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": CONFIG, "model.safetensors": "x", "README.md": CARD},
         "weights and config"),
        ({"adapter_config.json": '{"peft_type": "LORA"}', "adapter_model.safetensors": "x",
          "README.md": CARD}, "weights and config"),
        ({"config.json": "{}", "model.safetensors": "x"}, "config.json names no model type"),
        ({"config.json": CONFIG, "model.safetensors": ""}, "empty: model.safetensors"),
        ({"config.json": CONFIG, "m-00001-of-00003.gguf": "x", "m-00003-of-00003.gguf": "x"},
         "of its 3 shards are missing: m-00002-of-00003.gguf"),
        ({"config.json": "{", "model.safetensors": "x"}, "config.json is not JSON"),
        ({"config.json": CONFIG, "model.safetensors.index.json": INDEX, "one.safetensors": "x"},
         "of its 2 shards are missing: two.safetensors"),
        ({"config.json": CONFIG}, "it has no weights"),
    ],
)  # fmt: skip
async def test_the_repository_is_looked_at(
    bench: Bench, hub: HubServer, files: dict[str, str], said: str
) -> None:
    card = {"license": "mit", "base_model": "ann/base", "datasets": ["ann/data"]}
    newer = {"lastModified": "2099-01-01T00:00:00.000Z"}
    meta = {"cardData": card, **newer} if "README.md" in files else {}
    hub.add("ann/tuned", files=files, **meta)
    result = await bench.call("hf_jobs", **RUN, command="x", detach=False, output="ann/tuned")
    line = next(one for one in result.text.splitlines() if one.startswith("Result: "))
    assert said in line
    for fault in ("card lacks", "is older than the job"):
        assert (fault in line) is not bool(meta)
    notes = await bench.services.journal.notes(THREAD, "hf_jobs")
    assert notes[-1][1]["output"] == "ann/tuned"


async def test_a_repository_that_is_not_there(bench: Bench, hub: HubServer) -> None:
    result = await bench.call("hf_jobs", **RUN, command="x", detach=False, output="ann/never")
    assert "Result: not in ann/never: The Hub has no model ann/never" in result.text
