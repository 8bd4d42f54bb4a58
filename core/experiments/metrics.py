"""Reading what a judge has measured: lines `METRIC name=value`, or a JSON file."""

import json
import math
import re
from collections.abc import Iterable

#: Anywhere in a line: what was printed before, without a line end, must not hide the judge's value.
_LINE = re.compile(r"METRIC\s+(.*)")
_PAIR = re.compile(r"([\w./@%-]+)\s*[=:]\s*(\S+)")


class NoMetric(Exception):
    """The metric cannot be read; its text says why."""


def read_lines(lines: Iterable[str]) -> dict[str, list[float]]:
    """By name, every value that was told, in order. NaN: the value is not a number."""
    found: dict[str, list[float]] = {}
    for line in lines:
        told = _LINE.search(line)
        for name, value in _PAIR.findall(told[1]) if told else ():
            found.setdefault(name, []).append(_number(value.rstrip(",;")))
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def json_place(metric: str) -> tuple[str, str] | None:
    """(file, key) of a metric that is in a JSON file, as `results.json:eval.loss`; else None."""
    path, separator, key = metric.rpartition(":")
    return (path, key) if separator and path.endswith(".json") and key else None


def read_json(text: str, key: str) -> float:
    """The number behind a key with dots. Raises NoMetric."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise NoMetric(f"it is not JSON: {error}") from None
    for part in key.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif (
            isinstance(found, list)
            and part.lstrip("-").isdigit()
            and -len(found) <= int(part) < len(found)
        ):
            found = found[int(part)]
        else:
            raise NoMetric(f"it has no {key}")
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise NoMetric(f"{key} is not a number: {str(found)[:60]!r}")
    return float(found)


def checked(name: str, value: float) -> float:
    """`value`, if it can be compared. Raises NoMetric."""
    if not math.isfinite(value):
        raise NoMetric(f"{name} is {value}: only finite numbers can be compared")
    return value
