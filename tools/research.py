"""research: a question for a sub-agent: tools that only look, its own context, a report."""

from dataclasses import replace

from pydantic import BaseModel, Field

from configs.instructions import research_prompt
from core.effects import Effect
from core.errors import ToolError
from core.tool import AgentTool, Subagent, ToolContext, ToolResult

#: Characters of a report; the prompt asks for no more.
MOST = 6_000


class ResearchArguments(BaseModel, extra="forbid"):
    task: str = Field(min_length=1, description="complete in itself")
    context: str = Field("", description="what is known already")


class Research(AgentTool):
    name: str = "research"
    description: str = (
        "A sub-agent with read-only tools looks a question up (papers, docs, code, Hub, web) and "
        "returns a short report with sources. For what takes many reads; several run side by side."
    )
    args_schema: type[BaseModel] = ResearchArguments
    is_subagent: bool = True

    def effect(self, arguments: ResearchArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: ResearchArguments, ctx: ToolContext) -> ToolResult:
        run_subagent, limits = ctx.run_subagent, ctx.services.settings.research
        if run_subagent is None:
            raise ToolError("research runs inside a turn of the graph")
        known = f"\n\nWhat is known already:\n{arguments.context}" if arguments.context else ""
        tools = {name: tool for name, tool in ctx.services.tools.items() if tool.looks_up}
        subagent = Subagent(research_prompt(), tools, limits.max_iterations, limits.budget_share)
        result = await run_subagent(ctx, arguments.task + known, subagent)
        return replace(result, text=bounded(result.text))


def bounded(text: str) -> str:
    """`text` with at most MOST characters, and what was cut off said."""
    if len(text) <= MOST:
        return text
    said = f"\n[... {len(text) - MOST:,} characters more were cut off]"
    return text[: MOST - len(said)] + said
