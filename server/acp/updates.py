"""From a session's events and its stored history to the updates of the protocol."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from acp.helpers import (
    plan_entry,
    update_agent_message_text,
    update_agent_thought_text,
    update_plan,
    update_tool_call,
    update_user_message_text,
)
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from core import events as ev
from core.effects import Effect
from core.history import calls_of, is_note, said_by_person
from core.secrets.redaction import redacted, redacted_in
from core.state import PlanItem
from server.acp import calls

#: Lines of a running command that are shown.
LINES = 100
STATES = {"pending": "pending", "running": "in_progress", "rejected": "failed"}
EffectOf = Callable[[str, dict[str, Any]], Effect | None]


def of_plan(items: Sequence[PlanItem]) -> Any:
    return update_plan(plan_entry(item["text"], status=item["status"]) for item in items)


class Updates:
    """Those of one session.

    Args:
        effect_of: what a call would do. cwd: the session's folder.
    """

    def __init__(self, effect_of: EffectOf, cwd: str) -> None:
        self._effect_of = effect_of
        self._cwd = cwd
        self._streamed = False
        self._known: set[str] = set()
        self._lines: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LINES))
        self._printed: set[str] = set()
        self._plans: dict[str, list[PlanItem]] = {}

    def of_event(self, event: ev.Event) -> Iterator[Any]:
        match event:
            case ev.Processing(resumes="nothing"):
                yield update_agent_message_text("Nothing to resume. Send a message.\n\n")
            case ev.AssistantChunk(kind="answer"):
                self._streamed = True
                yield update_agent_message_text(event.text)
            case ev.AssistantChunk():
                yield update_agent_thought_text(event.text)
            case ev.AssistantStreamEnd(withdrawn=True) if self._streamed:
                self._streamed = False
                yield update_agent_message_text("\n\n*(cut off: asked again)*\n\n")
            case ev.AssistantMessage():
                if not self._streamed and event.text:
                    yield update_agent_message_text(event.text)
                self._streamed = False
            case ev.ToolCall() if event.id not in self._known:  # a resume tells it again
                yield self._started(event.id, event.tool, event.arguments)
            case ev.ToolLog() if event.id:
                self._log(event.id, event.text)
            case ev.ToolLog():
                yield update_agent_thought_text(f"{event.text}\n")
            case ev.ToolStateChange():
                if event.url:
                    self._log(event.id, event.url)
                if event.state in STATES:
                    status: Any = STATES[event.state]
                    yield update_tool_call(event.id, status=status)
            case ev.ToolOutput():
                yield from self._ended(event)
            case ev.Compacted():
                told = f"{event.tokens_before:,} to {event.tokens_after:,} tokens"
                yield update_agent_thought_text(f"Summarized the history: {told}.\n")

    def _started(self, id: str, tool: str, arguments: dict[str, Any]) -> Any:
        self._known.add(id)
        if tool == "plan" and isinstance(arguments.get("items"), list):
            self._plans[id] = arguments["items"]
        return calls.started(id, tool, arguments, self._effect_of(tool, arguments), self._cwd)

    def _log(self, id: str, text: str) -> None:
        self._lines[id].append(text)
        self._printed.add(id)

    def of_output(self) -> Iterator[Any]:
        """The newest lines of each call that printed since the last look and still runs."""
        while self._printed:
            id = self._printed.pop()
            yield update_tool_call(id, content=[calls.fenced("\n".join(self._lines[id]))])

    def _ended(self, event: ev.ToolOutput) -> Iterator[Any]:
        self._lines.pop(event.id, None)
        self._printed.discard(event.id)
        yield _result(event.id, event.tool, event.ok, event.text)
        plan = self._plans.pop(event.id, None)
        if plan is not None and event.ok:
            yield of_plan(plan)

    def of_history(self, messages: Sequence[AnyMessage]) -> Iterator[Any]:
        """A stored thread, the oldest first."""
        for message in messages:
            if isinstance(message, AIMessage):
                if message.text:
                    yield update_agent_message_text(redacted(message.text))
                for call in calls_of(message):
                    yield self._started(call.id, call.name, redacted_in(call.args))
            elif isinstance(message, ToolMessage):
                self._plans.pop(message.tool_call_id, None)
                ok = message.status == "success"
                yield _result(message.tool_call_id, message.name or "", ok, message.text)
            elif isinstance(message, HumanMessage) and not is_note(message):
                yield update_user_message_text(said_by_person(message))


def _result(id: str, tool: str, ok: bool, text: str) -> Any:
    """A call's end. The diff of a file that was written stays where it is."""
    keeps_diff = ok and tool in ("write", "edit")
    content = None if keeps_diff else [calls.fenced(text)]
    return update_tool_call(id, status="completed" if ok else "failed", content=content)
