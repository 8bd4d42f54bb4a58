"""The arguments of hf_repo."""

from typing import Literal

from pydantic import BaseModel, Field

from core.hub.refusals import Repo, RepoType

Operation = Literal[
    "list", "read", "upload", "delete", "create", "update", "branch", "tag", "refs", "commits",
    "pr_create", "pr_list", "pr_get", "pr_comment", "pr_merge", "pr_close",
    "status", "logs", "restart", "pause", "secret", "hardware", "copy", "sync", "report",
]  # fmt: skip
READS = ("list", "read", "refs", "commits", "pr_list", "pr_get", "status", "logs")


class RepoArguments(BaseModel, extra="forbid"):
    operation: Operation
    repo: str = Field(min_length=1, description="owner/name")
    type: RepoType = "model"
    revision: str = Field("", description="also refs/pr/N")
    path: str = ""
    limit: int = Field(200, ge=1, le=2000)
    source: str = Field("", description="upload, sync: file or folder; copy: buckets/o/n/path")
    content: str = Field("", description="upload: or text")
    paths: list[str] = Field(default_factory=list, description="delete")
    message: str = Field("", description="commit, or title")
    text: str = Field("", description="comment")
    create_pr: bool = False
    name: str = Field("", description="branch, tag, secret (of this machine), hardware")
    remove: bool = Field(False, description="delete the branch, tag, secret, or whole repo")
    number: int = 0
    visibility: Literal["", "private", "public"] = ""
    gated: Literal["", "auto", "manual", "off"] = ""
    hours: float = Field(0, ge=0, le=720, description="hardware: caps the price")
    sdk: Literal["", "gradio", "docker", "static"] = ""

    @property
    def about(self) -> Repo:
        path = self.paths[0] if len(self.paths) == 1 else self.path
        return Repo(self.repo, self.type, self.revision, path)
