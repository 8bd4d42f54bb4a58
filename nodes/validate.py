"""The tool that a call names, and its arguments as the tool's own type."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from core.history import Call
from core.tool import AgentTool


def validated(call: Call, tools: Mapping[str, AgentTool]) -> tuple[AgentTool, BaseModel]:
    """The tool that a call names, and its arguments as the tool's own type.

    Raises ValueError with one message that names the field.
    """
    tool = tools.get(call.name)
    if tool is None:
        raise ValueError(f"there is no tool {call.name!r}; available: {', '.join(sorted(tools))}")
    try:
        return tool, tool.args_schema.model_validate(_without_nulls(call.args, tool.args_schema))
    except ValidationError as error:
        raise ValueError(f"{call.name}: {_in_one_line(error)}") from None


def _without_nulls(args: Mapping[str, Any], schema: type[BaseModel]) -> dict[str, Any]:
    """Some models write null for what they leave out. It is the default then, unless null is
    one of the values."""
    if None not in args.values():
        return dict(args)
    fields = schema.model_fields
    optional = {
        name for name, field in fields.items()
        if not field.is_required() and type(None) not in get_args(field.annotation)
    }  # fmt: skip
    return {k: v for k, v in args.items() if v is not None or k not in optional}


def _in_one_line(error: ValidationError) -> str:
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        # A rule over several fields names its field itself.
        problems.append(f"{field}: {said[:1].lower()}{said[1:]}" if field else said)
    return "; ".join(problems)
