"""The goal of a thread: a row that says what is to be reached, how that is checked, and how far it
has come. It survives whatever happens to the processes that pursue it.

A verdict is stored in one transaction: state, number of checks, and the message that begins the
next turn are on disk together or not at all.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.errors import UsageError
from core.run import Reach
from core.secrets.redaction import redacted
from core.store.base.database import Database, Statement
from core.store.threads import COLUMNS, ThreadRow
from core.units import dollars, duration

State = Literal["active", "paused", "achieved", "stalled", "limit"]
_COLUMNS = "thread, text, command, terms, state, reason, made, checks, progress"
#: What a thread's status makes of an active goal.
SHOWN = {"waiting": "waiting", "approval": "needs approval"}


@dataclass(frozen=True)
class Terms:
    """What was agreed with the goal.

    Attributes:
        invocation: whose money its turns are, in the ledger. max_cost: micro-USD of all its turns.
        max_time: seconds since the goal was set, waits included. check_time: seconds that one run
            of the check may take. None: no cap.
        files: by absolute path, the hash of each file of the check.
        reach: what the check may reach. run: the options of the run that set it.
        experiment: what is asked for in place of a check (core/experiments/asked.py); {}: nothing.
    """

    invocation: str
    max_cost: int | None = None
    max_time: float | None = None
    max_turns: int | None = None
    check_time: float = 600.0
    files: Mapping[str, str] = field(default_factory=dict)
    reach: Reach = "network"
    run: Mapping[str, Any] = field(default_factory=dict)
    experiment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How far it has come.

    Attributes:
        turns: that were judged. idle: of these, the newest in a row that did nothing.
        output: what the newest check printed, for comparison. same: how many checks in a row
            printed it, without an effect between them.
        tried: what the newest turns did, in words. last: the end of what the check printed.
        turn: the number of the thread's newest turn when it was checked.
    """

    turns: int = 0
    idle: int = 0
    output: str = ""
    same: int = 0
    tried: Sequence[str] = ()
    last: str = ""
    turn: int = 0


@dataclass(frozen=True)
class GoalRow:
    """A thread's goal. reason: why it is in its state. made: epoch seconds. checks: how many were
    begun, the one under way not counted."""

    thread: str
    text: str
    command: str
    terms: Terms
    state: State = "active"
    reason: str = ""
    made: float = field(default_factory=time.time)
    checks: int = 0
    progress: Progress = Progress()


class SqlGoals:
    """The table of goals: at most one of a thread."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def put(self, row: GoalRow) -> None:
        """Set a thread's goal; an earlier one is gone."""
        await self._database.batch(
            [
                ("DELETE FROM goals WHERE thread = ?", [row.thread]),
                (
                    f"INSERT INTO goals ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [row.thread, row.text, row.command, _json(row.terms), row.state, row.reason,
                     row.made, row.checks, _json(row.progress)],
                ),
            ]
        )  # fmt: skip

    async def get(self, thread: str) -> GoalRow | None:
        found = await self._database.rows(
            f"SELECT {_COLUMNS} FROM goals WHERE thread = ?", [thread]
        )
        return _row(found[0]) if found else None

    async def of(self, threads: Sequence[str]) -> dict[str, GoalRow]:
        """The goals of these threads, by thread."""
        marks = ", ".join("?" for _ in threads) or "NULL"
        found = await self._database.rows(
            f"SELECT {_COLUMNS} FROM goals WHERE thread IN ({marks})", list(threads)
        )
        return {row.thread: row for row in map(_row, found)}

    async def active(self) -> Sequence[tuple[GoalRow, ThreadRow]]:
        """Every goal that is pursued, the oldest first."""
        columns = [f"goals.{name}" for name in _COLUMNS.split(", ")]
        columns += [f"threads.{name}" for name in COLUMNS]
        found = await self._database.rows(
            f"SELECT {', '.join(columns)} FROM goals JOIN threads ON threads.id = goals.thread "
            "WHERE goals.state = 'active' ORDER BY goals.made"
        )
        return [(_row(values[:9]), ThreadRow(*values[9:])) for values in found]

    async def judged(self, row: GoalRow, now: GoalRow, message: str) -> GoalRow | None:
        """Store what a check came to, with the message of the next turn ("": there is none). None:
        `row` is not the goal any more, or it was paused meanwhile; then nothing is stored."""
        same = "thread = ? AND made = ? AND checks = ? AND state = 'active'"
        which = [row.thread, row.made, row.checks]
        begins: list[Statement] = [
            (
                "INSERT INTO inbox (thread, seq, text) SELECT goals.thread, (SELECT "
                "COALESCE(MAX(ABS(inbox.seq)), 0) + 1 FROM inbox WHERE inbox.thread = "
                f"goals.thread), CAST(? AS TEXT) FROM goals WHERE {same}",
                [message, *which],
            )
        ]
        await self._database.batch(
            [
                *(begins if message else []),
                (
                    "UPDATE goals SET state = ?, reason = ?, checks = checks + 1, progress = ? "
                    f"WHERE {same}",
                    [now.state, now.reason, _json(now.progress), *which],
                ),
            ]
        )
        stored = await self.get(row.thread)
        went = stored is not None and stored.made == row.made and stored.checks == row.checks + 1
        return stored if went else None

    async def change(self, thread: str, state: State, reason: str = "") -> GoalRow:
        """Put a goal into another state. Raises UsageError: there is none."""
        await self._database.rows(
            "UPDATE goals SET state = ?, reason = ? WHERE thread = ?", [state, reason, thread]
        )
        return await self.needed(thread)

    async def needed(self, thread: str) -> GoalRow:
        """Raises UsageError: the thread has no goal."""
        row = await self.get(thread)
        if row is None:
            raise UsageError(f"session {thread} has no goal", 'ml-agent goal "..." --until CMD')
        return row

    async def clear(self, thread: str) -> None:
        await self._database.rows("DELETE FROM goals WHERE thread = ?", [thread])


def shown_state(row: GoalRow, status: str) -> str:
    """The goal's state, for a user. status: of the thread's last turn."""
    return SHOWN.get(status, "active") if row.state == "active" else row.state


def goal_of(row: GoalRow, status: str, spent: int | None = None) -> dict[str, Any]:
    """A goal as programs read it. spent: micro-USD, if it is known."""
    terms = row.terms
    return {
        "text": row.text,
        "until": until_words(row),
        "state": shown_state(row, status),
        "reason": row.reason,
        "since": row.made,
        "turns": row.progress.turns,
        "max_turns": terms.max_turns,
        "max_time": terms.max_time,
        "max_cost_micro_usd": terms.max_cost,
        "spent_micro_usd": spent,
        "last_check": row.progress.last,
    }


def until_words(row: GoalRow) -> str:
    """When a goal is achieved: its check, or the trials that are asked for."""
    asked = row.terms.experiment
    return f"{asked['trials']} trials of {row.command}" if asked else row.command


def goal_line(goal: Mapping[str, Any]) -> str:
    """`goal_of` in one line; of its text the first paragraph."""
    turns, text = goal["turns"], goal["text"].strip().partition("\n\n")[0]
    parts = [f"goal {goal['state']}: {' '.join(text.split())[:80]}"]
    parts.append(f"{turns} turn{'' if turns == 1 else 's'}")
    if goal["spent_micro_usd"] is not None:
        parts.append(dollars(goal["spent_micro_usd"]))
    if goal["reason"]:
        parts.append(goal["reason"])
    return redacted(" · ".join(parts))


def left_words(row: GoalRow, spent: int, now: float) -> str:
    """What is left of every cap, in words."""
    terms, parts = row.terms, []
    if terms.max_turns is not None:
        parts.append(f"{max(terms.max_turns - row.progress.turns, 0)} turns")
    if terms.max_cost is not None:
        parts.append(dollars(max(terms.max_cost - spent, 0)))
    if terms.max_time is not None:
        parts.append(duration(max(row.made + terms.max_time - now, 0)))
    return ", ".join(parts) or "no cap"


def _json(value: Terms | Progress) -> str:
    return json.dumps(vars(value))


def _row(values: Sequence[Any]) -> GoalRow:
    thread, text, command, terms, state, reason, made, checks, progress = values
    row = GoalRow(thread, text, command, Terms(**json.loads(terms)), state, reason, made)
    return replace(row, checks=int(checks), progress=Progress(**json.loads(progress)))
