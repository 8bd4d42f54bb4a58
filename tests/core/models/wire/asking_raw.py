"""Asking a raw server over each route of OpenAI's format."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.core.models.asking import KEY, Asking
from tests.stand_ins.raw_server import RawServer, Step

MODEL = "openai/m"
#: Over our own wire, and through LiteLLM.
ROUTES = (MODEL, f"litellm/{MODEL}")


@contextmanager
def asking_raw(*steps: Step, **options: Any) -> Iterator[Asking]:
    """A client whose OpenAI is the raw server."""
    with RawServer(*steps) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.setenv("OPENAI_BASE_URL", server.base)
        yield Asking(server, **options)  # type: ignore[arg-type]
