"""A user who is logged in at the stand-in Hub, and a huggingface_hub that does not wait."""

import time
from types import SimpleNamespace

import pytest

TOKEN = "hf_ann"


@pytest.fixture(autouse=True)
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """huggingface_hub sleeps between its attempts; tests have no time for that."""
    import huggingface_hub.utils._http as client

    awake = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})
    monkeypatch.setattr(client, "time", awake)
