"""github: code, repositories, files and issues of GitHub, read alone."""

from pydantic import BaseModel

from core.effects import Effect
from core.errors import ToolError
from core.tool import AgentTool, ToolContext, ToolResult
from tools.github import files, search
from tools.github.arguments import GithubArguments
from tools.github.refusals import ODD


class Github(AgentTool):
    name: str = "github"
    description: str = (
        "GitHub: search code (needs GITHUB_TOKEN), repositories or issues; an owner's "
        "repositories by stars; a repository's example files (look before you write training "
        "code) or tree; read a file by lines, a notebook by cells."
    )
    args_schema: type[BaseModel] = GithubArguments
    looks_up: bool = True
    titled_by: tuple[str, ...] = (
        "operation",
        "repo",
        "owner",
        "query",
        "keyword",
        "path",
        "number",
        "lines",
    )

    def effect(self, arguments: GithubArguments, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: GithubArguments, ctx: ToolContext) -> ToolResult:
        operations = {
            "search_code": search.search_code,
            "search_repos": search.search_repos,
            "list_repos": search.list_repos,
            "issues": search.issues,
            "examples": files.examples,
            "read": files.read,
            "tree": files.tree,
        }
        try:
            return await operations[arguments.operation](arguments, ctx)
        except (AttributeError, KeyError, TypeError, ValueError):
            # Answers are taken apart unchecked: one that is not what GitHub's document says.
            raise ToolError(ODD) from None
