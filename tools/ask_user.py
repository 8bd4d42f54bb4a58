"""ask_user: a question that only the user can answer. The user is the tool."""

from pydantic import BaseModel, Field

from core.effects import Effect
from core.tool import AgentTool, ToolContext, ToolResult

NOBODY = "The user cannot answer now: decide yourself, and say in your report what you assumed."


class AskUserArguments(BaseModel, extra="forbid"):
    question: str = Field(min_length=1)
    options: list[str] = Field(default_factory=list, description="answers to choose from")


class AskUser(AgentTool):
    name: str = "ask_user"
    description: str = (
        "Ask the user one question and wait for the answer. Only for a choice that changes what "
        "is built and that task, files and docs leave open; never for permission."
    )
    args_schema: type[BaseModel] = AskUserArguments
    answered_by_person: bool = True

    def effect(self, arguments: AskUserArguments, cwd: str) -> Effect:
        shown = [arguments.question, *(f"- {option}" for option in arguments.options)]
        return Effect("read", preview="\n".join(shown))

    async def execute(self, arguments: AskUserArguments, ctx: ToolContext) -> ToolResult:
        """Reached only where no user can be asked, or where one said no more than yes."""
        return ToolResult(NOBODY)
