"""How an answer, its calls and their results are told; a call's title, and its result in a line."""

from collections.abc import Mapping, Sequence

from core.events import (
    AssistantMessage,
    AssistantStreamEnd,
    ToolCall,
    ToolOutput,
    ToolStateChange,
)
from core.history import Call
from core.model import Answer
from core.state import Verdict
from core.titles import title_of
from core.tool import AgentTool, ToolResult
from nodes.step import Step


def tell_answer(
    step: Step, answer: Answer, calls: Sequence[Call], verdicts: Mapping[str, Verdict]
) -> None:
    """An answer has ended: its text, and its calls, which wait for their turn."""
    step.emit(AssistantStreamEnd(finish_reason=answer.finish_reason))
    if answer.message.text:
        step.emit(AssistantMessage(text=answer.message.text))
    for call in calls:
        tell_call(step, call, verdicts[call.id]["effect"])
        step.emit(ToolStateChange(id=call.id, tool=call.name, state="pending"))


def tell_call(step: Step, call: Call, effect: str) -> None:
    title = title_of_call(call, step.services.tools)
    step.emit(ToolCall(id=call.id, tool=call.name, arguments=call.args, effect=effect, title=title))


def tell_result(
    step: Step, call: Call, result: ToolResult, *, truncated: bool, seconds: float
) -> None:
    step.emit(ToolStateChange(id=call.id, tool=call.name, state=result.outcome))
    step.emit(
        ToolOutput(
            id=call.id,
            tool=call.name,
            ok=result.ok,
            text=result.text,
            truncated=truncated,
            seconds=round(seconds, 3),
            summary=summary_of_call(call, result.ok, result.text, step.services.tools),
        )
    )


def title_of_call(call: Call, tools: Mapping[str, AgentTool]) -> str:
    """The call in a line; of a tool that is gone, or of arguments that do not fit, too."""
    try:
        title = tools[call.name].title(call.args)
    except Exception:  # the model may have sent anything: its call is told all the same
        title = title_of(call.args)
    return title


def summary_of_call(call: Call, ok: bool, text: str, tools: Mapping[str, AgentTool]) -> str:
    """What came of a call that went well, in a line, from its result; "": its text is shown."""
    return tools[call.name].summary(text) if ok and call.name in tools else ""
