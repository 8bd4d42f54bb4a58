"""Options that several commands share. Imports click and the standard library, nothing else."""

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
CONTRADICTION = "--json and --output contradict each other"


class Duration(click.ParamType[float]):
    """Seconds from 90, 90s, 15m, 2h, 30d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", value.strip())
        if not found or float(found[1]) <= 0:
            self.fail(f"{value!r} is no duration; write 90, 90s, 15m, 2h or 30d", param, ctx)
        return float(found[1]) * UNITS[found[2]]


def output_option(command: F) -> F:
    """`--output text|json` and `--json`, its short form; the command gets `output`, None where
    neither was given."""

    @click.option("--output", type=click.Choice(["text", "json"]), default=None)
    @click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
    @functools.wraps(command)
    def with_output(*args: Any, output: str | None, as_json: bool, **given: Any) -> Any:
        if as_json and output == "text":
            raise click.UsageError(CONTRADICTION)
        return command(*args, output="json" if as_json else output, **given)

    return with_output  # type: ignore[return-value]
