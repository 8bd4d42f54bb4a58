"""The merged settings checked against their schema, each problem as one line that names file and
key. A variable that is not a setting is left out and told: it may be meant for a later version.
With `Problems.lenient` so is all else, so that what is wrong can be looked at."""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from configs.problems import SettingsProblem
from configs.settings import Settings

T = TypeVar("T")
PREFIX = "ML_AGENT_"


@dataclass
class Problems:
    """What was left out, in one line each.

    Attributes:
        lenient: what is wrong is left out; else it raises.
    """

    lenient: bool = False
    lines: list[str] = field(default_factory=list)

    def tried(self, read: Callable[[], T], otherwise: T) -> T:
        """What `read` returns; `otherwise` in its place if that fails."""
        try:
            return read()
        except SettingsProblem as problem:
            self.leave_out(str(problem), is_harmless=False)
            return otherwise

    def leave_out(self, line: str, *, is_harmless: bool) -> None:
        """Note what is left out. Raises SettingsProblem unless lenient, or it is harmless."""
        if not (self.lenient or is_harmless):
            raise SettingsProblem(line)
        if line not in self.lines:
            self.lines.append(line)


def checked(values: dict[str, Any], origins: dict[str, str], problems: Problems) -> Settings:
    """`values` as Settings; what is left out is taken from `values` and `origins`."""
    while True:
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            problem: Any = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        source = _source(key, origins)
        unknown = problem["type"] == "extra_forbidden" and source.startswith(PREFIX)
        problems.leave_out(_in_one_line(problem, key, source), is_harmless=unknown)
        _remove(values, problem["loc"])
        for known in [k for k in origins if k == key or key.startswith(f"{k}.")]:
            del origins[known]


def _remove(values: dict[str, Any], path: tuple[Any, ...]) -> None:
    """Take out what `path` leads to, as far as it goes through objects."""
    holder: Any = values
    for part, further in zip(path, [*path[1:], None], strict=True):
        inner = holder.get(part)
        if not isinstance(inner, dict) or further not in inner:
            holder.pop(part, None)
            return
        holder = inner
    values.clear()  # several keys together are wrong


def _source(key: str, origins: Mapping[str, str]) -> str:
    return origins.get(key) or next(
        (s for k, s in origins.items() if key.startswith(k) or k.startswith(f"{key}.")), "settings"
    )


def _in_one_line(problem: Any, key: str, source: str) -> str:
    if problem["type"] == "extra_forbidden":
        said = "unknown setting" if source.startswith(PREFIX) else f"{key}: unknown key"
        return f"{source}: {said}{similar(key)}"
    if problem["type"] == "value_error":
        # Several keys together: what is in them may be a credential.
        return f"{source}: {key}: {problem['msg'].removeprefix('Value error, ')}"
    got = problem.get("input")
    wanted = problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    wanted = wanted.partition(", unable to parse")[0]
    return f"{source}: {key}: expected {wanted}, got {json.dumps(got, default=str)[:80]}"


def similar(key: str) -> str:
    """The setting that is probably meant: one that begins so, or is spelled nearly so."""
    word, names = key.split(".")[-1], list(Settings.model_fields)
    near = [name for name in names if name.startswith(f"{word}_")]
    near = near or difflib.get_close_matches(word, names, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""
