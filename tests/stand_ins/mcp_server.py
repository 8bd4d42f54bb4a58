"""Real MCP servers with the SDK's FastMCP, each with its own trouble, run as processes.

    python -m tests.stand_ins.mcp_server KIND [--http PORT]

Kinds: good, misfit (answers that do not fit their schema), changed (another list), many (500
tools), twins (two tools of one name), library (prompts and resources), noise (prints on stdout),
hang (never answers), slow (starts after SECONDS), exit (ends at once), signed (OAuth).
"""

import argparse
import base64
import os
import sys
import time
from pathlib import Path
from typing import Any

from mcp import types
from mcp.server.fastmcp import Context, FastMCP, Image
from mcp.server.fastmcp.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import BaseModel

#: A picture of one red pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


class Size(BaseModel):
    size: int


class Wanted(BaseModel):
    name: str
    copies: int = 1


def good(kind: str, port: int, **options: Any) -> FastMCP:
    """Every way in which a tool behaves."""
    server = FastMCP(kind, port=port, log_level="CRITICAL", **options)
    reads = ToolAnnotations(readOnlyHint=True)

    @server.tool(annotations=reads)
    def echo(text: str) -> str:
        """Say it again."""
        return f"echo {text}"

    @server.tool(annotations=reads)
    def environment() -> str:
        """The names of the variables that this server sees, and its folder."""
        return f"{' '.join(sorted(os.environ))} in {os.getcwd()}"

    @server.tool()
    def note(path: str, text: str) -> str:
        """Append a line to a file."""
        with Path(path).open("a") as file:
            file.write(text + "\n")
        return f"noted by {os.getpid()}"

    @server.tool(annotations=ToolAnnotations(destructiveHint=True))
    def remove(path: str) -> str:
        """Remove a file."""
        Path(path).unlink()
        return "removed"

    @server.tool(annotations=ToolAnnotations(openWorldHint=True, destructiveHint=False))
    def publish(text: str) -> str:
        """Show it to the world."""
        return "published"

    @server.tool(annotations=reads)
    async def count(to: int, context: Context) -> str:  # type: ignore[type-arg]
        """Count, with progress and a log line."""
        await context.info("counting begins")
        for number in range(1, to + 1):
            await context.report_progress(number, to, f"at {number}")
        return f"counted to {to}"

    @server.tool(annotations=reads)
    async def ask(context: Context) -> str:  # type: ignore[type-arg]
        """Ask the user."""
        found = await context.elicit("what shall it be?", schema=Wanted)
        return f"{found.action} {getattr(found, 'data', None)}"

    @server.tool(annotations=reads)
    def picture() -> Image:
        """A picture."""
        return Image(data=PIXEL, format="png")

    @server.tool(annotations=reads)
    def fail() -> str:
        """Raise."""
        raise ValueError("it went wrong")

    @server.tool()
    def die(path: str = "") -> str:
        """End the server in the middle of the call."""
        if path:
            Path(path).write_text("it had begun")
        os._exit(3)

    @server.tool(annotations=reads)
    def die_once(marker: str) -> str:
        """Die the first time, answer the second."""
        if not Path(marker).exists():
            Path(marker).touch()
            os._exit(3)
        return "alive again"

    @server.tool()
    async def wait(path: str, seconds: float = 60) -> str:
        """Begin something, and take long."""
        import anyio

        Path(path).write_text("begun")
        try:
            await anyio.sleep(seconds)
        except BaseException:
            Path(path).write_text("cancelled")
            raise
        return "done"

    if kind == "misfit":
        breaks_its_promise(server)

    if kind == "changed":

        @server.tool(annotations=reads)
        def brand_new() -> str:
            """A tool that was not there before."""
            return "new"

    return server


def breaks_its_promise(server: FastMCP) -> None:
    """Tools whose answers do not fit the outputSchema that they declare."""

    @server.tool()
    def size(path: str, how: str) -> Size:
        """How large a file is."""
        Path(path).write_text("asked")
        return Size(size=42)

    call = server._mcp_server.request_handlers[types.CallToolRequest]

    async def spoiled(request: Any) -> Any:
        answer = await call(request)
        if request.params.name == "size":
            how = request.params.arguments["how"]
            spoilt = {"missing": None, "other": {"size": "large"}}[how]
            answer.root.structuredContent = spoilt
        return answer

    server._mcp_server.request_handlers[types.CallToolRequest] = spoiled


def many(port: int) -> FastMCP:
    server = FastMCP("many", port=port, log_level="CRITICAL")

    def work(value: int) -> str:
        return str(value)

    made = Tool.from_function(work)  # once: the schema of each costs two milliseconds
    for number in range(500):

        def multiply(value: int, number: int = number) -> str:
            return f"{number} times {value} is {number * value}"

        title = "multiply by thirteen" if number == 13 else f"work number {number}"
        name = f"tool_{number}"
        own = {"name": name, "title": None, "description": title, "fn": multiply}
        server._tool_manager._tools[name] = made.model_copy(update=own)
    return server


def twins(port: int) -> FastMCP:
    """A server whose list names a tool twice."""
    server = good("twins", port)
    listing = server.list_tools

    async def twice() -> Any:
        tools = await listing()
        return [*tools, tools[0].model_copy(update={"description": "the other"})]

    server._mcp_server.list_tools()(twice)
    return server


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("--http", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--starts", default="", help="a file that gets a line per start")
    given = parser.parse_args()
    if given.starts:
        with Path(given.starts).open("a") as file:
            file.write(f"{os.getpid()}\n")
    if given.kind == "exit":
        sys.exit("the licence has run out")
    if given.kind == "hang":
        sys.stdin.read()  # to the end of whoever started it
        sys.exit()
    if given.kind == "noise":
        print("Welcome to the noisy server!", flush=True)
        print("it talks on stderr too", file=sys.stderr, flush=True)
    time.sleep(given.seconds)
    if given.kind == "signed":
        from tests.stand_ins.mcp_sign_in import signed

        server = signed(given.http)
    elif given.kind == "many":
        server = many(given.http or 8000)
    elif given.kind == "library":
        from tests.stand_ins.mcp_library import library

        server = library(given.http or 8000)
    elif given.kind == "twins":
        server = twins(given.http or 8000)
    else:
        server = good(given.kind, given.http or 8000)
    server.run("streamable-http" if given.http else "stdio")


if __name__ == "__main__":
    main()
