"""-m list: the models that can be chosen here."""

import asyncio
from typing import Any

from cli.shared.bootstrap import guarded, settings_for
from cli.shared.model_choice import listed
from cli.terminal.writer import to_stdout


def print_models(options: dict[str, Any], word: str) -> int:
    """Every model whose provider can be asked here, or those that `word` is in."""

    async def work() -> int:
        from core.models.list_models import offers

        settings = settings_for(options).settings
        for text in listed(await offers(settings), word, most=10_000):
            to_stdout(f"{text}\n")
        return 0

    return guarded(lambda: asyncio.run(work()), options)
