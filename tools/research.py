"""research: a question for a sub-agent: tools that only look, a context of its own, a report."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from configs.instructions import research_prompt
from graph.context import AgentTool, ToolResult, ToolRun
from graph.effects import Effect
from graph.errors import ToolError

#: Characters of a report; the prompt asks for no more.
MOST = 6_000


class ResearchArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    task: str = Field(min_length=1, description="the question, complete in itself")
    context: str = Field("", description="what is known already, paths, versions")


class Research(AgentTool):
    name: str = "research"
    description: str = (
        "Have a question looked up by a helper with a context of its own: papers, docs, code, Hub, "
        "web, files. Several in one answer run side by side. Returns a short report with sources. "
        "For what takes many reads; one look is quicker by yourself."
    )
    args_schema: type[BaseModel] = ResearchArguments
    is_subagent: bool = True

    def effect(self, arguments: ResearchArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: ResearchArguments, run: ToolRun) -> ToolResult:
        run_subagent, limits = run.services.run_subagent, run.services.settings.research
        if run_subagent is None or run.context is None:
            raise ToolError("research runs inside a turn of the graph")
        known = f"\n\nWhat is known already:\n{arguments.context}" if arguments.context else ""
        result = await run_subagent(
            run,
            arguments.task + known,
            prompt=research_prompt(),
            tools={name: tool for name, tool in run.services.tools.items() if tool.looks_up},
            max_iterations=limits.max_iterations,
            share=limits.budget_share,
        )
        return replace(result, text=bounded(result.text))


def bounded(text: str) -> str:
    """`text` with at most MOST characters, and what was cut off said."""
    if len(text) <= MOST:
        return text
    said = f"\n[... {len(text) - MOST:,} characters more were cut off]"
    return text[: MOST - len(said)] + said
