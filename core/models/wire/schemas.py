"""A tool's JSON Schema in the form that OpenAI and Anthropic take.

Both want an object on top, without combinators, `$ref`, `enum` or `not` next to it, and names of
parameters of a fixed pattern. What a schema loses here, the tool still checks itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.models.wire.names import sendable_properties

#: What no provider takes on top of a schema.
_NOT_ON_TOP = ("anyOf", "oneOf", "allOf", "$ref", "not", "enum", "const", "if", "then", "else")
#: How often a `$ref` may lead to another.
DEPTH = 20


@dataclass(frozen=True)
class Offered:
    """A schema as it is sent. `renamed`: name as sent → name as the tool knows it."""

    schema: dict[str, Any]
    renamed: dict[str, str] = field(default_factory=dict)


def acceptable(schema: Any) -> Offered:
    """`schema` as every provider takes it; equal to it if it is so already."""
    root = schema if isinstance(schema, Mapping) else {}
    flat = _flat(root, root, DEPTH)
    properties = {
        name: value if isinstance(value, Mapping) else {}
        for name, value in flat["properties"].items()
    }
    required = [name for name in flat["required"] if name in properties]
    renamed = sendable_properties(properties)
    if renamed:
        sent = {original: name for name, original in renamed.items()}
        properties = {
            sent.get(name, name): _described(value, name) if name in sent else value
            for name, value in properties.items()
        }
        required = [sent.get(name, name) for name in required]
    kept = {k: v for k, v in root.items() if k not in _NOT_ON_TOP}
    result = {**kept, "type": "object", "properties": properties}
    if required:
        result["required"] = required
    else:
        result.pop("required", None)
    if flat["closed"] is not None:
        result["additionalProperties"] = flat["closed"]
    return Offered(result, renamed)


def _described(value: Any, name: str) -> dict[str, Any]:
    said = str(value.get("description", ""))
    return {**value, "description": f"{said} (the parameter {name!r})".strip()}


def _flat(schema: Any, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """{properties, required, closed} of a schema with what its `$ref` and combinators add.

    A parameter is required if every alternative requires it.
    """
    if not isinstance(schema, Mapping) or depth < 0:
        return {"properties": {}, "required": [], "closed": None}
    given = schema.get("properties")
    properties = dict(given) if isinstance(given, Mapping) else {}
    wanted = schema.get("required")
    required = [n for n in wanted if isinstance(n, str)] if isinstance(wanted, list) else []
    closed = schema.get("additionalProperties")
    parts = [_resolved(schema["$ref"], root)] if "$ref" in schema else []
    parts += _list(schema.get("allOf"))
    for part in parts:
        found = _flat(part, root, depth - 1)
        properties = {**found["properties"], **properties}
        required += [n for n in found["required"] if n not in required]
        closed = closed if closed is not None else found["closed"]
    for word in ("anyOf", "oneOf"):
        choices = [_flat(part, root, depth - 1) for part in _list(schema.get(word))]
        for choice in choices:
            properties = {**choice["properties"], **properties}
        for name in choices[0]["required"] if choices else ():
            if name not in required and all(name in c["required"] for c in choices):
                required.append(name)
    if len(parts) > 1 or "anyOf" in schema or "oneOf" in schema:
        closed = None  # each part would forbid what the others add
    return {"properties": properties, "required": required, "closed": closed}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _resolved(ref: Any, root: Mapping[str, Any]) -> Any:
    """What a reference within the schema leads to; {} if it leads elsewhere."""
    if not isinstance(ref, str) or not ref.startswith("#"):
        return {}
    found: Any = root
    for step in ref.lstrip("#").strip("/").split("/"):
        if step:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
