"""The seventeen events: what a session tells the program that drives it.

The order is part of the contract. A session: `ready` first, `shutdown` last. A turn:
`processing` first, and again for each queued message that joins; exactly one of
`turn_complete`, `error`, `interrupted`, `approval_required`, `waiting` last; `assistant_stream_end`
before the `tool_call`s of that answer; `tool_call` before that call's `tool_log`,
`tool_state_change` and `tool_output`. `compacted` and `undo_complete` may be outside of a turn.

Nodes and tools emit events through nodes/emit.py; `graph/event_filter.py` drops repeats;
`graph/session.py` stamps each with thread, turn and seq.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

SCHEMA_VERSION = 1

ToolState = Literal[
    "pending",
    "approved",
    "edited",
    "rejected",
    "running",
    "done",
    "failed",
    "interrupted",
    "unknown",
]
TurnStatus = Literal["done", "error", "limit", "approval", "interrupted"]


@dataclass(kw_only=True)
class Event:
    """What every event carries. `turn` is the turn's number in its thread, from 1 (0: none
    yet); `seq` counts the events of this session, from 1, or from where the program says."""

    name: ClassVar[str] = ""
    thread: str = ""
    turn: int = 0
    seq: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The event as one JSON object, the line that `--output stream-json` prints."""
        payload = dict(vars(self))
        head = {k: payload.pop(k) for k in ("thread", "turn", "seq")}
        return {"event": self.name, "schema_version": SCHEMA_VERSION, **head, **payload}


@dataclass(kw_only=True)
class Ready(Event):
    name = "ready"
    tools: list[str]
    model: str
    mode: str


@dataclass(kw_only=True)
class Processing(Event):
    """A message begins a turn, or joins it in the middle: `text`, and `number`, its place in the
    thread's inbox. `resumes`: nothing new was said, the turn of `text` continues after an
    "approval", a "limit" or a "wait", or because it was "cut off"; "nothing": it has ended."""

    name = "processing"
    text: str
    number: int = 0
    resumes: Literal["", "approval", "cut off", "limit", "wait", "nothing"] = ""


@dataclass(kw_only=True)
class AssistantChunk(Event):
    name = "assistant_chunk"
    text: str
    kind: Literal["answer", "thinking"] = "answer"


@dataclass(kw_only=True)
class AssistantMessage(Event):
    name = "assistant_message"
    text: str


@dataclass(kw_only=True)
class AssistantStreamEnd(Event):
    """`withdrawn`: what was shown of this answer is void, another attempt follows or the
    turn ends in an error."""

    name = "assistant_stream_end"
    finish_reason: str = "stop"
    withdrawn: bool = False


@dataclass(kw_only=True)
class ToolCall(Event):
    """`title`: the call in a few words, to be shown behind the tool's name."""

    name = "tool_call"
    id: str
    tool: str
    arguments: dict[str, Any]
    effect: str
    title: str = ""


@dataclass(kw_only=True)
class ToolOutput(Event):
    """`seconds` is wall time; `truncated` says that `text` is not all of it; `summary`: what came
    of it in a line, "" if the text itself is to be shown."""

    name = "tool_output"
    id: str
    tool: str
    ok: bool
    text: str
    truncated: bool = False
    seconds: float = 0.0
    summary: str = ""


@dataclass(kw_only=True)
class ToolLog(Event):
    """A line of a running command or job, a sub-agent's step, a retry's wait (tool "model",
    id ""). `progress`: the loss, step and time left of a training, by this line and those before
    it (core/training.py)."""

    name = "tool_log"
    id: str
    tool: str
    text: str
    progress: str = ""


@dataclass(kw_only=True)
class ToolStateChange(Event):
    name = "tool_state_change"
    id: str
    tool: str
    state: ToolState
    url: str = ""


@dataclass(kw_only=True)
class ApprovalRequired(Event):
    """`requests`: [{id, tool, arguments, effect, title, reason, marks, price_micro_usd,
    left_micro_usd, preview, decisions}]; `marks`: what is dangerous in it, in words;
    `left_micro_usd`: what the caps leave, None without any; `decisions`: the kinds that fit."""

    name = "approval_required"
    requests: list[dict[str, Any]]


@dataclass(kw_only=True)
class Waiting(Event):
    """The turn waits, and no process is needed meanwhile. `call`: the id of its call; `reasons`:
    what it waits for, in words, of which the first one wakes it; `since` and `until` (None: for as
    long as it takes) in epoch seconds; `note`: what the model does next."""

    name = "waiting"
    call: str
    reasons: list[str]
    since: float
    until: float | None = None
    note: str = ""


@dataclass(kw_only=True)
class TurnComplete(Event):
    """`usage`: tokens {input, cached, output, reasoning} of the model; `cost_micro_usd`: what the
    ledger has for the whole turn (model, sub-agents, jobs, sandbox; what is set aside counts), None
    when a price is unknown; `seconds`: wall time of the whole turn, approvals included; `reason`:
    why it ended, where `status` is not done; `left_micro_usd`: what the caps leave, None without
    any; `since`: when it began, epoch seconds, where that was in an earlier process, else 0;
    `claims`: [{text, call}], numbers, URLs and paths of the answer with the call that has them,
    "user", "answer" (it shows itself), or None: nothing in the thread has it."""

    name = "turn_complete"
    status: TurnStatus
    text: str
    iterations: int
    usage: dict[str, int]
    cost_micro_usd: int | None
    seconds: float
    reason: str = ""
    since: float = 0.0
    left_micro_usd: int | None = None
    claims: list[dict[str, str | None]] = field(default_factory=list)


@dataclass(kw_only=True)
class Error(Event):
    """`kind` is `AgentError.kind`; `hint` is what to do."""

    name = "error"
    kind: str
    message: str
    hint: str = ""


@dataclass(kw_only=True)
class Interrupted(Event):
    """`at`: what was continuing: "model", "tools", or the reason given with the stop."""

    name = "interrupted"
    at: str


@dataclass(kw_only=True)
class Compacted(Event):
    name = "compacted"
    tokens_before: int
    tokens_after: int


@dataclass(kw_only=True)
class UndoComplete(Event):
    name = "undo_complete"
    undone_turn: int
    files_restored: list[str] = field(default_factory=list)
    files_left: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Shutdown(Event):
    name = "shutdown"


EVENTS: Mapping[str, type[Event]] = {
    cls.name: cls
    for cls in (
        Ready, Processing, AssistantChunk, AssistantMessage, AssistantStreamEnd, ToolCall,
        ToolOutput, ToolLog, ToolStateChange, ApprovalRequired, Waiting, TurnComplete, Error,
        Interrupted, Compacted, UndoComplete, Shutdown,
    )
}  # fmt: skip

Emit = Callable[[Event], None]


def from_dict(data: Mapping[str, Any]) -> Event:
    """The event that `to_dict` made `data` of. Raises KeyError for a name we do not know."""
    payload = {k: v for k, v in data.items() if k not in ("event", "schema_version")}
    return EVENTS[data["event"]](**payload)
