"""What of a run's events is told: each thing once, and without secrets."""

from dataclasses import replace

from core.events import (
    AssistantMessage,
    Error,
    Event,
    Processing,
    ToolCall,
    ToolLog,
    ToolOutput,
    ToolStateChange,
    TurnComplete,
)
from core.secrets.redaction import redacted, redacted_in


class Seen:
    """What this session has told already, so that a repeated node does not tell it twice."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, ...]] = set()

    def is_new(self, event: Event) -> bool:
        match event:
            case Processing():
                key: tuple[str, ...] = (event.name, str(event.number))
            case ToolCall() | ToolOutput():
                key = (event.name, event.id)
            case ToolStateChange():
                key = (event.name, event.id, event.state, event.url)
            case _:
                return True
        if key in self._keys:
            return False
        self._keys.add(key)
        return True

    def comes_late(self, event: Event) -> bool:
        """A line of a call that has already answered: a tail that was still being read."""
        return isinstance(event, ToolLog) and ("tool_output", event.id) in self._keys


def without_secrets(event: Event) -> Event:
    """What is told about a call, an answer or an error, without secrets. The calls themselves and
    the state keep the model's own words; nodes/approval.py cleans what it asks for."""
    match event:
        case ToolCall():
            arguments, title = redacted_in([event.arguments, event.title])
            return replace(event, arguments=arguments, title=title)
        case AssistantMessage() | TurnComplete() if (text := redacted(event.text)) != event.text:
            return replace(event, text=text)
        case Error():
            return replace(event, message=redacted(event.message))
    return event
