"""MCP servers as the settings name them: the shape of `mcpServers`, and what holds for all."""

from typing import Literal, Self

from pydantic import AliasChoices, BaseModel, Field, model_validator


class McpServer(BaseModel, extra="forbid"):
    """One server: `url` for streamable HTTP, `command` for a program on this machine.

    `${VAR}` and `${VAR:-default}` stay as they are written until the server is started.
    """

    transport: Literal["", "http", "streamable_http", "streamable-http", "stdio"] = Field(
        "",
        validation_alias=AliasChoices("transport", "type"),
        description="http or stdio; empty: follows from url or command",
    )
    url: str = Field("", description="address of a server that speaks streamable HTTP")
    headers: dict[str, str] = Field(default_factory=dict, description="headers of each request")
    command: str = Field("", description="program that speaks MCP on stdin and stdout")
    args: list[str] = Field(default_factory=list, description="arguments of the program")
    env: dict[str, str] = Field(
        default_factory=dict,
        description="variables of the program, besides PATH and HOME",
    )
    cwd: str = Field("", description="folder of the program; empty: the session's")
    tools: list[str] = Field(
        default_factory=list, description="names of the tools to offer (search_*); empty: all"
    )
    sandbox: bool = Field(
        False,
        description="run the program in the command sandbox; a folder's programs always run in it",
    )
    disabled: bool = Field(False, description="do not start this server")
    start_timeout: float | None = Field(None, gt=0, description="seconds; empty: mcp.start_timeout")
    call_timeout: float | None = Field(None, gt=0, description="seconds; empty: mcp.call_timeout")

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Self:
        if bool(self.url) == bool(self.command):
            raise ValueError("a server has either a url or a command")
        if self.transport and (self.transport == "stdio") != bool(self.command):
            wanted = "a command" if self.transport == "stdio" else "a url"
            raise ValueError(f"transport {self.transport} needs {wanted}")
        return self

    @property
    def target(self) -> str:
        """Where it is, for a user: its URL or its command line, variables unexpanded."""
        return self.url or " ".join([self.command, *self.args])


class McpLimits(BaseModel, extra="forbid"):
    """What holds for all MCP servers."""

    wait: float = Field(5, ge=0, description="seconds that the first request waits for new servers")
    start_timeout: float = Field(60, gt=0, description="seconds until a start times out")
    call_timeout: float = Field(600, gt=0, description="seconds until a call times out")
    most_tools: int = Field(
        100, ge=1, description="above this many tools, the largest servers go behind a search tool"
    )
