"""plan: the checklist of the work, shown to the user and kept in the thread's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from core.effects import Effect
from core.state import PlanItem
from core.tool import AgentTool, ToolContext, ToolResult


class Item(BaseModel, extra="forbid"):
    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    status: Literal["pending", "in_progress", "completed"]


class PlanArguments(BaseModel, extra="forbid"):
    items: list[Item] = Field(description="the whole plan, in order")

    @model_validator(mode="after")
    def one_at_a_time(self) -> PlanArguments:
        active = [item.id for item in self.items if item.status == "in_progress"]
        if len(active) > 1:
            raise ValueError(f"items: at most one is in_progress, not {', '.join(active)}")
        ids = [item.id for item in self.items]
        if len(set(ids)) < len(ids):
            raise ValueError("items: two have the same id")
        return self


class Plan(AgentTool):
    name: str = "plan"
    description: str = (
        "Keep the plan of a task with several steps: the whole plan each time, replacing the last "
        "one. Mark a step in_progress when you begin it (one at a time) and completed when it is "
        "verified. Not for a task of one or two steps."
    )
    args_schema: type[BaseModel] = PlanArguments

    def title(self, arguments: Mapping[str, Any]) -> str:
        items = arguments["items"]
        done = sum(item["status"] == "completed" for item in items)
        open_ = [item for item in items if item["status"] != "completed"]
        now = [item for item in open_ if item["status"] == "in_progress"] or open_
        return f"{done}/{len(items)}" + (f" · {now[0]['text']}" if now else " · all done")

    def effect(self, arguments: PlanArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: PlanArguments, ctx: ToolContext) -> ToolResult:
        items: list[PlanItem] = [
            {"id": item.id, "text": item.text, "status": item.status} for item in arguments.items
        ]
        done = sum(item["status"] == "completed" for item in items)
        return ToolResult(f"{done} of {len(items)} steps completed.", plan=items)
