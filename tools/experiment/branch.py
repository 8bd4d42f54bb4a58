"""branch: several trials at once, each by a sub-agent in a copy of the folder.

Every step is found again after a kill: a copy is whole or not there, a sub-agent continues at its
own last step, a trial is known by the call and its place in it. Trials are numbered and judged in
the order of the hypotheses, so that a call that was cut off comes to the same record.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from core.errors import ToolError
from core.experiments.record import Trial, best_of
from core.run import StopSignal
from core.tool import ToolResult
from tools.experiment.crew import Crew, remove_copies
from tools.experiment.measure import StillRuns
from tools.experiment.report import results_of, still_runs
from tools.experiment.trials import Lab


async def branch(lab: Lab, hypotheses: Sequence[str], parent: Trial) -> ToolResult:
    """Let a sub-agent try each hypothesis, judge what it did, and put the best of what is kept
    into the folder. `parent`: the trial to start from, in a call that is new."""
    ctx, stop = lab.ctx, lab.ctx.services.stop
    if ctx.run_subagent is None:
        raise ToolError("branch runs inside a turn of the graph")
    trials = await lab.trials()
    known = _of_call(trials, ctx.call_id)
    if known:
        parent = trials[known[0].parent or 0]
    if len(known) < len(hypotheses):
        crew = Crew(lab, parent, hypotheses)
        folders = await crew.folders()
        tasks = await crew.work(folders)
        try:
            for n, task in enumerate(tasks):
                said = await task
                if stop.is_set():
                    break
                if n >= len(known):
                    others = sum(not one.done() for one in tasks)
                    known.append(await crew.trial(n, folders[n], said, others))
                if not known[n].progress.get("background"):
                    await until_stopped(lab.judged(known[n]), stop)
        finally:
            # A sub-agent is never cancelled: it ends by itself on the stop signal.
            await asyncio.wait(tasks)
    return await finished(lab, ctx.call_id)


async def finished(lab: Lab, call: str, left: Mapping[str, str] | None = None) -> ToolResult:
    """The result of a call's trials, once all have a verdict: the best is in the folder, and the
    copies are gone. If one is measured in the background, that is the result."""
    stop = lab.ctx.services.stop
    for trial in _of_call(await lab.trials(), call):
        try:
            if not stop.is_set():
                await until_stopped(lab.judged(trial), stop)
        except StillRuns as running:
            return still_runs(trial, str(running))
    if stop.is_set():
        await lab.close_others("")
        if not open_call(await lab.trials()):
            await asyncio.to_thread(remove_copies, lab.ctx, call)
        said = "Interrupted before all trials were judged; the folder did not change."
        return ToolResult(said, ok=False, outcome="interrupted")
    trials = await lab.trials()
    group, best = _of_call(trials, call), best_of(trials)
    left = {**(left or {})}
    if best is not None and best in group:
        left |= await lab.land(best.number)
    await asyncio.to_thread(remove_copies, lab.ctx, call)
    return results_of(group, lab.experiment, trials, left)


def open_call(trials: Sequence[Trial]) -> str:
    """The call whose trials are measured in copies, in the background; "" if there is none."""
    found = (t for t in trials if t.verdict == "running" and t.progress.get("background"))
    return next((t.call_id.partition("/")[0] for t in found if "copy" in t.progress), "")


async def until_stopped(work: Coroutine[Any, Any, Trial], stop: StopSignal) -> None:
    """Do `work`; the stop signal cancels it. Raises what it raises."""
    task = asyncio.ensure_future(work)

    def cancel() -> None:
        task.cancel()

    with stop.telling(cancel):
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def _of_call(trials: Sequence[Trial], call: str) -> list[Trial]:
    return [one for one in trials if one.call_id.startswith(f"{call}/")]
