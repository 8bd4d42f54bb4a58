"""What a tool is, and what a run gives it: AgentTool, ToolContext, Services, AgentContext.

`AgentContext` is LangGraph's context schema, so Studio shows its JSON fields as a form; all have
defaults. Its field `services` holds the live parts; if no one passes them (Studio, LangGraph
Server), `nodes/services.py` opens a set for the process, once. They are in one file because each
needs the others: a call sees the services, and the services hold the tools.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from langchain_core.messages import AnyMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema

from configs.settings import Settings
from core.backend import Backend
from core.call_span import CallSpan, no_span
from core.durable import FilesSeen, Grants, Inbox, Journal, Ledger, Scope, ThreadFiles, Waits
from core.effects import Effect
from core.events import Emit, ToolLog
from core.experiments.record import Experiments
from core.model import ModelClient
from core.run import Mode, Reach, StopSignal, SubagentRun
from core.state import PlanItem
from core.subagent import Subagent
from core.titles import title_of
from core.training import Training

Outcome = Literal["done", "failed", "rejected", "interrupted", "unknown"]


@dataclass
class ToolResult:
    """What one call comes back with.

    Attributes:
        text: for the model, what it needs first; bounded later, by execute_tools.
        ok: False is a failure and said as one (`status="error"`).
        outcome: done, failed, rejected, interrupted (stopped half-way), unknown (no one can
            tell whether it happened).
        images: [{"mime_type", "base64"}], shown to models that see.
        plan: the checklist that takes the place of the thread's; None leaves it as it is.
        cost_micro_usd: what a call that spends really cost; None: its price.
        still_costs: what was set aside stays so: it continues (a job), and is settled when it ends.
        tokens: of the model, of a call that ran a sub-agent.
    """

    text: str
    ok: bool = True
    outcome: Outcome = "done"
    images: list[dict[str, str]] = field(default_factory=list)
    plan: list[PlanItem] | None = None
    cost_micro_usd: int | None = None
    still_costs: bool = False
    tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ToolResult:
        return cls(**data)


@dataclass
class ToolContext:
    """One call under way, as its tool sees it.

    Attributes:
        call_id: ours, unique in the database. thread: the thread's id.
        cwd: absolute path of the thread's working directory. model: who will read the result.
        note: stores evidence in the journal; call it right BEFORE the effect. A call without
            a note is taken as not begun when a later process finds it, and is run again.
        wait: False when `recover` should tell what is known now, and wait for nothing.
        places: by path as the call names it, below its folder, where it led when it was judged.
        reach: what a command may reach. training: what the lines of `log` told of one.
        context, scope: the run's options, and what its charges count toward; None outside of one.
        run_subagent: runs the graph inside this call; None outside of a run.
    """

    call_id: str
    tool: str
    thread: str
    cwd: str
    services: Services
    emit: Emit
    note: Callable[[dict[str, Any]], Awaitable[None]]
    model: str = ""
    wait: bool = True
    context: AgentContext | None = None
    scope: Scope | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    reach: Reach = "network"
    run_subagent: RunSubagent | None = None
    training: Training = field(default_factory=Training)

    def log(self, text: str) -> None:
        """One line of progress, shown while the call runs."""
        now = self.services.clock()
        self.training.read(text, now)
        progress = self.training.line(now)
        self.emit(ToolLog(id=self.call_id, tool=self.tool, text=text, progress=progress))


class AgentTool(BaseTool):
    """A tool of ours: a LangChain tool with a declared effect. Copy tools/local/read.py.

    Subclasses set `name`, `description`, `args_schema` (a pydantic model) and implement
    `effect` and `execute`; those whose effect must not happen twice also `recover`.
    """

    args_schema: type[BaseModel]
    #: The user answers the call, through approval (`respond`); if no one is there, `execute` does.
    answered_by_person: bool = False
    #: It acts where commands run and files live: maybe in a sandbox.
    in_backend: bool = False
    #: What it does is outside of this machine, or no one knows where: undo names it.
    acts_elsewhere: bool = False
    #: It can look things up and change nothing: a sub-agent has it, too.
    looks_up: bool = False
    #: It runs the graph inside its task: its calls have the rows, it continues at its own last step
    #: and ends by itself on the stop signal.
    is_subagent: bool = False
    #: Kinds of effects that `foresee` is asked of, next to those that spend.
    foresees: tuple[str, ...] = ()
    #: The arguments that tell what a call is about, in their order: see `title`.
    titled_by: tuple[str, ...] = ()

    def title(self, arguments: Mapping[str, Any]) -> str:
        """The call in a few words, from arguments as the model sent them, valid or not."""
        return title_of(arguments, self.titled_by)

    def summary(self, text: str) -> str:
        """What came of a call, in a line, from its result's text; "": the text is shown."""
        return ""

    def effect(self, arguments: Any, cwd: str) -> Effect:
        """What this call does, from its validated arguments. Pure and quick: no I/O."""
        raise TypeError(f"{self.name} declares no effect")

    async def foresee(self, arguments: Any, ctx: ToolContext) -> Effect:
        """`effect`, with what has to be asked for first (a price, a check), before the verdict: of
        calls that spend, always ask, or that `foresees` names. A ToolError: it cannot run."""
        return self.effect(arguments, ctx.cwd)

    def runs_subagents(self, arguments: Any) -> bool:
        """Whether this call is such a run: see `is_subagent`."""
        return self.is_subagent

    def may_change_files(self, arguments: Any, effect: Effect) -> bool:
        """Whether files of the working directory may be others after the call: undo looks at them
        before and after it."""
        unseen = self.acts_elsewhere and effect.kind != "read"
        return unseen or effect.kind in ("write", "execute")

    def stands_for(self, arguments: Any) -> tuple[str, dict[str, Any]] | None:
        """The tool and arguments that this call really means, where it means another's: the rules
        for that one hold."""
        return None

    async def execute(self, arguments: Any, ctx: ToolContext) -> ToolResult:
        """Do it. The text of a ToolError, or of any other exception, goes to the model as a failure
        of this call. Cancelled when the user interrupts: clean up, re-raise."""
        raise TypeError(f"{self.name} cannot run")

    async def recover(
        self, arguments: Any, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        """After a crash between `note` and the result: did it happen?

        Returns the result if that can be found out (a command is waited for), None if no one
        can tell. Raises NotBegun if it certainly did not happen: it is then run again.
        """
        return None

    def __hash__(self) -> int:
        # One object per tool and process: what is derived from it (its spec) is kept by it.
        return id(self)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self.name} is async and runs inside a tool call: use execute()")


class NotBegun(Exception):
    """Raised by `recover`: the effect did not happen, so running the call is safe."""


#: Runs the graph inside a tool call (graph/subagent.py): what the sub-agent says of a task, or had
#: found when it ended early. Raises ModelError if no answer came at all.
RunSubagent = Callable[[ToolContext, str, Subagent], Awaitable[ToolResult]]
#: What a call that may change files runs in.
ChangingFiles = Callable[[AgentTool, BaseModel, Effect], AbstractAsyncContextManager[None]]


@dataclass
class Services:
    """The live parts, opened once by nodes/services.py and shared by all runs of a process.

    A session's own: `stop`; `changing_files`, what a call that may change files runs in, for undo;
    `tools`, those of MCP servers too, as of the turn; `inside`, set if the run is a sub-agent's;
    `whole_history`, with what was compacted; `report`, what reproduces the thread's run up to the
    answer with this call, None in a sub-agent; `call_span`, which records a call; `tell`, where the
    events of the run under way go, None: to LangGraph's stream.
    """

    settings: Settings
    models: ModelClient
    journal: Journal
    inbox: Inbox
    ledger: Ledger
    grants: Grants
    waits: Waits
    experiments: Experiments
    files_seen: FilesSeen
    backend: Backend
    outputs: ThreadFiles
    tools: Mapping[str, AgentTool]
    clock: Callable[[], float]
    stop: StopSignal
    changing_files: ChangingFiles | None = None
    #: When each job was last looked at, by its id: the Hub is not asked at every step.
    looked: dict[str, float] = field(default_factory=dict)
    inside: SubagentRun | None = None
    whole_history: Callable[[], Awaitable[list[AnyMessage]]] | None = None
    report: Callable[[str], Awaitable[dict[str, Any]]] | None = None
    call_span: CallSpan = no_span
    tell: Emit | None = None


if TYPE_CHECKING:
    Live = Services | None
else:
    # Studio makes a form of the context's schema: what is live has no place in it.
    Live = Annotated[Any, SkipJsonSchema()]


@dataclass
class AgentContext:
    """The options of a run.

    Attributes:
        model: an id as `-m` takes it; empty: the settings' choice.
        mode: ask, auto, read-only or yolo (docs/architecture.md).
        cwd: the working directory; empty: the process's.
        fallback_model: takes the model's place for the rest of a turn in which it is unavailable.
        effort: how much a model that can reason should reason, from none to max; empty: as much as
            usual, and also if it reasons only when asked.
        max_iterations: answers of the model in one turn.
        max_cost_micro_usd: cap of this invocation in millionths of a dollar; None: no cap. The
            settings' `budget` caps turn, thread and day next to it.
        invocation: whose money it is: one start of the program; empty: the run's own.
        allow, deny: rules next to those of the settings (core/policy/rules.py).
        stream: show the answer as it comes.
        interactive: a user is there and can be asked.
        frozen: absolute paths that judge the work (a goal's check): calls must not change them.
        experiment: the one that the user asked for (core/experiments/asked.py); {}: any.
        patience: seconds that a run waits for a quota or credit; 0: it fails at once.
    """

    model: str = ""
    mode: Mode = "ask"
    cwd: str = ""
    fallback_model: str = ""
    effort: str = ""
    max_iterations: int = 300
    max_cost_micro_usd: int | None = None
    invocation: str = ""
    allow: list[str] = field(default_factory=list)
    deny: list[str] = field(default_factory=list)
    stream: bool = True
    interactive: bool = True
    frozen: list[str] = field(default_factory=list)
    experiment: dict[str, Any] = field(default_factory=dict)
    patience: float = 0.0
    services: Live = None
