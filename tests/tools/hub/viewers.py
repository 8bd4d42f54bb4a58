"""Calls of hf_dataset against the stand-in viewer and the stand-in Hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.viewer_server import Split, ViewerServer
from tests.tools.bench import Bench


@contextmanager
def serving(bench: Bench, data: Any, **options: Any) -> Iterator[tuple[ViewerServer, HubServer]]:
    """Both servers, the bench's settings pointing at them; both were asked as documented."""
    with ViewerServer(data, **options) as viewer, HubServer() as hub:
        bench.services.settings.dataset_viewer_url = viewer.url
        bench.services.settings.hub_url = hub.url
        yield viewer, hub
    assert not viewer.violations
    assert not hub.violations


def one(rows: list[dict[str, Any]], **features: Any) -> dict[str, dict[str, Split]]:
    """A dataset of one config and split."""
    return {"default": {"train": Split(rows, features)}}


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"prompt": f"What is the square of {i}?", "completion": f"The square of {i} is {i * i}."}
        for i in range(start, start + count)
    ]
