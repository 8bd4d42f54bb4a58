"""What each mode says of an effect, if no rule and no special place says otherwise.

The table of docs/guide/permissions.md is made from here (`docs/print_policy.py`).
"""

from dataclasses import dataclass, field
from typing import Literal, get_args

from core.policy.rules import Rule, Rules

Action = Literal["run", "ask", "deny"]
Mode = Literal["ask", "auto", "read-only", "yolo"]
MODES: tuple[Mode, ...] = get_args(Mode)
ASKED = {
    "execute": "commands need approval in this mode",
    "publish": "it changes something that others can see",
    "destroy": "it removes something, and this cannot be undone",
    "spend": "it costs money",
}
#: By what read-only does not do.
READ_ONLY = {
    "write": "read-only mode does not write files",
    "execute": "read-only mode does not run commands",
    "publish": "read-only mode publishes nothing",
    "destroy": "read-only mode removes nothing",
    "spend": "read-only mode spends nothing",
}


@dataclass(frozen=True)
class Judged:
    """`rule` names what decided, `reason` says it in plain words. `is_shipped`: a command runs
    because of shipped rules alone, which the user did not write."""

    action: Action
    reason: str
    rule: str
    is_shipped: bool = False


@dataclass(frozen=True)
class Situation:
    """Where a call is judged.

    Attributes:
        cwd: the working directory. state: the state directory in use, where it is another than
            the usual one. frozen: absolute paths that judge the work: not to be changed.
        is_copy: the working directory is a trial's copy, outside of which nothing is written.
    """

    mode: str
    cwd: str
    rules: Rules = field(default_factory=Rules)
    state: str = ""
    frozen: tuple[str, ...] = ()
    is_copy: bool = False


def by_mode(kind: str, mode: str, outside: list[str]) -> Judged:
    """The mode's word on an effect.

    Args:
        outside: the places it touches outside the working directory.
    """
    rule = f"mode:{mode}"
    if mode == "yolo":
        return Judged("run", "yolo runs everything", rule)
    if mode == "read-only":
        if kind == "read" and not outside:
            return Judged("run", "it only reads, inside the working directory", rule)
        if kind in READ_ONLY:
            return Judged("deny", READ_ONLY[kind], rule)
        return Judged(
            "deny",
            f"the mode is read-only, and {outside[0]} is outside the working directory",
            rule,
        )
    if mode == "auto":
        if kind == "destroy":
            return Judged("ask", ASKED[kind], rule)
        if outside and kind in ("publish", "spend"):
            # What lies elsewhere is rarely meant to leave the machine.
            return Judged("ask", f"{outside[0]} is outside the working directory", rule)
        return Judged("run", "auto runs it without asking", rule)
    if kind in ("read", "write"):
        if outside:
            return Judged("ask", f"{outside[0]} is outside the working directory", rule)
        return Judged("run", f"a {kind} inside the working directory", rule)
    return Judged("ask", ASKED[kind], rule)


def denied(rule: Rule) -> Judged:
    """By a rule, in every mode."""
    return Judged("deny", "a rule forbids it", rule.named("deny"))


def secret(place: str, mode: str) -> Judged:
    """Of a file with credentials, in every mode but yolo."""
    action: Action = "ask" if mode == "ask" else "deny"
    return Judged(action, f"{place} is known to hold credentials", "secret-file")


def protected(place: str, mode: str) -> Judged:
    """Of a write to what governs ml-agent, or runs later."""
    action: Action = "ask" if mode in ("ask", "yolo") else "deny"
    return Judged(
        action, f"{place} controls ml-agent or runs later without asking", "protected-path"
    )


def frozen(place: str, mode: str) -> Judged:
    """Of a write to what judges the work."""
    action: Action = "ask" if mode in ("ask", "yolo") else "deny"
    return Judged(action, f"{place} judges this work and must stay as it is", "frozen-path")


def outside_copy(place: str) -> Judged:
    """Of a write from a trial's copy to anywhere else, in every mode."""
    said = f"{place} is outside the copy of the folder that this trial may change"
    return Judged("deny", said, "copy")
