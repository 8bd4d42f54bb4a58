"""The models that can be chosen: `-m list` and `/model`."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from cli.shared.bootstrap import guarded, settings_for
from cli.shared.command import tell
from cli.shared.options import Options
from cli.terminal.writer import note

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


def none_found(word: str) -> str:
    """The note if no model can be listed."""
    if word:
        return f"no model matches {word!r}; ml-agent -m list prints all"
    return "no models: set ANTHROPIC_API_KEY, HF_TOKEN or OPENAI_API_KEY, or start a local server"


def print_models(options: Options, word: str) -> int:
    """`-m list`: every model whose provider can be asked here, or those that `word` is in."""

    async def work() -> int:
        from core.models.list_models import offers

        found = matching(await offers(settings_for(options).settings), word)
        if not found and options.output != "json":
            note(none_found(word))
        told = [{"id": offer.id, "about": offer.describe()} for offer in found]
        return tell(options, {"models": told}, listed(found, most=len(found)))

    return guarded(lambda: asyncio.run(work()), options)
