"""Reading a message history: pure functions over `AgentState["messages"]`.

One iteration is an answer of the model and the tool messages that answer its calls. All
questions that routing, nodes and repair ask of a history are asked here, once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from core.state import OURS, PlanItem
from core.tool import ToolResult


class Call(NamedTuple):
    """One tool call of an answer, with our own id."""

    id: str
    name: str
    args: dict[str, Any]


def calls_of(answer: AIMessage) -> list[Call]:
    return [Call(c["id"] or "", c["name"], c["args"]) for c in answer.tool_calls]


def last_answer(messages: Sequence[BaseMessage]) -> AIMessage | None:
    """The newest answer, if only tool messages came after it; None once a user spoke."""
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            return message
        if not isinstance(message, ToolMessage):
            return None
    return None


def results_of(messages: Sequence[BaseMessage]) -> dict[str, ToolMessage]:
    """The tool messages behind the newest answer, by call id."""
    found: dict[str, ToolMessage] = {}
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        found[message.tool_call_id] = message
    return found


def pending_calls(messages: Sequence[BaseMessage]) -> list[Call]:
    """Calls of the newest answer that no tool message answers yet, in the model's order."""
    answer = last_answer(messages)
    if answer is None:
        return []
    answered = results_of(messages)
    return [call for call in calls_of(answer) if call.id not in answered]


def unanswered(messages: Sequence[BaseMessage]) -> list[Call]:
    """Calls anywhere in the history that no tool message answers. In a history that we alone
    wrote, only the newest answer can have any."""
    answered = {m.tool_call_id for m in messages if isinstance(m, ToolMessage)}
    answers = (m for m in messages if isinstance(m, AIMessage))
    return [call for answer in answers for call in calls_of(answer) if call.id not in answered]


def with_results(
    messages: Sequence[AnyMessage], results: Mapping[str, ToolMessage]
) -> list[AnyMessage]:
    """`messages` with each of `results` (by call id) behind the answer that called it."""
    mended: list[AnyMessage] = []
    waiting: list[ToolMessage] = []
    for message in messages:
        if not isinstance(message, ToolMessage):
            mended += waiting
            waiting = []
        mended.append(message)
        if isinstance(message, AIMessage):
            waiting = [results[call.id] for call in calls_of(message) if call.id in results]
    return [*mended, *waiting]


def tool_message(
    call: Call, result: ToolResult, now: float = 0.0, seconds: float = 0.0
) -> ToolMessage:
    """The message that answers `call`; `now` in epoch seconds, `seconds`: how long it ran. Its id
    follows from the call's, so a second write of the same result takes the first one's place."""
    known = {"at": now, "seconds": seconds}
    content: Any = result.text
    if result.images:
        content = [{"type": "text", "text": result.text}] + [
            {
                "type": "image_url",
                "image_url": {"url": f"data:{i['mime_type']};base64,{i['base64']}"},
            }
            for i in result.images
        ]
    return ToolMessage(
        content=content,
        tool_call_id=call.id,
        name=call.name,
        id=f"result-{call.id}",
        status="success" if result.ok else "error",
        additional_kwargs={
            OURS: {
                "outcome": result.outcome,
                **{key: value for key, value in known.items() if value},
            }
        },
    )


def time_of(message: BaseMessage) -> float:
    """When a message was stored, epoch seconds; 0: an older version stored it."""
    return float(message.additional_kwargs.get(OURS, {}).get("at", 0.0))


def seconds_of(message: BaseMessage) -> float | None:
    """How long the call ran that this message answers; None: not known."""
    seconds: float | None = message.additional_kwargs.get(OURS, {}).get("seconds")
    return seconds


def thinking_of(message: AIMessage) -> str:
    """What the model thought before this answer, as far as its provider shows it."""
    blocks = message.additional_kwargs.get("thinking_blocks") or []
    thought = "\n".join(str(block.get("thinking", "")) for block in blocks)
    return thought or str(message.additional_kwargs.get("reasoning_content") or "")


def outcome_of(message: BaseMessage) -> str:
    """`ToolResult.outcome` of a tool message of ours; "" for any other message."""
    return str(message.additional_kwargs.get(OURS, {}).get("outcome", ""))


def was_interrupted(messages: Sequence[BaseMessage]) -> bool:
    """Whether a user stopped the calls of the newest answer."""
    return any(outcome_of(m) == "interrupted" for m in results_of(messages).values())


def is_summary(message: BaseMessage) -> bool:
    """Whether a compaction wrote this message in place of others."""
    return bool(message.additional_kwargs.get(OURS, {}).get("summary"))


def note(text: str, id: str) -> HumanMessage:
    """Words of ours to the model, where no user spoke."""
    return HumanMessage(text, id=id, additional_kwargs={OURS: {"note": True}})


def is_note(message: BaseMessage) -> bool:
    return bool(message.additional_kwargs.get(OURS, {}).get("note"))


def turn_of(message: BaseMessage) -> int:
    """Number of the turn that a user's message began or joined; 0: stored by an older version."""
    return int(message.additional_kwargs.get(OURS, {}).get("turn", 0))


def said_by_person(message: BaseMessage) -> str:
    """The words of a user's message, without what was put before them for the model."""
    return str(message.additional_kwargs.get(OURS, {}).get("text") or message.text)


MARKS = {"completed": "[x]", "in_progress": "[>]", "pending": "[ ]"}


def as_checklist(plan: Sequence[PlanItem]) -> str:
    """The plan as lines: `[x]` completed, `[>]` in progress, `[ ]` pending."""
    return "\n".join(f"{MARKS[item['status']]} {item['text']}" for item in plan)


def waits_for_answer(messages: Sequence[BaseMessage]) -> bool:
    """Whether the newest message is a user's."""
    return bool(messages) and isinstance(messages[-1], HumanMessage)


def final_text(messages: Sequence[AnyMessage]) -> str:
    """What the newest answer said, without its thinking; "" if there is none."""
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            return message.text
        if isinstance(message, HumanMessage):
            return ""
    return ""
