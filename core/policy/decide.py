"""May this call run, must the user be asked, or is it refused? By rule, effect, mode and place.

What each mode says is in `modes.py`. Over it, the first that fits:

1. a deny rule refuses, in every mode
2. a secret file is asked about (refused in auto and read-only), and so is a write to what governs
   ml-agent or runs without asking later; in yolo a secret is read, while protected paths still ask
3. an ask rule asks, and so does what repeats by itself (a scheduled job)
4. an allow rule runs; a shell line only if it is of the closed grammar and nothing in it speaks
   against (`grammar.py`, `unasked.py`); in read-only the shipped rules alone

"Inside" is the working directory; temporary files, installed packages and the Hugging Face
cache count as inside for reading.
"""

import os
from collections.abc import Sequence

from configs.real_path import one_look
from core.effects import Effect
from core.policy import modes
from core.policy.hosts import Known, with_question
from core.policy.judge_line import judge_line, judge_outside_line
from core.policy.modes import Action, Judged, Situation, by_mode
from core.policy.paths import (
    inside,
    is_frozen,
    is_readable_anywhere,
    is_secret,
    named,
    protected_place,
    resolved,
)
from core.policy.rules import Rule

__all__ = ["Action", "Judged", "Situation", "decide"]


def decide(tool: str, effect: Effect, words: Sequence[str], here: Situation) -> Judged:
    """The verdict on a call with this effect. On disk only links and names are looked up.

    Args:
        words: the call's main arguments, for rules on tools without a path or command.
    """
    with one_look():
        return _verdict(tool, effect, words, here)


def _verdict(tool: str, effect: Effect, words: Sequence[str], here: Situation) -> Judged:
    if tool == "bash":
        folder = os.path.join(here.cwd, effect.cwd) if effect.cwd else here.cwd
        judged = judge_outside_line if effect.outside_sandbox else judge_line
        return judged(effect.command, here, folder)
    if effect.url:
        effect = with_question(effect, Known())
    home, paths = resolved(".", here.cwd), [resolved(path, here.cwd) for path in effect.paths]

    def fitting(rules: Sequence[Rule]) -> Rule | None:
        mine = (rule for rule in rules if rule.tool == tool)
        return next((rule for rule in mine if rule.fits(effect.kind, paths, words, home)), None)

    denied, asked, allowed = map(fitting, (here.rules.deny, here.rules.ask, here.rules.allow))
    if allowed is None and effect.asks_unless:
        allowed = next((r for r in here.rules.allow if r.text == effect.asks_unless), None)
    if denied:
        return modes.denied(denied)
    names = [named(path, here.cwd) for path in effect.paths]
    special = _special(effect, here, [*names, *paths])
    if special is not None:
        return special
    if asked:
        return Judged("ask", "a rule requires your approval", asked.named("ask"))
    if effect.always_asks and here.mode != "read-only":
        return Judged(
            "ask", "it keeps running on its own; approval is always required", "always-asks"
        )
    if allowed and here.mode != "read-only":
        return Judged("run", "a rule allows it", allowed.named("allow"))
    if effect.asks:
        if here.mode in effect.asks_in:
            return Judged("ask", effect.asks, f"mode:{here.mode}")
        if here.mode == "read-only" and "ask" in effect.asks_in:
            return Judged("deny", f"the mode is read-only, and {effect.asks}", "mode:read-only")
    outside = [p for p in paths if not _near(p, home, effect.kind, here.state)]
    return by_mode(effect.kind, here.mode, outside)


def _special(effect: Effect, here: Situation, paths: list[str]) -> Judged | None:
    mode, state = here.mode, here.state
    secret = next((p for p in paths if is_secret(p)), None)
    if secret and mode != "yolo":
        return modes.secret(secret, mode)
    if effect.kind == "read":
        return None
    protected = protected_place(paths, effect.kind, state, here.cwd)
    if protected:
        return modes.protected(protected, mode)
    outside = [p for p in paths if not inside(p, resolved(".", here.cwd))]
    if here.is_copy and outside:
        return modes.outside_copy(outside[0])
    frozen = next((p for p in paths if is_frozen(p, here.frozen)), None)
    return modes.frozen(frozen, mode) if frozen else None


def _near(path: str, home: str, kind: str, state: str) -> bool:
    return inside(path, home) or (kind == "read" and is_readable_anywhere(path, state))
