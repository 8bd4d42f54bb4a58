"""At a turn's end: what the answer claims is looked up in the thread's record.

If calls ran in this thread, the model corrects once what has no source. Without any call, an answer
is what the model knows, and is only marked.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from functools import partial

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from core.claims.answer import claims_of
from core.claims.check import Found, checked
from core.claims.history import texts_of, with_claims
from core.claims.numbers import with_powers
from core.claims.record import Record
from core.events import ToolLog
from core.history import is_note, is_summary, note
from core.secrets.redaction import redacted
from core.state import Turn
from nodes.ids import new_message_id
from nodes.nudges import UNSOURCED
from nodes.step import Step

#: The answer is only asked for again if the caps leave so many times what it cost.
ROOM = 3
#: Characters of a record in which looking up takes a few milliseconds: no thread is worth it.
QUICK = 20_000
#: Claims that are named to the model.
NAMED = 30


async def settle_claims(
    step: Step, before: Sequence[AnyMessage], turn: Turn, answer: AIMessage, left: int | None
) -> tuple[AIMessage, Turn, HumanMessage | None]:
    """The answer that ends `turn`, marked with its claims; or as it is with the turn under way
    again, and what the model is told to correct. `before`: the messages before it. `left`:
    micro-USD under the caps."""
    marked, missing = await _checked(step, before, turn, answer)
    told = _asked_to_mend(step, turn, before, missing, left)
    if told is None:
        return marked, turn, None
    count = len(missing)
    parts = f"{count} part{'' if count == 1 else 's'} of the answer without a source"
    step.emit(ToolLog(id="", tool="model", text=f"{parts}: asked to correct them"))
    return answer, {**turn, "status": "running", "unsourced": count}, told


async def _checked(
    step: Step, messages: Sequence[AnyMessage], turn: Turn, answer: AIMessage
) -> tuple[AIMessage, list[Found]]:
    """The answer marked with its claims, and those that the model should correct."""
    is_off = step.services.settings.claims == "off" or turn.get("status") != "done"
    if is_off or not claims_of(with_powers(answer.text)):
        return answer, []
    recent, whole = _results_of_turn(messages), step.services.whole_history
    is_short = any(map(is_summary, messages))
    found = await _look_up(answer, texts_of(messages, summaries=is_short and whole is None), recent)
    if is_short and whole is not None and any(source is None for _, source in found):
        found = await _look_up(answer, texts_of([*await whole(), *messages]), recent)
    claims = [{"text": redacted(claim.shown), "call": source} for claim, source in found]
    # Of an answer that a program reads, words next to a value would break the form.
    missing = [] if _is_json(answer.text) else [each for each in found if each[1] is None]
    return with_claims(answer, claims), missing


async def _look_up(
    answer: AIMessage, sources: list[tuple[str, str]], recent: list[str]
) -> list[Found]:
    look_up = partial(checked, answer.text, Record(sources), recent)
    is_quick = sum(len(text) for _, text in sources) < QUICK
    return look_up() if is_quick else await asyncio.to_thread(look_up)


def _asked_to_mend(
    step: Step,
    turn: Turn,
    messages: Sequence[AnyMessage],
    missing: Sequence[Found],
    left: int | None,
) -> HumanMessage | None:
    """What the model is told about claims without a source; None if it is not asked."""
    open_ = [claim for claim, _ in missing if not claim.is_marked]
    is_last = turn.get("iterations", 0) >= step.context.max_iterations
    is_dear = left is not None and left < ROOM * (turn.get("cost_micro_usd") or 0)
    if step.services.settings.claims != "ask" or not open_ or turn.get("unsourced"):
        return None
    if is_last or is_dear or not any(isinstance(m, ToolMessage) for m in messages):
        return None
    items = "\n".join(f"- {claim.shown}" for claim in open_[:NAMED])
    return note(UNSOURCED.format(items=items), new_message_id())


def _results_of_turn(messages: Sequence[AnyMessage]) -> list[str]:
    """The results since the user spoke last."""
    found: list[str] = []
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            found.append(message.text)
        elif isinstance(message, HumanMessage) and not is_note(message):
            break
    return found


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(re.sub(r"^```\w*\n|\n```$", "", text.strip())), dict | list)
    except ValueError:
        return False
