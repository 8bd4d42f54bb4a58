"""What a tool's author and a program import: no more and no less, and nothing heavy before use."""

import subprocess
import sys

import core
import graph


def test_a_tool_needs_these_names() -> None:
    assert core.__all__ == ["AgentTool", "Effect", "ToolContext", "ToolError", "ToolResult"]
    assert all(getattr(core, name).__name__ == name for name in core.__all__)


def test_a_program_needs_these_names() -> None:
    assert graph.__all__ == ["RunOptions", "Session"]
    assert all(getattr(graph, name).__name__ == name for name in graph.__all__)


def test_the_names_load_on_first_use_and_langgraph_is_strict_before() -> None:
    code = (
        "import os, sys, core, graph\n"
        "assert not {'langchain_core', 'langgraph', 'pydantic'} & set(sys.modules)\n"
        "assert os.environ['LANGGRAPH_STRICT_MSGPACK'] == 'true'\n"
        "assert not hasattr(core, 'Nothing') and not hasattr(graph, 'Nothing')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
