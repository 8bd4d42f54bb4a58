"""One run of a trial's judge: started like any command, found again after a kill, read once.

What is under way is in the trial's `progress`, on disk before the command starts; a run whose
metrics are stored is never read again.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.backend import CommandRequest, RunningCommand
from core.errors import ToolError
from core.experiments.metrics import NoMetric
from core.experiments.record import Experiment, Trial, Verdict
from core.tool import ToolContext
from tools.experiment.bytecode import remove_doubtful
from tools.experiment.devices import on_a_device
from tools.experiment.frozen import seal_of
from tools.experiment.outcome import metrics_of, seconds_of
from tools.experiment.surroundings import difference
from tools.local.wait_for_command import follow, result_of

#: A judge whose run may take longer than this many seconds runs in the background.
FOREGROUND = 900
#: Characters of a crash that the model reads.
TOLD = 1_500
#: Compiled files are told apart by size and second (bytecode.py): a run of a trial makes none.
WITHOUT_CACHES = {"PYTHONDONTWRITEBYTECODE": "1"}
#: How often a run that died with a session is started again.
ATTEMPTS = 3


class NotMeasured(Exception):
    """A trial ends without a measurement: `verdict` is crash, timeout or void."""

    def __init__(self, verdict: Verdict, rule: str) -> None:
        super().__init__(rule)
        self.verdict = verdict
        self.rule = rule


class StillRuns(Exception):
    """The judge runs in the background, under the id of this text."""


@dataclass(frozen=True)
class Bench:
    """The place of a measurement: folder is the thread's, or a copy of it."""

    ctx: ToolContext
    experiment: Experiment
    folder: str

    @property
    def in_background(self) -> bool:
        return self.experiment.judge.max_time > FOREGROUND

    async def measure(self, trial: Trial, runs: int, printed: int = 0) -> Trial:
        """`trial` with at least so many runs. `printed`: how often a run of the baseline told the
        metric; 0 for the baseline itself. Raises NotMeasured, StillRuns."""
        while len(trial.metrics) < runs:
            await self._check_judge()
            command, trial = await (self._begun if self.in_background else self._ended)(trial)
            trial = await self._read(trial, command, printed)
        return trial

    # --- running ------------------------------------------------------------------------------

    async def _ended(self, trial: Trial) -> tuple[RunningCommand, Trial]:
        """A run that has ended; no other judge ran on its devices. How long that took to wait for
        is kept: times are worth less on a machine that is not idle."""
        state, judge = self.ctx.services.settings.state_path(), self.experiment.judge
        async with on_a_device(state, judge.command, self.ctx.log) as waited:
            if waited:
                waited += trial.progress.get("waited", 0.0)
                progress = {**trial.progress, "waited": round(waited, 1)}
                trial = await self.ctx.services.experiments.update(trial, progress=progress)
            command, trial = await self._command(trial)
            await follow(command, self.ctx, timeout=judge.max_time)
        return command, trial

    async def _begun(self, trial: Trial) -> tuple[RunningCommand, Trial]:
        command, trial = await self._command(trial)
        if await asyncio.to_thread(command.state) == "alive":
            raise StillRuns(command.id)
        return command, trial

    async def _command(self, trial: Trial) -> tuple[RunningCommand, Trial]:
        """The trial's run that is under way, or a new one."""
        backend = self.ctx.services.backend
        if "run" in trial.progress:
            found = await backend.found(trial.progress["run"])
            state = "" if isinstance(found, str) else await asyncio.to_thread(found.state)
            if not isinstance(found, str) and state in ("alive", "finished"):
                return found, trial
            if not isinstance(found, str) and state == "not begun":
                return await self._start(found, trial), trial  # no attempt: nothing has run
        started = trial.progress.get("started", 0)
        if started - len(trial.metrics) >= ATTEMPTS:
            why = trial.progress.get("failure", "")
            raise NotMeasured("crash", f"it could not be run, {ATTEMPTS} times:\n{why}")
        # The id that `process` and `wait` know it by is the front of the name.
        name = f"t{trial.number}r{started}-{self.ctx.call_id}"
        command, note = await backend.prepare(self.ctx.thread, name)
        seal = await asyncio.to_thread(seal_of, self.folder, self.experiment.judge.frozen)
        progress = {**trial.progress, "started": started + 1, "run": note, "seal": seal}
        trial = await self.ctx.services.experiments.update(trial, progress=progress)
        return await self._start(command, trial), trial

    async def _start(self, command: RunningCommand, trial: Trial) -> RunningCommand:
        judge, ctx = self.experiment.judge, self.ctx
        if self.in_background:  # `wait` finds it in the journal
            await ctx.services.journal.begin(ctx.thread, command.name, ctx.tool)
            note = trial.progress["run"]
            await ctx.services.journal.note(ctx.thread, command.name, note)
        reach = "network" if ctx.reach == "outside" else ctx.reach
        timeout = None if self.in_background else judge.max_time
        request = CommandRequest(
            judge.command, self.folder, timeout, self.in_background, self.folder, reach,
            self._kept(), WITHOUT_CACHES,
        )  # fmt: skip
        ctx.log(f"trial {trial.number}, run {len(trial.metrics) + 1}")
        await asyncio.to_thread(remove_doubtful, self.folder, self.experiment.made)
        starting = asyncio.ensure_future(ctx.services.backend.start(command, request))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread that starts it cannot be stopped: what it started can.
            await asyncio.to_thread((await starting).kill, "interrupted")
            return command
        except (OSError, ValueError) as error:
            raise NotMeasured("crash", f"the judge could not be started: {error}") from error

    def _kept(self) -> tuple[str, ...]:
        """What the judge's command cannot change: its own files; in a copy, the original too."""
        kept = tuple(os.path.join(self.folder, path) for path in self.experiment.judge.frozen)
        original = self.experiment.folder
        return kept if self.folder == original else (*kept, original)

    async def _check_judge(self) -> None:
        known, home = self.experiment.digest, self.experiment.folder
        judge = self.experiment.judge
        said = await asyncio.to_thread(difference, known, self.folder, judge, home)
        if said:
            raise NotMeasured("void", said)

    async def _check_seal(self, trial: Trial) -> None:
        """Nothing wrote to the judge while it ran, not even to put it back afterwards."""
        before = trial.progress.get("seal")
        now = await asyncio.to_thread(seal_of, self.folder, self.experiment.judge.frozen)
        if before is not None and before != now:
            said = "frozen files or folders were written or replaced while the judge ran"
            raise NotMeasured("void", said)

    # --- reading ------------------------------------------------------------------------------

    async def _read(self, trial: Trial, command: RunningCommand, printed: int) -> Trial:
        """The trial with the metrics of a run that has ended; the run's directory goes."""
        run = Path(command.output_path).parent
        seconds = await asyncio.to_thread(seconds_of, command)
        result = await asyncio.to_thread(result_of, command)
        code, ended = command.exit_code(), command.ended()
        count = len(trial.metrics) + 1
        if (code is None and ended is None) or command.sandbox_failed():
            # It never ran, or died with an earlier session: it is run again.
            return await self._without_run(trial, {"failure": result.text[-TOLD:]})
        if ended == "timeout":
            most = f"{self.experiment.judge.max_time:g} s"
            raise NotMeasured("timeout", f"run {count} did not end within {most}")
        if code != 0:
            why = "was stopped by the user" if ended == "interrupted" else "failed"
            raise NotMeasured("crash", f"run {count} {why}:\n{result.text[-TOLD:]}")
        await self._check_judge()
        await self._check_seal(trial)
        asked = (command, self.experiment.judge, self.folder)
        try:
            metrics, told = await asyncio.to_thread(metrics_of, *asked)
        except NoMetric as error:
            said = f"run {count} told no {self.experiment.judge.metric}: {error}"
            raise NotMeasured("crash", f"{said}\n{result.text[-TOLD:]}") from None
        if printed == 1 < told:
            said = f"it told the metric {told} times, the baseline once: not by the judge alone"
            raise NotMeasured("void", said)
        trial = await self._without_run(
            trial,
            {"printed": told},
            metrics=[*trial.metrics, metrics],
            seconds=trial.seconds + seconds,
        )
        await asyncio.to_thread(shutil.rmtree, run, ignore_errors=True)
        return trial

    async def _without_run(self, trial: Trial, more: Mapping[str, Any], **changes: Any) -> Trial:
        progress = {n: v for n, v in {**trial.progress, **more}.items() if n != "run"}
        return await self.ctx.services.experiments.update(trial, progress=progress, **changes)


async def check_here(ctx: ToolContext) -> None:
    """Raises ToolError: files and commands are on another machine, whose folder undo cannot
    bring back."""
    if ctx.services.backend.about:
        raise ToolError(
            "Cannot run experiments in a sandbox: its folder has no snapshots. Work on this "
            "machine, or let the judge's command start a job."
        )
