"""The approval question: what, why, and the user's answer to each request. One dialog, which the
plain and the full chat ask in their own ways."""

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.shared.answers import Accepts, Asked, Dialog, Edit, one_of
from cli.shared.render import Lines, code_of_diff, is_diff
from cli.shared.request_text import all_rows, head_and_rows
from configs.visible import inline, json_text, needs_escapes
from core.units import dollars

PREVIEW_LINES = 20
KEYS = """\
  y  run it                     n  do not run it; n and words: a reason for the model
  e  change it in $EDITOR       a  run it, and allow such calls without asking
  ?  show all of it             Esc  decide later"""
NO_ANSWER = (
    "That is not an answer. ? shows the keys, n and words tell the model, Esc keeps the words."
)
NO_RULE = "no rule allows "
WHY = "No. Tell the model why, or Enter: "
MANY = "  Y  run this and the following calls   N  run none of them"
Propose = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Style:
    """How a terminal asks. question: without keys for many. most: lines of a preview.
    no_answer: said of anything else. many: Y and N decide about all that follow."""

    question: str
    most: int
    no_answer: str
    many: bool


PLAIN = Style(
    "Run it? [?] all of it, [y]es, [n]o, n and words for the model, [e]dit",
    PREVIEW_LINES,
    "that is not an answer",
    False,
)
FULL = Style("Run it? [y]es [n]o [a]lways [e]dit [?]", 16, NO_ANSWER, True)


def decisions_of(
    requests: list[dict[str, Any]], lines: Lines, propose: Propose | None, style: Style
) -> Dialog:
    """Returns a decision per request, in LangChain's shape; None where the user left the question:
    the approvals keep waiting. `propose`: the rule to offer for a call like this one; None:
    "always" is not offered. A decision with `folder_rule` needs that rule granted there."""
    decisions: list[dict[str, Any]] = []
    rest: dict[str, Any] | None = None
    for number, request in enumerate(requests, 1):
        if "respond" in request["decisions"]:
            answer = yield from _answered(request, lines)
        elif rest is not None:
            answer = dict(rest)
        else:
            place = f"{number} of {len(requests)}: " if len(requests) > 1 and style.many else ""
            show(request, lines, style.most, place)
            more = style.many and number < len(requests)
            answer = yield from _decided(request, lines, propose, style, more)
        if answer is None:
            lines.line(
                'Not decided. Your next message counts as "no"; ml-agent -c asks again.', "33"
            )
            return None
        if answer.pop("rest", False):
            rest = answer
        decisions.append(answer)
    return decisions


def show(
    request: dict[str, Any], lines: Lines, most: int, place: str = "", *, whole: bool = False
) -> None:
    """What is asked about."""
    where = lines.place(most, ", ? shows them")
    head, rows = head_and_rows(request, where, place)
    lines.line(head, "1;33")
    if request.get("marks"):
        lines.line(f"  ! {' · '.join(map(inline, request['marks']))}", "1;31")
    lines.line(f"  {reason_of(request)}", "33")
    diff = is_diff(str(request["preview"]))
    lines.rows(
        all_rows(request, where) if whole else rows,
        lambda row: code_of_diff(row.line) if diff else "",
    )


def reason_of(request: dict[str, Any]) -> str:
    """Why it needs approval."""
    if request["effect"] == "spend" and request["price_micro_usd"] is not None:
        return f"Paid job: up to {dollars(request['price_micro_usd'])}"
    reason = str(request["reason"])
    if request["arguments"].get("command") == reason.removeprefix(NO_RULE):
        reason = f"{NO_RULE}this command"  # it is the line above
    return f"Needs approval: {inline(reason)}"


def _decided(
    request: dict[str, Any], lines: Lines, propose: Propose | None, style: Style, more: bool
) -> Dialog:
    """One decision; `rest` in it: it holds for all that follow."""
    rule = rule_to_offer(request, propose) if propose else ""
    keys = "ye?" + ("a" if propose else "") + ("YN" if more else "")
    ends = (" [Y]es to all [N]o to all" if more else "") + " > "
    if not style.many:
        ends = (", [a]lways" if propose else "") + ": "
    again = False
    while True:
        asked = Asked(
            style.question + ends,
            _decides(keys, style),
            keys,
            "",
            style.no_answer,
            again,
            more={"n": WHY} if style.many else {},
        )
        answer, again = (yield asked), True
        if answer is None:
            return None
        key, _, words = answer.strip().partition(" ")
        key = key if style.many else key.lower()
        rest = {"rest": True} if more and key in ("Y", "N") else {}
        if key in ("y", "yes", "Y"):
            lines.line("  all approved" if rest else "  approved", "32")
            return {"type": "approve", **rest}
        if key in ("n", "no", "N"):
            words = "" if answer == "n o" else words  # "no", after n has acted
            told = f": {words.strip()}" if words.strip() else ""
            lines.line(f"  {'all rejected' if rest else 'rejected'}{told}", "33")
            return {"type": "reject", "message": words.strip(), **rest}
        decision = None
        if key in ("a", "always") and rule:
            decision = yield from _always(rule, lines)
        elif key in ("a", "always"):
            lines.line(f"  {no_rule(request)}", "33")
        elif key in ("e", "edit"):
            edited = yield Edit(request["arguments"])
            if edited is not None:
                action = {"name": request["tool"], "args": edited}
                decision = {"type": "edit", "edited_action": action}
        else:
            show(request, lines, style.most, whole=True)
            lines.line(KEYS + (f"\n{MANY}" if more else ""))
        if decision is not None:
            return decision


def _decides(keys: str, style: Style) -> Accepts:
    """A key, its word, or n with words for the model."""
    words = {"y": "yes", "e": "edit", "a": "always"}
    known = {*keys, "n", "no", *(words[key] for key in keys if key in words)}

    def accepts(text: str) -> bool:
        word = text.strip() if style.many else text.strip().lower()
        return word in known or word.startswith(("n ", "no "))

    return accepts


def rule_to_offer(request: dict[str, Any], propose: Propose) -> str:
    """The rule for calls like this one; "" if there is none that can be read."""
    rule = propose(request)
    return "" if needs_escapes(rule) else rule


def no_rule(request: dict[str, Any]) -> str:
    """Why "always" is not offered."""
    return f"no rule can allow this: {inline(request['reason'])}"


def _always(proposed: str, lines: Lines) -> Dialog:
    """Yes, and a rule by which such calls run without asking."""
    rule, again = proposed, True
    while True:
        lines.line(f"  Always allow {inline(rule)}: {reach_of(rule)}", "33")
        asked = "For this [s]ession, for this [f]older, or [e]dit the rule? "
        words = ["s", "f", "e", "session", "folder", "edit"]
        where = yield Asked(asked, one_of(words), "sfe", stays="s, f or e", again=again)
        if where is None:
            return None
        if where[:1] != "e":
            break
        edited = yield Asked("the rule: ", default=rule, again=again)
        if edited is None:
            return None
        rule = edited.strip() or rule
    lines.line(f"allowed without asking: {inline(rule)}", "2")
    return {"type": "approve", "folder_rule" if where[:1] == "f" else "rule": rule}


def reach_of(rule: str) -> str:
    """How far a rule reaches, in words."""
    tool, _, pattern = rule.removesuffix(")").partition("(")
    if not pattern:
        return f"every call of {inline(tool)}"
    if pattern.endswith("*"):
        start = inline(pattern.rstrip("* "))
        what = "command" if tool == "bash" else f"call of {inline(tool)}"
        return f'every {what} that begins with "{start}"' if start else f"every {what}"
    return "exactly this command" if tool == "bash" else "exactly this"


def _answered(request: dict[str, Any], lines: Lines) -> Dialog:
    """The user's answer to a question of the model; a number chooses an option."""
    options = request["arguments"].get("options") or []
    lines.line(f"? {request['arguments']['question']}", "1;33")
    for number, option in enumerate(options, 1):
        lines.line(f"  {number}  {inline(option)}")
    while True:
        answer = yield Asked("a number, or your own words: " if options else "your answer: ")
        if answer is None:
            return None
        answer = answer.strip()
        if answer.isdigit() and 1 <= int(answer) <= len(options):
            return {"type": "respond", "message": options[int(answer) - 1]}
        if answer:
            return {"type": "respond", "message": answer}


def edited_arguments(arguments: dict[str, Any], lines: Lines) -> dict[str, Any] | None:
    """The arguments as the user left them in the editor; None where they cannot be read."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arguments.json"
        # Hidden characters are there as JSON's escapes: what is read back is what was there.
        path.write_text(json_text(arguments) + "\n", encoding="utf-8")
        try:
            subprocess.run([*editor, str(path)], check=True)
            edited = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            lines.line(f"cannot use the edit: {error}", "31")
            return None
    if not isinstance(edited, dict):
        lines.line("cannot use the edit: the arguments must be an object", "31")
        return None
    return edited
