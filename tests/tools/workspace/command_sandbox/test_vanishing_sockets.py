"""Programs make and remove sockets in /tmp all the time: multiprocessing, editors, ssh. What hides
one from a command cannot be mounted any more once it is gone."""

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.backend import CommandRequest
from core.store.runs import Run
from tests.tools.bench import until
from tests.tools.real_sandbox import Late
from tests.tools.workspace.command_sandbox.conftest import Home
from tools.local.wait_for_command import result_of
from tools.workspace.command_sandbox import Wrapped
from tools.workspace.this_machine import LocalBackend


@dataclass
class Others:
    """Sockets of other programs. held: until when they live."""

    folder: Path
    held: ExitStack
    made: list[Path] = field(default_factory=list)

    def bind(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        listening = self.held.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(path))
        listening.listen()
        self.made.append(path)
        return path


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Others]:
    with ExitStack() as held:
        yield Others(tmp_path / "o", held)


async def run(home: Home, line: str, planned: Callable[[], None]) -> tuple[Run, list[Wrapped]]:
    """A command that has begun, and how its start was tried; `planned` is called after each plan,
    before the program that carries it out."""
    sandbox = Late(home.settings, planned)
    backend = LocalBackend(home.settings, sandbox)
    folder = str(home.folder)
    prepared, _ = await backend.prepare("t", "call_late")
    request = CommandRequest(line, folder, 60.0, False, folder, "network")
    started = await backend.start(prepared, request)
    assert isinstance(started, Run)
    return started, sandbox.tried


async def said(home: Home, planned: Callable[[], None]) -> tuple[str, list[Wrapped]]:
    started, tried = await run(home, "echo x >> ran; echo ran", planned)
    until(lambda: started.state() != "alive")
    return result_of(started).text, tried


async def test_a_socket_that_goes_away_does_not_stop_a_command(
    mounted: Home, others: Others
) -> None:
    others.folder.mkdir()
    theirs = others.bind("a/s").parent
    text, tried = await said(mounted, lambda: shutil.rmtree(theirs, ignore_errors=True))
    assert text == "ran\n[exit code 0]"
    assert (mounted.folder / "ran").read_text() == "x\n"
    assert len(tried) > 1
    assert not theirs.exists()


async def test_new_sockets_at_each_start_do_not_stop_a_command(
    mounted: Home, others: Others
) -> None:
    """On a busy machine each start met other ones. Only those that the first one met are covered:
    what is made later is like a socket that is made while the command runs."""
    others.folder.mkdir()
    stays, first = others.bind("stays/s"), others.bind("0/s")

    def exchanged() -> None:
        shutil.rmtree(others.made[-1].parent)
        others.bind(f"{len(others.made)}/s")

    text, tried = await said(mounted, exchanged)
    assert text == "ran\n[exit code 0]"
    covered = [{p.path for p in w.plan.places if p.is_socket} for w in tried if w.plan]
    met, *later = [{*map(str, others.made)} & paths for paths in covered]
    assert met == {str(stays), str(first)}
    # One, unless a test next to this one removes a socket of its own at that moment.
    assert later
    assert all(each == {str(stays)} for each in later)


@pytest.mark.parametrize("line", ["true", "sleep 600"])
async def test_nothing_is_left_in_the_place_of_a_socket(
    mounted: Home, others: Others, line: str
) -> None:
    """bubblewrap makes an empty file to mount on; the program could not make its socket again."""
    others.folder.mkdir()
    stays, path = others.bind("stays"), others.bind("goes")
    started, _ = await run(mounted, line, lambda: path.unlink(missing_ok=True))
    try:
        assert not path.exists()
        assert stays.is_socket()
        others.bind("goes")
    finally:
        started.kill("killed")


@pytest.mark.parametrize(("text", "mode"), [("", 0o644), ("x", 0o444)])
async def test_a_file_of_another_program_stays(
    mounted: Home, others: Others, text: str, mode: int
) -> None:
    others.folder.mkdir()
    path = others.bind("s")

    def exchanged() -> None:
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(mode)

    await said(mounted, exchanged)
    assert path.read_text() == text
