"""Settings: every knob there is, with what it means; one pydantic model holds all.

This module is the schema and nothing else; where values come from is configs/layers.py.
"""

from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr

from configs.mcp import McpLimits, McpServer
from configs.model_ids import problem_of

#: USD that a headless turn may cost if nothing else is set.
HEADLESS_CAP = 5.0
#: Modes from the strictest on.
MODES = ("read-only", "ask", "auto", "yolo")


def stricter(one: str, other: str) -> str:
    """The stricter of two modes; an empty one says nothing."""
    if not one or not other:
        return one or other
    return min(one, other, key=MODES.index)


class Budget(BaseModel):
    """Caps in USD; null means no cap."""

    model_config = ConfigDict(extra="forbid")

    turn: float | None = Field(None, ge=0, description="most that one turn may cost, USD")
    thread: float | None = Field(None, ge=0, description="most that one thread may cost, USD")
    day: float | None = Field(None, ge=0, description="most that one day may cost, USD")


class Price(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(extra="forbid")

    input: float = Field(ge=0, description="USD per million tokens of a request")
    output: float = Field(ge=0, description="USD per million tokens of an answer")


class Research(BaseModel):
    """Limits of one call of `research`."""

    model_config = ConfigDict(extra="forbid")

    max_iterations: int = Field(60, ge=1, description="answers of the model in one research")
    budget_share: float = Field(
        0.25, gt=0, le=1, description="the part of what is left to spend that one may cost"
    )


class Notify(BaseModel):
    """Where to tell that a person is needed, or that work has ended."""

    model_config = ConfigDict(extra="forbid")

    slack_webhook_url: str = Field("", description="an incoming webhook of Slack")
    webhook_url: str = Field("", description="gets each notification as a JSON object")
    on: list[Literal["approval", "error", "done", "job"]] = Field(
        default_factory=lambda: ["approval", "error", "done", "job"],  # type: ignore[arg-type]
        description="approval needed, error, turn done, job ended",
    )


class SandboxSettings(BaseModel):
    """A Hugging Face sandbox in which commands run and files live."""

    model_config = ConfigDict(extra="forbid")

    flavor: str = Field("", description="hardware of the sandbox; empty: work on this machine")
    image: str = Field("python:3.12", description="the Docker image, with /bin/sh")
    idle_timeout: int = Field(
        600, ge=60, description="seconds without a call or command after which it ends"
    )
    folder: str = Field(
        "/workspace", pattern=r"^/[^/]", description="the working directory in the sandbox"
    )
    secrets: list[str] = Field(
        default_factory=list,
        description="credentials that commands in the sandbox may see, of child_tokens (HF_TOKEN)",
    )
    keep: bool = Field(
        False, description="leave it when a headless run ends, until it was idle for long enough"
    )


def _model_id(value: str) -> str:
    problem = problem_of(value) if value else ""
    if problem:
        raise ValueError(f"not a model id: {problem}")
    return value


ModelId = Annotated[str, AfterValidator(_model_id)]
Rule = Annotated[str, Field(pattern=r"^\s*[\w.-]+(\([\s\S]+\))?\s*$")]


class Permissions(BaseModel):
    """What runs, asks or is refused, by rule: `bash(git status *)`, `write(src/**)`, `bash`."""

    model_config = ConfigDict(extra="forbid")

    allow: list[Rule] = Field(default_factory=list, description="calls that run unasked")
    ask: list[Rule] = Field(default_factory=list, description="calls that are always asked about")
    deny: list[Rule] = Field(default_factory=list, description="calls that are refused; wins")
    shipped: bool = Field(True, description="whether the shipped rules count")


class Settings(BaseModel):
    """The keys of a settings file. Unknown keys and wrong types are refused by name."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model_name: ModelId = Field(
        "", description="which model answers; empty: by the credentials found"
    )
    small_model_name: ModelId = Field(
        "", description="a cheaper model for summaries and research; empty: the main model"
    )
    fallback_model: ModelId = Field(
        "", description="takes the model's place for the rest of a turn in which it cannot be had"
    )
    effort: Literal["", "minimal", "low", "medium", "high"] = Field(
        "", description="how much a model that can think shall think; empty: its default"
    )
    wire: Literal["auto", "litellm"] = Field(
        "auto",
        description="auto: ask the common providers directly, others through LiteLLM; litellm: all",
    )
    bill_to: str = Field(
        "", description="the organization that pays the Hugging Face router; empty: you"
    )
    price: Price | None = Field(
        None, description="what the model costs, USD per million tokens, where it is not known"
    )
    mode: Literal["", "ask", "auto", "read-only", "yolo"] = Field(
        "", description="what runs unasked; empty: ask in the chat, auto headless"
    )
    permissions: Permissions = Field(
        default_factory=lambda: Permissions(shipped=True), description="rules"
    )
    max_iterations: int = Field(300, ge=1, description="answers of the model in one turn")
    budget: Budget = Field(
        default_factory=lambda: Budget(turn=None, thread=None, day=None), description="caps in USD"
    )
    context_window: int | None = Field(
        None, ge=2000, description="the model's window in tokens, where it is not known"
    )
    vision: bool | None = Field(
        None, description="whether the model sees pictures, where it is not known"
    )
    undo_files: bool = Field(
        True, description="keep what each turn changed below the working directory, for undo"
    )
    compact_at: int = Field(
        170_000, ge=1000, description="compact above this many tokens (or 90 % of the window)"
    )
    request_timeout: float = Field(
        600, gt=0, description="seconds of silence after which a model request is given up"
    )
    local_base_url: str = Field(
        "", description="base URL of an OpenAI-compatible server for the local/ prefix"
    )
    hub_url: str = Field(
        "", description="the Hugging Face Hub; empty: HF_ENDPOINT, else https://huggingface.co"
    )
    dataset_viewer_url: str = Field(
        "https://datasets-server.huggingface.co",
        description="the Hub's dataset viewer; the Hub token is sent there",
    )
    arxiv_url: str = Field("https://arxiv.org", description="where papers are read as HTML")
    ar5iv_url: str = Field(
        "https://ar5iv.labs.arxiv.org", description="where papers are that arXiv has no HTML of"
    )
    semantic_scholar_url: str = Field(
        "https://api.semanticscholar.org", description="citations, and searches of papers by date"
    )
    github_url: str = Field("https://api.github.com", description="GitHub's REST API")
    web_hosts: list[str] = Field(
        default_factory=list,
        description="hosts that web fetches without a question, besides documentation, arXiv, "
        "Hugging Face and GitHub; *.example.org for all below",
    )
    web_search_url: str = Field(
        "",
        description="a SearxNG-compatible search that answers in JSON, as http://host/search; "
        "empty: public search engines, without a key",
    )
    child_tokens: list[str] = Field(
        default_factory=lambda: ["HF_TOKEN"],
        description="credentials that commands with network may use: HF_TOKEN as the file that "
        "HF_TOKEN_PATH names (huggingface_hub reads it), others in their environment",
    )
    child_environment: list[str] = Field(
        default_factory=list,
        description="more variables that commands may see, by name or pattern (MY_*); a pattern "
        "lets no credential pass",
    )
    sandbox_commands: Literal["auto", "required", "off"] = Field(
        "auto",
        description="run commands in the operating system's sandbox: auto (if one works), required "
        "(no command runs without one), off",
    )
    sandbox_writable: list[str] = Field(
        default_factory=list,
        description="files and folders that commands in the sandbox may change, besides the "
        "working directory, temporary files and caches",
    )
    share_traces: bool = Field(
        False, description="upload each thread to your own private dataset on the Hub"
    )
    jobs_namespace: str = Field(
        "", description="in whose name jobs run on Hugging Face, and who pays; empty: you"
    )
    job_secrets: list[str] = Field(
        default_factory=lambda: ["HF_TOKEN", "GITHUB_TOKEN", "WANDB_API_KEY"],
        description="credentials that a job may be given, by name",
    )
    sandbox: SandboxSettings = Field(
        default_factory=lambda: SandboxSettings.model_validate({}),
        description="where commands run and files live, if not here",
    )
    mcpServers: dict[str, McpServer] = Field(
        default_factory=dict, description="MCP servers whose tools the model can use, by name"
    )
    mcp: McpLimits = Field(default_factory=lambda: McpLimits.model_validate({}), description="")
    alert: Literal["all", "bell", "off"] = Field(
        "all",
        description="how the chat says that it waits for you: all (bell and desktop), bell, off",
    )
    research: Research = Field(
        default_factory=lambda: Research.model_validate({}), description="limits of research"
    )
    notify: Notify = Field(
        default_factory=lambda: Notify.model_validate({}), description="who is told of what"
    )
    database_url: str = Field(
        "",
        description="where threads live: sqlite:////path, postgresql://...; empty: a SQLite file "
        "in the state directory",
    )
    state_dir: str = Field("", description="locks, run directories, saved results")

    #: What the folder's file keeps mode and iterations below, whatever is chosen later.
    _mode_cap: str = PrivateAttr("")
    _iterations_cap: int | None = PrivateAttr(None)

    def keep_below(self, *, mode: str, max_iterations: int | None) -> None:
        """Let no later choice be looser: an option, what a thread remembers, a default."""
        self._mode_cap, self._iterations_cap = mode, max_iterations

    def capped_mode(self, chosen: str) -> str:
        """`chosen`, or the stricter mode that the folder's file wants."""
        return stricter(chosen, self._mode_cap)

    def capped_iterations(self, chosen: int) -> int:
        """`chosen`, or the fewer iterations that the folder's file wants."""
        return chosen if self._iterations_cap is None else min(chosen, self._iterations_cap)

    def state_path(self) -> Path:
        """The state directory, absolute; not created here."""
        if self.state_dir:
            return Path(self.state_dir).expanduser().absolute()
        return platformdirs.user_state_path("ml-agent").absolute()
