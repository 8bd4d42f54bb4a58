"""Servers in the command sandbox, next to programs that make and remove sockets. Tests that run at
the same time do that, too: how often a start is repeated is not known exactly."""

import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from configs.mcp import McpServer
from configs.settings import Settings
from tests.tools.mcp.conftest import fresh_program
from tests.tools.real_sandbox import Late, needs
from tools.mcp.cache import Cache
from tools.mcp.connection import Connection, Surroundings
from tools.mcp.errors import Trouble
from tools.workspace.command_sandbox import STARTS


@dataclass
class Place:
    """Opens connections in `sandbox`. told: what was told about them."""

    settings: Settings
    folder: Path
    sandbox: Late
    opened: list[Connection] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def connection(self, **server: Any) -> Connection:
        cache = Cache(self.settings.state_path())
        shared = Surroundings(str(self.folder), self.settings.mcp, cache, self.sandbox)
        configured = McpServer.model_validate({**server, "sandbox": True})
        self.opened.append(Connection("box", configured, shared, self.told.append))
        return self.opened[-1]


@pytest.fixture
async def place(settings: Settings, workdir: Path) -> AsyncIterator[Place]:
    needs("bubblewrap")
    found = Place(settings, workdir, Late(settings))
    yield found
    for connection in found.opened:
        await connection.close()


@pytest.mark.parametrize("name", ["folder/s", "s"])
async def test_a_socket_that_goes_away_does_not_stop_a_server(
    place: Place, tmp_path: Path, name: str
) -> None:
    others = tmp_path / "others"
    (others / name).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(others / name))
        place.sandbox.planned = lambda: shutil.rmtree(others, ignore_errors=True)
        connection = place.connection(**fresh_program("good"))
        await connection.begin()
    assert "echo" in [tool["name"] for tool in connection.tools or ()]
    assert 2 <= len(place.sandbox.tried) < STARTS
    assert place.told == []
    assert not others.exists()


async def test_an_empty_file_in_the_place_of_a_socket_goes(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        place.sandbox.planned = lambda: path.unlink(missing_ok=True)
        await place.connection(**fresh_program("good")).begin()
    assert not path.exists()


async def test_a_program_that_is_not_there_is_started_once(place: Place) -> None:
    connection = place.connection(command="no-such-program")
    with pytest.raises(Trouble, match="no-such-program"):
        await connection.begin()
    assert len(place.sandbox.tried) < STARTS


@pytest.mark.parametrize("name", [".netrc", ".ssh/key"])
async def test_a_secret_that_goes_away_does_not_stop_a_server(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    secret = tmp_path / "home" / name
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("secret")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def gone() -> None:
        secret.unlink(missing_ok=True)
        if name == ".ssh/key":
            shutil.rmtree(secret.parent, ignore_errors=True)

    place.sandbox.planned = gone
    await place.connection(**fresh_program("good")).begin()
    assert place.told == []


async def test_a_server_that_fails_by_itself_is_started_once(place: Place) -> None:
    command = "import sys; sys.exit('no such table')"
    connection = place.connection(command=sys.executable, args=["-c", command])
    with pytest.raises(Trouble, match="no such table"):
        await connection.begin()
    assert len(place.sandbox.tried) < STARTS
