"""What the model is offered of the servers' lists: the allowed ones, under names of their own."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from core.tool import AgentTool
from tools.mcp.cache import Listed
from tools.mcp.connection import Connection
from tools.mcp.search import McpSearch
from tools.mcp.tool import McpTool

#: Told of a server: (its name, what).
Tell = Callable[[str, str], None]


def offer(
    lists: Iterable[tuple[Connection, list[Listed]]], most: int, tell: Tell
) -> dict[str, AgentTool]:
    """The tools by name. Above `most`, those of the largest servers stand behind one search."""
    made: dict[str, dict[str, McpTool]] = {}
    names: set[str] = set()
    for connection, tools in lists:
        own = made[connection.name] = {}
        for tool in _allowed(connection, tools, tell):
            built = McpTool.of(connection, tool)
            if built.name in names:
                tell(connection.name, f"two tools are named {built.name}; the first is used")
                continue
            names.add(built.name)
            own[built.name] = built
    hidden: dict[str, McpTool] = {}
    for name in sorted(made, key=lambda name: (-len(made[name]), name)):
        if sum(map(len, made.values())) <= most:
            break
        tell(
            name,
            f"its {len(made[name])} tools are too many to be offered one by one: the model "
            'searches for them; "tools" in its settings chooses some',
        )
        hidden.update(made.pop(name))
    found: dict[str, AgentTool] = {k: v for own in made.values() for k, v in own.items()}
    if hidden:
        search = McpSearch.over(hidden)
        found[search.name] = search
    return found


def _allowed(connection: Connection, tools: list[Listed], tell: Tell) -> list[Listed]:
    patterns = connection.server.tools
    if not patterns:
        return tools
    for pattern in patterns:
        if not any(fnmatchcase(tool["name"], pattern) for tool in tools):
            tell(connection.name, f"no tool of it fits {pattern!r} of its allow-list")
    return [t for t in tools if any(fnmatchcase(t["name"], p) for p in patterns)]
