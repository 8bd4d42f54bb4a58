"""The models that can be chosen: `-m list` and `/model`."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from cli.shared.bootstrap import guarded, settings_for
from cli.shared.options import Options
from cli.terminal.writer import to_stdout

#: Models that are listed at once; a word narrows them down.
MOST = 40


def matching(offers: Sequence[Any], word: str) -> list[Any]:
    """Those whose id holds every part of `word`."""
    parts = word.lower().split()
    return [offer for offer in offers if all(part in offer.id.lower() for part in parts)]


def listed(offers: Sequence[Any], word: str = "", most: int = MOST) -> Iterator[str]:
    """The models that can be chosen, a line each."""
    found = matching(offers, word)
    for offer in found[:most]:
        yield offer.describe()
    if len(found) > most:
        yield f"... {len(found) - most} more; add a word to narrow the list"
    if not found and not word:
        yield "none: set ANTHROPIC_API_KEY, HF_TOKEN or OPENAI_API_KEY, or start a local server"


def print_models(options: Options, word: str) -> int:
    """`-m list`: every model whose provider can be asked here, or those that `word` is in."""

    async def work() -> int:
        from core.models.list_models import offers

        settings = settings_for(options).settings
        for text in listed(await offers(settings), word, most=10_000):
            to_stdout(f"{text}\n")
        return 0

    return guarded(lambda: asyncio.run(work()), options)
