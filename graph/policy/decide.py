"""May this call run, must somebody be asked, or is it refused? By rule, effect, mode and place.

    mode        reads inside   reads outside   writes inside   commands   publish, spend   destroy
    ask         run            ask             run             ask        ask              ask
    auto        run            run             run             run        run              ask
    read-only   run            deny            deny            deny       deny             deny
    yolo        run            run             run             run        run              run

In `auto` a call that publishes or pays and sends files from outside the working directory asks.
"Inside" is the working directory; temporary files, installed packages and the Hugging Face
cache count as inside for reading. Over the table, the first that fits:

1. a deny rule refuses, in every mode
2. a secret file is asked about (refused in auto and read-only), and so is a write to what governs
   ml-agent or runs unasked later; in yolo a secret is read, while protected paths still ask
3. an ask rule asks, and so does what repeats by itself (a scheduled job)
4. an allow rule runs, where nothing on a shell line speaks against it; in read-only the shipped
   ones alone
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from graph.effects import Effect
from graph.policy import commands
from graph.policy.paths import (
    inside,
    is_protected,
    is_readable_anywhere,
    is_secret,
    named,
    resolved,
)
from graph.policy.rules import Rule, Rules
from graph.policy.shell import Line, parsed
from graph.policy.wrapped import hides

Action = Literal["run", "ask", "deny"]


@dataclass(frozen=True)
class Judged:
    """`rule` names what decided, `reason` says it in plain words."""

    action: Action
    reason: str
    rule: str


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
        return _line(parsed(effect.command), here, folder)
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
    if outside and effect.kind in ("publish", "spend") and here.mode == "auto":
        # What lies elsewhere is rarely meant to leave the machine.
        return Judged("ask", f"{outside[0]} is outside the working directory", "mode:auto")
    return _by_mode(effect.kind, here.mode, outside)


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


def _line(line: Line, here: Situation, folder: str) -> Judged:
    """A shell line that runs in `folder`, judged by its parts."""
    denied = commands.denied(line, here.rules.deny)
    if denied:
        return _denied(denied)
    rule, against = commands.allowed(line, here.rules)
    secret = commands.secret(line, folder)
    if secret and here.mode != "yolo":
        action: Action = "ask" if here.mode == "ask" else "deny"
        return Judged(action, f"{secret} is known to hold credentials", "secret-file")
    protected = commands.protected(line, folder, here.state, only_redirects=rule is not None)
    if protected:
        action = "ask" if here.mode in ("ask", "yolo") else "deny"
        said = f"{protected} governs ml-agent or runs unasked later"
        return Judged(action, said, "protected-path")
    asked = commands.denied(line, here.rules.ask)
    if asked:
        return Judged("ask", "a rule wants you to be asked", asked.named("ask"))
    by_mode = _by_mode("execute", here.mode, [])
    if here.mode in ("auto", "yolo"):
        strict = [r for r in (*here.rules.deny, *here.rules.ask) if r.tool == "bash"]
        hidden = hides(line) if strict else ""
        if hidden and here.mode == "auto":
            return Judged(
                "ask", f"{hidden}, and rules forbid some commands", strict[0].named("the")
            )
        return by_mode
    if rule is None:
        return Judged(by_mode.action, f"{by_mode.reason}: {against}", by_mode.rule)
    outside = commands.away(line, folder, here.state, resolved(".", here.cwd))
    if outside:
        return Judged(by_mode.action, f"{outside} is outside the working directory", by_mode.rule)
    if here.mode == "read-only" and (line.writes or not _all_shipped(line, here.rules)):
        return Judged("deny", "the mode is read-only, and it may write", by_mode.rule)
    return Judged("run", "a rule allows it", rule.named("allow"))


def _hidden(line: Line, rules: Rules) -> Judged | None:
    """Where a rule stops some commands, one that cannot be seen could be one of them."""
    asked = next((("ask", r) for r in rules.ask if r.tool == "bash"), None)
    strict = next((("deny", r) for r in rules.deny if r.tool == "bash"), asked)
    why = hides(line) if strict else ""
    return Judged("ask", why, strict[1].named(strict[0])) if strict and why else None


def _all_shipped(line: Line, rules: Rules) -> bool:
    shipped = Rules(allow=tuple(r for r in rules.allow if r.origin == "shipped"))
    return commands.allowed(line, shipped)[0] is not None


def _special(effect: Effect, here: Situation, paths: list[str]) -> Judged | None:
    mode, state = here.mode, here.state
    secret = next((p for p in paths if is_secret(p)), None)
    if secret and mode != "yolo":
        action: Action = "ask" if mode == "ask" else "deny"
        return Judged(action, f"{secret} is known to hold credentials", "secret-file")
    protected = next((p for p in paths if effect.kind != "read" and is_protected(p, state)), None)
    if protected:
        action = "ask" if mode in ("ask", "yolo") else "deny"
        return Judged(
            action, f"{protected} governs ml-agent or runs unasked later", "protected-path"
        )
    return None


def _near(path: str, home: str, kind: str, state: str) -> bool:
    return inside(path, home) or (kind == "read" and is_readable_anywhere(path, state))


def _by_mode(kind: str, mode: str, away: list[str]) -> Judged:
    rule = f"mode:{mode}"
    if mode == "yolo":
        return Judged("run", "yolo runs everything", rule)
    if mode == "read-only":
        if kind == "read" and not away:
            return Judged("run", "it only reads, inside the working directory", rule)
        what = f"{away[0]} is outside the working directory" if away else f"it would {kind}"
        return Judged("deny", f"the mode is read-only, and {what}", rule)
    if mode == "auto":
        if kind == "destroy":
            return Judged("ask", "what it removes cannot be got back", rule)
        return Judged("run", "auto runs what can be undone or paid within the cap", rule)
    if kind in ("read", "write"):
        if away:
            return Judged("ask", f"{away[0]} is outside the working directory", rule)
        return Judged("run", f"a {kind} inside the working directory", rule)
    reasons = {
        "execute": "commands are asked about in this mode",
        "publish": "it changes something that others can see",
        "destroy": "what it removes cannot be got back",
        "spend": "it costs money",
    }
    return Judged("ask", reasons[kind], rule)
