"""research: a question for a sub-agent: tools that only look, its own context, a report. agent: a
task for a sub-agent that the user wrote (configs/agents.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from configs.agents import agents
from configs.instructions import research_prompt
from core.effects import Effect
from core.errors import ToolError
from core.subagent import Subagent
from core.tool import AgentTool, ToolContext, ToolResult

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


class AgentArguments(BaseModel, extra="forbid"):
    name: str = Field(min_length=1, description="which agent")
    task: str = Field(min_length=1, description="complete in itself")


class UserAgent(AgentTool):
    """`agents`: those that count in the folder, by name."""

    name: str = "agent"
    args_schema: type[BaseModel] = AgentArguments
    is_subagent: bool = True
    titled_by: tuple[str, ...] = ("name", "task")
    agents: dict[str, Any]

    def effect(self, arguments: AgentArguments, cwd: str) -> Effect:
        return Effect("read")  # each of its own calls is judged by what it does

    async def execute(self, arguments: AgentArguments, ctx: ToolContext) -> ToolResult:
        run_subagent, limits = ctx.run_subagent, ctx.services.settings.research
        agent = self.agents.get(arguments.name)
        if agent is None:
            raise ToolError(
                f"there is no agent {arguments.name}; there are {', '.join(self.agents)}"
            )
        if run_subagent is None or ctx.context is None:
            raise ToolError("an agent runs inside a turn of the graph")
        subagent = Subagent(
            f"{agent.prompt}\n\n{REPORT}",
            chosen_tools(agent.tools, ctx.services.tools),
            limits.max_iterations,
            limits.budget_share,
            agent.model,
            ctx.context.mode,
        )
        result = await run_subagent(ctx, arguments.task, subagent)
        return replace(result, text=bounded(result.text))


#: What a prompt of the user's does not say.
REPORT = (
    "You work for another agent and no user can answer you. Your last message is your report: "
    "what you did and found, in at most 6,000 characters."
)


def agent_tools(cwd: str) -> dict[str, AgentTool]:
    """The tool for the sub-agents of a folder; {} if there are none."""
    found = agents(cwd)
    if not found:
        return {}
    listed = "\n".join(f"- {one.name}: {one.description}" for one in found.values())
    described = (
        "Give a task to one of these agents. It has a separate context and instructions, and "
        f"returns a report; what would need approval is denied to it.\n{listed}"
    )
    return {"agent": UserAgent(description=described, agents=found)}


def chosen_tools(names: Sequence[str], tools: Mapping[str, AgentTool]) -> dict[str, AgentTool]:
    """The tools of an agent by the names in its file, Claude Code's or ours; all that it may have
    if it names none. Nothing that costs money, publishes, or asks the user: that is priced and
    approved in the thread itself."""
    allowed = {
        name: tool
        for name, tool in tools.items()
        if (tool.looks_up or tool.in_backend) and not tool.is_subagent
    }
    if not names:
        return allowed
    wanted = {name.partition("(")[0].removeprefix("mcp__").lower() for name in names}
    aliases = {"multiedit": "edit", "notebookedit": "edit", "webfetch": "web", "websearch": "web"}
    aliases |= {"ls": "read", "bashoutput": "process", "killshell": "process"}
    wanted |= {aliases[name] for name in wanted if name in aliases}
    return {name: tool for name, tool in allowed.items() if name.lower() in wanted}


def bounded(text: str) -> str:
    """`text` with at most MOST characters, and what was cut off said."""
    if len(text) <= MOST:
        return text
    said = f"\n[... {len(text) - MOST:,} characters more were cut off]"
    return text[: MOST - len(said)] + said
