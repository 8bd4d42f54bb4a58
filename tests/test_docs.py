"""docs/tools.md is what the tools answer today, and leaves no operation out."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from docs.print_tools import TARGET
from docs.tool_calls import CALLS
from tests.cli.program import ROOT
from tools import builtin_tools

TOOLS = builtin_tools()
#: Fields whose every value is its own thing that the tool does.
KINDS = ("operation", "method")


def kinds(tool: str) -> dict[str, list[str]]:
    fields = TOOLS[tool].args_schema.model_fields
    return {name: list(get_args(fields[name].annotation)) for name in KINDS if name in fields}


def test_the_page_is_what_the_script_makes(tmp_path: Path) -> None:
    """In its own process: it has its own home, and the stand-ins count from the start."""
    made = tmp_path / "tools.md"
    command = [sys.executable, "-m", "docs.print_tools", str(made)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert made.read_text() == TARGET.read_text(), "run: uv run python -m docs.print_tools"


#: Operations that sub-agents carry out.
BY_SUBAGENTS = {"experiment": {"branch"}}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_operation_is_shown(tool: str) -> None:
    page = TARGET.read_text()
    (section,) = re.findall(rf"^## {tool}\n(.*?)(?=^## [a-z_]+\n\n[A-Z]|\Z)", page, re.M | re.S)
    shown = [json.loads(call) for call in re.findall(r"^```json\n(.*?)\n```", section, re.M)]
    assert shown == [call.arguments for call in CALLS if call.tool == tool]
    # What a sub-agent answers is a model's: there is no real one to show here.
    # A wait ends the run, and a sub-agent is one: neither is a call that answers at once.
    assert shown or TOOLS[tool].is_subagent or tool == "wait"
    for name, values in kinds(tool).items():
        assert values
        assert set(values) <= {call.get(name) for call in shown} | BY_SUBAGENTS.get(tool, set())


def test_the_page_names_no_machine() -> None:
    page = TARGET.read_text()
    assert re.findall(r"127\.0\.0\.1|/tmp/|hf_ann|ghp_ann|<path>", page) == []
    # What is shown went well, but where it shows a failure.
    assert len(re.findall(r"^\(failed\)", page, re.M)) == 2


def test_the_tables_of_the_permissions_page_are_the_codes() -> None:
    from docs.print_policy import PAGE, with_tables

    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "run: uv run python -m docs.print_policy"
    assert page.count("\n| `git ") == 4


@pytest.mark.parametrize("page", ["AGENTS.md", "docs/architecture.md"])
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    """Examples of new files are in the pages about extending, not here."""
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|json))`", (ROOT / page).read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
