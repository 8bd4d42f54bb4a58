"""May this call run, must the user be asked, or is it refused? By rule, effect, mode and place.

    return by_mode(effect.kind, here.mode, outside)

1. a deny rule refuses, in every mode
2. a secret file is asked about (refused in auto and read-only), and so is a write to what governs
   ml-agent or runs unasked later; in yolo a secret is read, while protected paths still ask
3. an ask rule asks, and so does what repeats by itself (a scheduled job)
4. an allow rule runs; a shell line only if it is of the closed grammar and nothing in it speaks
   against (`grammar.py`, `unasked.py`); in read-only the shipped rules alone

"Inside" is the working directory; temporary files, installed packages and the Hugging Face
cache count as inside for reading.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from graph.effects import Effect
from graph.policy import commands, modes
from graph.policy.grammar import NotJudged, ShellCommand, read_line
from graph.policy.hosts import Known, with_question
from graph.policy.modes import Action, Judged, by_mode
from graph.policy.paths import (
    inside,
    is_protected,
    is_readable_anywhere,
    is_secret,
    named,
    resolved,
)
from graph.policy.rules import Rule, Rules
from graph.policy.shell import parsed
from graph.policy.unasked import allowing_rule, place_problem, reads_only
from graph.policy.wrapped import hides

__all__ = ["Action", "Judged", "Situation", "decide"]


@dataclass(frozen=True)
class Situation:
    """Where a call is judged.

    Attributes:
        cwd: the working directory. state: the state directory in use, where it is another than
            the usual one.
    """

    mode: str
    cwd: str
    rules: Rules = field(default_factory=Rules)
    state: str = ""


def decide(tool: str, effect: Effect, words: Sequence[str], here: Situation) -> Judged:
    """The verdict on a call with this effect. On disk only links and names are looked up.

    Args:
        words: the call's main arguments, for rules on tools without a path or command.
    """
    if tool == "bash":
        folder = os.path.join(here.cwd, effect.cwd) if effect.cwd else here.cwd
        return _line(effect.command, here, folder)
    if effect.url:
        effect = with_question(effect, Known())
    paths = [resolved(path, here.cwd) for path in effect.paths]

    def fitting(rules: Sequence[Rule]) -> Rule | None:
        return next(
            (r for r in rules if r.tool == tool and _fits(r, effect.kind, paths, words, here)), None
        )

    denied, asked, allowed = map(fitting, (here.rules.deny, here.rules.ask, here.rules.allow))
    if allowed is None and effect.asks_unless:
        allowed = next((r for r in here.rules.allow if r.text == effect.asks_unless), None)
    if denied:
        return _denied(denied)
    names = [named(path, here.cwd) for path in effect.paths]
    special = _special(effect, here, [*names, *paths])
    if special is not None:
        return special
    if asked:
        return Judged("ask", "a rule wants you to be asked", asked.named("ask"))
    if effect.always_asks and here.mode != "read-only":
        return Judged("ask", "it goes on by itself, and is always asked about", "always-asks")
    if allowed and here.mode != "read-only":
        return Judged("run", "a rule allows it", allowed.named("allow"))
    if effect.asks:
        if here.mode in effect.asks_in:
            return Judged("ask", effect.asks, f"mode:{here.mode}")
        if here.mode == "read-only" and "ask" in effect.asks_in:
            return Judged("deny", f"the mode is read-only, and {effect.asks}", "mode:read-only")
    home = resolved(".", here.cwd)
    outside = [p for p in paths if not _near(p, home, effect.kind, here.state)]
    return by_mode(effect.kind, here.mode, outside)


def _fits(
    rule: Rule, kind: str, paths: Sequence[str], words: Sequence[str], here: Situation
) -> bool:
    if paths and rule.pattern:
        if any(rule.fits_path(path, resolved(".", here.cwd)) for path in paths):
            return True
        # Files that a call reads or writes are all it does; what is sent has more to it.
        return kind not in ("read", "write") and rule.fits_words(words)
    return rule.fits_words(words)


def _denied(rule: Rule) -> Judged:
    return Judged("deny", "a rule forbids it", rule.named("deny"))


def _line(source: str, here: Situation, folder: str) -> Judged:
    """A shell line that runs in `folder`."""
    line = parsed(source)
    denied = commands.fitting_rule(line, here.rules.deny)
    if denied:
        return _denied(denied)
    closed, against = _closed(source)
    rule = None
    if closed:
        rule, against = allowing_rule(closed, here.rules)
    places = commands.named_by(line, closed, folder)
    secret = commands.secret(places)
    if secret and here.mode != "yolo":
        return modes.secret(secret, here.mode)
    only_reads = rule is not None and all(map(reads_only, closed))
    protected = commands.protected(places, here.state, only_redirects=only_reads)
    if protected:
        return modes.protected(protected, here.mode)
    asked = commands.fitting_rule(line, here.rules.ask)
    if asked:
        return Judged("ask", "a rule wants you to be asked", asked.named("ask"))
    if here.mode == "yolo":
        return by_mode("execute", here.mode, [])
    verdict = by_mode("execute", here.mode, [])
    strict = _strict(closed, against, hides(line), here, folder)
    if strict is not None:
        return strict if here.mode != "read-only" else verdict
    if here.mode == "auto":
        return verdict
    if rule is None:
        return Judged(verdict.action, f"{verdict.reason}: {against}", verdict.rule)
    problem = place_problem(closed, folder, resolved(".", here.cwd), here.state)
    if problem:
        return Judged(verdict.action, f"{verdict.reason}: {problem}", verdict.rule)
    if here.mode == "read-only" and not _reads(closed, here.rules):
        return Judged("deny", "the mode is read-only, and it may write", verdict.rule)
    return Judged("run", "a rule allows it", rule.named("allow"))


def _closed(source: str) -> tuple[Sequence[ShellCommand], str]:
    """(the commands of a line of the closed grammar, ""); of another, (none, why)."""
    try:
        return read_line(source), ""
    except NotJudged as problem:
        return (), f"it holds {problem}"


def _strict(
    closed: Sequence[ShellCommand], against: str, hidden: str, here: Situation, folder: str
) -> Judged | None:
    """If rules deny or ask about some commands, a line that could be one of them asks: one that is
    not of the closed grammar, one that hides what it runs, one that holds such a program's name."""
    rules = [rule for rule in (*here.rules.deny, *here.rules.ask) if rule.tool == "bash"]
    if not rules:
        return None
    if not closed or hidden:
        why = f"{hidden or against}, and rules forbid some commands"
        return Judged("ask", why, rules[0].named("the"))
    possible = commands.possible_rule(closed, rules, folder)
    if possible is None:
        return None
    return Judged("ask", f"it may run what {possible.text} is about", possible.named("the"))


def _reads(closed: Sequence[ShellCommand], rules: Rules) -> bool:
    """Whether shipped rules allow the line, and it writes no file."""
    writes = [r for c in closed for r in c.redirects if r.operator != "<"]
    shipped = Rules(allow=tuple(r for r in rules.allow if r.origin == "shipped"))
    return all(r.target == "/dev/null" for r in writes) and bool(allowing_rule(closed, shipped)[0])


def _special(effect: Effect, here: Situation, paths: list[str]) -> Judged | None:
    mode, state = here.mode, here.state
    secret = next((p for p in paths if is_secret(p)), None)
    if secret and mode != "yolo":
        return modes.secret(secret, mode)
    protected = next((p for p in paths if effect.kind != "read" and is_protected(p, state)), None)
    return modes.protected(protected, mode) if protected else None


def _near(path: str, home: str, kind: str, state: str) -> bool:
    return inside(path, home) or (kind == "read" and is_readable_anywhere(path, state))
