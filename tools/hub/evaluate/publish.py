"""Results into the model's repository: `.eval_results/*.yaml` for registered benchmarks, and the
card's model-index for all. One commit; a second time it changes nothing.

Source: Hugging Face's documentation of evaluation results, and huggingface_hub 2.4.0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import author_of
from tools.hub.evaluate.results import Found
from tools.hub.evaluate.runner import Row

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, HfApi

CARD = "README.md"


def write(api: HfApi, repo: str, found: Found, date: str) -> str:
    """What was written, in a sentence. Raises ToolError."""
    from huggingface_hub import CommitOperationAdd

    author_of(api)
    files = _benchmarks(api, found, date)
    files[CARD] = card_with(api, repo, lambda kind: results_of(found, kind))
    operations = [CommitOperationAdd(path, text.encode()) for path, text in files.items()]
    commit = api.create_commit(
        repo, operations, commit_message=f"Evaluation results of {found['harness']}"
    )
    return f"Wrote {', '.join(files)} to {repo}: {commit.commit_url}"


def rows_to_publish(found: Found) -> list[Row]:
    """Raises ToolError if they must not be published."""
    if found.get("limit"):
        raise ToolError(
            f"Cannot publish: only {found['limit']:g} samples a task were used. "
            "Evaluate again without limit."
        )
    rows = [row for row in found.get("rows") or () if math.isfinite(row["value"])]
    if not rows:
        raise ToolError(f"Cannot publish: {found['model']} has no results")
    return rows


def _benchmarks(api: HfApi, found: Found, date: str) -> dict[str, str]:
    """A file for each task whose dataset is a benchmark, with the first metric of the task."""
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    files: dict[str, str] = {}
    for row in rows_to_publish(found):
        path = f".eval_results/{re.sub(r'[^a-z0-9_]+', '_', row['task'].lower())}.yaml"
        task = _task_id(api, row) if path not in files else ""
        if task:
            notes = f"{found['harness']}, {row['metric']}" + (
                f", {row['shots']}-shot" if row.get("shots") is not None else ""
            )
            entry = EvalResultEntry(row["dataset"], task, row["value"], date=date, notes=notes)
            entries = eval_result_entries_to_yaml([entry])
            files[path] = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)
    return files


def _task_id(api: HfApi, row: Row) -> str:
    """The task's name in the benchmark's eval.yaml; "" for any other dataset."""
    import yaml
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    if "/" not in (row.get("dataset") or ""):
        return ""
    try:
        path = api.hf_hub_download(row["dataset"], "eval.yaml", repo_type="dataset")
        told = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (EntryNotFoundError, RepositoryNotFoundError, yaml.YAMLError):
        return ""
    tasks = [one for one in (told or {}).get("tasks") or [] if isinstance(one, dict)]
    fitting = [one for one in tasks if one.get("config") in (row.get("config"), None, "default")]
    return str(fitting[0]["id"]) if len(fitting) == 1 and "id" in fitting[0] else ""


def card_with(
    api: HfApi, repo: str, results: Callable[[str | None], list[EvalResult]], revision: str = ""
) -> str:
    """The card of a model with more results in its model-index; those that measured the same are
    replaced. `results` gets the model's task, if the card names it. Raises ToolError."""
    from huggingface_hub import ModelCard
    from huggingface_hub.errors import EntryNotFoundError
    from yaml import YAMLError

    try:
        path = api.hf_hub_download(repo, CARD, revision=revision or None)
        card = ModelCard(Path(path).read_text(encoding="utf-8"))
    except EntryNotFoundError:
        card = ModelCard("---\n{}\n---\n")
    except (ValueError, YAMLError):
        raise ToolError(
            f"Cannot add results to the card of {repo}: the head of its README.md is not valid. "
            "Correct it first."
        ) from None
    new = results(card.data.get("pipeline_tag"))
    data: Any = card.data
    before = data.eval_results or []
    kept = [one for one in before if not any(_is_same(one, other) for other in new)]
    data.model_name = data.model_name or repo.rsplit("/", 1)[-1]
    data.eval_results = [*kept, *new]
    return str(card)


def results_of(found: Found, kind: str | None) -> list[EvalResult]:
    """Raises ToolError if they must not be published."""
    return [_result(row, found, kind) for row in rows_to_publish(found)]


def _result(row: Row, found: Found, kind: str | None) -> EvalResult:
    from huggingface_hub import EvalResult

    data: dict[str, Any] = {
        "task_type": kind or "text-generation",
        "dataset_type": row.get("dataset") or row["task"],
        "dataset_name": row["task"],
        "dataset_config": row.get("config"),
        "dataset_split": row.get("split"),
        "metric_type": row["metric"].split(" ")[0],
        "metric_name": row["metric"],
        "metric_value": round(row["value"], 6),
    }
    shots = {"num_few_shot": row["shots"]} if row.get("shots") is not None else None
    return EvalResult(**data, dataset_args=shots, source_name=found["harness"], source_url=_PAGES[
        found["harness"].split(" ")[0]])  # fmt: skip


_PAGES = {
    "lm-eval": "https://github.com/EleutherAI/lm-evaluation-harness",
    "lighteval": "https://github.com/huggingface/lighteval",
    "inspect-ai": "https://github.com/UKGovernmentBEIS/inspect_ai",
}


def _is_same(one: EvalResult, other: EvalResult) -> bool:
    names = ("dataset_type", "dataset_config", "dataset_name", "metric_type", "metric_name")
    return all(getattr(one, name) == getattr(other, name) for name in names)
