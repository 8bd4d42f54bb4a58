"""Writes the tables of README.md and docs/guide from the code.

    uv run python -m docs.print_guide

Names, options, fields and defaults are the code's; the words are in
docs/guide_words.py where the code has none. tests/test_guide.py holds the pages to what this
prints, and fails on a name without words.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from cli.main import cli
from configs.project import FOR_PROJECTS, IF_TRUSTED, LOWERED
from configs.settings import Settings
from core.events import EVENTS, Event
from docs.guide_words import COMMANDS, EVENT_WORDS, OPTIONS, SLASH, TOOLS
from tools import builtin_tools

ROOT = Path(__file__).parent.parent


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n"
                   for line in lines)  # fmt: skip


def commands_table() -> str:
    """The commands of the first level."""
    return table(
        ("command", "what it does"),
        ((f"`{n}`", COMMANDS[n]) for n in cli.list_commands(click.Context(cli))),
    )


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that runs something, with its path."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group):
            yield name, command
            continue
        for inner in command.list_commands(context):
            one = command.get_command(context, inner)
            assert one is not None
            if not one.hidden:
                yield f"{name} {inner}", one


def value(option: click.Option) -> str:
    """What follows the name of `option`; empty for a flag."""
    if option.is_flag:
        return ""
    shown = option.make_metavar(click.Context(cli)).strip("<>")
    return " " + shown.replace("INTEGER RANGE", "N")


def usage(path: str, command: click.Command) -> str:
    """`path` with its arguments and options; --output json is said once for all."""
    context = click.Context(command)
    parts = [path]
    for one in command.params:
        if isinstance(one, click.Argument):
            parts.append(one.make_metavar(context))
        elif isinstance(one, click.Option) and not {"--output", "--json"} & set(one.opts):
            parts.append(f"[{one.opts[-1]}{value(one)}]")
    return " ".join(parts)


def all_commands_table() -> str:
    rows = ((f"`{usage(path, command)}`", COMMANDS[path]) for path, command in all_commands())
    return table(("command", "what it does"), rows)


def options_table() -> str:
    rows = []
    for one in cli.params:
        if isinstance(one, click.Option) and one.opts[-1] != "--help":
            names = ", ".join(f"`{name}`" for name in one.opts[:-1])
            shown = f"{names}, " if names else ""
            rows.append((f"{shown}`{one.opts[-1]}{value(one)}`", OPTIONS[one.opts[-1]]))
    return table(("option", "meaning"), iter(rows))


def slash_table() -> str:
    return table(("command", "what it does"), ((f"`{n}`", words) for n, words in SLASH.items()))


def settings(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """(dotted key, default, meaning) of each setting; MCP servers have another page."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings(kind, f"{prefix}{name}.")
        else:
            default = field.get_default(call_default_factory=True)
            yield prefix + name, default, field.description or ""


def who_may_set(key: str) -> str:
    """Whether a folder's file may set `key`."""
    names = {key, key.split(".")[0]}
    if names & set(FOR_PROJECTS):
        return "yes"
    if names & set(LOWERED):
        return "stricter"
    return "if trusted" if names & set(IF_TRUSTED) else "no"


def settings_table() -> str:
    rows = (
        (f"`{key}`", meaning, f"`{json.dumps(default)}`", who_may_set(key))
        for key, default, meaning in settings()
    )
    return table(("key", "meaning", "default", "folder"), rows)


def events_table() -> str:
    common = {field.name for field in dataclasses.fields(Event)}
    rows = []
    for name, event in EVENTS.items():
        fields = [f"`{one.name}`" for one in dataclasses.fields(event) if one.name not in common]
        rows.append((f"`{name}`", ", ".join(fields), EVENT_WORDS[name]))
    return table(("event", "fields", "meaning"), iter(rows))


def tools_table() -> str:
    return table(("tool", "what it does"), ((f"`{name}`", TOOLS[name]) for name in builtin_tools()))


#: Page and name of each table.
TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"commands": commands_table},
    "docs/guide/commands.md": {"options": options_table, "all commands": all_commands_table},
    "docs/guide/chat.md": {"slash commands": slash_table},
    "docs/guide/settings.md": {"settings": settings_table},
    "docs/guide/events.md": {"events": events_table},
    "docs/guide/tools.md": {"tools": tools_table},
}


def with_tables(name: str, page: str) -> str:
    """`page` with its tables as the code has them."""
    for what, make in TABLES[name].items():
        start, end = f"<!-- {what}: docs/print_guide.py -->", f"<!-- end of {what} -->"
        block = f"{start}\n\n{make()}\n{end}"
        pattern = f"{re.escape(start)}.*?{re.escape(end)}"
        page, count = re.subn(pattern, lambda _, b=block: b, page, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{name} has {count} places for {what}")
    return page


if __name__ == "__main__":
    for name in TABLES:
        path = ROOT / name
        path.write_text(with_tables(name, path.read_text(encoding="utf-8")), encoding="utf-8")
