"""What a turn did toward a goal, and the message that begins the next one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from core.attached import OUTPUT, attached
from core.history import Call, calls_of, final_text, is_summary, outcome_of, turn_of
from core.policy.looking import only_looks
from core.store.files.turn_changes import Changes
from core.store.goals import GoalRow
from core.tool import AgentTool
from nodes.validate import validated
from tools.wait.check import Checked
from tools.wait.tool import NAME as WAIT

#: Turns that are told as tried, files that are named, and characters of what a turn said.
TRIED, NAMED, SAID = 6, 6, 200
#: How a goal is worked on whose end is a number of trials.
HOW = (
    "Work as an experiment. Try one idea after another: edit files and run, or branch for several "
    "at once. Learn from each verdict, and note what you learned. Continue until all trials are "
    "made; then end with the best one and what it changed."
)
#: Lines and characters of a check's output that the model reads.
LINES, CHARACTERS = 30, 1_500


@dataclass(frozen=True)
class Did:
    """What a turn came to.

    Attributes:
        kind: idle: it only looked. ran: it ran commands that changed no file. effect: it changed,
            published, spent or waited for something, or no one can tell.
        words: in a line.
    """

    kind: Literal["idle", "ran", "effect"]
    words: str = ""


def what_was_done(
    messages: Sequence[BaseMessage],
    number: int,
    tools: Mapping[str, AgentTool],
    changes: Changes | None,
    cwd: str,
) -> Did:
    """What turn `number` did. changes: its files; None: they are not known."""
    begun = next((i for i, m in enumerate(messages) if turn_of(m) == number), None)
    newest = messages[begun or 0 :]
    results = {m.tool_call_id: m for m in newest if isinstance(m, ToolMessage)}
    calls = [call for m in newest if isinstance(m, AIMessage) for call in calls_of(m)]
    effects = [_effect(call, results.get(call.id), tools, cwd) for call in calls]
    ran = [kind for kind in effects if kind]
    files = sorted(changes.files) if changes is not None and not changes.off else None
    parts = [_named(files)] if files else []
    if count := ran.count("execute"):
        parts.append(f"ran {count} command{'s' if count > 1 else ''}")
    parts += [kind for kind in dict.fromkeys(ran) if kind not in ("execute", "write")]
    said = " ".join(final_text(list(newest)).split())[:SAID]  # type: ignore[arg-type]
    words = "; ".join(parts) or "changed and ran nothing"
    words = f"{words}. You said: {said}" if said else words
    if begun is None or any(map(is_summary, newest)) or files or set(ran) - {"execute", "write"}:
        return Did("effect", words)
    if not ran:
        return Did("idle", words)
    return Did("ran" if files is not None and "write" not in ran else "effect", words)


def _named(files: Sequence[str]) -> str:
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return f"changed {', '.join(files[:NAMED])}{more}"


def _effect(
    call: Call, result: ToolMessage | None, tools: Mapping[str, AgentTool], cwd: str
) -> str:
    """What kind of thing a call did; "" if it only looked, or was not run."""
    if result is None or outcome_of(result) == "rejected":
        return ""
    try:
        tool, arguments = validated(call, tools)
    except ValueError:
        return ""
    if call.name == WAIT:
        return "waited"
    effect = tool.effect(arguments, cwd)
    if effect.kind == "read" or (effect.command and only_looks(effect.command)):
        return ""
    if effect.kind == "execute":
        return "started a command" if call.args.get("background") else "execute"
    return effect.kind if outcome_of(result) != "failed" else ""


def next_message(row: GoalRow, found: Checked, left: str) -> str:
    """What begins the next turn. `row`: as it is after the check."""
    progress = row.progress
    parts = [f"Goal: {row.text}"]
    if row.terms.experiment:
        parts += [HOW, found.output]
    else:
        parts.append(f"It is reached when this command exits with 0: {row.command}")
        parts.append(f"It exited with {found.code}. Its last lines:\n{_tail(found.output)}")
    if progress.tried:
        tried = "\n".join(f"- {one}" for one in progress.tried)
        parts.append(f"Tried so far:\n{attached(OUTPUT, tried)}")
    again = "" if row.terms.experiment else "; the command runs again when your turn ends"
    parts.append(
        f"Left: {left}. Work on the goal now{again}. Do not "
        "change how it judges. If you need something that only the user can give, say so."
    )
    return "\n\n".join(parts)


def _tail(output: str) -> str:
    lines = output[-CHARACTERS:].splitlines()[-LINES:]
    return attached(OUTPUT, "\n".join(lines) or "(nothing)")
