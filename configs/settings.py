"""Settings: every knob there is, with what it means; one pydantic model holds all.

This module is the schema and nothing else; where values come from is configs/layers.py.
"""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr

from configs.folders import user_folder
from configs.hooks import EVENTS, HookGroup
from configs.mcp import McpLimits, McpServer
from configs.model_ids import problem_of
from configs.sections import Budget, Notify, Price, Research, SandboxSettings, Web

#: USD that a headless turn may cost if nothing else is set.
HEADLESS_CAP = 5.0
#: Modes from the strictest on.
MODES = ("read-only", "ask", "auto", "yolo")


def stricter(one: str, other: str) -> str:
    """The stricter of two modes; an empty one says nothing."""
    if not one or not other:
        return one or other
    return min(one, other, key=MODES.index)


def _model_id(value: str) -> str:
    problem = problem_of(value) if value else ""
    if problem:
        raise ValueError(f"not a model id: {problem}")
    return value


#: The levels of reasoning that providers know, the least first.
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
EFFORTS: tuple[str, ...] = get_args(Effort)


def _known_events(hooks: dict[str, list[HookGroup]]) -> dict[str, list[HookGroup]]:
    for event in hooks:
        if event not in EVENTS:
            raise ValueError(f"{event} is not an event; the events are {', '.join(EVENTS)}")
    return hooks


ModelId = Annotated[str, AfterValidator(_model_id)]
Rule = Annotated[str, Field(pattern=r"^\s*[\w.-]+(\([\s\S]+\))?\s*$")]


class Permissions(BaseModel, extra="forbid"):
    """What runs, asks or is denied, by rule: `bash(git status *)`, `write(src/**)`, `bash`."""

    allow: list[Rule] = Field(default_factory=list, description="calls that run without asking")
    ask: list[Rule] = Field(default_factory=list, description="calls that always need approval")
    deny: list[Rule] = Field(
        default_factory=list, description="calls that never run; wins over allow and ask"
    )
    shipped: bool = Field(True, description="use the shipped rules")


class Settings(BaseModel):
    """The keys of a settings file. Unknown keys and wrong types are refused by name."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model_name: ModelId = Field("", description="model id; empty: chosen by the credentials found")
    small_model_name: ModelId = Field(
        "", description="cheaper model for summaries and research; empty: the main model"
    )
    fallback_model: ModelId = Field(
        "", description="model to use for the rest of a turn if the main model is unavailable"
    )
    effort: Literal["", Effort] = Field(
        "", description="reasoning effort, for models that support it; empty: on, as much as usual"
    )
    wire: Literal["auto", "litellm"] = Field(
        "auto",
        description="auto: call common providers directly, others through LiteLLM; litellm: all",
    )
    bill_to: str = Field(
        "", description="organization that pays the Hugging Face router; empty: you"
    )
    price: Price | None = Field(
        None, description="price of the model in USD per million tokens, if it is unknown"
    )
    mode: Literal["", "ask", "auto", "read-only", "yolo"] = Field(
        "", description="permission mode; empty: ask in the chat, auto headless"
    )
    permissions: Permissions = Field(
        default_factory=lambda: Permissions(shipped=True), description="rules"
    )
    max_iterations: int = Field(300, ge=1, description="max model calls per turn")
    budget: Budget = Field(
        default_factory=lambda: Budget(turn=None, thread=None, day=None), description="caps in USD"
    )
    context_window: int | None = Field(
        None, ge=2000, description="the model's context window in tokens, if it is unknown"
    )
    vision: bool | None = Field(None, description="whether the model sees images, if it is unknown")
    undo_files: bool = Field(
        True, description="keep snapshots of the files that each turn changes, for undo"
    )
    claims: Literal["ask", "mark", "off"] = Field(
        "ask",
        description="numbers, URLs and paths of an answer that nothing in the session shows: ask "
        "(the model corrects them once, a footnote names the rest), mark (a footnote), off",
    )
    compact_at: int = Field(
        170_000,
        ge=1000,
        description="compact above this many tokens, or 90 % of the context window if that is less",
    )
    request_timeout: float = Field(
        600, gt=0, description="seconds without data until a model call times out"
    )
    local_base_url: str = Field(
        "", description="base URL of an OpenAI-compatible server, for models local/NAME"
    )
    hub_url: str = Field(
        "",
        description="address of the Hugging Face Hub; empty: HF_ENDPOINT, else https://huggingface.co",
    )
    dataset_viewer_url: str = Field(
        "https://datasets-server.huggingface.co",
        description="address of the Hub's dataset viewer; it gets the Hub token",
    )
    endpoints_url: str = Field(
        "https://api.endpoints.huggingface.cloud/v2",
        description="address of inference endpoints; it gets the Hub token",
    )
    arxiv_url: str = Field("https://arxiv.org", description="source of papers as HTML")
    ar5iv_url: str = Field(
        "https://ar5iv.labs.arxiv.org",
        description="source of papers that arXiv lacks as HTML",
    )
    semantic_scholar_url: str = Field(
        "https://api.semanticscholar.org",
        description="source of citations and searches by date",
    )
    github_url: str = Field("https://api.github.com", description="address of GitHub's REST API")
    web_hosts: list[str] = Field(
        default_factory=list,
        description="more hosts that web fetches without asking, besides documentation, arXiv, "
        "Hugging Face and GitHub; *.example.org covers all subdomains",
    )
    web_search_url: str = Field(
        "",
        description="address of a SearxNG-compatible search with JSON output; empty: public search "
        "engines, without a key",
    )
    child_tokens: list[str] = Field(
        default_factory=lambda: ["HF_TOKEN"],
        description="credentials that commands with network can use: HF_TOKEN as the file that "
        "HF_TOKEN_PATH names (huggingface_hub reads it), others as variables",
    )
    child_environment: list[str] = Field(
        default_factory=list,
        description="more variables that commands can read, by name or pattern (MY_*); patterns "
        "never match credentials",
    )
    sandbox_commands: Literal["auto", "required", "off"] = Field(
        "auto",
        description="command sandbox: auto (if one works), required (no command runs without one), "
        "off",
    )
    sandbox_writable: list[str] = Field(
        default_factory=list,
        description="more files and folders that commands in the command sandbox can change, "
        "besides the working directory, temporary files and caches",
    )
    share_traces: bool = Field(
        False, description="upload each session to your own private dataset on the Hub"
    )
    jobs_namespace: str = Field(
        "", description="account that runs and pays Hugging Face jobs; empty: you"
    )
    job_secrets: list[str] = Field(
        default_factory=lambda: ["HF_TOKEN", "GITHUB_TOKEN", "WANDB_API_KEY"],
        description="names of credentials that a job can get",
    )
    sandbox: SandboxSettings = Field(
        default_factory=lambda: SandboxSettings.model_validate({}),
        description="Hugging Face sandbox for commands and files",
    )
    mcpServers: dict[str, McpServer] = Field(
        default_factory=dict, description="MCP servers whose tools the model can use, by name"
    )
    mcp: McpLimits = Field(default_factory=lambda: McpLimits.model_validate({}), description="")
    hooks: Annotated[dict[str, list[HookGroup]], AfterValidator(_known_events)] = Field(
        default_factory=dict, description="commands that run at events of a session, by event"
    )
    claude_hooks: bool = Field(
        False,
        description="also run the hooks of ~/.claude/settings.json; only your own file sets it",
    )
    alert: Literal["all", "bell", "off"] = Field(
        "all",
        description="signal when the chat waits for you: all (bell and desktop), bell, off",
    )
    research: Research = Field(
        default_factory=lambda: Research.model_validate({}), description="limits of `research`"
    )
    notify: Notify = Field(
        default_factory=lambda: Notify.model_validate({}), description="notifications"
    )
    web: Web = Field(default_factory=lambda: Web.model_validate({}), description="web chat")
    database_url: str = Field(
        "",
        description="database of sessions: sqlite:////path or postgresql://...; empty: a SQLite "
        "file in the state directory",
    )
    state_dir: str = Field(
        "", description="folder of locks, command output and saved results; empty: the user's"
    )

    #: What the folder's file keeps mode and iterations below, whatever is chosen later.
    _mode_cap: str = PrivateAttr("")
    _iterations_cap: int | None = PrivateAttr(None)

    def keep_below(self, *, mode: str, max_iterations: int | None) -> None:
        """Let no later choice be looser: an option, what a thread remembers, a default."""
        self._mode_cap, self._iterations_cap = mode, max_iterations

    def capped_mode(self, chosen: str) -> str:
        """`chosen`, or the stricter mode that the folder's file needs."""
        return stricter(chosen, self._mode_cap)

    def capped_iterations(self, chosen: int) -> int:
        """`chosen`, or the fewer iterations that the folder's file needs."""
        return chosen if self._iterations_cap is None else min(chosen, self._iterations_cap)

    def state_path(self) -> Path:
        """The state directory, absolute; not created here."""
        if self.state_dir:
            return Path(self.state_dir).expanduser().absolute()
        return Path(user_folder("state")).absolute()
