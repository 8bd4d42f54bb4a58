"""hf_dataset: what a dataset on the Hub holds, what it can train, and whether it leaks a test."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from core.effects import Effect
from core.errors import ToolError
from core.hub.connection import Hub
from core.tool import AgentTool, ToolContext, ToolResult
from tools.hub.datasets.describe import row_lines
from tools.hub.datasets.inspect import inspect
from tools.hub.datasets.overlap import overlap
from tools.hub.datasets.pages import place
from tools.hub.datasets.summary import summary_of
from tools.hub.datasets.viewer import Viewer


class HfDatasetArguments(BaseModel, extra="forbid"):
    operation: Literal["inspect", "search", "overlap"]
    dataset: str = Field(min_length=1, description="owner/name")
    config: str = ""
    split: str = ""
    sample_rows: int = Field(5, ge=0, le=100)
    query: str = ""
    where: str = Field("", description="SQL condition")
    offset: int = Field(0, ge=0)
    eval_dataset: str = ""
    eval_config: str = ""
    eval_split: str = ""
    max_rows: int = Field(2000, ge=100, le=10_000, description="overlap")
    timeout: int = Field(120, ge=1, le=3600, description="overlap, s")

    @field_validator("dataset", "eval_dataset")
    @classmethod
    def _name(cls, value: str) -> str:
        """A page's address names the dataset too."""
        found = re.fullmatch(
            r"(?:https?://[^/]+/)?datasets/([^/?#]+(?:/[^/?#]+)?).*", value.strip()
        )
        return found[1] if found else value.strip()


class HfDataset(AgentTool):
    name: str = "hf_dataset"
    description: str = (
        "A dataset on the Hub, without download. inspect, before training on it: splits, schema, "
        "statistics, rows, training methods the columns fit (SFT, DPO, GRPO, ...), what to "
        "rename, warnings. search: rows by query or where. overlap: eval rows in the training set."
    )
    args_schema: type[BaseModel] = HfDatasetArguments
    looks_up: bool = True
    titled_by: tuple[str, ...] = ("operation", "dataset", "config", "split", "query", "where")

    def title(self, arguments: Mapping[str, Any]) -> str:
        title = super().title(arguments)
        compared = arguments.get("eval_dataset")
        return f"{title} with {compared}" if compared else title

    def summary(self, text: str) -> str:
        return summary_of(text)

    def effect(self, arguments: HfDatasetArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: HfDatasetArguments, ctx: ToolContext) -> ToolResult:
        a = arguments
        if a.operation == "inspect":
            viewer = Viewer(Hub.of(ctx))
            text, fits = await inspect(viewer, a.dataset, a.config, a.split, a.sample_rows)
            # The evidence of a job's preflight.
            at = ctx.services.clock()
            await ctx.note({"dataset": a.dataset, "fits": fits, "at": at})
            return ToolResult(text)
        if a.operation == "search":
            return ToolResult(await _search(a, ctx))
        if not a.eval_dataset:
            raise ToolError("overlap needs eval_dataset, the evaluation set to look for")
        train = (a.dataset, a.config, a.split)
        evaluation = (a.eval_dataset, a.eval_config, a.eval_split)
        return ToolResult(
            await overlap(Viewer(Hub.of(ctx)), train, evaluation, a.max_rows, a.timeout)
        )


async def _search(a: HfDatasetArguments, ctx: ToolContext) -> str:
    if bool(a.query.strip()) == bool(a.where.strip()):
        raise ToolError(
            "search takes query (words in text columns) or where (a condition), one of them; "
            "a condition on text: \"column\" LIKE '%word%'"
        )
    viewer = Viewer(Hub.of(ctx))
    where = await place(viewer, a.dataset, a.config, a.split)
    wanted = max(1, a.sample_rows)
    here: dict[str, Any] = {**where.split_params, "offset": a.offset, "length": wanted}
    if a.query.strip():
        body = await viewer.get("/search", **here, query=a.query)
        asked = f"match {a.query!r}"
    else:
        body = await viewer.get("/filter", **here, where=a.where)
        asked = f"fulfil {a.where}"
    total, rows = int(body["num_rows_total"]), body["rows"]
    lines = [f"{total:,} rows of {where} {asked}."]
    if body.get("partial"):
        lines.append("Only a part of the split is indexed: there may be more.")
    if not total:
        names = ", ".join(str(f["name"]) for f in body["features"])
        lines.append(f"The columns are: {names}.")
    elif not rows:
        lines.append(f"None from offset {a.offset} on.")
    else:
        end = a.offset + len(rows)
        more = f"; continue with offset={end}" if end < total else ""
        lines.append(f"Shown: {a.offset + 1} to {end}{more}.")
    return "\n".join([*lines, *row_lines(rows)])
