"""`ml-agent web`: one server for the user of this machine, next to the CLI."""

import asyncio
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

from configs.settings import Settings
from core.errors import UsageError
from graph.options import RunOptions
from server.limits import Limits
from server.local import LocalAccess
from server.serve import bound, serve
from server.site import Site
from server.users import User, Users

HOST, PORT = "127.0.0.1", 7860
#: How many ports after the first are tried if the user named none.
TRIES = 20
#: One user, whose machine it is: what limits a server for many does not limit this one.
LIMITS = Limits(user_turns=64, turns=64, user_streams=200, threads=1_000_000)


def start(
    settings: Settings,
    folder: Path,
    options: RunOptions,
    port: int | None,
    say: Callable[[str], None],
    open_browser: bool,
) -> None:
    """Serve until the user stops it. Raises AgentError.

    Args:
        options: of every session. port: None: 7860, or the next that is free. say: takes lines
            for the user.
    """
    listener = _listener(port)
    number = listener.getsockname()[1]
    user = User(settings, LIMITS, folder=folder, options=options)
    access = LocalAccess(user, settings.state_path() / "web-cookies.json", number)
    site = Site(
        kind="local",
        access=access,
        users=Users(lambda key: user, LIMITS),
        hosts=frozenset({f"{HOST}:{number}", f"localhost:{number}"}),
        scheme="http",
    )
    site.users.warm(settings)
    site.users.get("")
    address = f"http://{HOST}:{number}"

    def ready() -> None:
        say(f"open {address}{access.path}")
        say("the link works once; Ctrl-C ends the server")
        if open_browser:
            webbrowser.open(f"{address}{access.path}")

    asyncio.run(serve(site, listener, ready))


def _listener(port: int | None) -> socket.socket:
    if port is not None:
        return bound(HOST, port)
    for number in range(PORT, PORT + TRIES):
        try:
            return bound(HOST, number)
        except UsageError:
            continue
    return bound(HOST, 0)
