"""The verdict on each call of an answer: may it run, must someone be asked, or not at all."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.backend import Quote
from core.effects import Effect
from core.history import Call
from core.model import BadCall
from core.policy.decide import Judged, Situation, decide
from core.policy.hosts import Known, with_question
from core.policy.paths import joined, resolved
from core.state import QUESTION, Verdict
from core.tool import AgentTool
from nodes.price_calls import with_sandbox, within_budget
from nodes.validate import validated


@dataclass(frozen=True)
class Circumstances:
    """What the verdicts of an answer's calls depend on next to the calls.

    Attributes:
        here: mode, folder and rules. interactive: a user can be asked.
        inside: in a sub-agent, where what would be asked is denied.
        left: micro-USD under the caps, shown where the user decides.
        prices: by call id, the effect with its price, or why the call cannot run.
        folder: the working directory of tools that act in the workspace, if it is another.
        quote: what the first of their calls has to pay for.
        addresses: those that the user and searches named.
    """

    tools: Mapping[str, AgentTool]
    here: Situation
    interactive: bool = True
    inside: bool = False
    left: int | None = None
    prices: Mapping[str, Effect | str] = field(default_factory=dict)
    folder: str = ""
    quote: Quote | None = None
    addresses: Callable[[], Known] = Known


class CannotRun(Exception):
    """A call that cannot run at all; its text is the reason, for the model."""


def judge(
    calls: Iterable[Call], bad_calls: Iterable[BadCall], about: Circumstances
) -> dict[str, Verdict]:
    """A verdict for each call, by call id. A call that cannot run at all is `invalid`, with
    the reason in words that let the model mend it."""
    broken = {bad.call_id: bad.reason for bad in bad_calls}
    verdicts: dict[str, Verdict] = {}
    for call in calls:
        try:
            if call.id in broken:
                raise CannotRun(broken[call.id])
            verdicts[call.id] = _verdict(call, about)
        except CannotRun as error:
            verdicts[call.id] = _invalid(str(error))
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
        places = {joined(p, place.cwd): resolved(p, place.cwd) for p in _paths(effect)}
        # Judged by where they lead now, too: a link may change between two looks.
        seen = replace(effect, paths=(*effect.paths, *_others(effect, places.values())))
        judged = decide(call.name, seen, main_words(call.args), place)
        meant = tool.stands_for(arguments)
        if meant is not None and judged.action != "deny":
            judged = decide(meant[0], seen, main_words(meant[1]), here)
        judged = within_budget(effect, judged, about.left, about.interactive)
    paid = about.quote if tool.in_backend else None
    if paid is not None:
        if paid.problem:
            raise CannotRun(f"{call.name}: {paid.problem}")
        judged = with_sandbox(judged, paid, here, about.left, about.interactive)
        preview = f"{paid.words}\n\n{effect.preview}".rstrip()
        effect = replace(effect, price_micro_usd=paid.price_micro_usd, preview=preview)
    if about.inside and judged.action == "ask":
        why = "no one can approve it here: leave it to the agent that gave you the task"
        said = f"{judged.reason}, and {why}"
        judged = Judged("deny", said, judged.rule)
    verdict = _as_verdict(effect, judged, about)
    if places:
        verdict["places"] = places
    if paid is not None:
        verdict["sandbox"] = True
    return verdict


def _as_verdict(effect: Effect, judged: Judged, about: Circumstances) -> Verdict:
    verdict: Verdict = {
        "action": judged.action,
        "effect": effect.kind,
        "rule": judged.rule,
        **reached(effect, judged, about.here),  # type: ignore[typeddict-item]
    }
    if judged.action != "run":
        verdict |= {"reason": judged.reason, "preview": effect.preview}
        if about.left is not None:
            verdict["left_micro_usd"] = about.left
    if effect.price_micro_usd is not None:
        verdict["price_micro_usd"] = effect.price_micro_usd
    return verdict


def _paths(effect: Effect) -> tuple[str, ...]:
    """The places that a call names; the folder that a command runs in."""
    return (effect.cwd or ".",) if effect.kind == "execute" else effect.paths


def _others(effect: Effect, places: Iterable[str]) -> tuple[str, ...]:
    known = set(effect.paths)
    return tuple(p for p in places if p not in known) if effect.kind != "execute" else ()


def reached(effect: Effect, judged: Judged, here: Situation) -> dict[str, Any]:
    """What a command may reach if it runs. What shipped rules alone let run reaches no network:
    the user never said a word about it."""
    if effect.kind != "execute" or not effect.command:
        return {}
    if effect.outside_sandbox:
        return {"reach": "outside"}
    if here.mode == "read-only":
        return {"reach": "read-only"}
    unasked = judged.action == "run" and here.mode == "ask" and judged.is_shipped
    return {"reach": "offline" if unasked else "network"}


def main_words(arguments: Mapping[str, Any]) -> list[str]:
    """A call's arguments as the words that a rule is held against: the operation first."""
    operation = arguments.get("operation")
    first = [str(operation)] if operation is not None else []
    rest = (v for k, v in arguments.items() if k != "operation")
    return [*first, *(str(v) for v in rest if isinstance(v, str | int | float))]


def _invalid(reason: str) -> Verdict:
    return {
        "action": "invalid",
        "effect": "read",
        "reason": reason,
        "rule": "arguments",
        "preview": "",
    }
