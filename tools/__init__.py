"""The tools a model can use, by folder: each has them in its `EXTENSION`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from core.errors import SettingsError

if TYPE_CHECKING:
    from configs.settings import Settings
    from core.tool import AgentTool
    from tools.extension import Extension, Jobs, Sandboxes, ToolServers

#: The tools that need no folder.
TOOLS = (
    "tools.ask_user:AskUser",
    "tools.plan:Plan",
    "tools.research:Research",
    "tools.wait.tool:Wait",
)
#: Delete a line and its folder, and the rest works without (tests/test_removable.py).
EXTENSIONS = (
    "tools.local",
    "tools.experiment",
    "tools.hub",
    "tools.github",
    "tools.web",
    "tools.mcp",
    "tools.workspace.sandbox",
)


@cache
def _extensions() -> tuple[Extension, ...]:
    return tuple(import_module(name).EXTENSION for name in EXTENSIONS)


def builtin_tools() -> dict[str, AgentTool]:
    """The built-in tools by name."""
    places = [*TOOLS]
    for folder, extension in zip(EXTENSIONS, _extensions(), strict=True):
        places += [f"{folder}.{tool}" for tool in extension.tools]
    tools: list[AgentTool] = []
    for place in places:
        module, _, name = place.partition(":")
        tools.append(getattr(import_module(module), name)())
    return {tool.name: tool for tool in sorted(tools, key=lambda tool: tool.name)}


def rule_names() -> set[str]:
    """What a rule can name: the built-in tools, and what folders add."""
    return {*builtin_tools(), *(rule for one in _extensions() for rule in one.rules)}


def thread_jobs() -> Jobs | None:
    """What looks after the jobs of a thread."""
    return next((one.jobs() for one in _extensions() if one.jobs), None)


def sandboxes() -> Sandboxes | None:
    """What rents machines for a thread."""
    return next((one.sandboxes() for one in _extensions() if one.sandboxes), None)


def tool_servers(settings: Settings, cwd: str = ".") -> ToolServers | None:
    """The configured servers, none started; None without any. Their programs run in `cwd`.

    Raises SettingsError if this installation has no MCP support.
    """
    if not settings.mcpServers:
        return None
    found = next((one.servers(settings, cwd) for one in _extensions() if one.servers), None)
    if found is None:
        raise SettingsError(
            "mcpServers is set, and this installation has no MCP support",
            "take mcpServers out of your settings",
        )
    return found
