"""A tool's arguments by the JSON Schema that its server gives."""

from typing import Any, Self

from pydantic import BaseModel, RootModel, model_validator

#: Problems that are told at once.
MOST = 5


def problems(given: Any, schema: dict[str, Any]) -> str:
    """What is wrong with `given`, each with its field; empty: it fits. A schema that is none
    lets everything pass: the server judges for itself."""
    import jsonschema
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
    from referencing.exceptions import Unresolvable

    try:
        kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
        kind.check_schema(schema)
        checker = kind(schema, registry=REGISTRY)  # no `$ref` is fetched
        found = sorted(checker.iter_errors(given), key=lambda e: list(map(str, e.path)))
    except (jsonschema.SchemaError, Unresolvable):
        return ""
    told = []
    for error in found[:MOST]:
        field = ".".join(str(part) for part in error.path)
        told.append(f"{field}: {error.message[:200]}" if field else error.message[:200])
    return "; ".join(told)


def arguments_type(schema: dict[str, Any]) -> type[BaseModel]:
    """A pydantic type whose values are objects that fit `schema`, as they were given."""

    class Arguments(RootModel[dict[str, Any]]):
        @model_validator(mode="after")
        def _fits(self) -> Self:
            wrong = problems(self.root, schema)
            if wrong:
                raise ValueError(wrong)
            return self

    return Arguments


def offered(schema: Any) -> dict[str, Any]:
    """The schema as providers take it: an object with properties."""
    schema = dict(schema) if isinstance(schema, dict) else {}
    return {**schema, "type": "object", "properties": schema.get("properties") or {}}
