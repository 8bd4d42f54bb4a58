"""The verdict on each call of an answer: may it run, must someone be asked, or not at all."""

from collections.abc import Iterable
from dataclasses import replace

from configs.real_path import one_look
from core.history import Call
from core.model import BadCall
from core.policy.decide import Judged, decide
from core.policy.hosts import with_question
from core.policy.marks import marks_of
from core.state import QUESTION, Verdict
from nodes.circumstances import Circumstances
from nodes.price_calls import with_sandbox, within_budget
from nodes.tell_call import title_of_call
from nodes.validate import validated
from nodes.verdicts import as_verdict, invalid, looked_up, main_words, needs_the_thread, unattended


class CannotRun(Exception):
    """A call that cannot run at all; its text is the reason, for the model."""


def judge(
    calls: Iterable[Call], bad_calls: Iterable[BadCall], about: Circumstances
) -> dict[str, Verdict]:
    """A verdict for each call, by its id; `invalid`, with the reason, if it cannot run at all."""
    broken = {bad.call_id: bad.reason for bad in bad_calls}
    verdicts: dict[str, Verdict] = {}
    with one_look():
        for call in calls:
            try:
                if call.id in broken:
                    raise CannotRun(broken[call.id])
                verdicts[call.id] = _verdict(call, about)
            except CannotRun as error:
                verdicts[call.id] = invalid(str(error))
    return verdicts


def _verdict(call: Call, about: Circumstances) -> Verdict:
    """Raises CannotRun."""
    try:
        tool, arguments = validated(call, about.tools)
    except ValueError as error:
        raise CannotRun(error) from None
    known = about.prices.get(call.id)
    if isinstance(known, str):
        raise CannotRun(f"{call.name}: {known}")
    here = about.here
    place = replace(here, cwd=about.folder) if tool.in_backend and about.folder else here
    effect = known or tool.effect(arguments, place.cwd)
    if effect.url:
        effect = with_question(effect, about.addresses())
    places: dict[str, str] = {}
    if tool.answered_by_person and about.interactive:
        # A question is not a permission: no mode and no rule answers it.
        judged = Judged("ask", "the model asks you", QUESTION)
    else:
        places, seen = looked_up(effect, place.cwd)
        judged = decide(call.name, seen, main_words(call.args), place)
        meant = tool.stands_for(arguments)
        if meant is not None and judged.action != "deny":
            judged = decide(meant[0], seen, main_words(meant[1]), here)
        judged = within_budget(effect, judged, about.left, about.interactive)
        judged = judged if about.interactive else unattended(effect, judged)
    paid = about.quote if tool.in_backend else None
    if paid is not None:
        if paid.problem:
            raise CannotRun(f"{call.name}: {paid.problem}")
        judged = with_sandbox(judged, paid, here, about.left, about.interactive)
        preview = f"{paid.words}\n\n{effect.preview}".rstrip()
        effect = replace(effect, price_micro_usd=paid.price_micro_usd, preview=preview)
    if about.inside and needs_the_thread(effect, judged):
        why = "no one can approve it here: leave it to the agent that gave you the task"
        judged = Judged("deny", f"{judged.reason}, and {why}", judged.rule)
    verdict = as_verdict(effect, judged, about)
    if judged.action == "ask":
        verdict["title"] = title_of_call(call, about.tools)
        verdict["marks"] = marks_of(effect, place.cwd, here.state)
    if places:
        verdict["places"] = places
    if paid is not None:
        verdict["sandbox"] = True
    return verdict
