"""A dialog asked line by line, on stdin and stdout."""

from collections.abc import Callable
from typing import Any

from cli.shared.answers import Asked, Dialog, Edit
from cli.shared.approval_prompt import edited_arguments
from cli.shared.render import Lines
from cli.terminal.writer import ask


def converse(dialog: Dialog, lines: Lines, keep: Callable[[str], None] = lambda text: None) -> Any:
    """What comes of the dialog. `keep`: gets what was typed and is not an answer."""
    answer: Any = None
    try:
        while True:
            wanted = dialog.send(answer)
            if isinstance(wanted, Edit):
                answer = edited_arguments(wanted.arguments, lines)
            else:
                answer = _answer(wanted, lines, keep)
    except StopIteration as end:
        return end.value


def _answer(asked: Asked, lines: Lines, keep: Callable[[str], None]) -> str | None:
    text = asked.text
    if asked.default:
        text = f"{text.removesuffix(': ')} (Enter: {asked.default}): "
    while True:
        try:
            answer = ask(text).strip() or asked.default
        except (EOFError, KeyboardInterrupt):
            return None
        if asked.accepts is None or asked.accepts(answer):
            return answer
        if answer and asked.stays:
            lines.line(f"  {asked.stays}", "33")
        if answer:
            keep(answer)
        if not asked.stays:
            return None
