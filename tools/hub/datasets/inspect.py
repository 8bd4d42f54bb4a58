"""`hf_dataset inspect`: what is in a dataset, what it can train, and what is wrong with it."""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from core import units
from core.errors import ToolError
from tools.hub.datasets.chat_column import chat_facts
from tools.hub.datasets.columns import Column, columns_of
from tools.hub.datasets.describe import column_line, row_lines
from tools.hub.datasets.methods import fits_of
from tools.hub.datasets.pages import Page, Place, pages, place
from tools.hub.datasets.table import CHATS, Fit
from tools.hub.datasets.viewer import Viewer
from tools.hub.datasets.warnings import doubts

#: Rows that are looked at, from the start, the middle and the end; configs that are listed.
SAMPLE, CONFIGS = 300, 20


async def inspect(
    viewer: Viewer, dataset: str, config: str, split: str, sample_rows: int
) -> tuple[str, list[str]]:
    """(the result's text, the verdict first; the training methods that fit without a change).
    Raises ToolError where the dataset cannot be read."""
    notes: list[str] = []
    where = await place(viewer, dataset, config, split)
    able, size = await asyncio.gather(
        viewer.get("/is-valid", dataset),
        _optional(viewer.get("/size", dataset), "row counts", notes),
    )
    found, whole, files = await asyncio.gather(
        _sample(viewer, where, able, notes),
        _statistics(viewer, where, able, notes),
        _files(viewer, where, notes),
    )
    # Long rows are work for the processor: the event loop continues meanwhile.
    columns, fits, warnings = await asyncio.to_thread(_judged, found)
    total = found.total if found.total >= 0 else _rows_of(size, where)
    cut = sorted({name for row in found.rows for name in row.get("truncated_cells") or ()})
    if cut:
        notes.append(f"the viewer cut long cells of {', '.join(cut)}: they were not judged")
    lines = [
        f"{where}: {_count(total)} rows, {len(columns)} columns. The dataset viewer serves "
        f"{_abilities(able)}.",
        *_verdict(fits),
        *(
            f"Warning: {warning}."
            for warning in (*warnings_of_name(dataset, where.split), *warnings)
        ),
        *(f"Note: {note}." for note in notes),
        "",
        *_splits(where, size),
        *files,
        "",
        f"Columns (statistics of {_statistics_of(whole)}; {len(found.rows)} rows sampled from "
        f"{'start, middle and end' if total > len(found.rows) else 'the whole split'})",
        *(f"  {column_line(column, whole.get(column.name))}" for column in columns),
        *_chats(columns),
    ]
    if sample_rows:
        lines += ["", "Sample rows", *row_lines(_some(found.rows, sample_rows))]
    return "\n".join(lines), [fit.method for fit in fits if not fit.change]


def _judged(found: Page) -> tuple[list[Column], list[Fit], list[str]]:
    columns = columns_of(found.features, found.rows)
    fits = fits_of(columns)
    return columns, fits, doubts(columns, fits)


#: Words in the name of a dataset that is there to measure with.
TEST_SETS = frozenset(
    ("bench", "benchmark", "benchmarks", "eval", "evals", "evaluation", "test", "tests", "testset",
     "leaderboard", "holdout", "heldout", "validation")
)  # fmt: skip


def warnings_of_name(dataset: str, split: str) -> list[str]:
    """A test set, by its name: to train on it makes its scores worthless."""
    words = set(re.split(r"[^a-z]+", dataset.rpartition("/")[2].lower()))
    marks = words & TEST_SETS
    marks |= {word for word in words if word.endswith(("bench", "eval"))}
    if marks:
        return [f"{dataset} is a test set by its name ({', '.join(sorted(marks))}): do not train "
                "on it"]  # fmt: skip
    kept = re.match(r"(test|eval|valid|dev|holdout|heldout)", split.lower()) is not None
    return [f"{split} is the split for testing: do not train on it"] * kept


async def _optional(
    asked: Awaitable[dict[str, Any]], what: str, notes: list[str]
) -> dict[str, Any] | None:
    """An answer that the result can do without: its failure becomes a note."""
    try:
        return await asked
    except ToolError as error:
        notes.append(f"no {what}: {error}")
        return None


async def _sample(viewer: Viewer, where: Place, able: Mapping[str, Any], notes: list[str]) -> Page:
    if able.get("viewer"):
        try:
            found = [page async for page in pages(viewer, where, SAMPLE)]
            rows = [row for page in found for row in page.rows]
            if found[0].partial:
                notes.append("the viewer has only a part of this split: its first files")
            # Pages of a small split overlap.
            unique = list({row["row_idx"]: row for row in rows}.values())
            return Page(unique, found[0].features, found[0].total)
        except ToolError as error:
            notes.append(f"only the first rows could be read: {error}")
    body = await viewer.get("/first-rows", **where.split_params)
    return Page(body["rows"], body["features"], -1 if body.get("truncated") else len(body["rows"]))


async def _statistics(
    viewer: Viewer, where: Place, able: Mapping[str, Any], notes: list[str]
) -> dict[str, Mapping[str, Any]]:
    if not able.get("statistics"):
        return {}
    asked = viewer.get("/statistics", **where.split_params)
    body = await _optional(asked, "statistics of the whole split", notes)
    if body is None:
        return {}
    if body.get("partial"):
        notes.append("the viewer's statistics are of a part of the split")
    return {
        str(s["column_name"]): s
        for s in body["statistics"]
        if isinstance(s.get("column_statistics"), Mapping)
    }


async def _files(viewer: Viewer, where: Place, notes: list[str]) -> list[str]:
    """What a download of the config would bring, and under which licence."""
    here = {"dataset": where.dataset, "config": where.config}
    parquet, info = await asyncio.gather(
        _optional(viewer.get("/parquet", **here), "list of files", notes),
        _optional(viewer.get("/info", **here), "licence", notes),
    )
    files = (parquet or {}).get("parquet_files", [])
    told = []
    if files:
        bytes_of_all = units.size(sum(int(f.get("size") or 0) for f in files))
        told.append(f"{len(files)} parquet file{'s' if len(files) > 1 else ''}, {bytes_of_all}")
    licence = (info or {}).get("dataset_info", {}).get("license")
    if licence:
        told.append(f"licence {licence}")
    return [f"Files: {'; '.join(told)}."] if told else []


def _statistics_of(whole: Mapping[str, Any]) -> str:
    return "the whole split where the sample is not named" if whole else "the sample"


def _abilities(able: Mapping[str, Any]) -> str:
    there = [name for name in ("viewer", "search", "filter", "statistics") if able.get(name)]
    return ", ".join(there) if there else "only a preview" if able.get("preview") else "nothing"


def _verdict(fits: Sequence[Fit]) -> list[str]:
    if not fits:
        return ["Fits no training method that is known here: name the columns for what they hold."]
    lines = []
    for fit in fits:
        used = f"{fit.method} [{', '.join(fit.columns)}]"
        if fit.change:
            lines.append(f"Fits after a change: {used}: {fit.change}. Why: {fit.reason}.")
        else:
            lines.append(f"Fits as it is: {used}: {fit.reason}.")
    return lines


def _splits(where: Place, size: Mapping[str, Any] | None) -> list[str]:
    counts = {
        (s.get("config"), s.get("split")): s for s in (size or {}).get("size", {}).get("splits", ())
    }
    lines = ["Configs and splits"]
    configs = list(dict.fromkeys(c for c, _ in where.splits))
    for config in configs[:CONFIGS]:
        splits = []
        for name in (s for c, s in where.splits if c == config):
            known = counts.get((config, name))
            splits.append(f"{name} {_count(_of(known))} rows" if known else name)
        lines.append(f"  {config}: {', '.join(splits)}")
    if len(configs) > CONFIGS:
        lines.append(f"  ... {len(configs) - CONFIGS} more configs")
    return lines


def _of(split: Mapping[str, Any]) -> int:
    # Of a large dataset a part is converted; the viewer then estimates the whole.
    return int(split.get("estimated_num_rows") or split.get("num_rows") or 0)


def _rows_of(size: Mapping[str, Any] | None, where: Place) -> int:
    for split in (size or {}).get("size", {}).get("splits", ()):
        if (split.get("config"), split.get("split")) == (where.config, where.split):
            return _of(split)
    return -1


def _count(rows: int) -> str:
    return f"{rows:,}" if rows >= 0 else "an unknown number of"


def _chats(columns: Sequence[Column]) -> list[str]:
    chats = [c for c in columns if c.kind in CHATS and c.chats]
    lines = [line for c in chats for line in chat_facts(c.chats).lines(c.name)]
    return ["", "Chat columns (sample)", *(f"  {line}" for line in lines)] if lines else []


def _some(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """`count` rows from all over the sample."""
    step = max(1, len(rows) // count)
    return list(rows[::step])[:count]
