"""What a tool call runs in, if it is recorded: see graph/background/spans.py."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

#: Entered with a call's id, tool and arguments; gives what is told the `ToolResult`.
CallSpan = Callable[[str, str, Mapping[str, Any]], AbstractContextManager[Callable[[Any], None]]]


@contextmanager
def no_span(
    call_id: str, tool: str, arguments: Mapping[str, Any]
) -> Iterator[Callable[[Any], None]]:
    """Nothing is recorded."""
    yield lambda result: None
