"""The approval question: what, why, and a person's answer to each request."""

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cli.shared.render import EventPrinter
from cli.shared.request_text import all_rows, head_and_rows
from cli.terminal.writer import ask
from configs.visible import inline, json_text, needs_escapes

PREVIEW_LINES = 20
Propose = Callable[[dict[str, Any]], str]


class DecidedElsewhere(Exception):
    """Somebody decided from another terminal while the question stood here."""


def ask_decisions(
    requests: list[dict[str, Any]],
    lines: EventPrinter,
    propose: Propose | None = None,
    keep: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]] | None:
    """A decision per request, in LangChain's shape; None where the person left the question:
    the approvals go on waiting. `propose`: the rule to offer for a call like this one; None:
    "always" is not offered. `keep`: gets what was typed and is no answer. A decision with
    `folder_rule` wants that rule granted there."""
    try:
        return [_ask(request, lines, propose, keep) for request in requests]
    except (EOFError, KeyboardInterrupt):
        lines.line("left undecided; a message rejects, -c asks again", "33")
        return None


def _ask(
    request: dict[str, Any],
    lines: EventPrinter,
    propose: Propose | None,
    keep: Callable[[str], None],
) -> dict[str, Any]:
    if "respond" in request["decisions"]:
        return _answer(request, lines)
    arguments = request["arguments"]
    place = lines.place(PREVIEW_LINES, ", ? shows them")
    head, rows = head_and_rows(request, place)
    lines.line(head, "1")
    lines.line(f"  {request['effect']}: {inline(request['reason'])}", "2")
    lines.rows(rows)
    rule = rule_to_offer(request, propose) if propose else ""
    while True:
        always = ", [a]lways" if propose else ""
        asked = f"run it? [?] all of it, [y]es, [n]o, n and words for the model, [e]dit{always}: "
        answer = ask(asked).strip()
        key, _, words = answer.partition(" ")
        key = key.lower() if not words or key.lower() in ("n", "no") else ""
        if key in ("y", "yes"):
            return {"type": "approve"}
        if key in ("n", "no"):
            return {"type": "reject", "message": words.strip()}
        if key in ("a", "always") and propose:
            if rule:
                return _always(rule, lines)
            lines.line(f"  {no_rule(request)}", "33")
        elif key == "?":
            lines.rows(all_rows(request, place))
        elif key not in ("e", "edit"):
            if answer:
                lines.line("  that is no answer", "33")
                keep(answer)
        else:
            editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
            edited = edited_arguments(arguments, lines, shlex.split(editor))
            if edited is not None:
                action = {"name": request["tool"], "args": edited}
                return {"type": "edit", "edited_action": action}


def rule_to_offer(request: dict[str, Any], propose: Propose) -> str:
    """The rule for calls like this one; "" if there is none that can be read."""
    rule = propose(request)
    return "" if needs_escapes(rule) else rule


def no_rule(request: dict[str, Any]) -> str:
    """Why "always" is not offered."""
    return f"no rule can allow this: {inline(request['reason'])}"


def _always(rule: str, lines: EventPrinter) -> dict[str, Any]:
    """Yes, and a rule by which such calls run unasked."""
    rule = ask(f"the rule (Enter: {rule}): ").strip() or rule
    where = ask("in this [t]hread (Enter), or always in this [f]older: ").strip().lower()
    lines.line(f"from now on: {inline(rule)}", "2")
    if where in ("f", "folder"):
        return {"type": "approve", "folder_rule": rule}
    return {"type": "approve", "rule": rule}


def _answer(request: dict[str, Any], lines: EventPrinter) -> dict[str, Any]:
    """The person's answer to a question of the model; a number chooses an option."""
    options = request["arguments"].get("options") or []
    lines.line(f"? {request['arguments']['question']}", "1")
    for number, option in enumerate(options, 1):
        lines.line(f"  {number}  {inline(option)}")
    while True:
        answer = ask("a number, or your own words: " if options else "your answer: ").strip()
        if answer.isdigit() and 1 <= int(answer) <= len(options):
            return {"type": "respond", "message": options[int(answer) - 1]}
        if answer:
            return {"type": "respond", "message": answer}


def edited_arguments(
    arguments: dict[str, Any], lines: Any, editor: Sequence[str]
) -> dict[str, Any] | None:
    """The arguments as the person left them in the editor; None where they cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arguments.json"
        # Hidden characters stand there as JSON's escapes: what is read back is what was there.
        path.write_text(json_text(arguments) + "\n", encoding="utf-8")
        try:
            subprocess.run([*editor, str(path)], check=True)
            edited = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            lines.line(f"the edit was not taken: {error}", "31")
            return None
    if not isinstance(edited, dict):
        lines.line("the edit was not taken: the arguments must stay an object", "31")
        return None
    return edited
