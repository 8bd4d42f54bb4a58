"""MCP: tools of servers outside of this program.

The SDK is imported late, through `connection.load_sdk`: it is slow.
"""

from configs.settings import Settings
from tools.extension import Extension, ToolServers


def _servers(settings: Settings, cwd: str) -> ToolServers:
    from tools.mcp.servers import Servers

    return Servers(settings, cwd)


EXTENSION = Extension(rules=("mcp", "mcp_reads"), servers=_servers)
