"""The options that are before a command, and their types. Imports click and the standard
library, nothing else."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from graph.options import RunOptions

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
MODES = ["ask", "auto", "read-only", "yolo"]
CONTRADICTION = "--json and --output contradict each other"


@dataclass(frozen=True)
class Options:
    """What was typed before the command, or chosen in the chat. None: not given.

    Attributes:
        max_cost: USD. max_time, patience: seconds. go_on, resume: which thread.
        output: text, json or stream-json. output_schema, images: files for a headless run.
        cwd: the folder to work in. config_file: a settings file.
    """

    model: str | None = None
    fallback_model: str | None = None
    effort: str | None = None
    max_iterations: int | None = None
    max_cost: float | None = None
    max_time: float | None = None
    detach: bool = False
    patience: float = 0.0
    no_stream: bool = False
    go_on: bool = False
    resume: str | None = None
    mode: Any = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    output: str = "text"
    output_schema: str | None = None
    images: tuple[str, ...] = ()
    sandbox: str | None = None
    cwd: str | None = None
    config_file: str | None = None
    debug: bool = False

    @property
    def folder(self) -> Path:
        """The working directory, absolute."""
        return Path(self.cwd or ".").expanduser().absolute()

    def for_run(self, **more: Any) -> "RunOptions":
        """The options of a session; `more`: those that no one types."""
        from graph.options import RunOptions

        same = {f.name for f in fields(RunOptions)} & {f.name for f in fields(self)}
        given = {name: getattr(self, name) for name in same}
        return RunOptions(**{**given, "stream": not self.no_stream, **more})


class Duration(click.ParamType[float]):
    """Seconds from 90, 90s, 15m, 2h, 30d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", value.strip())
        if not found or float(found[1]) <= 0:
            self.fail(f"{value!r} is not a duration: write 90, 90s, 15m, 2h or 30d", param, ctx)
        return float(found[1]) * UNITS[found[2]]


class Dollars(click.ParamType[float]):
    """An amount of money, at least 0."""

    name = "dollars"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        found = re.fullmatch(r"\$?(\d+(?:\.\d*)?|\.\d+)", str(value))
        if found is None:
            self.fail(f"expected a number, e.g. {param.opts[-1]} 2.50, not {value!r}", param, ctx)
        return float(found[1])


class Count(click.ParamType[int]):
    """A whole number, at least 1."""

    name = "count"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if not re.fullmatch(r"0*[1-9]\d*", str(value)):
            said = f"expected a number from 1 on, e.g. {param.opts[-1]} 50, not {value!r}"
            self.fail(said, param, ctx)
        return int(value)


def output_options(*forms: str) -> Callable[[Any], Any]:
    """`--output` with these forms, and `--json`, the short form of `--output json`."""

    def add(command: Any) -> Any:
        json = click.option("--json", "as_json", is_flag=True, help="Same as --output json")
        output = click.option(
            "--output-format",
            "--output",
            "output",
            type=click.Choice(forms),
            help="Output format (default text)",
        )
        return output(json(command))

    return add


def chosen_output(output: str | None, as_json: bool) -> str | None:
    """What --output and --json say together; None: neither was given. Raises UsageError."""
    if as_json and output not in (None, "json"):
        raise click.UsageError(CONTRADICTION)
    return "json" if as_json else output
