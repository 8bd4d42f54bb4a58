"""Ending several things, each whatever becomes of the others."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

log = logging.getLogger(__name__)


async def close_all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all of them to their ends, side by side; what fails is logged."""
    for failed in await asyncio.gather(*works, return_exceptions=True):
        if failed is not None:
            log.error("Cannot close all: %r", failed, exc_info=failed)
