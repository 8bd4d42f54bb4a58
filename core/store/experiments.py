"""The experiment of each thread, and its trials.

A trial is counted once: its call's id is unique, and its end is one compare-and-set.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from core.experiments.record import Experiment, Judge, Place, Trial
from core.store.base.database import Database
from core.store.threads import COLUMNS, ThreadRow

_EXPERIMENT = "thread, judge, folder, digest, made, spent, tokens, place, notes"
#: Of a trial, what is stored as JSON.
_AS_JSON = ("metrics", "files", "progress")
_TRIAL = (
    "thread", "number", "call_id", "parent", "hypothesis", "verdict", "metrics", "value", "rule",
    "files", "diff", "snapshot", "digest", "seconds", "cost", "tokens", "began", "ended", "note",
    "progress",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_TRIAL)} FROM trials"


class SqlExperiments:
    """`core.experiments.record.Experiments` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def define(self, experiment: Experiment) -> None:
        marks = ", ".join("?" for _ in _EXPERIMENT.split(", "))
        await self._database.batch(
            [
                ("DELETE FROM trials WHERE thread = ?", [experiment.thread]),
                ("DELETE FROM experiments WHERE thread = ?", [experiment.thread]),
                (
                    f"INSERT INTO experiments ({_EXPERIMENT}) VALUES ({marks})",
                    [
                        experiment.thread,
                        json.dumps(asdict(experiment.judge)),
                        experiment.folder,
                        experiment.digest,
                        experiment.made,
                        experiment.spent,
                        experiment.tokens,
                        json.dumps(asdict(experiment.place)),
                        json.dumps(experiment.notes),
                    ],
                ),
            ]
        )

    async def get(self, thread: str) -> Experiment | None:
        found = await self._database.rows(
            f"SELECT {_EXPERIMENT} FROM experiments WHERE thread = ?", [thread]
        )
        return _experiment(found[0]) if found else None

    async def all(self, cwd: str | None = None) -> list[tuple[ThreadRow, Experiment]]:
        """Every experiment with its thread, the newest thread first; with `cwd`, of that folder."""
        columns = [f"threads.{name}" for name in COLUMNS]
        columns += [f"experiments.{name}" for name in _EXPERIMENT.split(", ")]
        where, values = ("WHERE threads.cwd = ?", [cwd]) if cwd is not None else ("", [])
        found = await self._database.rows(
            f"SELECT {', '.join(columns)} FROM experiments "
            f"JOIN threads ON threads.id = experiments.thread {where} "
            "ORDER BY threads.updated DESC",
            values,
        )
        count = len(COLUMNS)
        return [(ThreadRow(*row[:count]), _experiment(row[count:])) for row in found]

    async def trials(self, thread: str) -> list[Trial]:
        found = await self._database.rows(f"{_SELECT} WHERE thread = ? ORDER BY number", [thread])
        return [_trial(row) for row in found]

    async def begin(self, trial: Trial) -> Trial:
        values = _stored(asdict(trial))
        names = [name for name in _TRIAL if name != "number"]
        marks = ", ".join("?" for _ in names)
        # One statement, so that no two trials take the same number.
        await self._database.rows(
            f"INSERT INTO trials (number, {', '.join(names)}) "
            f"SELECT COALESCE(MAX(number), -1) + 1, {marks} FROM trials WHERE thread = ? "
            "ON CONFLICT DO NOTHING",
            [*(values[name] for name in names), trial.thread],
        )
        found = await self._database.rows(
            f"{_SELECT} WHERE thread = ? AND call_id = ?", [trial.thread, trial.call_id]
        )
        return _trial(found[0])

    async def update(self, trial: Trial, **changes: Any) -> Trial:
        return await self.end(trial, None, **changes)

    async def end(self, trial: Trial, place: Place | None, **changes: Any) -> Trial:
        values = _stored(asdict(replace(trial, **changes)))
        sets = ", ".join(f"{name} = ?" for name in changes)
        statements: list[tuple[str, list[Any]]] = [
            (
                f"UPDATE trials SET {sets} WHERE thread = ? AND number = ? AND verdict = 'running'",
                [*(values[name] for name in changes), trial.thread, trial.number],
            )
        ]
        if place is not None:
            statements.append(_placing(trial.thread, place))
        await self._database.batch(statements)
        found = await self._database.rows(
            f"{_SELECT} WHERE thread = ? AND number = ?", [trial.thread, trial.number]
        )
        return _trial(found[0])

    async def annotate(self, thread: str, number: int | None, text: str) -> None:
        if number is None:
            experiment = await self.get(thread)
            notes = [*(experiment.notes if experiment else ()), text]
            await self._database.rows(
                "UPDATE experiments SET notes = ? WHERE thread = ?", [json.dumps(notes), thread]
            )
            return
        await self._database.rows(
            "UPDATE trials SET note = CASE WHEN note = '' THEN ? ELSE note || ? END "
            "WHERE thread = ? AND number = ?",
            [text, f"\n{text}", thread, number],
        )

    async def put_place(self, thread: str, place: Place) -> None:
        await self._database.batch([_placing(thread, place)])


def _placing(thread: str, place: Place) -> tuple[str, list[Any]]:
    sql = "UPDATE experiments SET place = ? WHERE thread = ?"
    return sql, [json.dumps(asdict(place)), thread]


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: json.dumps(v) if n in _AS_JSON else v for n, v in values.items()}


def _experiment(row: Sequence[Any]) -> Experiment:
    thread, judge, folder, digest, made, spent, tokens, place, notes = row
    told = json.loads(judge)
    told["frozen"] = tuple(told["frozen"])
    return Experiment(
        thread, Judge(**told), folder, digest, made, int(spent), int(tokens),
        Place(**json.loads(place)), tuple(json.loads(notes)),
    )  # fmt: skip


def _trial(row: Sequence[Any]) -> Trial:
    values = dict(zip(_TRIAL, row, strict=True))
    return Trial(**{n: json.loads(v) if n in _AS_JSON else v for n, v in values.items()})
