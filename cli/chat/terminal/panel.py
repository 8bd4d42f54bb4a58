"""The approval panel: what, why, price and what is left, a preview, and the keys."""

from __future__ import annotations

import asyncio
import os
import shlex
from typing import TYPE_CHECKING, Any

from cli.chat.terminal.output import code_of_diff, is_diff
from cli.shared.answers import Accepts, one_of
from cli.shared.approval_prompt import DecidedElsewhere, edited_arguments, no_rule, rule_to_offer
from cli.shared.remote_decisions import EVERY
from cli.shared.request_text import all_rows, head_and_rows
from configs.visible import inline

if TYPE_CHECKING:
    from cli.chat.loop import Chat
    from cli.chat.terminal.frontend import Terminal

#: Lines of a preview that are shown unasked; ? shows all.
PREVIEW_LINES = 16
KEYS = """\
  y  run it                     n  do not; n and words: the model is told them
  e  change it in $EDITOR       a  run it, and such calls from now on without asking
  ?  all of it, and these keys  Esc  leave it undecided"""
NO_ANSWER = "That is no answer. ? shows the keys, n and words tell the model, Esc keeps the words."
MANY = "  Y  run this and all that follow   N  none of them"


async def decide(
    terminal: Terminal, chat: Chat, requests: list[dict[str, Any]]
) -> list[dict[str, Any]] | None:
    """As `Face.decide`."""
    asking = asyncio.ensure_future(_all(terminal, chat, requests))
    watching = asyncio.ensure_future(_elsewhere(chat, [r["id"] for r in requests]))
    await asyncio.wait({asking, watching}, return_when=asyncio.FIRST_COMPLETED)
    if asking.done():
        watching.cancel()
        return asking.result()
    asking.cancel()
    await asyncio.wait({asking})
    raise DecidedElsewhere


async def _elsewhere(chat: Chat, calls: list[str]) -> None:
    """Until another terminal has decided all of `calls`."""
    while calls:
        await asyncio.sleep(EVERY)
        if len(await chat.session.decided(calls)) == len(calls):
            return
    await asyncio.Event().wait()


async def _all(
    terminal: Terminal, chat: Chat, requests: list[dict[str, Any]]
) -> list[dict[str, Any]] | None:
    decisions: list[dict[str, Any]] = []
    for number, request in enumerate(requests, 1):
        if "respond" in request["decisions"]:
            answer = await _answered(terminal, request)
        else:
            place = f"{number} of {len(requests)}: " if len(requests) > 1 else ""
            show(terminal, request, place)
            answer = await _one(terminal, chat, request, more=number < len(requests))
        if answer is None:
            terminal.lines.line("left undecided; a message rejects, -c asks again", "33")
            return None
        rest = answer.pop("rest", False)
        decisions.append(answer)
        if rest:
            # A question of the model still wants an answer of its own.
            for other in requests[number:]:
                if "respond" in other["decisions"]:
                    said = await _answered(terminal, other)
                    if said is None:
                        return None
                    decisions.append(said)
                else:
                    decisions.append(dict(answer))
            break
    return decisions


def show(terminal: Terminal, request: dict[str, Any], place: str = "", whole: bool = False) -> None:
    """The panel."""
    lines = terminal.lines
    where = lines.place(PREVIEW_LINES, ", ? shows them")
    head, rows = head_and_rows(request, where, place)
    lines.line(head, "1;33")
    lines.line(f"  {request['effect']}: {inline(request['reason'])}", "2")
    diff = is_diff(str(request["preview"]))
    lines.rows(
        all_rows(request, where) if whole else rows,
        lambda row: code_of_diff(row.line) if diff else "",
    )


async def _one(
    terminal: Terminal, chat: Chat, request: dict[str, Any], more: bool
) -> dict[str, Any] | None:
    screen = terminal.screen
    rule = rule_to_offer(request, chat.proposed)
    again = False
    while True:
        asked = "run it? y n e a ?" + (" Y N" if more else "") + " > "
        keys = "yea?" + ("YN" if more else "")
        answer = await screen.ask(
            asked, keys=keys, accepts=_decides(keys), stays=NO_ANSWER, again=again
        )
        again = True
        if answer is None:
            return None
        key, _, words = answer.strip().partition(" ")
        if key in ("y", "yes", "Y"):
            terminal.lines.line("  all approved" if key == "Y" else "  approved", "32")
            return {"type": "approve", **({"rest": True} if key == "Y" else {})}
        if key in ("n", "no", "N"):
            rest = {"rest": True} if key == "N" and more else {}
            told = f": {words.strip()}" if words.strip() else ""
            terminal.lines.line(f"  {'all rejected' if rest else 'rejected'}{told}", "33")
            return {"type": "reject", "message": words.strip(), **rest}
        if key == "a" and not rule:
            terminal.lines.line(f"  {no_rule(request)}", "33")
            continue
        if key == "a":
            decision = await _always(terminal, rule)
        elif key == "e":
            decision = await _edited(terminal, request)
        else:
            show(terminal, request, whole=True)
            terminal.lines.line(KEYS + (f"\n{MANY}" if more else ""))
            continue
        if decision is not None:
            return decision


def _decides(keys: str) -> Accepts:
    """A key of the panel, or n with words for the model."""

    def accepts(text: str) -> bool:
        word = text.strip()
        return word in (*keys, "yes", "no", "n") or word.startswith("n ")

    return accepts


async def _always(terminal: Terminal, proposed: str) -> dict[str, Any] | None:
    """Yes, and a rule by which such calls run unasked."""
    screen = terminal.screen
    rule = await screen.ask("the rule: ", default=proposed)
    if not rule:
        return None
    asked = "in this [t]hread, or always in this [f]older? "
    where = await screen.ask(asked, keys="tf", accepts=one_of(["t", "f"]), stays="t or f")
    if not where:
        return None
    terminal.lines.line(f"from now on: {inline(rule.strip())}", "2")
    name = "folder_rule" if where == "f" else "rule"
    return {"type": "approve", name: rule.strip()}


async def _edited(terminal: Terminal, request: dict[str, Any]) -> dict[str, Any] | None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    async with terminal.screen.given_away():
        edited = edited_arguments(request["arguments"], terminal.lines, shlex.split(editor))
    if edited is None:
        return None
    return {"type": "edit", "edited_action": {"name": request["tool"], "args": edited}}


async def _answered(terminal: Terminal, request: dict[str, Any]) -> dict[str, Any] | None:
    """The person's answer to a question of the model; a number chooses an option."""
    options = request["arguments"].get("options") or []
    terminal.lines.line(f"? {request['arguments']['question']}", "1;33")
    for number, option in enumerate(options, 1):
        terminal.lines.line(f"  {number}  {inline(option)}")
    while True:
        asked = "a number, or your own words: " if options else "your answer: "
        answer = await terminal.screen.ask(asked)
        if answer is None:
            return None
        answer = answer.strip()
        if answer.isdigit() and 1 <= int(answer) <= len(options):
            return {"type": "respond", "message": options[int(answer) - 1]}
        if answer:
            return {"type": "respond", "message": answer}
