"""The verdict on a call that is only written down: `bash(git push)`, `write(src/a.py)`."""

from __future__ import annotations

import shlex

from graph.effects import Effect, EffectKind
from graph.policy.decide import Judged, Situation, decide
from graph.policy.rules import parse_rule

#: Tools whose one argument of weight is a place, with what they do there.
PLACES: dict[str, EffectKind] = {
    "read": "read", "glob": "read", "grep": "read", "write": "write", "edit": "write",
}  # fmt: skip
#: Tools that change nothing outside the conversation.
HARMLESS = ("plan", "ask_user")


def explain(call: str, here: Situation) -> Judged:
    """What policy says of `call`, written as a rule is. Raises SettingsError."""
    written = parse_rule(call, "")
    tool, text = written.tool, written.pattern
    if tool == "bash":
        return decide(tool, Effect("execute", command=text), [], here)
    if tool in PLACES:
        return decide(tool, Effect(PLACES[tool], (text or ".",)), [text], here)
    kind: EffectKind = "read" if tool in HARMLESS else "execute"
    return decide(tool, Effect(kind), shlex.split(text), here)
