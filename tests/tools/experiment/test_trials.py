"""A judge on real files: what is kept, what comes back, and what a trial cannot do."""

from typing import Any

import pytest

from core.experiments.record import Trial
from core.store.files.folder_snapshots import FolderSnapshots
from core.tool import ToolResult
from tests.tools.bench import THREAD, Bench

#: Reads train.sh as data, so that nothing of a trial runs in the judge. A shell starts in no time.
JUDGE = r"""
grep -q crash train.sh && { echo it crashed; exit 1; }
grep -q slow train.sh && sleep 60
loss=$(sed -n "s/^LOSS=//p" train.sh)
noise=$(sed -n "s/^NOISE=//p" train.sh)
echo $loss > out.txt
[ "$noise" = 0 ] || loss=$loss$(od -An -N2 -tu2 /dev/urandom | tr -d " ")
echo METRIC loss=$loss other=1
"""
#: One that runs what a trial wrote.
TRUSTING = ". ./train.sh\n" + JUDGE


class Lab:
    """The folder of an experiment, and calls of its tool."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.file("judge.sh", JUDGE)
        self.edit(0.9)

    def edit(self, loss: float, noise: int = 0, also: str = "") -> None:
        self.bench.file("train.sh", f"LOSS={loss}\nNOISE={noise}\n{also}\n")

    def train(self) -> str:
        return (self.bench.cwd / "train.sh").read_text()

    async def define(self, **arguments: Any) -> ToolResult:
        given = {"frozen": ["judge.sh"], "repeats": 3, **arguments}
        return await self.bench.call(
            "experiment", operation="define", metric="loss", command="sh judge.sh", **given
        )

    async def run(self, hypothesis: str, **arguments: Any) -> ToolResult:
        return await self.bench.call(
            "experiment", operation="run", hypothesis=hypothesis, **arguments
        )

    async def trials(self) -> list[Trial]:
        return await self.bench.services.experiments.trials(THREAD)


@pytest.fixture
def lab(bench: Bench) -> Lab:
    return Lab(bench)


async def test_a_gain_is_kept_and_a_loss_is_taken_back(lab: Lab) -> None:
    result = await lab.define()
    assert result.ok, result.text
    assert "Trial 0: baseline" in result.text
    lab.edit(0.5)
    result = await lab.run("a better train.sh")
    assert "Trial 1: keep" in result.text, result.text
    assert "The folder is at trial 1." in result.text
    lab.edit(0.8, also="# worse")
    lab.bench.file("more.sh", "x=1\n")
    result = await lab.run("a worse one, in two files")
    assert "Trial 2: discard" in result.text
    assert "2 files changed at once (more.sh, train.sh)" in result.text
    assert "The folder is at trial 1." in result.text
    assert "LOSS=0.5" in lab.train()
    assert not (lab.bench.cwd / "more.sh").exists()
    assert (lab.bench.cwd / "out.txt").read_text() == "0.5\n"
    baseline, kept, worse = await lab.trials()
    assert (baseline.value, kept.value, worse.value) == (0.9, 0.5, 0.8)
    assert len(kept.values("loss")) >= 6
    assert len(worse.values("loss")) == 3
    assert kept.metrics[0]["other"] == 1.0
    assert "+LOSS=0.5" in kept.diff
    assert kept.files == ["train.sh"]
    assert worse.seconds > 0


async def test_noise_is_not_kept(lab: Lab) -> None:
    lab.edit(0.9, 1)
    await lab.define(repeats=2)
    for n in range(3):
        lab.edit(0.9, 1, f"# {n}")
        assert "discard" in (await lab.run(f"luck {n}")).text


async def test_an_edited_judge_is_void_and_comes_back(lab: Lab) -> None:
    await lab.define(repeats=1)
    lab.bench.file("judge.sh", "echo METRIC loss=0")
    result = await lab.run("measure it otherwise")
    assert not result.ok
    assert "void" in result.text
    assert (lab.bench.cwd / "judge.sh").read_text() == JUDGE


async def test_a_trial_that_acts_on_its_judge_is_void(lab: Lab) -> None:
    lab.bench.file("judge.sh", TRUSTING)
    await lab.define(repeats=1)
    lab.edit(0.9, also="echo '# mine' >> judge.sh")
    # The command sandbox keeps it; if there is none, the digest tells.
    result = await lab.run("from within")
    assert "keep" not in result.text
    assert "# mine" not in (lab.bench.cwd / "judge.sh").read_text()
    lab.edit(0.9, also="trap 'echo METRIC loss=0' EXIT")
    result = await lab.run("tell it")
    assert "Trial 2: void" in result.text
    assert "told the metric 2 times" in result.text


async def test_crash_and_timeout_have_verdicts_and_can_be_mended(lab: Lab) -> None:
    await lab.define(max_time=3, repeats=1)
    lab.edit(0.1, also="# crash")
    result = await lab.run("with a mistake")
    assert "Trial 1: crash" in result.text
    assert "it crashed" in result.text
    assert "LOSS=0.9" in lab.train()
    result = await lab.run("with a mistake", parent=1)
    assert "crash" in lab.train(), result.text
    lab.edit(0.1)
    assert "Trial 2: keep" in (await lab.run("without it")).text
    lab.edit(0.05, also="# slow")
    assert "Trial 3: timeout" in (await lab.run("slow")).text
    assert "LOSS=0.1" in lab.train()
    assert [one.verdict for one in await lab.trials()] == ["baseline", "crash", "keep", "timeout"]


async def test_what_was_discarded_is_named_before_it_runs_again(lab: Lab) -> None:
    await lab.define(repeats=1)
    lab.edit(0.95)
    await lab.run("Use a larger batch.")
    await lab.bench.call("experiment", operation="note", parent=1, text="memory is the limit")
    lab.edit(0.95)
    result = await lab.run("use a larger  batch")
    assert not result.ok
    assert "tried before" in result.text
    assert "memory is the limit" in result.text
    assert len(await lab.trials()) == 2
    assert "Trial 2: discard" in (await lab.run("use a larger batch", again=True)).text


async def test_a_folder_without_changes_is_not_measured(lab: Lab) -> None:
    await lab.define(repeats=1)
    result = await lab.run("nothing")
    assert "no file differs" in result.text
    assert len(await lab.trials()) == 1


async def test_a_baseline_that_fails_can_be_defined_again(lab: Lab) -> None:
    lab.edit(0.9, also="# crash")
    assert not (await lab.define(repeats=1)).ok
    assert "baseline was not measured" in (await lab.run("x")).text
    lab.edit(0.9)
    assert (await lab.define(repeats=1)).ok
    assert "Cannot define it again" in (await lab.define(direction="max")).text


async def test_one_repeat_refuses_a_judge_that_varies(lab: Lab) -> None:
    lab.edit(0.9, 1)
    result = await lab.define(repeats=1)
    assert "define it with repeats=3" in result.text
    lab.edit(0.9)
    assert (await lab.define(repeats=1)).ok
    lab.edit(0.4)
    assert "reproduced exactly" in (await lab.run("better")).text


async def test_a_metric_in_a_file_must_be_written_by_this_run(bench: Bench) -> None:
    bench.file("r.json", '{"eval": {"loss": 0.5}}')
    given = {"operation": "define", "metric": "r.json:eval.loss", "repeats": 1}
    result = await bench.call("experiment", command="sleep 0.1", **given)
    assert "was not written by this run" in result.text
    result = await bench.call("experiment", command="touch r.json", **given)
    assert "Trial 0: baseline" in result.text, result.text


async def test_what_cannot_be_frozen_is_said(lab: Lab) -> None:
    assert "there is no such file" in (await lab.define(frozen=["gone.sh"])).text
    assert "not below" in (await lab.define(frozen=["../x"])).text
    missing = await lab.bench.call("experiment", operation="define")
    assert "define needs metric and command" in missing.text
    assert "no experiment is defined" in (await lab.run("x")).text


async def test_a_run_that_a_kill_kept_from_beginning_is_no_attempt(lab: Lab) -> None:
    await lab.define(repeats=1)
    lab.edit(0.5)
    call, services = lab.bench.new_id(), lab.bench.services
    _, note = await services.backend.prepare(THREAD, f"t1r2-{call}")
    state, folder = services.settings.state_path(), str(lab.bench.cwd)
    snapshot = FolderSnapshots(state, folder, lambda path: False).take(THREAD)
    progress = {"started": 3, "run": note}
    trial = Trial(THREAD, -1, call, 0, "better", files=["train.sh"], progress=progress,
                  snapshot=snapshot)  # fmt: skip
    await services.experiments.begin(trial)
    result = await lab.run("better", call_id=call)
    assert "Trial 1: keep" in result.text, result.text


async def test_copies_of_a_branch_that_was_left_are_removed(lab: Lab) -> None:
    await lab.define(repeats=1)
    left = lab.bench.services.outputs.copies(THREAD) / f"{lab.bench.new_id()}-0"
    (left / "data").mkdir(parents=True)
    lab.edit(0.5)
    await lab.run("better")
    assert not left.exists()
