"""A sub-agent: the same graph, run inside a tool call, with a prompt, tools and limits of its own.

It is compiled without a checkpointer, so that LangGraph gives it the run's own, under the name of
the task that it runs in. A kill inside it resumes inside it: the task is entered again, and the
graph continues at its own last step. Its calls have journal rows like any others; the call that it
works for has none. No one is asked inside (nodes/judge_calls.py), so nothing interrupts.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.config import get_config

from core.durable import InboxRow
from core.errors import ToolError
from core.events import Compacted, ToolCall, ToolLog, ToolOutput, from_dict
from core.history import calls_of, final_text
from core.model_errors import ModelError
from core.policy.paths import inside
from core.run import SubagentRun
from core.state import OURS, AgentState, Turn
from core.subagent import Subagent, Turnstile
from core.tool import AgentContext, AgentTool, RunSubagent, ToolContext, ToolResult
from graph.stream import RECURSION_LIMIT, Graph
from nodes.budget import caps_of
from nodes.opening import NO_USAGE
from nodes.surroundings import surroundings
from nodes.verdicts import main_words

#: Characters of a step's line, and of what is handed on of a sub-agent that ended early.
LINE, PARTIAL = 120, 5_000


class NoInbox:
    """What a user types during the run is for the thread's own model."""

    async def after(self, thread: str, seq: int) -> list[InboxRow]:
        return []


class NothingSeen:
    """What a sub-agent reads, the thread's own model has not seen."""

    async def mark(self, thread: str, path: str, sha256: str) -> None:
        return None

    async def get(self, thread: str, path: str) -> str | None:
        return None


class OwnSeen:
    """What a sub-agent that may write has read, in its own memory: after a crash it reads again."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    async def mark(self, thread: str, path: str, sha256: str) -> None:
        self._seen[path] = sha256

    async def get(self, thread: str, path: str) -> str | None:
        return self._seen.get(path)


def subagents_of(app: Callable[[], Graph]) -> RunSubagent:
    """What runs the compiled graph that `app` returns inside a tool call."""

    async def run_subagent(ctx: ToolContext, task: str, subagent: Subagent) -> ToolResult:
        try:
            get_config()
        except RuntimeError:
            raise ToolError(f"{ctx.tool} runs inside a turn of the graph") from None
        context = _context(ctx, subagent)
        begin: AgentState = {
            "messages": [await _task(ctx, task)],
            "turn": await _turn(ctx, subagent.share),
        }
        lines = Lines(ctx)
        state: AgentState = {}
        failed: ModelError | None = None
        queue = subagent.queue or Turnstile()
        # If the task is entered again, LangGraph continues and leaves `begin` aside.
        stream = app().astream(
            begin,
            {"recursion_limit": RECURSION_LIMIT},
            context=context,
            stream_mode=["custom", "values"],
        )
        steps = cast(AsyncGenerator[tuple[str, Any], None], stream)
        try:
            await queue.wait()
            async with aclosing(steps) as told:
                async for mode, data in told:
                    queue.passed()
                    if mode == "values":
                        state = data
                    else:
                        lines.tell(data)
        except ModelError as error:
            if not _found(state.get("messages", [])):
                raise
            failed = error
        finally:
            queue.passed()
        return _with_usage(_result(state, failed), state)

    return run_subagent


def _context(ctx: ToolContext, subagent: Subagent) -> AgentContext:
    """By the cheaper model or its file's own; the model of the thread replaces it if needed."""
    outer, services = ctx.context, ctx.services
    assert outer is not None
    assert ctx.scope is not None
    main = outer.model or services.settings.model_name
    small = subagent.model or services.settings.small_model_name
    own = replace(
        services,
        tools=cast(Mapping[str, AgentTool], subagent.tools),
        inbox=NoInbox(),
        files_seen=NothingSeen() if subagent.mode == "read-only" else OwnSeen(),
        inside=SubagentRun(ctx.call_id, subagent.prompt, subagent.copy_of),
        whole_history=None,
        report=None,
        tell=None,
        # Undo keeps the thread's own folder.
        changing_files=None if subagent.copy_of else services.changing_files,
    )
    return AgentContext(
        model=small or main,
        mode=subagent.mode,
        cwd=ctx.cwd,
        fallback_model=main if small and small != main else outer.fallback_model,
        max_iterations=subagent.max_iterations,
        max_cost_micro_usd=outer.max_cost_micro_usd,
        invocation=ctx.scope.invocation,
        allow=[] if subagent.mode == "read-only" else outer.allow,
        deny=outer.deny,
        stream=outer.stream,
        interactive=False,
        frozen=_frozen(outer.frozen, ctx.cwd, subagent.copy_of),
        services=own,
    )


def _frozen(frozen: Sequence[str], cwd: str, original: str) -> list[str]:
    """What judges the work; in a copy also its own, and all of the original."""
    if not original:
        return [*frozen]
    below = [path for path in frozen if inside(path, original)]
    own = [os.path.normpath(os.path.join(cwd, os.path.relpath(path, original))) for path in below]
    return [*frozen, *own, original]


async def _task(ctx: ToolContext, task: str) -> HumanMessage:
    now = ctx.services.clock()
    block = await asyncio.to_thread(surroundings, ctx.cwd, now)
    kept = {OURS: {"text": task, "at": now}}
    return HumanMessage(f"{block}\n\n{task}", id=f"task-{ctx.call_id}", additional_kwargs=kept)


async def _turn(ctx: ToolContext, share: float) -> Turn:
    """The turn as it begins, under the outer one's name: what it spends counts for that one."""
    assert ctx.context is not None
    assert ctx.scope is not None
    named = turn_named(ctx.scope.turn)
    turn: Turn = {
        "number": named["number"],
        "started": named["started"],
        "seq": 0,
        "before": None,
        "status": "running",
        "iterations": 0,
        "usage": dict(NO_USAGE),
        "cost_micro_usd": 0,
        "host": socket.gethostname(),
    }
    caps = caps_of(ctx.context, ctx.services.settings)
    left = await ctx.services.ledger.left(ctx.scope, caps)
    if left is not None:
        turn["slice"] = max(0, int(left[0] * share))
    return turn


class Lines:
    """A sub-agent's events as lines of its call: one as each of its calls begins, and why one of
    them failed."""

    def __init__(self, ctx: ToolContext) -> None:
        self._run = ctx
        self._told: set[str] = set()

    def tell(self, data: object) -> None:
        if not isinstance(data, dict) or "event" not in data:
            return
        match from_dict(data):
            case ToolCall(id=call, tool=tool, title=title) if call not in self._told:
                self._told.add(call)
                self._run.log(_short(f"{tool} {title}"))
            case ToolOutput(ok=False, tool=tool, text=text):
                self._run.log(_short(f"{tool}: {text}"))
            case ToolLog(id="", tool=tool, text=text):
                self._run.log(_short(f"{tool}: {text}"))
            case Compacted():
                self._run.log("its context was summarised")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"


def _result(state: AgentState, failed: ModelError | None) -> ToolResult:
    """The report; of a run that ended early what it had found, and why it ended."""
    messages, turn = state.get("messages", []), state.get("turn", {})
    status = turn.get("status")
    if failed is None and status == "done":
        return ToolResult(final_text(messages))
    found = _found(messages) or _looked(messages)
    if failed is not None:
        said, outcome = f"It failed: {failed.message}", "failed"
    elif status == "interrupted":
        said, outcome = "Interrupted by the user", "interrupted"
    else:
        said, outcome = f"It ended early: {turn.get('reason', '')}", "failed"
    text = f"{said}. What it had found so far:\n{found}"
    return ToolResult(text, ok=False, outcome=outcome)  # type: ignore[arg-type]


def _with_usage(result: ToolResult, state: AgentState) -> ToolResult:
    turn = state.get("turn", {})
    used = turn.get("usage", NO_USAGE)
    tokens = used["input"] + used["output"]
    return replace(result, cost_micro_usd=turn.get("cost_micro_usd", 0), tokens=tokens)


def _found(messages: Sequence[AnyMessage]) -> str:
    """What its answers said, the newest of it where that is long."""
    texts = [m.text.strip() for m in messages if isinstance(m, AIMessage) and m.text.strip()]
    return "\n\n".join(texts)[-PARTIAL:]


def _looked(messages: Sequence[AnyMessage]) -> str:
    calls = [call for m in messages if isinstance(m, AIMessage) for call in calls_of(m)]
    lines = [_short(f"- {call.name} {' '.join(main_words(call.args))}") for call in calls]
    if not lines:
        return "nothing."
    return "\n".join(["nothing was written down; it had looked at", *lines])[:PARTIAL]


def turn_named(key: str) -> Turn:
    """Number and start of the turn that `key_of` named."""
    _, number, started = key.rsplit("/", 2)
    return {"number": int(number), "started": float(started)}
