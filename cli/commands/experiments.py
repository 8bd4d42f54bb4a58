"""`ml-agent experiments`: the trials of a session's experiment, and the files of the best."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cli.headless import headless
from cli.shared.bootstrap import settings_for
from cli.shared.command import HELP, prints, tell, with_store
from cli.shared.experiment_text import as_data, in_full, table, tree, trial_data
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note
from configs.visible import inline
from core.errors import UsageError
from core.experiments.record import Experiment, Place, Trial, best_of
from core.secrets.redaction import redacted, redacted_in

if TYPE_CHECKING:
    from core.store import Store
    from core.store.files.folder_snapshots import FolderSnapshots

#: What the first message of `run` asks for.
TASK = """{goal}

Work as an experiment. Call `experiment` with operation define: metric {metric}, direction \
{direction}, command `{command}`, frozen {frozen}, repeats {repeats}. Then try one idea after \
another: edit files, run, learn from the verdict, note what you learned. Stop after {trials} \
trials, or earlier if nothing is kept in ten. End with the best trial and what it changed."""
session_option = click.option(
    "--session", metavar="ID", help="Session (default: the newest of this folder that has one)"
)


@click.group(context_settings=HELP)
def experiments() -> None:
    """Trials of an experiment: what was tried, what was kept, and the files of each trial."""


@experiments.command("list")
@session_option
@click.option("--all", "everywhere", is_flag=True, help="List the experiments of every folder")
@prints
@with_store
async def list_(store: "Store", options: Options, session: str | None, everywhere: bool) -> int:
    """List the trials; * marks the best."""
    if everywhere:
        rows = await store.experiments.all()
        told = [{"thread": row.id, "folder": row.cwd, "metric": e.judge.metric} for row, e in rows]
        names = [f"{row.id}  {e.judge.metric}  {inline(row.cwd)}" for row, e in rows]
        return tell(options, {"experiments": told}, names)
    experiment, trials = await _chosen(store, options, session)
    lines = map(redacted, table(experiment, trials))
    return tell(options, redacted_in(as_data(experiment, trials)), map(inline, lines))


@experiments.command("tree")
@session_option
@prints
@with_store
async def tree_(store: "Store", options: Options, session: str | None) -> int:
    """Show each trial below the one that it changed."""
    experiment, trials = await _chosen(store, options, session)
    lines = map(inline, map(redacted, tree(trials)))
    return tell(options, redacted_in(as_data(experiment, trials)), lines)


@experiments.command()
@click.argument("trial", type=click.IntRange(0))
@session_option
@prints
@with_store
async def show(store: "Store", options: Options, session: str | None, trial: int) -> int:
    """Show a trial in full, with its diff."""
    experiment, trials = await _chosen(store, options, session)
    return _tell_one(options, experiment, _number(trials, trial))


@experiments.command()
@session_option
@prints
@with_store
async def best(store: "Store", options: Options, session: str | None) -> int:
    """Show the best trial in full."""
    experiment, trials = await _chosen(store, options, session)
    found = best_of(trials)
    if found is None:
        raise UsageError("Cannot show the best trial: none was measured.", "experiments list")
    return _tell_one(options, experiment, found)


@experiments.command()
@click.argument("a", type=click.IntRange(0))
@click.argument("b", type=click.IntRange(0))
@session_option
@prints
@with_store
async def diff(store: "Store", options: Options, session: str | None, a: int, b: int) -> int:
    """Show what differs between the files of two trials."""
    experiment, trials = await _chosen(store, options, session)
    one, other = _number(trials, a), _number(trials, b)
    snapshots = _snapshots(options, experiment)
    text = redacted(await asyncio.to_thread(snapshots.diff, one.snapshot, other.snapshot))
    lines = map(inline, text.splitlines())
    return tell(options, {"a": a, "b": b, "diff": text}, lines)


@experiments.command()
@click.argument("trial", type=click.IntRange(0))
@session_option
@click.option("--force", is_flag=True, help="Also if the folder has changes that are in no trial")
@prints
@with_store
async def promote(
    store: "Store", options: Options, session: str | None, trial: int, force: bool
) -> int:
    """Put the files of a trial into the folder."""
    by_a_person("change the folder", terminal=False)
    experiment, trials = await _chosen(store, options, session)
    target, snapshots = _number(trials, trial), _snapshots(options, experiment)
    async with store.lease(experiment.thread):
        now = await asyncio.to_thread(snapshots.take, experiment.thread, target.snapshot)
        known = [one.snapshot for one in trials]
        unsaved = [] if now in known else await asyncio.to_thread(
            snapshots.changed, experiment.place.at or now, now
        )  # fmt: skip
        if unsaved and not force and not experiment.place.to:
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


@experiments.command()
@click.argument("goal")
@click.option("--metric", required=True, help="Name in METRIC name=value, or file.json:key")
@click.option("--direction", type=click.Choice(["min", "max"]), default="min", show_default=True)
@click.option("--command", "judge", metavar="CMD", required=True, help="Prints the metric")
@click.option("--frozen", multiple=True, metavar="PATH", help="Trials must not change it")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--max-trials", type=click.IntRange(1), default=20, show_default=True,
    help="Trials that the model is asked for",
)  # fmt: skip
@click.option("--max-cost", type=click.FloatRange(0), metavar="USD", help="Maximum cost, in USD")
@prints
def run(options: Options, goal: str, max_cost: float | None, **given: Any) -> int:
    """Let the model improve a metric, without a terminal."""
    by_a_person("start an experiment", terminal=False)
    task = TASK.format(
        goal=goal, metric=given["metric"], direction=given["direction"], command=given["judge"],
        frozen=list(given["frozen"]), repeats=given["repeats"], trials=given["max_trials"],
    )  # fmt: skip
    return headless(replace(options, max_cost=max_cost or options.max_cost), task)


async def _chosen(
    store: "Store", options: Options, session: str | None
) -> tuple[Experiment, list[Trial]]:
    """Raises NoSuchThread, UsageError: there is no experiment."""
    if session:
        thread = (await store.threads.resolve(session)).id
        experiment = await store.experiments.get(thread)
    else:
        rows = await store.experiments.all(str(options.folder))
        experiment = rows[0][1] if rows else None
    if experiment is None:
        where = f"session {session}" if session else f"the sessions of {options.folder}"
        hint = "ml-agent experiments list --all"
        raise UsageError(f"Cannot find an experiment: {where} defined none.", hint)
    return experiment, await store.experiments.trials(experiment.thread)


def _number(trials: Sequence[Trial], number: int) -> Trial:
    found = next((one for one in trials if one.number == number), None)
    if found is None:
        raise UsageError(f"Cannot find trial {number}.", "ml-agent experiments list")
    return found


def _tell_one(options: Options, experiment: Experiment, trial: Trial) -> int:
    lines = map(inline, map(redacted, in_full(experiment, trial)))
    return tell(options, redacted_in(trial_data(trial)), lines)


def _snapshots(options: Options, experiment: Experiment) -> "FolderSnapshots":
    from core.policy.paths import is_secret
    from core.store.files.folder_snapshots import FolderSnapshots

    state = settings_for(options).settings.state_path()
    return FolderSnapshots(state, experiment.folder, is_secret)
