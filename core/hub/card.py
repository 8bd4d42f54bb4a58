"""A model's card: results in its model-index, of an evaluation or of anything measured.

Source: Hugging Face's documentation of model cards, and huggingface_hub 2.4.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ToolError

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, HfApi

CARD = "README.md"
#: A line of an evaluation, and an evaluation (tools/hub/evaluate).
Row = dict[str, Any]
Found = dict[str, Any]


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
