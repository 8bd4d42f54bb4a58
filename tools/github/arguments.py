"""The arguments of the tool github."""

import re
from typing import Literal

from pydantic import BaseModel, Field

from core.errors import ToolError


class GithubArguments(BaseModel, extra="forbid"):
    operation: Literal[
        "search_code", "search_repos", "examples", "list_repos", "read", "tree", "issues"
    ]
    repo: str = Field("", description="owner/name")
    owner: str = ""
    query: str = Field("", description="words, GitHub qualifiers")
    keyword: str = Field("", description="of examples")
    path: str = ""
    ref: str = Field("", description="branch, tag, commit")
    lines: str = Field("", description="10-80, 10-; cells")
    number: int = Field(0, description="one issue, with comments")
    sort: Literal["stars", "forks", "updated", "match"] = "stars"
    limit: int = Field(30, ge=1, le=1000)

    @property
    def most(self) -> int:
        """A tree shows more, where no limit was named: its lines are short."""
        named = "limit" in self.model_fields_set
        return self.limit if named or self.operation != "tree" else 300

    @property
    def named_repo(self) -> str:
        """The repo, as part of an address. Raises ToolError for what is not an owner/name."""
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repo) or {".", ".."} & {*self.repo.split("/")}:
            given = self.repo or "nothing"
            raise ToolError(f"{self.operation} needs a repo, owner/name, not {given}")
        return self.repo
