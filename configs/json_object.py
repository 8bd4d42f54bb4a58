"""A JSON file that must hold an object, read so that a mistake in it is one line."""

import json
from pathlib import Path
from typing import Any

from configs.problems import SettingsProblem
from configs.visible import visible


def parsed(text: str, path: Path) -> dict[str, Any]:
    """A settings file's object. Raises SettingsProblem with line and column of what is not JSON."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsProblem(
            f"{visible(path)}: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except (RecursionError, ValueError):
        raise SettingsProblem(
            f"{visible(path)}: it is nested too deep, or a number is too long"
        ) from None
    if not isinstance(data, dict):
        raise SettingsProblem(f"{visible(path)}: expected an object, got {_kind(data)}")
    return data


def _kind(value: Any) -> str:
    return {list: "a list", str: "a string", int: "a number", type(None): "null"}.get(
        type(value), type(value).__name__
    )
