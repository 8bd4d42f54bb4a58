"""The report of a session next to its model: REPORT.md, report.json, and in the card's model-index
what the session measured: hf_eval's newest results of the model, and the best trial's metric."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.experiments.metrics import json_place
from core.experiments.record import KEPT
from core.hub.card import CARD, Found, card_with, results_of
from core.report.markdown import as_markdown
from core.tool import ToolContext
from tools.hub.repo.arguments import RepoArguments
from tools.hub.repo.change import Change, Seen
from tools.hub.repo.commit import commit_change
from tools.hub.repo.evaluation import newest_evaluation
from tools.hub.repo.files import content_of

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, HfApi

TEXT, DATA = "REPORT.md", "report.json"


async def preview(arguments: RepoArguments, ctx: ToolContext) -> str:
    """What is published: the results in the card, and the report. Raises ToolError."""
    report = await _report_of(ctx)
    rows = _in_words(report, await _evaluation(arguments, ctx), arguments)
    card = f"evaluation results in the card: {rows}" if rows else "no evaluation results"
    return f"{TEXT}, {DATA}; {card}\n\n{as_markdown(report)}"


async def upload(arguments: RepoArguments, ctx: ToolContext, begun: bool) -> Change:
    """One commit. Raises ToolError. `begun`: only `done` will be asked."""
    message = arguments.message or "Report"
    if begun:
        return commit_change(arguments, message, list, "")
    report, found = await _report_of(ctx), await _evaluation(arguments, ctx)
    data = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    contents = {**content_of(TEXT, as_markdown(report)).contents, **content_of(DATA, data).contents}
    rows = _in_words(report, found, arguments)

    def operations() -> list[Any]:
        from huggingface_hub import CommitOperationAdd

        return [CommitOperationAdd(name, held) for name, held in contents.items()]

    def results(kind: str | None, api: HfApi) -> list[EvalResult]:
        own = results_of(found, kind) if found else []
        return [*own, *_of_experiment(report, kind, f"{api.endpoint}/{arguments.repo}")]

    said = f"Uploaded {TEXT} and {DATA}" + (f"; in the card: {rows}" if rows else "")
    change = commit_change(arguments, message, operations, said)

    def before(api: HfApi) -> Seen:
        seen = change.before(api)
        if rows:
            name, revision = arguments.repo, arguments.revision
            card = card_with(api, name, lambda kind: results(kind, api), revision)
            contents.update(content_of(CARD, card).contents)
        return seen

    return replace(change, before=before)


async def _report_of(ctx: ToolContext) -> dict[str, Any]:
    if ctx.services.report is None:
        raise ToolError("Cannot report: a sub-agent has no record of the session.")
    return await ctx.services.report(ctx.call_id)


async def _evaluation(arguments: RepoArguments, ctx: ToolContext) -> Found | None:
    """What may be published of it: a run on a few samples is not a result."""
    newest = await newest_evaluation(arguments, ctx)
    if newest is None or newest[1].get("limit"):
        return None
    rows = [row for row in newest[1].get("rows", ()) if math.isfinite(row["value"])]
    return {**newest[1], "rows": rows} if rows else None


def _in_words(report: dict[str, Any], found: Found | None, a: RepoArguments) -> str:
    """The results for the card; "" if there are none."""
    if a.type != "model":
        return ""
    own = found["rows"] if found else []
    rows = [f"{row['task']} {row['metric']} {row['value']:.4f}" for row in own]
    best = _best_of(report)
    if best is not None:
        metric = report["experiment"]["metric"]
        rows.append(f"{metric} {best['value']:.6g} (trial {best['number']})")
    return ", ".join(rows)


def _best_of(report: dict[str, Any]) -> dict[str, Any] | None:
    trials = (report["experiment"] or {"trials": []})["trials"]
    kept = [t for t in trials if t["verdict"] in KEPT and t["value"] is not None]
    return kept[-1] if kept else None


def _of_experiment(report: dict[str, Any], kind: str | None, page: str) -> list[EvalResult]:
    """The best trial's metric, on the session's dataset of the Hub if there is exactly one."""
    from huggingface_hub import EvalResult

    best = _best_of(report)
    if best is None:
        return []
    metric = report["experiment"]["metric"]
    hub = [each["name"] for each in report["data"] if each["kind"] == "dataset"]
    frozen = ", ".join(report["experiment"]["frozen"]) or "data of the session"
    dataset = hub[0] if len(hub) == 1 else "local"
    return [
        EvalResult(
            task_type=kind or "other",
            dataset_type=dataset,
            dataset_name=dataset if len(hub) == 1 else frozen,
            metric_type=(json_place(metric) or ("", metric))[1],
            metric_name=metric,
            metric_value=round(best["value"], 6),
            source_name="ML Agent, " + TEXT,
            source_url=f"{page}/blob/main/{TEXT}",
        )
    ]
