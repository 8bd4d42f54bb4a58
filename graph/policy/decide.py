"""May this call run, must somebody be asked, or is it refused? By effect, mode and place.

    mode        reads inside   reads outside   writes inside   commands   publish, spend   destroy
    ask         run            ask             run             ask        ask              ask
    auto        run            run             run             run        run              ask
    read-only   run            deny            deny            deny       deny             deny
    yolo        run            run             run             run        run              run

"Inside" is the working directory; temporary files, installed packages and the Hugging Face
cache count as inside for reading. Over the table: a secret file is asked about (refused in
auto and read-only), and so is a write to what governs ml-agent or runs unasked later; in yolo
a secret is read, while protected paths still ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graph.effects import Effect
from graph.policy.paths import (
    inside,
    is_protected,
    is_readable_anywhere,
    is_secret,
    named,
    resolved,
)

Action = Literal["run", "ask", "deny"]


@dataclass(frozen=True)
class Judged:
    """`rule` names what decided, `reason` says it in plain words."""

    action: Action
    reason: str
    rule: str


def decide(effect: Effect, mode: str, cwd: str, state: str = "") -> Judged:
    """The verdict on a call with this effect. Only symlinks are looked up on disk.

    Args:
        cwd: the working directory. state: the state directory in use, where it is another
            than the usual one.
    """
    home = resolved(".", cwd)
    paths = [resolved(path, cwd) for path in effect.paths]
    special = _special(effect, mode, [*(named(path, cwd) for path in effect.paths), *paths], state)
    if special is not None:
        return special
    away = [p for p in paths if not _near(p, home, effect.kind, state)]
    return _by_mode(effect.kind, mode, away)


def _special(effect: Effect, mode: str, paths: list[str], state: str) -> Judged | None:
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
