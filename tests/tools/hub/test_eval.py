"""hf_eval against the stand-in Hub, with results as the harnesses write them (evaluations/)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from core.policy.decide import Situation, decide
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.viewer_server import Split, ViewerServer
from tests.tools.bench import THREAD, Bench
from tools.hub.evaluate import runner
from tools.hub.evaluate.results import merged, table
from tools.hub.jobs import launch, wait
from tools.hub.jobs.notices import ended_jobs

SAMPLES = Path(__file__).with_name("evaluations")
JOB: dict[str, Any] = {
    "operation": "job", "model": "ann/tuned", "tasks": ["gsm8k"], "flavor": "t4-small",
    "timeout": "1h",
}  # fmt: skip
BAD_ROW = '{"model": "x", "rows": [{"task": 1}]}'
CARD = "---\nbase_model: ann/base\ndatasets:\n- ann/chat\nlicense: mit\n---\n# Tuned\n"


@pytest.fixture(autouse=True)
def world(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "LOOKS", (0.0, 0.02))
    monkeypatch.setattr(wait, "FIRST_LOOK", 0.02)
    monkeypatch.setattr(wait, "DRAIN", 0.3)
    meta: dict[str, Any] = {"cardData": {"base_model": "ann/base", "datasets": ["ann/chat"]}}
    hub.add("ann/tuned", files={"README.md": CARD, "config.json": "{}"}, **meta)
    hub.add("ann/adapter", files={"adapter_config.json": "{}"}, **meta)
    hub.add("ann/bare", files={"config.json": "{}"})


def rows(*values: float, limit: Any = None, model: str = "ann/tuned") -> dict[str, Any]:
    """Results of gsm8k, one value for each filter."""
    names = ("exact_match (strict-match)", "exact_match (flexible-extract)")
    return {
        "harness": "lm-eval 0.4.13", "model": model, "limit": limit,
        "rows": [
            {"task": "gsm8k", "metric": name, "value": value, "stderr": 0.01, "n": 1319, "shots": 5,
             "dataset": "openai/gsm8k", "config": "main", "split": "test"}
            for name, value in zip(names, values, strict=False)
        ],
    }  # fmt: skip


def sample(name: str) -> dict[str, Any]:
    return runner.evaluation_of(json.loads((SAMPLES / f"{name}.json").read_text()))


def told(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (r["task"], r["metric"], r["value"], r["n"], r["shots"], r["dataset"])
        for r in found["rows"]
    ]


def test_lm_eval_a_group_stands_for_its_tasks() -> None:
    found = sample("lm_eval")
    assert (found["harness"], found["limit"]) == ("lm-eval 0.4.13", 8.0)
    assert told(found) == [
        ("tiny_gen", "exact_match (strict-match)", 0.0, 8, 0, ""),
        ("tiny_gen", "exact_match (flexible-extract)", 0.0, 8, 0, ""),
        ("tiny_group", "acc", 0.4375, 16, 0, ""),
    ]


@pytest.mark.parametrize(
    "loads", ["pretrained=ann/base,peft=ann/tuned", {"pretrained": "ann/base", "peft": "ann/tuned"}]
)
def test_lm_eval_names_model_and_dataset(loads: Any) -> None:
    data = json.loads((SAMPLES / "lm_eval.json").read_text())
    data["config"]["model_args"] = loads
    data["configs"]["tiny_gen"] |= {"dataset_path": "openai/gsm8k", "dataset_name": "main"}
    found = runner.evaluation_of(data)
    assert found["model"] == "ann/tuned"
    assert [r["dataset"] for r in found["rows"]] == ["openai/gsm8k", "openai/gsm8k", ""]


def test_lighteval_an_average_stands_for_its_subtasks() -> None:
    found = sample("lighteval")
    assert (found["model"], found["limit"]) == ("ann/tuned", 50)
    assert told(found) == [
        ("gsm8k", "extractive_match", 0.42, 50, 5, "openai/gsm8k"),
        ("mmlu", "acc", 0.4, 50, 5, "lighteval/mmlu"),
    ]


def test_lighteval_before_0_13_has_a_suite() -> None:
    data = {
        "config_general": {"model_name": "gpt2", "max_samples": None},
        "results": {"lighteval|gsm8k|0": {"em": 0.1, "em_stderr": 0.0}, "all": {"em": 0.1}},
        "config_tasks": {"lighteval|gsm8k": {"hf_repo": "gsm8k", "effective_num_docs": 1319}},
    }
    assert told(runner.evaluation_of(data)) == [("gsm8k", "em", 0.1, 1319, 0, "gsm8k")]


def test_inspect_has_a_row_for_each_scorer() -> None:
    found = sample("inspect_ai")
    assert found["harness"] == "inspect-ai 0.3.285"
    assert told(found) == [
        ("tiny", "accuracy (includes)", 0.5, 6, None, ""),
        ("tiny", "accuracy (match)", 0.0, 6, None, ""),
    ]


@pytest.mark.parametrize("data", [[], {}, {"results": {}}, {"eval": {"task": "x"}, "plan": {}}])
def test_another_file_is_no_results(data: Any) -> None:
    with pytest.raises(ValueError, match=r"no results|did not finish"):
        runner.evaluation_of(data)


async def test_the_approval_has_models_price_versions_and_overlap(
    bench: Bench, viewer: ViewerServer
) -> None:
    asked = [{"question": f"Question {n}: " + " ".join(f"w{n}{k}" for k in range(20))}
             for n in range(10)]  # fmt: skip
    viewer.data = {
        "ann/chat": {"default": {"train": Split(asked[:4])}},
        "openai/gsm8k": {"main": {"test": Split(asked)}},
    }
    effect = await bench.foreseen("hf_eval", **{**JOB, "tasks": ["gsm8k", "mine"]}, limit=50)
    assert (effect.kind, effect.price_micro_usd) == ("spend", 400_020)
    for words in (
        "evaluate ann/tuned and ann/base", "$0.40 an hour × 1 h = $0.40 at most",
        "tasks gsm8k, mine, 50 samples each", "lm-eval==0.4.13", "secrets HF_TOKEN",
        "overlap: openai/gsm8k in ann/chat: 4 of 10 evaluation rows",
        "overlap: mine not checked, its data are not known (mine=owner/data)",
    ):  # fmt: skip
        assert words in effect.preview
    assert decide("hf_eval", effect, ["job"], Situation("ask", "/project")).action == "ask"


async def test_what_is_not_known_is_said(bench: Bench) -> None:
    effect = await bench.foreseen("hf_eval", **{**JOB, "model": "ann/bare"})
    assert "base: none known, nothing to compare with" in effect.preview
    assert "overlap: not checked, no training set is known; name it in train" in effect.preview


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({**JOB, "tasks": []}, "needs tasks"),
        ({**JOB, "timeout": ""}, "needs flavor and timeout"),
        ({**JOB, "model": "ann/gone"}, "The Hub has no model ann/gone"),
        ({**JOB, "model": "ann/adapter", "harness": "inspect-ai"}, "cannot load ann/adapter"),
        ({"operation": "results", "model": "ann/tuned"}, "needs source"),
        ({"operation": "results", "model": "ann/tuned", "source": "evals"}, "has no results of"),
        ({"operation": "publish", "model": "ann/tuned"}, "has read no results of ann/tuned"),
    ],
)
async def test_what_is_missing_is_named(
    bench: Bench, hub: HubServer, arguments: dict[str, Any], said: str
) -> None:
    result = await bench.call("hf_eval", **arguments)
    assert (result.ok, said in result.text) == (False, True), result.text
    assert hub.jobs.jobs == {}


async def test_a_job_runs_the_pinned_harness_once(bench: Bench, hub: HubServer) -> None:
    call_id = bench.new_id()
    result = await bench.call("hf_eval", call_id=call_id, **JOB)
    (job,) = hub.jobs.jobs.values()
    assert "hf_eval results of ann/tuned, source the job's id" in result.text
    line = job.body["command"][2]
    assert "--with lm-eval==0.4.13 --with transformers==" in line
    assert '"models": [{"model": "ann/tuned"}, {"model": "ann/base"}]' in line
    assert job.body["secrets"] == {"HF_TOKEN": "hf_ann"}
    row = await bench.services.journal.row(THREAD, call_id)
    other = bench.new_id()
    await bench.begun(other, "hf_eval", dict(row.note or {}) if row else {})
    await bench.call("hf_eval", call_id=other, **JOB)
    assert len(hub.jobs.jobs) == 1  # found by its label
    hub.jobs.end(seconds=60)
    messages, _ = await ended_jobs(bench.services, THREAD, [], bench.events.append)
    assert "COMPLETED" in str(messages[0].content)
    # What the first call set aside is settled; the second one has its own, as it is another call.
    assert (await bench.services.ledger.spent("thread", THREAD)).amount == 6667 + 400_020


async def test_results_of_a_job_are_one_table(bench: Bench, hub: HubServer) -> None:
    await bench.call("hf_eval", **JOB)
    (job,) = hub.jobs.jobs
    early = await bench.call("hf_eval", operation="results", model="ann/tuned", source=job)
    assert "No results in its log yet; wait for its end" in early.text
    hub.jobs.jobs[job].log += [
        *(runner.MARK + bad for bad in ("{", "[]", BAD_ROW)),
        runner.MARK + json.dumps(rows(0.52, 0.54)),
        runner.MARK + json.dumps(rows(0.48, 0.535, model="ann/base")),
    ]  # fmt: skip
    hub.jobs.end()
    result = await bench.call("hf_eval", operation="results", model="ann/tuned", source=job)
    assert result.text.splitlines() == [
        "lm-eval 0.4.13", "",
        "| task | metric | shots | n | ann/tuned | ann/base | difference |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| gsm8k | exact_match (strict-match) | 5 | 1319 | 0.5200 ± 0.0100 | 0.4800 ± 0.0100 "
        "| +0.0400 |",
        "| gsm8k | exact_match (flexible-extract) | 5 | 1319 | 0.5400 ± 0.0100 | 0.5350 ± 0.0100 "
        "| +0.0050, within 2 standard errors: could be chance |",
    ]  # fmt: skip


def test_a_model_that_failed_is_said_beside_the_other() -> None:
    text = table([rows(0.5, limit=20), {"model": "ann/base", "error": "exit code 1"}])
    assert "ann/base has no results: exit code 1" in text
    assert "Only 20 samples a task: not comparable with published figures." in text
    assert "| 0.5000 ± 0.0100 | - | - |" in text


def test_files_of_one_model_are_put_together() -> None:
    other = rows(0.1)
    other["rows"][0]["task"] = "ifeval"
    (one,) = merged([rows(0.5), other, rows(0.6)])
    assert [(r["task"], r["value"]) for r in one["rows"]] == [("ifeval", 0.1), ("gsm8k", 0.6)]


async def test_local_is_a_command_for_bash_and_a_folder_is_read(bench: Bench) -> None:
    result = await bench.call(
        "hf_eval", operation="local", model="ann/adapter", tasks=["gsm8k"], limit=5, chat=True
    )
    assert "python -m lm_eval --model hf --model_args pretrained=ann/base,peft=ann/adapter" in (
        result.text
    )
    assert "--output_path evals/ann--adapter --apply_chat_template --limit 5 && \\" in result.text
    data = json.loads((SAMPLES / "lm_eval.json").read_text())
    data["config"]["model_args"] = {"pretrained": "ann/tuned"}
    folder = bench.cwd / "evals" / "ann--tuned"
    folder.mkdir(parents=True)
    (folder / "results_2026.json").write_text(json.dumps(data))
    (folder / "other.json").write_text("[1]")
    read = await bench.call("hf_eval", operation="results", model="ann/tuned", source="evals")
    assert "| tiny_group | acc | 0 | 16 | 0.4375 ± 0.1315 |" in read.text


def test_the_runner_prints_each_model_and_what_failed(tmp_path: Path) -> None:
    """The script as a job runs it, with a harness that writes a real file, or fails."""
    package = tmp_path / "lm_eval"
    package.mkdir()
    shutil.copy(SAMPLES / "lm_eval.json", package)
    (package / "__main__.py").write_text(
        "import pathlib, shutil, sys\n"
        "if 'pretrained=ann/base' in sys.argv: sys.exit(3)\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('--output_path') + 1]) / 'm'\n"
        "out.mkdir()\n"
        "shutil.copy(pathlib.Path(__file__).with_name('lm_eval.json'), out / 'results_1.json')\n"
    )
    spec = {"harness": "lm-eval", "tasks": ["tiny_gen"], "limit": 8,
            "models": [{"model": "ann/tuned"}, {"model": "ann/base"}]}  # fmt: skip
    done = subprocess.run(
        [sys.executable, runner.__file__, json.dumps(spec)],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith(runner.MARK)]
    first, second = (json.loads(line.removeprefix(runner.MARK)) for line in lines)
    assert (done.returncode, first["model"], len(first["rows"])) == (1, "ann/tuned", 3)
    assert second == {"model": "ann/base", "error": "exit code 3"}


async def read_in(bench: Bench, hub: HubServer, *found: dict[str, Any]) -> None:
    """Results of a job, read by this session."""
    hub.jobs.log = [runner.MARK + json.dumps(one) for one in found]
    await bench.call("hf_eval", **JOB)
    hub.jobs.end()
    source = list(hub.jobs.jobs)[-1]
    await bench.call("hf_eval", operation="results", model="ann/tuned", source=source)


async def test_published_into_card_and_benchmark_once(bench: Bench, hub: HubServer) -> None:
    benchmark = "name: GSM8K\ntasks:\n- id: gsm8k\n  config: main\n  split: test\n"
    hub.add("openai/gsm8k", "dataset", files={"eval.yaml": benchmark})
    await read_in(bench, hub, rows(0.52, 0.54))
    publish = {"operation": "publish", "model": "ann/tuned"}
    effect = await bench.foreseen("hf_eval", **publish)
    assert "gsm8k exact_match (strict-match): 0.5200" in effect.preview
    for _ in range(2):
        result = await bench.call("hf_eval", **publish)
        assert result.ok, result.text
    repo = hub.repos[("model", "ann/tuned")]
    files = {name: data.decode() for name, data in repo.head.files.items()}
    (entry,) = yaml.safe_load(files[".eval_results/gsm8k.yaml"])
    assert entry["dataset"] == {"id": "openai/gsm8k", "task_id": "gsm8k"}
    assert (entry["value"], entry["notes"]) == (
        0.52, "lm-eval 0.4.13, exact_match (strict-match), 5-shot"
    )  # fmt: skip
    card: Any = ModelCard(files["README.md"]).data
    assert [one.metric_value for one in card.eval_results] == [0.52, 0.54]
    assert (card.base_model, card.model_name) == ("ann/base", "tuned")
    assert "# Tuned" in files["README.md"]


async def test_a_part_of_a_benchmark_is_not_published(bench: Bench, hub: HubServer) -> None:
    await read_in(bench, hub, rows(0.5, limit=20))
    result = await bench.call("hf_eval", operation="publish", model="ann/tuned")
    assert "only 20 samples a task were used. Evaluate again without limit." in result.text


async def test_publishing_a_model_says_whether_it_was_evaluated(
    bench: Bench, hub: HubServer
) -> None:
    update = {"operation": "update", "repo": "ann/tuned", "visibility": "public"}
    bench.file("model.safetensors", b"x")
    bench.file("notes.md", "x")
    upload = {"operation": "upload", "repo": "ann/tuned", "source": "."}
    none = "evaluation: none of ann/tuned in this session (hf_eval)"
    for arguments in (update, upload):
        assert none in (await bench.foreseen("hf_repo", **arguments)).preview
    for other in (
        {**upload, "source": "notes.md"}, {**update, "type": "dataset"},
        {**update, "visibility": "private"},
    ):  # fmt: skip
        assert "evaluation" not in (await bench.foreseen("hf_repo", **other)).preview
    await read_in(bench, hub, rows(0.52))
    shown = (await bench.foreseen("hf_repo", **update)).preview
    assert "evaluation: gsm8k exact_match (strict-match) 0.5200 (lm-eval 0.4.13, call_" in shown
