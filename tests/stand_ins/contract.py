"""Holds a stand-in server to the OpenAPI document of the real one, in both directions.

    contract = Contract.load("hf-hub.json")         # from tests/stand_ins/contracts/
    contract.request_problems("GET", "/api/docs/search?q=x", body)     # what the tool sent
    contract.response_problems("GET", "/api/docs/search?q=x", 200, answer)

Each returns sentences, none where all is well or the document does not have the operation
(`contract.has` tells). OpenAPI 3.0 and 3.1. To cut a document down to some operations:

    python -m tests.stand_ins.contract whole.json "GET /api/docs" "GET /api/docs/search" > some.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parent / "contracts"
METHODS = ("get", "put", "post", "delete", "patch", "head")
#: Keywords of a schema that no validator needs, or that JSON Schema reads otherwise.
ANNOTATIONS = ("nullable", "$schema", "example", "examples", "discriminator")
#: A body that is not JSON has no schema that could be checked.
NO_BODY: Any = object()


@dataclass(frozen=True)
class Operation:
    """One operation of the document, and the values that a path gives its template."""

    method: str
    template: str
    spec: Mapping[str, Any]
    in_path: Mapping[str, str]


class Contract:
    """An OpenAPI document, ready to check with.

    `beyond`: names of query parameters that the document lacks though real clients send them.
    """

    def __init__(self, document: dict[str, Any], beyond: Sequence[str] = ()) -> None:
        self.document = _as_schema(document)
        self.beyond = frozenset(beyond)
        resource = DRAFT202012.create_resource(self.document)
        self._registry: Registry[Any] = Registry().with_resource("doc:", resource)
        self._paths = sorted(
            ((_pattern(template), template) for template in self.document["paths"]),
            # What is spelled out wins over what is a parameter.
            key=lambda pair: (pair[1].count("{"), -len(pair[1])),
        )

    @classmethod
    def load(cls, name: str, beyond: Sequence[str] = ()) -> Contract:
        """A document of tests/stand_ins/contracts/."""
        return cls(json.loads((FOLDER / name).read_text(encoding="utf-8")), beyond)

    def operation(self, method: str, url: str) -> Operation | None:
        path = urlsplit(url).path
        for pattern, template in self._paths:
            found = pattern.fullmatch(path)
            spec = self.document["paths"][template].get(method.lower())
            if found and spec is not None:
                values = {k: unquote(v or "") for k, v in found.groupdict().items()}
                return Operation(method.upper(), template, spec, values)
        return None

    def has(self, method: str, url: str) -> bool:
        return self.operation(method, url) is not None

    def request_problems(self, method: str, url: str, body: Any = NO_BODY) -> list[str]:
        """What is wrong with a request: parameters of path and query, and its JSON body."""
        operation = self.operation(method, url)
        if operation is None:
            return []
        sent = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        problems = list(self._parameters(operation, sent))
        expected = self._json_schema(self._resolved(operation.spec.get("requestBody", {})))
        if expected is not None:
            needed = self._resolved(operation.spec["requestBody"]).get("required", False)
            if body is not NO_BODY:
                problems += self._problems(expected, body, "body")
            elif needed:
                problems.append("body: there is none")
        return [f"{operation.method} {operation.template}: {problem}" for problem in problems]

    def response_problems(
        self, method: str, url: str, status: int, body: Any = NO_BODY
    ) -> list[str]:
        """What is wrong with an answer. Statuses that the document leaves out pass as errors
        only: it does not list every failure, but every success."""
        operation = self.operation(method, url)
        if operation is None:
            return []
        responses = operation.spec.get("responses", {})
        response = responses.get(str(status), responses.get("default"))
        told = f"{operation.method} {operation.template}: answer {status}"
        if response is None:
            if status < 400 and responses:
                return [f"{told}: the document has only {', '.join(sorted(responses))}"]
            return []
        expected = self._json_schema(self._resolved(response))
        if expected is None:
            return []
        if body is NO_BODY:
            return [f"{told}: it has no JSON body"]
        return [f"{told}: {problem}" for problem in self._problems(expected, body, "body")]

    def _parameters(self, operation: Operation, sent: list[tuple[str, str]]) -> Iterator[str]:
        item = self.document["paths"][operation.template]
        known = [
            self._resolved(parameter)
            for parameter in [*item.get("parameters", ()), *operation.spec.get("parameters", ())]
        ]
        for parameter in known:
            name, schema = parameter["name"], parameter.get("schema", {})
            if parameter["in"] == "path":
                yield from self._parameter(name, schema, [operation.in_path.get(name, "")])
            elif parameter["in"] == "query":
                # A list comes as name=a&name=b, or as name[]=a.
                values = [value for key, value in sent if key in (name, f"{name}[]")]
                if values:
                    yield from self._parameter(name, schema, values)
                elif parameter.get("required"):
                    yield f"query: {name} is missing"
        names = {parameter["name"] for parameter in known if parameter["in"] == "query"}
        for name in {key.removesuffix("[]") for key, _ in sent} - names - self.beyond:
            yield f"query: there is no {name}"

    def _parameter(self, name: str, schema: Any, values: list[str]) -> Iterator[str]:
        tried = [self._problems(schema, value, name) for value in _readings(values)]
        if all(tried):
            yield from tried[0]

    def _problems(self, schema: Any, value: Any, where: str) -> list[str]:
        validator = Draft202012Validator(_anchored(schema), registry=self._registry)
        found = []
        for error in validator.iter_errors(value):
            place = "/".join([where, *(str(part) for part in error.absolute_path)])
            found.append(f"{place}: {error.message[:300]}")
        return found

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in value:
            value = _at(self.document, value["$ref"])
        return value

    def _json_schema(self, holder: Mapping[str, Any]) -> Any | None:
        for kind, content in holder.get("content", {}).items():
            if kind.startswith("application/json") and "schema" in content:
                return content["schema"]
        return None


def _pattern(template: str) -> re.Pattern[str]:
    """`/a/{b}/{path}` as an expression; a closing `{path}` takes slashes, and may be missing."""
    made = ""
    # A name may stand twice in a template, and be no identifier.
    seen: set[str] = set()
    whole = template.removesuffix("/{path}")
    for part in re.split(r"(\{[^}]+\})", whole):
        if part.startswith("{") and part[1:-1].isidentifier() and part not in seen:
            made += f"(?P<{part[1:-1]}>[^/]+)"
            seen.add(part)
        else:
            made += "[^/]+" if part.startswith("{") else re.escape(part)
    return re.compile(made + ("(?:/(?P<path>.*))?" if whole != template else ""))


def _readings(values: list[str]) -> list[Any]:
    """What the words of a query can mean: text, number, truth, or a list of these."""
    singles = [_readings_of(value) for value in values]
    lists = [[reading[0] for reading in singles], [reading[-1] for reading in singles]]
    return [*(singles[0] if len(values) == 1 else ()), *lists]


def _readings_of(value: str) -> list[Any]:
    found: list[Any] = [value]
    if value.lower() in ("true", "false", "1", "0"):
        found.append(value.lower() in ("true", "1"))
    for read in (int, float):
        try:
            found.append(read(value))
        except ValueError:
            continue
    return found


def _as_schema(value: Any, loose: bool = False) -> Any:
    """The document with its schemas as JSON Schema 2020-12 understands them.

    OpenAPI 3.0's `nullable` becomes a null. `additionalProperties: false` is taken out of the
    members of an `allOf`: no object could satisfy two of them (the Hub's document has such).
    """
    if isinstance(value, list):
        return [_as_schema(one, loose) for one in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, one in value.items():
        if key == "properties" and isinstance(one, dict):
            made[key] = {name: _as_schema(schema) for name, schema in one.items()}
        elif key not in ANNOTATIONS:
            made[key] = _as_schema(one, key == "allOf" or (loose and key in ("anyOf", "oneOf")))
    if loose and made.get("additionalProperties") is False:
        del made["additionalProperties"]
    if value.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


def _anchored(schema: Any) -> Any:
    """`schema` with its references pointing into the document."""
    if isinstance(schema, list):
        return [_anchored(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: f"doc:{one}" if key == "$ref" and isinstance(one, str) else _anchored(one)
        for key, one in schema.items()
    }


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.removeprefix("#/").split("/"):
        document = document[unquote(part).replace("~1", "/").replace("~0", "~")]
    return document


def trimmed(document: dict[str, Any], operations: Sequence[str]) -> dict[str, Any]:
    """`document` with these operations alone ("GET /api/docs"), and all that they refer to.

    Raises KeyError for one that it does not have.
    """
    kept: dict[str, Any] = {key: document[key] for key in ("openapi", "info")} | {"paths": {}}
    for wanted in operations:
        method, _, template = wanted.partition(" ")
        item = document["paths"][template]
        own = kept["paths"].setdefault(template, {})
        own[method.lower()] = item[method.lower()]
        own.update({key: one for key, one in item.items() if key not in METHODS})
    missing = [kept["paths"]]
    while missing:
        for pointer in set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(missing.pop()))):
            *folders, last = [unquote(p) for p in pointer.removeprefix("#/").split("/")]
            place = kept
            for folder in folders:
                place = place.setdefault(folder, {})
            if last not in place:
                place[last] = _at(document, pointer)
                missing.append(place[last])
    return kept


if __name__ == "__main__":
    source, *chosen = sys.argv[1:]
    whole = json.loads(Path(source).read_text(encoding="utf-8"))
    print(json.dumps(trimmed(whole, chosen), ensure_ascii=False, separators=(",", ":")))
