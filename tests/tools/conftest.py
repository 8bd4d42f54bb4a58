"""A bench for each test of a tool."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from configs.settings import Settings
from core.store import open_store
from nodes.services import build_services
from tests.stand_ins.github_server import GithubServer
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_server import closed_port
from tests.stand_ins.viewer_server import ViewerServer
from tests.tools.bench import Bench


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A Hub of the test's own, empty; nothing that it was asked may differ from its document."""
    with HubServer() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def viewer() -> Iterator[ViewerServer]:
    """The Hub's dataset viewer, empty."""
    with ViewerServer() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def github() -> Iterator[GithubServer]:
    """A GitHub of the test's own, likewise."""
    with GithubServer() as server:
        yield server
    assert server.violations == []


@pytest.fixture
async def bench(
    settings: Settings,
    workdir: Path,
    hub: HubServer,
    viewer: ViewerServer,
    github: GithubServer,
) -> AsyncIterator[Bench]:
    settings = settings.model_copy(
        update={
            "hub_url": hub.url,
            "dataset_viewer_url": viewer.url,
            "endpoints_url": f"{hub.url}/endpoints/v2",
            "arxiv_url": f"{hub.url}/arxiv",
            "ar5iv_url": f"{hub.url}/ar5iv",
            "semantic_scholar_url": f"{hub.url}/s2",
            "github_url": github.url,
            "web_search_url": f"http://127.0.0.1:{closed_port()}/search",
        }
    )
    store = await open_store(settings)
    try:
        yield Bench(build_services(settings, store), workdir)
    finally:
        await store.close()
