"""Results of an evaluation: read from a job's log or a folder, shown as one table."""

from __future__ import annotations

import asyncio
import json
import math
import re
from pathlib import Path
from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import Launches, inspected
from core.policy.paths import resolved
from core.tool import ToolContext
from tools.hub.evaluate.runner import MARK, Row, read_folder
from tools.hub.jobs.wait import log_so_far

Found = dict[str, Any]
_JOB = re.compile(r"[0-9a-f]{24}")


def is_job(source: str) -> bool:
    return bool(_JOB.fullmatch(source))


async def read_results(source: str, ctx: ToolContext) -> list[Found]:
    """One per model, in the order in which they ran. Raises ToolError."""
    if not source:
        raise ToolError("results needs source: the job's id, or the folder that local named")
    if is_job(source):
        found = await _of_job(source, ctx)
    else:
        folder = Path(resolved(source, ctx.cwd))
        found = await asyncio.to_thread(read_folder, folder)
    if not found:
        raise ToolError(f"source: {source} has no results of lm-eval, lighteval or inspect-ai")
    return merged(found)


async def _of_job(source: str, ctx: ToolContext) -> list[Found]:
    hub = Hub.of(ctx)
    job = await inspected(source, await hub.payer(), hub)
    await Launches.of(ctx).settle_if_ours(job)
    log = await log_so_far(hub, job)
    lines = [line.removeprefix(MARK) for line in log.lines if line.startswith(MARK)]
    if not lines:
        said = "read its end with hf_jobs logs" if job.ended else "wait for its end"
        raise ToolError(f"No results in its log yet; {said}. {job.line()}")
    return [found for line in lines if (found := _parsed(line))]


def _parsed(line: str) -> Found | None:
    """A line of the runner's. A log is what a job printed: another one might look like it."""
    try:
        found = json.loads(line)
        rows = [(str(row["task"]), str(row["metric"]), float(row["value"]), row.get("stderr"))
                for row in found.get("rows", ())]  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    whole = isinstance(found.get("model"), str) and (rows or found.get("error"))
    return dict(found) if whole else None


def merged(found: list[Found]) -> list[Found]:
    """One per model: inspect-ai writes a file for each task, and of two runs
    the later counts."""
    models: dict[str, Found] = {}
    for one in found:
        kept = models.setdefault(one["model"], {**one, "rows": []})
        kept |= {k: v for k, v in one.items() if k != "rows"}
        new = one.get("rows", [])
        names = {(row["task"], row["metric"]) for row in new}
        rows = [row for row in kept["rows"] if (row["task"], row["metric"]) not in names]
        kept["rows"] = [*rows, *new]
    return list(models.values())


def ordered(found: list[Found], model: str) -> list[Found]:
    """The model's first. Raises ToolError if it is not among them."""
    mine = [one for one in found if is_same(one["model"], model)]
    if not mine:
        raise ToolError(f"model: the results are of {', '.join(f['model'] for f in found)}")
    return [*mine, *(one for one in found if not is_same(one["model"], model))]


def is_same(name: str, model: str) -> bool:
    """Harnesses shorten a name or put a path before it."""
    return name == model or name.replace("__", "/").endswith(f"/{model}")


def table(found: list[Found]) -> str:
    """A row for each task and metric; the first model against the second."""
    first, *others = found
    head = ["task", "metric", "shots", "n", *(one["model"] for one in found)]
    lines = [_told(one) for one in found if one.get("error")]
    if first.get("limit"):
        lines.append(
            f"Only {first['limit']:g} samples a task: not comparable with published figures."
        )
    lines += [f"{first.get('harness', '')}".strip(), ""]
    lines.append(_line([*head, *(["difference"] if others else [])]))
    lines.append(_line(["---"] * (len(head) + bool(others))))
    for row in first.get("rows", []):
        rows = [row, *(_same_row(one, row) for one in others)]
        cells = [row["task"], row["metric"], row.get("shots"), row.get("n"), *map(_value, rows)]
        lines.append(_line([*cells, *([_difference(rows[0], rows[1])] if others else [])]))
    return "\n".join(line for line in lines if line is not None).strip()


def _told(one: Found) -> str:
    return f"{one['model']} has no results: {one['error']}"


def _line(cells: list[Any]) -> str:
    shown = ("" if cell is None else str(cell).replace("|", "/") for cell in cells)
    return "| " + " | ".join(shown) + " |"


def _same_row(one: Found, row: Row) -> Row | None:
    wanted = (row["task"], row["metric"])
    return next((r for r in one.get("rows", []) if (r["task"], r["metric"]) == wanted), None)


def _value(row: Row | None) -> str:
    if row is None:
        return "-"
    error = f" ± {row['stderr']:.4f}" if row.get("stderr") is not None else ""
    return f"{row['value']:.4f}{error}"


def _difference(ours: Row | None, theirs: Row | None) -> str:
    """With what the standard errors say of it. They are taken as independent, although both models
    answered the same questions: that is careful, a real difference may be called none."""
    if ours is None or theirs is None:
        return "-"
    by = ours["value"] - theirs["value"]
    errors = [row.get("stderr") for row in (ours, theirs)]
    if None in errors:
        return f"{by:+.4f}"
    within = abs(by) <= 2 * math.hypot(*(float(error or 0) for error in errors))
    return f"{by:+.4f}" + (", within 2 standard errors: could be chance" if within else "")
