"""Runs an evaluation harness for a model and its base, and prints what they scored, a line each.

It is sent to the job as its script: only the standard library. ML Agent reads results with the same
functions. Formats as lm-eval 0.4.13 and inspect-ai 0.3.285 write them (looked at), and lighteval
0.13.0 (its source, logging/evaluation_tracker.py, and its documentation).
"""

import json
import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MARK = "ML_AGENT_EVAL "
Row = dict[str, Any]
#: What `datasets` calls local files: no dataset of the Hub.
_BUILDERS = ("json", "csv", "parquet", "text", "arrow", "")


def command(spec: Mapping[str, Any], model: Mapping[str, Any], folder: str) -> list[str]:
    """The harness's command line, without the interpreter."""
    name, base, tasks = model["model"], model.get("adapter_of"), spec["tasks"]
    if spec["harness"] == "lm-eval":
        loads = f"pretrained={base},peft={name}" if base else f"pretrained={name}"
        line = ["lm_eval", "--model", model.get("provider", "hf"), "--model_args", loads]
        line += ["--tasks", ",".join(tasks), "--batch_size", "auto", "--output_path", folder]
        line += ["--apply_chat_template"] if spec.get("chat") else []
        return [*line, *_limit("--limit", spec)]
    if spec["harness"] == "lighteval":
        loads = f"model_name={name}" + (f",adapter_weights=True,base_model={base}" if base else "")
        line = ["lighteval", "accelerate", loads, ",".join(tasks), "--output-dir", folder]
        return [*line, *_limit("--max-samples", spec)]
    line = ["inspect_ai", "eval", *tasks, "--model", f"{model.get('provider', 'hf')}/{name}",
            "--log-dir", folder, "--log-format", "json", "--display", "plain"]  # fmt: skip
    return [*line, *_limit("--limit", spec)]


def _limit(option: str, spec: Mapping[str, Any]) -> list[str]:
    return [option, str(spec["limit"])] if spec.get("limit") else []


def read_folder(folder: Path) -> list[dict[str, Any]]:
    """All results below a folder, the newest of each model last."""
    found = []
    for path in sorted(folder.rglob("*.json"), key=lambda path: path.stat().st_mtime):
        try:
            found.append(evaluation_of(json.loads(path.read_text(encoding="utf-8"))))
        except ValueError:
            continue
    return found


def evaluation_of(data: Any) -> dict[str, Any]:
    """A results file: {harness, model, limit, rows}. Raises ValueError for another file."""
    if not isinstance(data, dict):
        raise ValueError("no results")
    if "lm_eval_version" in data and "results" in data:
        return _of_lm_eval(data)
    if "config_general" in data and "results" in data:
        return _of_lighteval(data)
    if "eval" in data and "plan" in data:
        return _of_inspect(data)
    raise ValueError("no results")


def _row(task: str, metric: str, value: Any, stderr: Any, **more: Any) -> Row | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    known = isinstance(stderr, int | float) and math.isfinite(stderr)
    return {"task": task, "metric": metric, "value": value, "stderr": stderr if known else None,
            **more}  # fmt: skip


def _of_lm_eval(data: dict[str, Any]) -> dict[str, Any]:
    config, rows = data.get("config") or {}, []
    loads = config.get("model_args") or {}
    if isinstance(loads, str):
        loads = dict(part.partition("=")[::2] for part in loads.split(","))
    groups = data.get("group_subtasks") or {}
    children = {one for members in groups.values() for one in members}
    for task, values in data["results"].items():
        if task in children:
            continue
        leaves = list(_leaves(task, groups))
        configs = [data["configs"].get(leaf) or {} for leaf in leaves]
        samples = data.get("n-samples") or {}
        counts = [(samples.get(leaf) or {}).get("effective") or 0 for leaf in leaves]
        first, names = configs[0], {one.get("dataset_path") for one in configs}
        more = {
            "n": sum(counts) or None, "shots": (data.get("n-shot") or {}).get(leaves[0]),
            "dataset": _hub_name(first.get("dataset_path")) if len(names) == 1 else "",
            "config": first.get("dataset_name") if len(leaves) == 1 else None,
            "split": first.get("test_split") or first.get("validation_split"),
        }  # fmt: skip
        for key, value in values.items():
            metric, _, kind = key.partition(",")
            if not kind or metric.endswith("_stderr"):
                continue
            error = values.get(f"{metric}_stderr,{kind}")
            name = metric if kind == "none" else f"{metric} ({kind})"
            rows.append(_row(task, name, value, error, **more))
    model = loads.get("peft") or loads.get("pretrained") or data.get("model_name") or ""
    harness = f"lm-eval {data['lm_eval_version']}"
    return _made(harness, model, config.get("limit"), rows)


def _leaves(task: str, groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for one in groups.get(task) or ():
        yield from _leaves(one, groups)
    if not groups.get(task):
        yield task


def _of_lighteval(data: dict[str, Any]) -> dict[str, Any]:
    general, rows = data["config_general"], []
    configs: dict[str, Any] = data.get("config_tasks") or {}
    averages = {key.split(":_average")[0] for key in data["results"] if ":_average" in key}
    for key, values in data["results"].items():
        # "gsm8k|5"; until 0.12 with a suite before it: "lighteval|gsm8k|5".
        *before, task, shots = key.split("|") if "|" in key else ["", key, ""]
        if key == "all" or (":" in task and "_average" not in task and
                            task.split(":")[0] in averages):  # fmt: skip
            continue
        start = task.split(":")[0]
        fitting = (one for name, one in configs.items() if start in re.split(r"[|:]", name))
        config: Any = configs.get(key) or configs.get("|".join([*before, task]))
        config = config or next(fitting, {})
        more = {
            "n": config.get("effective_num_docs"), "shots": int(shots) if shots.isdigit() else None,
            "dataset": _hub_name(config.get("hf_repo")), "config": config.get("hf_subset"),
            "split": next(iter(config.get("evaluation_splits") or ()), None),
        }  # fmt: skip
        rows += [
            _row(
                task.replace(":_average", ""), metric, value, values.get(f"{metric}_stderr"), **more
            )
            for metric, value in values.items()
            if not metric.endswith("_stderr")
        ]
    model = general.get("model_name") or (general.get("model_config") or {}).get("model_name")
    return _made("lighteval", model, general.get("max_samples"), rows)


def _of_inspect(data: dict[str, Any]) -> dict[str, Any]:
    run, rows = data["eval"], []
    if data.get("status") != "success":
        error = (data.get("error") or {}).get("message") or data.get("status")
        raise ValueError(f"{run.get('task')} did not finish: {error}")
    results = data.get("results") or {}
    dataset = run.get("dataset") or {}
    more = {
        "n": results.get("completed_samples"), "shots": None, "config": None, "split": None,
        "dataset": _hub_name(dataset.get("location")) or _hub_name(dataset.get("name")),
    }  # fmt: skip
    for score in results.get("scores") or ():
        metrics = score.get("metrics") or {}
        error = (metrics.get("stderr") or {}).get("value")
        for name, metric in metrics.items():
            if name != "stderr":
                told = f"{name} ({score['name']})"
                rows.append(_row(run["task"], told, metric.get("value"), error, **more))
    version = (run.get("packages") or {}).get("inspect_ai", "")
    model = run["model"].partition("/")[2] or run["model"]
    limit = (run.get("config") or {}).get("limit")
    return _made(f"inspect-ai {version}".strip(), model, limit, rows)


def _made(harness: str, model: Any, limit: Any, rows: list[Row | None]) -> dict[str, Any]:
    shown = [row for row in rows if row]
    return {"harness": harness, "model": str(model or ""), "limit": limit, "rows": shown}


def _hub_name(name: Any) -> str:
    """A dataset's name on the Hub; "" for local files and addresses."""
    if not isinstance(name, str) or name in _BUILDERS:
        return ""
    return name if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) else ""


def main(spec: dict[str, Any]) -> int:
    """Evaluates each model of `spec`; a line of JSON after MARK for each. 1: one failed."""
    failed = 0
    for model in spec["models"]:
        with tempfile.TemporaryDirectory() as folder:
            line = [sys.executable, "-m", *command(spec, model, folder)]
            print("+", *line, flush=True)
            code = subprocess.run(line).returncode
            found = read_folder(Path(folder))
        if not found:
            failed = 1
            print(MARK + json.dumps({"model": model["model"], "error": f"exit code {code}"}))
        for one in found:
            print(MARK + json.dumps({**one, "model": model["model"]}), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
