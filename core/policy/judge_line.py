"""May this shell line run, must the user be asked, or is it refused?"""

from collections.abc import Sequence
from dataclasses import replace

from core.policy import commands, modes
from core.policy.grammar import NotJudged, ShellCommand, read_line
from core.policy.modes import Judged, Situation, by_mode
from core.policy.paths import resolved
from core.policy.rules import Rules
from core.policy.shell import Line, parsed
from core.policy.unasked import allowing_rule, place_problem, reads_only
from core.policy.wrapped import hides


def judge_line(source: str, here: Situation, folder: str) -> Judged:
    """A shell line that runs in `folder`."""
    line = parsed(source)
    denied = commands.fitting_rule(line, here.rules.deny)
    if denied:
        return modes.denied(denied)
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
    outside = commands.written_outside(places, resolved(".", here.cwd)) if here.is_copy else None
    if outside:
        return modes.outside_copy(outside)
    frozen = commands.written(places, here.frozen)
    if frozen:
        return modes.frozen(frozen, here.mode)
    asked = commands.fitting_rule(line, here.rules.ask)
    if asked:
        return Judged("ask", "a rule requires your approval", asked.named("ask"))
    if here.mode == "yolo":
        return by_mode("execute", here.mode, [])
    verdict = by_mode("execute", here.mode, [])
    strict = _strict(closed, against, line, here, folder)
    if strict is not None:
        return strict if here.mode != "read-only" else verdict
    if here.mode == "auto":
        return verdict
    if rule is None:
        return _because(verdict, against)
    problem = place_problem(closed, folder, resolved(".", here.cwd), here.state)
    if problem:
        return _because(verdict, problem)
    if here.mode == "read-only" and not _reads(closed, here.rules):
        return Judged("deny", "the mode is read-only, and it may write", verdict.rule)
    shipped = _all_shipped(closed, here.rules)
    return Judged("run", "a rule allows it", rule.named("allow"), is_shipped=shipped)


def _because(verdict: Judged, why: str) -> Judged:
    """The verdict with what is against the line; a question gives only that reason."""
    reason = why if verdict.action == "ask" else f"{verdict.reason}: {why}"
    return Judged(verdict.action, reason, verdict.rule)


def judge_outside_line(source: str, here: Situation, folder: str) -> Judged:
    """A shell line that is to run outside the command sandbox: rules for `bash` do not let it."""
    there = replace(here, rules=here.rules.outside_sandbox())
    judged = judge_line(source, there, folder)
    if here.is_copy:
        return modes.outside_copy("a command outside the sandbox")
    if judged.action == "deny" or here.mode == "yolo":
        return judged
    if here.mode == "read-only":
        said = "the mode is read-only, and it asks to run outside the sandbox"
        return Judged("deny", said, "mode:read-only")
    judged = judge_line(source, replace(there, mode="ask"), folder)
    if judged.action == "run":
        return judged
    said = (
        "Run outside the sandbox? It could then change any of your files. A rule "
        "outside_sandbox(...) lets it run without a question; the setting sandbox_writable gives "
        "commands in the sandbox one more folder"
    )
    return Judged("ask", said, "outside-sandbox")


def _closed(source: str) -> tuple[Sequence[ShellCommand], str]:
    """(the commands of a line of the closed grammar, ""); of another, (none, why)."""
    try:
        return read_line(source), ""
    except NotJudged as problem:
        return (), f"it holds {problem}"


def _strict(
    closed: Sequence[ShellCommand], against: str, line: Line, here: Situation, folder: str
) -> Judged | None:
    """If rules deny or ask about some commands, a line that could be one of them asks: one that is
    not of the closed grammar, one that hides what it runs, one that holds such a program's name."""
    rules = [rule for rule in (*here.rules.deny, *here.rules.ask) if rule.tool == "bash"]
    if not rules:
        return None
    hidden = hides(line)
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
    return all(r.target == "/dev/null" for r in writes) and _all_shipped(closed, rules)


def _all_shipped(closed: Sequence[ShellCommand], rules: Rules) -> bool:
    shipped = Rules(allow=tuple(r for r in rules.allow if r.origin == "shipped"))
    return allowing_rule(closed, shipped)[0] is not None
