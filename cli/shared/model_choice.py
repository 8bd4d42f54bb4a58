"""Choosing while a chat goes on: /model, /effort, and what the context holds."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from cli.shared.bootstrap import guarded, settings_for
from cli.shared.options import Options
from cli.terminal.writer import to_stdout

EFFORTS = ("minimal", "low", "medium", "high")
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
        yield f"... {len(found) - most} more; a word after the command narrows them down"
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


async def choose_model(session: Any, word: str, lines: Any) -> None:
    """`/model`: which answers, and which there are. `/model ID`: switch. `/model WORD`: find."""
    from core.errors import AgentError, UnknownModel
    from core.models.list_models import offers

    if not word:
        lines.line(f"{session.thread.model} answers; /model ID switches, /model WORD finds", "2")
    else:
        try:
            route = await session.switch(word)
            lines.line(f"from now on: {route}", "2")
            return
        except UnknownModel as error:
            failure: AgentError = error
        except AgentError as error:
            lines.complain(error.message, error.hint)
            return
    found = list(listed(await offers(session.settings), word))
    for text in found:
        lines.line(text)
    if word and not found:
        lines.complain(failure.message, failure.hint)


def choose_effort(session: Any, word: str, lines: Any) -> None:
    """`/effort LEVEL`; without a level: what there is."""
    if word not in EFFORTS:
        lines.line(f"/effort takes one of: {', '.join(EFFORTS)}")
        return
    session.think(word)
    lines.line(f"effort {word}, where the model can think", "2")


def use_of_context(use: Any) -> Iterator[str]:
    """What the next request holds, as lines."""
    known = "" if use.window_is_known else " (not known: assumed; set context_window)"
    share = 100 * use.total / use.window
    yield f"{use.total:,} of {use.window:,} tokens, {share:.0f} %{known}"
    yield f"  system prompt   {use.prompt:>9,}"
    yield f"  {len(use.tools):>2} tools        {sum(use.tools.values()):>9,}"
    yield f"  messages        {use.messages:>9,}"
    yield f"compacted above   {use.threshold:>9,}"
