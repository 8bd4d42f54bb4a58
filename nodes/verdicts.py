"""A judgement as it is stored: the verdict on a call, and the words that rules compare."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.effects import Effect
from core.policy.decide import Judged, Situation
from core.policy.paths import joined, resolved
from core.state import Verdict
from nodes.circumstances import Circumstances

NO_USER = "No user can approve it in this run: put the text into your answer"


def as_verdict(effect: Effect, judged: Judged, about: Circumstances) -> Verdict:
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
    if effect.alone:
        verdict["alone"] = True
    if effect.price_micro_usd is not None:
        verdict["price_micro_usd"] = effect.price_micro_usd
    return verdict


def needs_the_thread(effect: Effect, judged: Judged) -> bool:
    """Whether a sub-agent cannot make the call: it would need approval, or it is of a kind that
    is priced and approved in the thread alone."""
    serious = effect.kind in ("publish", "destroy", "spend")
    return judged.action == "ask" or (judged.action == "run" and serious)


def unattended(effect: Effect, judged: Judged) -> Judged:
    """The verdict on a call if no user can be asked: a run does not wait for what it can skip."""
    if not effect.skippable or judged.action != "ask":
        return judged
    return Judged("deny", f"{judged.reason}. {NO_USER}", judged.rule)


def looked_up(effect: Effect, cwd: str) -> tuple[dict[str, str], Effect]:
    """(where each path that the call names leads now, the effect with these places among its
    paths). It is judged by both: a link may change between two looks. A command names the folder
    that it runs in."""
    if effect.kind == "execute":
        folder = effect.cwd or "."
        return {joined(folder, cwd): resolved(folder, cwd)}, effect
    places = {joined(path, cwd): resolved(path, cwd) for path in effect.paths}
    others = (place for place in places.values() if place not in effect.paths)
    return places, replace(effect, paths=(*effect.paths, *others))


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
    """A call's arguments as the words that rules compare: the operation first."""
    operation = arguments.get("operation")
    first = [str(operation)] if operation is not None else []
    rest = (v for k, v in arguments.items() if k != "operation")
    return [*first, *(str(v) for v in rest if isinstance(v, str | int | float))]


def invalid(reason: str) -> Verdict:
    return {
        "action": "invalid",
        "effect": "read",
        "reason": reason,
        "rule": "arguments",
        "preview": "",
    }
