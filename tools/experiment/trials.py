"""A trial from its snapshot to its verdict, and the folder after it.

Every step is found again after a kill: the trial's row by its call, its runs by what they left, and
a restore by the place of the folder, which is written with the verdict and before the first file.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.errors import ToolError
from core.experiments.noise import baseline_runs, compare
from core.experiments.record import KEPT, Experiment, Place, Trial, Verdict, best_of
from core.policy.paths import is_secret
from core.secrets.redaction import redacted
from core.store.files.folder_snapshots import FolderSnapshots
from core.tool import ToolContext
from tools.experiment.frozen import digest_of
from tools.experiment.measure import FOREGROUND, Bench, NotMeasured

#: Verdicts without a measurement.
UNMEASURED = ("crash", "timeout", "void")
CUT_OFF = "it was cut off before its verdict"


@dataclass(frozen=True)
class Work:
    """What a sub-agent did for a trial.

    Attributes:
        call_id: of the trial. folder: the copy it worked in. note: its last words.
        cost, tokens: what it came to, micro-USD and tokens. others: sub-agents that still worked.
    """

    call_id: str
    folder: str
    note: str
    cost: int
    tokens: int
    others: int


@dataclass
class Lab:
    """The experiment of the thread whose call this is. snapshots: of its folder."""

    ctx: ToolContext
    experiment: Experiment
    snapshots: FolderSnapshots

    @classmethod
    async def of(cls, ctx: ToolContext) -> "Lab":
        """Raises ToolError: the thread has none."""
        experiment = await ctx.services.experiments.get(ctx.thread)
        if experiment is None:
            raise ToolError("Cannot do this: no experiment is defined. Call define first.")
        return cls(ctx, experiment, snapshots_of(ctx, ctx.cwd, experiment.judge.frozen))

    @property
    def metric(self) -> str:
        return self.experiment.judge.metric

    async def trials(self) -> list[Trial]:
        return await self.ctx.services.experiments.trials(self.ctx.thread)

    async def take(self, also: str = "") -> str:
        return await asyncio.to_thread(self.snapshots.take, self.ctx.thread, also)

    # --- the folder ---------------------------------------------------------------------------

    async def finish_restore(self) -> dict[str, str]:
        """Bring the folder to where it is meant to be; the paths that were left, with the reason.
        What a killed process began is finished here."""
        place = self.experiment.place
        if not place.to:
            return {}
        left = await asyncio.to_thread(self.snapshots.restore, place.to, place.at)
        if place.is_discard:
            left |= await asyncio.to_thread(self.snapshots.remove_hidden, place.to, place.at)
        await self._put(Place(place.to))
        return left

    async def bring_to(self, snapshot: str) -> dict[str, str]:
        await self._put(Place(await self.take(snapshot), snapshot))
        return await self.finish_restore()

    async def land(self, number: int) -> dict[str, str]:
        """Put the files of a trial that was made in a copy into the folder; the paths that were
        left, with the reason: something else changed them meanwhile."""
        snapshot = (await self.trials())[number].snapshot
        if snapshot == self.experiment.place.at:
            return {}
        await self._put(Place(self.experiment.place.at, snapshot))
        return await self.finish_restore()

    async def _put(self, place: Place) -> None:
        await self.ctx.services.experiments.put_place(self.ctx.thread, place)
        self.experiment = replace(self.experiment, place=place)

    # --- trials -------------------------------------------------------------------------------

    async def close_others(self, call_id: str) -> None:
        """End trials of calls that were left for good; those in the background stay."""
        for trial in await self.trials():
            mine = trial.call_id.partition("/")[0] == call_id
            if trial.verdict == "running" and not mine and not trial.progress.get("background"):
                await self._end(trial, "crash", CUT_OFF)

    async def begun(self, hypothesis: str, parent: Trial | None, work: Work | None = None) -> Trial:
        """The row of a trial of the folder as it is now; with `work`, of the copy."""
        snapshots = self.snapshots.of_copy(work.folder) if work else self.snapshots
        also = parent.snapshot if parent else ""
        taken = await asyncio.to_thread(snapshots.take, self.ctx.thread, also)
        files: list[str] = []
        diff = ""
        if parent is not None:
            files = await asyncio.to_thread(snapshots.changed, also, taken)
            diff = redacted(await asyncio.to_thread(snapshots.diff, also, taken))
        judge = self.experiment.judge
        folder = work.folder if work else self.experiment.folder
        digest = await asyncio.to_thread(digest_of, folder, judge.frozen)
        trial = Trial(
            self.ctx.thread, -1, work.call_id if work else self.ctx.call_id,
            parent.number if parent else None,
            redacted(hypothesis), files=files, diff=diff, snapshot=taken, digest=digest,
            began=self.ctx.services.clock(), note=redacted(work.note) if work else "",
            progress=self._progress(work) if work else {},
        )  # fmt: skip
        return await self.ctx.services.experiments.begin(trial)

    def _progress(self, work: Work) -> dict[str, Any]:
        """What the judging of a copy needs to know, and later readers: who else was at work."""
        found: dict[str, Any] = {
            "copy": work.folder, "spent": {"cost": work.cost, "tokens": work.tokens},
        }  # fmt: skip
        if work.others:
            found["others"] = work.others
        if self.experiment.judge.max_time > FOREGROUND:
            found["background"] = True
        return found

    async def judged(self, trial: Trial) -> Trial:
        """The trial with its verdict; the folder where that leaves it. One in a copy is measured
        there, and the folder stays. Raises StillRuns."""
        if trial.verdict != "running":
            return trial
        folder = trial.progress.get("copy", "")
        bench = Bench(self.ctx, self.experiment, folder or self.experiment.folder)
        try:
            trial, verdict, rule = await self._compared(bench, trial)
        except NotMeasured as error:
            trial, verdict, rule = await self._fresh(trial), error.verdict, error.rule
        return await self._end(trial, verdict, rule, folder=folder, moves=not folder)

    async def _compared(self, bench: Bench, trial: Trial) -> tuple[Trial, Verdict, str]:
        judge = self.experiment.judge
        if not await asyncio.to_thread(os.path.isdir, bench.folder):
            raise NotMeasured("crash", CUT_OFF)
        if trial.parent is not None and not trial.files:
            raise NotMeasured("crash", f"no file differs from trial {trial.parent}")
        if trial.parent is None:
            trial = await bench.measure(trial, baseline_runs(judge.repeats))
            values = trial.values(judge.metric)
            if judge.repeats == 1 and len(set(values)) > 1:
                why = f"two runs differ ({values[0]:g}, {values[1]:g}): define it with repeats=3"
                raise NotMeasured("crash", why)
            return trial, "baseline", f"{len(values)} runs"
        baseline, *others = await self.trials()
        printed = int(baseline.progress.get("printed", 1))
        runs = judge.repeats
        while True:
            trial = await bench.measure(trial, runs, printed)
            best = best_of([baseline, *others])
            assert best is not None
            found = compare(
                best.values(judge.metric), trial.values(judge.metric),
                direction=judge.direction, repeats=judge.repeats, number=trial.number,
            )  # fmt: skip
            if found.verdict != "more":
                return trial, found.verdict, found.rule
            runs = found.runs

    async def _fresh(self, trial: Trial) -> Trial:
        """The row as it is now: what was measured before something went wrong is kept."""
        return next(one for one in await self.trials() if one.number == trial.number)

    async def _end(
        self, trial: Trial, verdict: Verdict, rule: str, *, folder: str = "", moves: bool = False
    ) -> Trial:
        """Write the verdict, and with it where the folder will be; then bring it there."""
        services, values = self.ctx.services, sorted(trial.values(self.metric))
        middle = len(values) // 2
        changes = {
            "verdict": verdict,
            "rule": redacted(rule),
            "value": (values[middle] + values[~middle]) / 2 if values else None,
            "ended": services.clock(),
            **(trial.progress.get("spent") or await self._spent(trial)),
        }
        place = None
        if moves:
            place = await self._place_after(trial, verdict)
        elif verdict == "keep" and folder:
            copy = self.snapshots.of_copy(folder)
            changes["snapshot"] = await asyncio.to_thread(copy.take, self.ctx.thread)
        if place is not None and verdict in KEPT:
            changes["snapshot"] = place.at
        trial = await services.experiments.end(trial, place, **changes)
        if place is not None:
            self.experiment = replace(self.experiment, place=place)
        return trial

    async def _place_after(self, trial: Trial, verdict: Verdict) -> Place:
        """What is kept stays as the judge left it; else the parent's files come back."""
        by_number = {one.number: one for one in await self.trials()}
        parent = by_number.get(-1 if trial.parent is None else trial.parent)
        # A trial that was never measured is not a state to build on.
        while parent is not None and parent.verdict in UNMEASURED and parent.parent is not None:
            parent = by_number.get(parent.parent)
        if verdict in KEPT or parent is None:
            return Place(await self.take())
        return Place(await self.take(parent.snapshot), parent.snapshot, is_discard=True)

    async def _spent(self, trial: Trial) -> dict[str, int]:
        """Money and tokens of the thread since the trial before this one."""
        ledger, before = self.ctx.services.ledger, await self.trials()
        spent = (await ledger.spent("thread", self.ctx.thread)).amount - self.experiment.spent
        tokens = await ledger.tokens(self.ctx.thread) - self.experiment.tokens
        return {
            "cost": max(spent - sum(one.cost for one in before), 0),
            "tokens": max(tokens - sum(one.tokens for one in before), 0),
        }


def snapshots_of(ctx: ToolContext, folder: str, always: Sequence[str] = ()) -> FolderSnapshots:
    return FolderSnapshots(ctx.services.settings.state_path(), folder, is_secret, always)
