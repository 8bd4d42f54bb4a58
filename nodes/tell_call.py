"""How a call is told: its title, and what came of it in a line."""

from collections.abc import Mapping

from core.events import ToolCall
from core.history import Call
from core.titles import title_of
from core.tool import AgentTool, ToolResult


def call_event(call: Call, effect: str, tools: Mapping[str, AgentTool]) -> ToolCall:
    title = title_of_call(call, tools)
    return ToolCall(id=call.id, tool=call.name, arguments=call.args, effect=effect, title=title)


def title_of_call(call: Call, tools: Mapping[str, AgentTool]) -> str:
    """The call in a line; of a tool that is gone, or of arguments that do not fit, too."""
    try:
        title = tools[call.name].title(call.args)
    except Exception:  # the model may have sent anything: its call is told all the same
        title = title_of(call.args)
    return title


def summary_of(call: Call, result: ToolResult, tools: Mapping[str, AgentTool]) -> str:
    """What came of a call that went well, in a line; "": its text is shown."""
    if not result.ok or call.name not in tools:
        return ""
    return tools[call.name].summary(result.text)
