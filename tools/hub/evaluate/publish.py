"""Results into the model's repository: `.eval_results/*.yaml` for registered benchmarks, and the
card's model-index for all. One commit; a second time it changes nothing.

Source: Hugging Face's documentation of evaluation results, and huggingface_hub 2.4.0.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.hub.card import CARD, card_with, results_of, rows_to_publish
from core.hub.connection import author_of
from tools.hub.evaluate.results import Found
from tools.hub.evaluate.runner import Row

if TYPE_CHECKING:
    from huggingface_hub import HfApi


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
