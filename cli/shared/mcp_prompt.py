"""The question of an MCP server in the middle of a call, and a person's answer."""

import json
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from cli.shared.answers import Accepts, is_yes, yes_or_no
from cli.shared.render import EventPrinter
from cli.terminal.writer import ask
from configs.visible import inline


class Asked(NamedTuple):
    """One question. accepts: which lines answer it; None: any."""

    text: str
    accepts: Accepts | None = None


#: Yields what to ask, is sent each answer, returns what was given.
Asking = Generator[Asked, str, Any]


def answer_server(
    question: Any, lines: EventPrinter, keep: Callable[[str], None]
) -> dict[str, Any] | None:
    """The fields that the server wants ({} for a page that was opened); None: declined. `keep`:
    gets what was typed and is no answer."""
    asking = conversation(question, lines)
    try:
        asked = next(asking)
        while True:
            answer = ask(asked.text)
            if asked.accepts is not None and not asked.accepts(answer):
                keep(answer)
                raise EOFError
            asked = asking.send(answer)
    except StopIteration as end:
        given: dict[str, Any] | None = end.value
        return given
    except (EOFError, KeyboardInterrupt):
        lines.line("declined", "33")
        return None


def conversation(question: Any, lines: Any) -> Asking:
    """The questions, one after the other; returns as `answer_server` does."""
    lines.line(f"? MCP server {question.server} asks: {question.message}", "1")
    if question.url:
        lines.line(f"  it wants you to open {inline(question.url)}")
        return {} if is_yes((yield Asked("done? [y/N] ", yes_or_no))) else None
    properties = (question.schema or {}).get("properties") or {}
    if not properties:
        return {} if is_yes((yield Asked("agree? [y/N] ", yes_or_no))) else None
    lines.line("  Enter leaves a field out or takes its default; Ctrl-D declines", "2")
    required = question.schema.get("required") or []
    given: dict[str, Any] = {}
    for name, field in properties.items():
        value = yield from _field(name, field, name in required, lines)
        if value is not None:
            given[name] = value
    return given


def _field(name: str, field: dict[str, Any], required: bool, lines: Any) -> Asking:
    """One value, asked again until it fits its type; None: left out."""
    choices = field.get("enum") or [c.get("const") for c in field.get("oneOf") or []]
    for number, choice in enumerate(choices, 1):
        lines.line(f"  {number}  {inline(choice)}")
    default = field.get("default")
    said = field.get("description") or field.get("title") or ""
    shown = f" ({said})" if said and said.lower() != name.lower() else ""
    shown += f" [{default}]" if default is not None else "" if required else " [none]"
    while True:
        text = (yield Asked(f"  {name}{shown}: ")).strip()
        if not text and (default is not None or not required):
            return default
        if choices and text.isdigit() and 1 <= int(text) <= len(choices):
            return choices[int(text) - 1]
        value = _value(text, field.get("type"))
        if value is not None and text and (not choices or value in choices):
            return value
        lines.line(f"  {field.get('type', 'a value')} is wanted", "33")


def _value(text: str, kind: Any) -> Any:
    """`text` as its type wants it; None where it is none."""
    if kind == "boolean":
        return {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}.get(
            text.lower()
        )
    if kind == "array":
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind not in ("integer", "number"):
        return text
    try:
        number = json.loads(text)
    except ValueError:
        return None
    whole = isinstance(number, int) and not isinstance(number, bool)
    return number if whole or (kind == "number" and isinstance(number, float)) else None
