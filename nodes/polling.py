"""Points a model that looks again and again at work elsewhere to `wait`."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from core.history import calls_of, note
from core.policy.looking import only_sleeps_and_looks
from core.state import Turn
from core.tool import Services
from nodes.loop_guard import IN_A_ROW, newest_steps
from tools.wait.tool import NAME

POLLS = (
    "You have looked {count} times in a row at work that runs on its own. Use `wait` instead: it "
    "costs nothing, and you continue when something has happened."
)
#: What looks at something that runs elsewhere, by tool and operation. A shell line is judged by
#: what it does.
LOOKS = {
    ("process", "output"), ("process", "list"), ("hf_jobs", "logs"), ("hf_jobs", "inspect"),
    ("hf_jobs", "ps"), ("hf_jobs", "metrics"),
}  # fmt: skip


def poll_words(
    turn: Turn, services: Services, messages: Sequence[BaseMessage]
) -> list[HumanMessage]:
    """The note after each third poll in a row; [] otherwise."""
    count = polls_in_a_row(messages) if NAME in services.tools else 0
    if not count or count % IN_A_ROW:
        return []
    id = f"polls-{turn.get('number', 0)}-{turn.get('iterations', 0)}"
    return [note(POLLS.format(count=count), id)]


def polls_in_a_row(messages: Sequence[BaseMessage]) -> int:
    """How many of the newest steps of this turn did nothing but look again."""
    count = 0
    for step in newest_steps(messages):
        if not all(_is_poll(call.name, call.args) for call in calls_of(step.answer)):
            break
        count += 1
    return count


def _is_poll(tool: str, arguments: Mapping[str, Any]) -> bool:
    if tool == "bash":
        return only_sleeps_and_looks(str(arguments.get("command", "")))
    return (tool, arguments.get("operation")) in LOOKS
