"""The specs of tools as a request carries them."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from pydantic import BaseModel


def tool_specs(tools: Sequence[BaseTool]) -> list[dict[str, Any]]:
    """The JSON `tools` array of a request. Made once per set of tools: the conversion is slow,
    and the array must be byte-identical from request to request."""
    return _specs(_Offer(tuple(tools)))[0] if tools else []


def specs_text(tools: Sequence[BaseTool]) -> str:
    """`tool_specs` as JSON, "[]" without tools; always the same object."""
    return _specs(_Offer(tuple(tools)))[1] if tools else "[]"


class _Offer:
    """A set of tools as a key: the same objects, since most tools cannot be hashed."""

    def __init__(self, tools: tuple[BaseTool, ...]) -> None:
        self.tools = tools
        self._ids = tuple(map(id, tools))

    def __hash__(self) -> int:
        return hash(self._ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Offer) and self._ids == other._ids


@lru_cache(maxsize=8)
def _specs(offer: _Offer) -> tuple[list[dict[str, Any]], str]:
    specs = [_spec(tool) for tool in sorted(offer.tools, key=lambda tool: tool.name)]
    return specs, json.dumps(specs)


def _spec(tool: BaseTool) -> dict[str, Any]:
    schema = tool.args_schema
    # The schema of an MCP server's tool is JSON, ours are pydantic models.
    if isinstance(schema, type):
        return _spec_of_ours(tool.name, tool.description, schema)
    spec: dict[str, Any] = _lean(convert_to_openai_tool(tool), is_ours=False)
    return spec


@lru_cache(maxsize=256)
def _spec_of_ours(name: str, description: str, schema: type[BaseModel]) -> dict[str, Any]:
    # Each session has its own tools, whose specs are the same. Converting a tool makes a second
    # model of its arguments, for those that a framework injects: two thirds of the time.
    function = {**convert_to_openai_function(schema), "name": name, "description": description}
    spec: dict[str, Any] = _lean({"type": "function", "function": function}, is_ours=True)
    return spec


#: Bounds in the specs of ML Agent's tools: 7 % of all tokens. They hold without being sent:
#: pydantic checks each call, and its error names the argument and the bound.
_BOUNDS = (
    "minimum", "exclusiveMinimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
)  # fmt: skip


def _lean(spec: Any, is_ours: bool) -> Any:
    """A spec without defaults that say nothing: an optional text or list is empty, a switch is off.
    A spec of ours has no bounds and no empty choice either."""
    if isinstance(spec, list):
        return [_lean(item, is_ours) for item in spec if item != "" or not is_ours]
    if not isinstance(spec, dict):
        return spec
    idle: set[str] = set()
    # An argument may have the name `type`; then this is the table of arguments.
    if isinstance(spec.get("type"), str):
        idle.update(_BOUNDS if is_ours else ())
        is_closed = is_ours and spec.get("additionalProperties") is False
        idle.update({"additionalProperties"} if is_closed else ())
        idle.update({"default"} if spec.get("default") in ("", False, []) else ())
    return {k: _lean(v, is_ours) for k, v in spec.items() if k not in idle}
