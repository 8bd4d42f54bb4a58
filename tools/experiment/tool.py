"""experiment: measure changes to the folder with a judge that no trial can change."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from core.effects import Effect
from core.errors import ToolError
from core.experiments.record import KEPT, Experiment, Judge, Place, Trial, best_of
from core.experiments.words import trial_line, where_folder_is
from core.tool import AgentTool, NotBegun, ToolContext, ToolResult
from tools.experiment.arguments import ExperimentArguments
from tools.experiment.branch import branch, finished, open_call
from tools.experiment.checks import check_asked, check_new, check_number
from tools.experiment.crew import has_begun, remove_left_copies
from tools.experiment.frozen import checked_paths
from tools.experiment.measure import StillRuns, check_here
from tools.experiment.report import result_of, still_runs
from tools.experiment.surroundings import whole_digest
from tools.experiment.trials import Lab, snapshots_of


class ExperimentTool(AgentTool):
    name: str = "experiment"
    description: str = (
        "Improve a metric by trials. define: judge command, its files frozen. Edit, run: kept if "
        "better beyond noise, else undone. branch: hypotheses at once, by sub-agents. note. list."
    )
    args_schema: type[BaseModel] = ExperimentArguments
    in_backend: bool = True
    foresees: tuple[str, ...] = ("execute",)
    titled_by: tuple[str, ...] = ("operation", "hypothesis", "metric")

    def effect(self, arguments: ExperimentArguments, cwd: str) -> Effect:
        if arguments.operation in ("note", "list"):
            return Effect("read")
        command = arguments.command if arguments.operation == "define" else ""
        shown = f"{command}\nfrozen: {', '.join(arguments.frozen) or 'nothing'}"
        return Effect("execute", command=command, preview=shown, alone=True)

    async def foresee(self, arguments: ExperimentArguments, ctx: ToolContext) -> Effect:
        effect = self.effect(arguments, ctx.cwd)
        if arguments.operation == "define":
            return effect
        judge = (await Lab.of(ctx)).experiment.judge
        shown = f"{judge.command}\n({judge.repeats} runs or more)"
        shown = "\n".join([*(f"try: {one}" for one in arguments.hypotheses), shown])
        return Effect("execute", command=judge.command, preview=shown, alone=True)

    def stands_for(self, arguments: ExperimentArguments) -> tuple[str, dict[str, Any]] | None:
        """The judge is judged as `bash` would be."""
        if arguments.operation in ("note", "list"):
            return None
        return "bash", {"command": arguments.command}

    def runs_subagents(self, arguments: ExperimentArguments) -> bool:
        return arguments.operation == "branch"

    async def execute(self, arguments: ExperimentArguments, ctx: ToolContext) -> ToolResult:
        if arguments.operation in ("define", "run", "branch"):
            await check_here(ctx)
        match arguments.operation:
            case "define":
                return await _define(arguments, ctx)
            case "run":
                return await _run(arguments, ctx)
            case "branch":
                return await _branch(arguments, ctx)
            case "note":
                return await _note(arguments, ctx)
            case _:
                return await _list(ctx)

    async def recover(
        self, arguments: ExperimentArguments, ctx: ToolContext, note: dict[str, Any]
    ) -> ToolResult | None:
        """A trial that a killed process left is continued: it is the same trial."""
        lab = await Lab.of(ctx)
        trials = await lab.trials()
        trial = next((one for one in trials if one.number == note.get("trial")), None)
        if trial is None:
            raise NotBegun
        if not ctx.wait:
            if trial.verdict != "running":
                return ToolResult(trial_line(trial))
            return ToolResult(f"Trial {trial.number} was cut off.", ok=False, outcome="unknown")
        return await _judged(lab, trial)


async def _define(arguments: ExperimentArguments, ctx: ToolContext) -> ToolResult:
    experiments = ctx.services.experiments
    frozen = await asyncio.to_thread(checked_paths, ctx.cwd, arguments.frozen)
    judge = Judge(
        arguments.metric, arguments.direction, arguments.command, frozen,
        arguments.repeats, float(arguments.max_time),
    )  # fmt: skip
    check_asked(judge, ctx)
    known = await experiments.get(ctx.thread)
    trials = await experiments.trials(ctx.thread)
    if known is not None and any(one.call_id != ctx.call_id for one in trials):
        if known.judge == judge and trials[0].verdict == "running":
            return await _judged(await Lab.of(ctx), trials[0])  # it is measured in the background
        is_measured = trials[0].verdict in (*KEPT, "running")
        if is_measured and known.judge == judge:
            return await _list(ctx)
        if is_measured:
            raise ToolError(
                "Cannot define it again: this thread has an experiment, and another judge would "
                "make its trials incomparable. Fork the session, or start a new one."
            )
    ledger = ctx.services.ledger
    if not any(one.call_id == ctx.call_id for one in trials):
        await experiments.define(
            Experiment(
                ctx.thread, judge, ctx.cwd,
                await asyncio.to_thread(whole_digest, ctx.cwd, judge, ctx.cwd),
                ctx.services.clock(),
                (await ledger.spent("thread", ctx.thread)).amount,
                await ledger.tokens(ctx.thread),
                Place(await asyncio.to_thread(snapshots_of(ctx, ctx.cwd).take, ctx.thread)),
            )
        )  # fmt: skip
    lab = await Lab.of(ctx)
    trial = await lab.begun("baseline", None)
    await ctx.note({"trial": trial.number, "at": ctx.services.clock()})
    return await _judged(lab, trial)


async def _run(arguments: ExperimentArguments, ctx: ToolContext) -> ToolResult:
    lab, left, trials = await _ready(ctx)
    begun = [t for t in trials if t.verdict == "running" or t.call_id == ctx.call_id]
    if begun:
        await ctx.note({"trial": begun[0].number, "at": ctx.services.clock()})
        return await _judged(lab, begun[0])
    check_new([arguments.hypothesis], arguments, trials)
    check_number(1, ctx, trials)
    parent = _parent(arguments.parent, trials, lab.experiment)
    now = await lab.take(parent.snapshot)
    at = lab.experiment.place.at
    is_move = arguments.parent >= 0 and parent.snapshot != at
    if is_move and not await asyncio.to_thread(lab.snapshots.changed, at, now):
        left |= await lab.bring_to(parent.snapshot)
        said = f"Nothing was measured; trial {parent.number}'s files are here. Edit, then run."
        return result_of(None, lab.experiment, trials, left, said=said)
    if not await asyncio.to_thread(lab.snapshots.changed, parent.snapshot, now):
        raise ToolError(
            f"Not run: no file differs from trial {parent.number}. Edit first (files that git "
            "ignores do not count)."
        )
    trial = await lab.begun(arguments.hypothesis, parent)
    await ctx.note({"trial": trial.number, "at": ctx.services.clock()})
    return await _judged(lab, trial, left)


async def _branch(arguments: ExperimentArguments, ctx: ToolContext) -> ToolResult:
    lab, left, trials = await _ready(ctx)
    if open_call(trials):
        return await finished(lab, open_call(trials), left)
    is_new = not has_begun(ctx) and not any(t.call_id == f"{ctx.call_id}/0" for t in trials)
    if is_new:
        check_new(arguments.hypotheses, arguments, trials)
        check_number(len(arguments.hypotheses), ctx, trials)
        at = lab.experiment.place.at
        edited = await asyncio.to_thread(lab.snapshots.changed, at, await lab.take(at))
        if edited:
            raise ToolError(
                f"Not branched: changes are in no trial ({', '.join(edited[:5])}). Run them as a "
                "trial or undo them first."
            )
    return await branch(
        lab, arguments.hypotheses, _parent(arguments.parent, trials, lab.experiment)
    )


async def _ready(ctx: ToolContext) -> tuple[Lab, dict[str, str], list[Trial]]:
    """The experiment, with what earlier calls left open brought to its end: (it, the paths that a
    restore left, the trials)."""
    lab = await Lab.of(ctx)
    left = await lab.finish_restore()
    await lab.close_others(ctx.call_id)
    trials = await lab.trials()
    await asyncio.to_thread(remove_left_copies, ctx, trials)
    return lab, left, trials


def _parent(asked: int, trials: list[Trial], experiment: Experiment) -> Trial:
    """The trial whose files were edited: the one that was asked for, else that of the folder."""
    if asked >= 0:
        found = next((one for one in trials if one.number == asked and one.snapshot), None)
        if found is None:
            raise ToolError(f"Cannot build on trial {asked}: there is no such trial.")
        return found
    here = [one for one in trials if one.snapshot == experiment.place.at]
    best = best_of(trials)
    assert best is not None
    return best if not here or best in here else here[-1]


async def _judged(lab: Lab, trial: Trial, left: Mapping[str, str] | None = None) -> ToolResult:
    """The result of a trial, once it has a verdict and the folder is where that leaves it."""
    if "copy" in trial.progress:
        return await finished(lab, trial.call_id.partition("/")[0], left)
    try:
        trial = await lab.judged(trial)
    except StillRuns as running:
        if not trial.progress.get("background"):
            found = (await lab.trials())[trial.number]
            progress = {**found.progress, "background": True}
            await lab.ctx.services.experiments.update(found, progress=progress)
        return still_runs(trial, str(running))
    left = {**(left or {}), **await lab.finish_restore()}
    return result_of(trial, lab.experiment, await lab.trials(), left)


async def _note(arguments: ExperimentArguments, ctx: ToolContext) -> ToolResult:
    lab = await Lab.of(ctx)
    trials = await lab.trials()
    number = arguments.parent if arguments.parent >= 0 else None
    if number is not None and number >= len(trials):
        raise ToolError(f"Cannot note it: there is no trial {number}.")
    known = lab.experiment.notes if number is None else trials[number].note.splitlines()
    if arguments.text not in known:  # a call that a kill cut off is run again
        await ctx.services.experiments.annotate(ctx.thread, number, arguments.text)
    return ToolResult("Noted.")


async def _list(ctx: ToolContext) -> ToolResult:
    lab = await Lab.of(ctx)
    trials = await lab.trials()
    best = best_of(trials)
    lines = [
        f"{trial_line(one)}{' (best)' if one is best else ''}"
        f"{'' if one.parent is None else f' [on {one.parent}]'}"
        for one in trials
    ]
    return ToolResult("\n".join([*lines, where_folder_is(lab.experiment, trials)]))
