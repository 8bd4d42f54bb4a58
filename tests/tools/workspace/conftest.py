"""Benches over both backends: this machine, and a sandbox at the stand-in."""

import atexit
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from configs.settings import Settings
from core.store import open_store
from nodes.services import build_services, in_sandbox
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.sandbox_server import SandboxServer
from tests.tools.bench import THREAD, Bench


@pytest.fixture
def boxes(hub: HubServer, tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "box") as server:
        server.serve(hub)
        yield server
    assert server.violations == []


@pytest.fixture
def given(
    settings: Settings, hub: HubServer, boxes: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("HF_TOKEN", "hf_ann")
    sandbox = settings.sandbox.model_copy(update={"folder": str(boxes.folder / "work")})
    return settings.model_copy(update={"hub_url": hub.url, "sandbox": sandbox})


@pytest.fixture
async def inside(given: Settings, boxes: SandboxServer) -> AsyncIterator[Bench]:
    """A bench whose thread works in a sandbox; its folder is made by the first call."""
    store = await open_store(given)
    services = in_sandbox(build_services(given, store), THREAD, "cpu-basic")
    try:
        yield Bench(services, boxes.folder / "work", sandbox=True)
    finally:
        await services.backend.close()
        await store.close()


@pytest.fixture(params=["local", "sandbox"])
async def there(
    request: pytest.FixtureRequest, boxes: SandboxServer, given: Settings, workdir: Path
) -> AsyncIterator[Bench]:
    """A bench over each backend, ready: the same must hold of all."""
    async with _bench(request.param, boxes, given, workdir) as bench:
        yield bench


@pytest.fixture(params=["local", "sandbox", "sandbox without ripgrep"])
async def searched(
    request: pytest.FixtureRequest, boxes: SandboxServer, given: Settings, workdir: Path
) -> AsyncIterator[Bench]:
    """For searches: with the ripgrep of the sandbox, and without."""
    async with _bench(request.param, boxes, given, workdir) as bench:
        yield bench


@asynccontextmanager
async def _bench(
    kind: str, boxes: SandboxServer, given: Settings, workdir: Path
) -> AsyncIterator[Bench]:
    store = await open_store(given)
    services = build_services(given, store)
    try:
        if kind == "local":
            yield Bench(services, workdir)
            return
        boxes.path = _programs(rg=kind == "sandbox")
        bench = Bench(in_sandbox(services, THREAD, "cpu-basic"), workdir, sandbox=True)
        assert (await bench.call("bash", command="true")).ok
        bench.cwd = boxes.folder / "work"
        bench.events.clear()
        yield bench
        await bench.services.backend.close()
    finally:
        await store.close()


@cache
def _programs(*, rg: bool) -> str:
    """A PATH with or without ripgrep, whatever this machine has: its folder is made once."""
    from tools.workspace.ripgrep import binary

    made = TemporaryDirectory(prefix="programs-")
    atexit.register(made.cleanup)
    folder = Path(made.name)
    for place in ("/usr/local/bin", "/usr/bin", "/bin"):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            if program.name != "rg" and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    if rg:
        os.symlink(shutil.which("rg") or binary(), folder / "rg")
    return str(folder)
