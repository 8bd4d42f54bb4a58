"""The question of an MCP server in the middle of a call, and the user's answer."""

import json
from typing import TYPE_CHECKING, Any

from cli.shared.answers import Asked, Dialog, is_yes, yes_or_no
from cli.shared.render import Lines
from configs.visible import inline

if TYPE_CHECKING:
    from tools.extension import Question


class Declined(Exception):
    """The user left the question."""


def answers_of(question: "Question", lines: Lines) -> Dialog:
    """Returns the fields that the server needs ({} for a page that was opened); None: declined."""
    try:
        given = yield from _conversation(question, lines)
    except Declined:
        given = None
    if given is None:
        lines.line("declined", "33")
    return given


def _conversation(question: "Question", lines: Lines) -> Dialog:
    lines.line(f"? MCP server {question.server} asks: {question.message}", "1")
    if question.url:
        lines.line(f"  open this page: {inline(question.url)}")
        return {} if is_yes((yield Asked("done? [y/N] ", yes_or_no)) or "") else None
    schema = question.schema or {}
    properties = schema.get("properties") or {}
    if not properties:
        return {} if is_yes((yield Asked("agree? [y/N] ", yes_or_no)) or "") else None
    lines.line("  Enter skips a field or uses its default; Ctrl-D declines", "2")
    required = schema.get("required") or []
    given: dict[str, Any] = {}
    for name, field in properties.items():
        value = yield from _field(name, field, name in required, lines)
        if value is not None:
            given[name] = value
    return given


def _field(name: str, field: dict[str, Any], required: bool, lines: Lines) -> Dialog:
    """One value, asked again until it fits its type; None: left out."""
    choices = field.get("enum") or [c.get("const") for c in field.get("oneOf") or []]
    for number, choice in enumerate(choices, 1):
        lines.line(f"  {number}  {inline(choice)}")
    default = field.get("default")
    said = field.get("description") or field.get("title") or ""
    shown = f" ({said})" if said and said.lower() != name.lower() else ""
    shown += f" [{default}]" if default is not None else "" if required else " [none]"
    while True:
        answer = yield Asked(f"  {name}{shown}: ")
        if answer is None:
            raise Declined
        text = answer.strip()
        if not text and (default is not None or not required):
            return default
        if choices and text.isdigit() and 1 <= int(text) <= len(choices):
            return choices[int(text) - 1]
        value = _value(text, field.get("type"))
        if value is not None and text and (not choices or value in choices):
            return value
        lines.line(f"  expected: {field.get('type', 'a value')}", "33")


def _value(text: str, kind: Any) -> Any:
    """`text` as its type needs it; None where it is none."""
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
