"""AgentState: the one typed state of the graph.

Plain types only (dict, list, str, int, float, bool, None, LangChain messages): the strict
msgpack serializer turns anything else into a dict with a mere log line.
"""

from typing import Annotated, Any, Literal, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.channels import DeltaChannel

# Studio shows the state as a form; pydantic takes this TypedDict alone before Python 3.12.
from typing_extensions import TypedDict

from core.reduce_messages import reduce_messages

#: How many updates of `messages` pass between two full copies on disk; LangGraph makes one
#: every 5000 supersteps anyway. Each copy is the whole history, so copies grow quadratically.
#: Measured: with 1000, 600 iterations take 2.35 times what 300 take, with 5000 twice.
SNAPSHOT_FREQUENCY = 5000

#: Where our own facts about a message are in its `additional_kwargs`. Never sent to a model.
OURS = "ml_agent"


class Decision(TypedDict):
    """What a user said about one call, LangChain's shape flattened.

    type: approve, edit (with `arguments`), reject or respond (with `message`). rule: granted for
    the thread with it.
    """

    type: Literal["approve", "edit", "reject", "respond"]
    message: NotRequired[str]
    rule: NotRequired[str]
    arguments: NotRequired[dict[str, Any]]


#: The verdict's rule of a call that the user answers (`AgentTool.answered_by_person`).
QUESTION = "question"


class Verdict(TypedDict):
    """What policy said about one call, written in the same update as the answer itself, so
    that routing is a pure function of the state and approval asks for exactly what is stored.

    action: run, ask (a user decides), deny (policy refuses), invalid (the call cannot be
    run: its arguments do not fit, or were cut off). `rule` says which rule decided. A call that
    simply runs keeps no more, as each step writes its verdicts several times; any other has the
    `reason`, the `preview` and what the caps leave; what is asked has a `title` and `marks`
    (what is dangerous in it), too.
    sandbox: the price is that of the thread's sandbox, which this call may start. places: by
    path as the call names it, below its folder, where it led when it was judged. reach: what a
    command may reach (core/run.py). alone: nothing runs next to it. hook: hooks come first;
    hook_context: what they add to it.
    """

    action: Literal["run", "ask", "deny", "invalid"]
    effect: str
    rule: str
    reason: NotRequired[str]
    price_micro_usd: NotRequired[int | None]
    preview: NotRequired[str]
    title: NotRequired[str]
    marks: NotRequired[list[str]]
    left_micro_usd: NotRequired[int]
    sandbox: NotRequired[bool]
    places: NotRequired[dict[str, str]]
    alone: NotRequired[bool]
    reach: NotRequired[Literal["network", "offline", "read-only", "outside"]]
    hook: NotRequired[bool]
    hook_context: NotRequired[str]
    decision: NotRequired[Decision]


class PlanItem(TypedDict):
    id: str
    text: str
    status: Literal["pending", "in_progress", "completed"]


TurnStatus = Literal["opening", "running", "done", "interrupted", "limit", "error"]


class Turn(TypedDict, total=False):
    """The turn under way, or the last one.

    number: from 1; 0 at the thread's root. seq: the newest inbox row taken. before: id of
    the checkpoint before it (undo goes there). started: epoch seconds. usage: tokens of all
    its answers {input, cached, output, reasoning}. cost_micro_usd: None once a price was
    unknown. reason: why it ended early; error: {kind, message, hint} where it failed.
    cut: answers in a row that ended at the token limit. planned: the plan was written in this
    turn; nudges: how often the model was told about its open items. written: answers in a row that
    were tool calls written as text. unsourced: claims without a source that the model was told
    to correct. compact: why a compaction is due
    ("threshold", "too long", "requested"). compacted: the iteration of the last one. refused:
    requests in a row that the provider found too long. host: the machine that the model was told
    it works on. model: the fallback that took over in this turn. slice: most micro-USD that a
    sub-agent may cost, settled when it began. stop_hooks: how often hooks made it continue.
    """

    number: int
    seq: int
    iterations: int
    before: str | None
    redo: str | None
    status: TurnStatus
    reason: str
    error: dict[str, str]
    started: float
    usage: dict[str, int]
    cost_micro_usd: int | None
    cut: int
    planned: bool
    nudges: int
    written: int
    unsourced: int
    compact: str
    compacted: int
    refused: int
    host: str
    model: str
    slice: int
    stop_hooks: int


class LoopGuard(TypedDict, total=False):
    """streak: the signature of the loop that was last noted; a second catch ends the turn.
    total: catches of any loop in the turn of that number."""

    streak: str
    catches: int
    total: int
    turn: int


class TokenCount(TypedDict, total=False):
    """The first `messages` of the history, up to the one with the id `last`, cost `tokens` or
    less. Kept, so that a long history is not counted again after a restart."""

    messages: int
    last: str
    tokens: int


def newest(_: Any, written: Any) -> Any:
    """Of several writes in one superstep the last one counts."""
    return written


class AgentState(TypedDict, total=False):
    """messages: the conversation as the model sees it, system prompt excluded.
    verdicts: by call id, of the last answer only. plan: the checklist. granted: rules that a
    user granted for this thread. told: jobs, and calls that began a
    command, whose end the model knows. token_count: empty until the history had to be counted."""

    messages: Annotated[
        list[AnyMessage], DeltaChannel(reduce_messages, snapshot_frequency=SNAPSHOT_FREQUENCY)
    ]
    verdicts: dict[str, Verdict]
    plan: Annotated[list[PlanItem], newest]
    turn: Turn
    loop_guard: LoopGuard
    granted: list[str]
    told: list[str]
    token_count: TokenCount
