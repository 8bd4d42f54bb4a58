"""The verdict on a call that is only written down: `bash(git push)`, `hf_repo(delete ann/x)`.

The tool itself says what such a call would do, from its own arguments; nothing runs.
"""

import difflib
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

from core.errors import SettingsError
from core.policy.decide import Judged, Situation, decide
from core.policy.hosts import Known, with_question
from core.policy.rules import OUTSIDE, parse_rule
from core.state import QUESTION
from core.tool import AgentTool
from nodes.verdicts import main_words

#: What is wrong with a call that only leaves something out: its effect is known all the same.
INCOMPLETE = {"missing", "value_error", "string_too_short", "too_short"}


def explain(
    call: str, here: Situation, tools: Mapping[str, AgentTool], web_hosts: Iterable[str] = ()
) -> Judged:
    """What the policy says of `call`, written as a rule is. Raises SettingsError for what is not
    written so, for a tool that does not exist, and for arguments that it does not take."""
    written = parse_rule(call, "")
    outside = written.tool == OUTSIDE
    if outside:
        written = replace(written, tool="bash")
    tool = tools.get(written.tool)
    if tool is None:
        near = difflib.get_close_matches(written.tool, tools, 1)
        hint = f"did you mean {near[0]}?" if near else "ml-agent tools lists the tools"
        raise SettingsError(f"no tool is named {written.tool!r}", hint)
    given = _given(tool, written.pattern) | ({"outside_sandbox": True} if outside else {})
    arguments = _arguments(tool, given)
    if tool.answered_by_person:
        return Judged("ask", "the model asks you", QUESTION)
    effect = tool.effect(arguments, here.cwd)
    if effect.url:
        effect = with_question(effect, Known(frozenset(web_hosts)))
    meant = tool.stands_for(arguments)
    name, values = meant if meant is not None else (tool.name, given)
    return decide(name, effect, main_words(values), here)


def _given(tool: AgentTool, text: str) -> dict[str, Any]:
    """The arguments as a rule names them: the line, the path, or the operation and what follows;
    `key=value` names any of them, and so does a JSON object."""
    fields = tool.args_schema.model_fields
    if text.startswith("{"):
        try:
            return dict(json.loads(text))
        except ValueError as error:
            raise SettingsError(f"{text!r} is not a JSON object: {error}") from None
    if "command" in fields and "operation" not in fields:
        return {"command": text} if text else {}
    if "path" in fields and "operation" not in fields:
        return {"path": text} if text else {}
    given: dict[str, Any] = {}
    for word in shlex.split(text):
        key, equals, value = word.partition("=")
        if equals and (key in fields or "root" in fields):
            given[key] = value
        else:
            given[_next_field(word, fields, given)] = word
    return given


def _next_field(word: str, fields: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """The field that a bare word is for: the operation, an address, a required one, any text."""
    first = [name for name, field in fields.items() if field.is_required()]
    if "url" in fields and "://" in word:
        first = ["operation", "url"]
    texts = [name for name, field in fields.items() if field.annotation is str]
    free = [n for n in ("operation", *first, *texts) if n in fields and n not in given]
    if not free:
        raise SettingsError(f"{word!r} is for no argument", "write key=value")
    return free[0]


def _arguments(tool: AgentTool, given: dict[str, Any]) -> BaseModel:
    """`given` as the tool's own type; what is left out is empty."""
    try:
        return tool.args_schema.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    wrong = next((p for p in problems if p["type"] not in INCOMPLETE), None)
    if wrong is not None:
        place = ".".join(str(part) for part in wrong["loc"])
        raise SettingsError(f"{tool.name}: {place}: {wrong['msg']}")
    if "operation" in tool.args_schema.model_fields and "operation" not in given:
        raise SettingsError(f"{tool.name} needs an operation", f"write {tool.name}(OPERATION ...)")
    return tool.args_schema.model_construct(**{**_empty(tool.args_schema), **given})


def _empty(schema: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in schema.model_fields.items():
        if field.default is PydanticUndefined and field.default_factory is None:
            kind: Any = get_origin(field.annotation) or field.annotation
            found[name] = kind() if kind in (str, int, list, dict) else None
    return found
