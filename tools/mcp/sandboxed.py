"""A server's program in the command sandbox, started again if the sandbox could not be made."""

from dataclasses import replace
from pathlib import Path

from configs.mcp import McpServer
from core.errors import ToolError
from tools.mcp.config import Start, start_of
from tools.mcp.errors import Trouble
from tools.mcp.transport import last_words
from tools.workspace.command_sandbox import STARTS, CommandPlace, CommandSandbox, Wrapped
from tools.workspace.command_sandbox.bubblewrap import has_not_mounted


class Sandboxed:
    """The starts of one program, until it runs. All methods block.

    Args:
        sandbox: None: it runs outside of one. cwd: the session's folder.
    """

    def __init__(self, sandbox: CommandSandbox | None, cwd: str) -> None:
        self._sandbox = sandbox
        self._cwd = cwd
        self._wrapped: Wrapped | None = None
        self._left = STARTS

    def begin(self, server: McpServer) -> Start:
        """What the server is started or reached with. Raises Trouble."""
        self._left -= 1
        start = start_of(server, self._cwd)
        if not start.command or self._sandbox is None:
            return start
        try:
            self._wrapped = self._sandbox.wrap(
                [start.command, *start.args],
                CommandPlace(self._cwd, start.cwd, "network"),
                status=False,
                failed=self._wrapped.plan if self._wrapped else None,
            )
        except (ToolError, OSError, ValueError) as error:
            raise Trouble(str(error)) from error
        program, *words = self._wrapped.argv
        return replace(start, command=program, args=words)

    def clear(self) -> None:
        """Once it runs, or has failed to: remove what starting it left."""
        if self._wrapped is not None:
            self._wrapped.clear()

    def is_to_repeat(self, errors: Path) -> bool:
        """Whether the program has not begun, since its sandbox could not be made. `errors`: what it
        said on stderr."""
        self.clear()
        about = self._wrapped.about if self._wrapped else None
        is_mounted = about is not None and about["by"] == "bubblewrap"
        return is_mounted and self._left > 0 and has_not_mounted(last_words(errors))
