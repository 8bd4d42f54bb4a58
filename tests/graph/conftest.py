"""A stand-in of the Hub, and a job on it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand_ins.hub_server import HubServer

JOB: dict[str, Any] = {
    "operation": "run", "flavor": "t4-small", "timeout": "30m", "command": "python train.py",
}  # fmt: skip


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("HF_TOKEN", "hf_ann")
    with HubServer() as server:
        yield server
    assert server.violations == []
