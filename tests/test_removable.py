"""Each extension goes with its folder and one line: here that is done, in a copy."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.program import ROOT
from tests.cli.program_process import run

PACKAGES = ("cli", "configs", "core", "graph", "nodes", "server", "tools", "tests")
WEB = '    "web": ("cli.commands.web:web", "Chat in a browser, with the same sessions"),\n'
ACP = '    "acp": ("cli.commands.acp:acp", "Work in an editor: Zed, JetBrains, VS Code"),\n'
#: By extension: its folder (and the file of its command), the file with its line, the line.
EXTENSIONS = {
    "experiments": ("tools/experiment", "tools/__init__.py", '    "tools.experiment",\n'),
    "hub": ("tools/hub", "tools/__init__.py", '    "tools.hub",\n'),
    "mcp": ("tools/mcp", "tools/__init__.py", '    "tools.mcp",\n'),
    "web": ("tools/web", "tools/__init__.py", '    "tools.web",\n'),
    "github": ("tools/github", "tools/__init__.py", '    "tools.github",\n'),
    "sandbox": (
        "tools/workspace/sandbox",
        "tools/__init__.py",
        '    "tools.workspace.sandbox",\n',
    ),
    "postgres": (
        "core/store/postgres",
        "core/store/database.py",
        '    "postgresql": "core.store.postgres.parts:parts",\n',
    ),
    "full-screen chat": (
        "cli/chat/terminal",
        "cli/start_chat.py",
        '    "full": "cli.chat.terminal.frontend:Terminal",\n',
    ),
    "editors": ("server/acp cli/commands/acp.py", "cli/command_group.py", ACP),
    "web chat": (
        "server cli/commands/web.py cli/commands/acp.py",
        "cli/command_group.py",
        WEB + ACP,
    ),
}
#: The core suite: session, nodes, local tools, store, command line.
CORE = (
    "tests/test_core.py",
    "tests/graph/test_session.py::test_a_task_in_tools_run_an_answer_out",
    "tests/graph/test_session.py::test_a_bad_call_comes_back_and_harms_nobody",
    "tests/graph/test_session.py::test_a_failed_turn_can_be_resumed",
    "tests/graph/test_session.py::test_a_thread_remembers",
    "tests/graph/test_approvals.py::test_ask_mode_asks_for_commands_only[sqlite]",
    "tests/graph/test_without_session.py::"
    "test_services_are_opened_once_and_approvals_come_in_langchains_shape",
    "tests/nodes/test_waves.py",
    "tests/core/store/test_rows.py::test_a_call_is_begun_noted_done_and_forgotten[sqlite]",
    "tests/core/store/test_rows.py::test_a_thread_remembers[sqlite]",
    "tests/tools/local/test_edit.py::test_exact_with_its_diff",
    "tests/tools/local/test_read.py::test_lines_with_numbers",
    "tests/tools/test_every_tool.py::test_is_a_langchain_tool_under_its_name",
)
#: Runs pytest on the copy that is its folder: the process that it is forked from has imported what
#: others wrote, which costs more than the tests, and our modules from elsewhere.
IN_COPY = f"""
import os, sys
for name in [name for name in sys.modules if name.partition(".")[0] in {PACKAGES}]:
    del sys.modules[name]
sys.path[:] = [os.getcwd(), *(path for path in sys.path if path not in ("", {str(ROOT)!r}))]
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, with what Python compiled: compiling is most of a run's time."""
    folder = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@contextmanager
def without(copy: Path, name: str) -> Iterator[None]:
    """The copy without that extension; afterwards it is whole again."""
    places, file, line = EXTENSIONS[name]
    aside = copy / "aside"
    aside.mkdir()
    removed = {copy / place: aside / str(n) for n, place in enumerate(places.split())}
    try:
        for place, kept in removed.items():
            place.rename(kept)
        text = (copy / file).read_text(encoding="utf-8")
        assert text.count(line) == 1
        (copy / file).write_text(text.replace(line, ""), encoding="utf-8")
        yield
    finally:
        shutil.copy2(ROOT / file, copy / file)
        for place, kept in removed.items():
            if place.exists():  # what a run wrote there
                shutil.rmtree(place)
            if kept.exists():
                kept.rename(place)
        aside.rmdir()


@pytest.mark.parametrize("name", EXTENSIONS)
def test_the_core_works_without(name: str, copy: Path, tmp_path: Path) -> None:
    # Without the plugins that it does not need: loading them takes longer than the tests.
    options = ["-qx", "-o", "addopts=", "-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider"]
    # With a folder of its own: else pytest removes those of earlier runs.
    options.append(f"--basetemp={tmp_path / 'temporary'}")
    with without(copy, name):
        done = run(
            [sys.executable, "-c", IN_COPY, *options, *CORE],
            cwd=copy,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )
    assert done.returncode == 0, done.stdout + done.stderr
