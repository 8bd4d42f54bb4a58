"""`ml-agent experiments promote`: the files of a trial, into the folder or onto a git branch."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from cli.shared.chosen_experiment import chosen_experiment, session_option
from cli.shared.command import prints, tell, with_store
from cli.shared.options import Options
from cli.shared.trial_files import snapshots_for, trial_with
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note
from configs.visible import inline
from core.errors import UsageError
from core.experiments.record import Experiment, Place, Trial
from core.secrets.redaction import redacted

if TYPE_CHECKING:
    from core.store import Store

#: Characters of a commit's first line.
SUBJECT = 72
#: Ignored paths that are named.
SHOWN = 5


@click.command()
@click.argument("trial", type=click.IntRange(0))
@session_option
@click.option("--force", is_flag=True, help="Also if the folder has changes that are in no trial")
@click.option("--branch", metavar="NAME", help="As a commit on a new git branch, not in the folder")
@prints
@with_store
async def promote(
    store: "Store", options: Options, trial: int, branch: str | None, **given: Any
) -> int:
    """Put the files of a trial into the folder, or onto a new git branch."""
    by_a_person("change the folder" if branch is None else "commit", terminal=False)
    experiment, trials = await chosen_experiment(store, options, given["session"])
    target = trial_with(trials, trial)
    if branch is not None:
        return await _onto_branch(options, experiment, target, branch)
    snapshots = snapshots_for(options, experiment)
    async with store.lease(experiment.thread):
        now = await asyncio.to_thread(snapshots.take, experiment.thread, target.snapshot)
        known = [one.snapshot for one in trials]
        unsaved = [] if now in known else await asyncio.to_thread(
            snapshots.changed, experiment.place.at or now, now
        )  # fmt: skip
        if unsaved and not given["force"] and not experiment.place.to:
            names = ", ".join(unsaved[:5])
            raise UsageError(f"Cannot promote: changes are in no trial ({names}).", "--force")
        # Written first: a kill leaves the folder named as being on its way.
        await store.experiments.put_place(experiment.thread, Place(now, target.snapshot))
        left = await asyncio.to_thread(snapshots.restore, target.snapshot, now)
        await store.experiments.put_place(experiment.thread, Place(target.snapshot))
    for name, reason in left.items():
        note(f"{inline(name)} was left: {reason}")
    lines = [f"{inline(experiment.folder)} has the files of trial {trial}"]
    return tell(options, {"trial": trial, "left": left, "before": now}, lines)


async def _onto_branch(options: Options, experiment: Experiment, trial: Trial, branch: str) -> int:
    from core.store.files.branch_commit import commit_on_branch

    snapshots = snapshots_for(options, experiment)
    made = (snapshots, trial.snapshot, branch, _message(experiment, trial))
    commit, left = await asyncio.to_thread(commit_on_branch, *made)
    if ignored := snapshots.load(trial.snapshot).ignored:
        more = f" and {len(ignored) - SHOWN} more" if len(ignored) > SHOWN else ""
        names = ", ".join(map(inline, ignored[:SHOWN]))
        note(f"not in the commit, because git ignores it: {names}{more}")
    for name, reason in left.items():
        note(f"{inline(name)} is not in the commit: {reason}")
    lines = [f"branch {inline(branch)} has the files of trial {trial.number}, commit {commit[:12]}"]
    told = {"trial": trial.number, "branch": branch, "commit": commit, "left": left}
    return tell(options, told, lines)


def _message(experiment: Experiment, trial: Trial) -> str:
    """The hypothesis, and what was measured."""
    said = redacted(trial.hypothesis).strip()
    subject = " ".join(said.split())
    if len(subject) > SUBJECT:
        subject = f"{subject[: SUBJECT - 1]}…"
    judge = f"{experiment.judge.metric} by `{redacted(experiment.judge.command)}`"
    end = f"Trial {trial.number}, {trial.verdict}: {judge}. {redacted(trial.rule)}"
    return "\n\n".join([subject, *([said] if said != subject else []), end, ""])
