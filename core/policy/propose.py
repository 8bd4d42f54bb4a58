"""The rule to offer if the user needs such a call to run from now on without asking."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from core.effects import Effect
from core.errors import SettingsError
from core.policy.decide import Situation, decide
from core.policy.grammar import NotJudged, read_line
from core.policy.hosts import whole_url
from core.policy.programs import RUN_NOTHING, reader_of
from core.policy.rules import OUTSIDE, Rules, parse_rule


def proposed(
    tool: str,
    arguments: Mapping[str, Any],
    rules: Rules,
    *,
    effect: Effect | None = None,
    cwd: str = "",
    state: str = "",
) -> str:
    """A rule that lets this call run and is not wider than the call; "" if no rule can.

    Args:
        effect: the call's; without it only a shell line is known well enough to be sure.
        cwd: the working directory, the process's own if it is not given.
    """
    if effect is not None and effect.asks_unless:
        return effect.asks_unless
    here = Situation("ask", cwd or os.getcwd(), rules, state)
    if tool == "bash":
        line = str(arguments.get("command", ""))
        folder = os.path.expanduser(str(arguments.get("cwd") or ""))
        outside = arguments.get("outside_sandbox") is True
        effect = effect or Effect("execute", command=line, cwd=folder, outside_sandbox=outside)
        rule = _for_line(line, rules) if not outside else _for_outside(line)
    else:
        rule = _for_call(tool, arguments)
    if not rule or not _lets_run(rule, tool, effect, arguments, here):
        return ""
    return rule


def _lets_run(
    text: str, tool: str, effect: Effect | None, arguments: Mapping[str, Any], here: Situation
) -> bool:
    """Whether the call would run with the rule: no other rule and no special place is against."""
    try:
        rule = parse_rule(text, "proposed")
    except SettingsError:
        return False  # a name with a single quote is not a pattern
    if effect is None or rule.tool not in (tool, OUTSIDE):
        return True
    words = [str(arguments[key]) for key in ("operation", "url") if arguments.get(key)]
    with_it = replace(here.rules, allow=(*here.rules.allow, rule))
    return decide(tool, effect, words, replace(here, rules=with_it)).action == "run"


def _for_line(line: str, rules: Rules) -> str:
    """A rule for the one command that no rule allows yet: for the program if it is known to run no
    other one, else for exactly these words."""
    try:
        commands = read_line(line)
    except NotJudged:
        return ""
    known = [rule for rule in rules.allow if rule.tool == "bash"]
    missing = [c.words for c in commands if not any(r.fits_words(c.words) for r in known)]
    if not missing or any(words != missing[0] for words in missing):
        return ""
    return f"bash({_pattern(missing[0])})"


def _for_outside(line: str) -> str:
    """A rule for exactly this command outside the command sandbox."""
    try:
        commands = read_line(line)
    except NotJudged:
        return ""
    return f"{OUTSIDE}({_exactly(commands[0].words)})" if len(commands) == 1 else ""


def _pattern(words: Sequence[str]) -> str:
    reader = reader_of(words)
    if reader is not None:
        return " ".join([*words[: len(words) - len(reader[1])], "*"])
    if words[0] in RUN_NOTHING:
        return f"{words[0]} *"
    return _exactly(words)


def _exactly(words: Sequence[str]) -> str:
    return " ".join(shlex.quote(re.sub(r"([*?\[])", r"[\1]", word)) for word in words)


def _for_call(tool: str, arguments: Mapping[str, Any]) -> str:
    """For a call with a path, that path; of others, their operation, at that host."""
    operation = arguments.get("operation")
    if tool == "mcp" and operation == "call":
        return str(arguments.get("tool") or "")
    if not operation:
        path = str(arguments.get("path") or "")
        return "" if re.search(r"[*?]", path) else f"{tool}({path})" if path else tool
    url = urlsplit(whole_url(str(arguments["url"])) if arguments.get("url") else "")
    if url.scheme and url.netloc:
        return f"{tool}({operation} {shlex.quote(f'{url.scheme}://{url.netloc}/*')} *)"
    return f"{tool}({operation} *)"
