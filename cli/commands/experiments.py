"""`ml-agent experiments`: the trials of a session's experiment, and the files of the best."""

import asyncio
import glob
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cli.commands.experiment_files import export, plot
from cli.commands.goal import TURNS, cost, detach, options_for_goal, patience, time, turns
from cli.commands.promote import promote
from cli.headless import headless
from cli.shared.bootstrap import headless_cap, settings_for
from cli.shared.chosen_experiment import chosen_experiment, session_option
from cli.shared.command import HELP, prints, tell, with_store
from cli.shared.experiment_text import as_data, in_full, table, tree, trial_data
from cli.shared.options import Duration, Options
from cli.shared.trial_files import snapshots_for, trial_with
from cli.terminal.who_decides import by_a_person
from configs.visible import inline
from core.errors import UsageError
from core.experiments.record import Experiment, Trial, best_of
from core.secrets.redaction import redacted, redacted_in

if TYPE_CHECKING:
    from core.store import Store


@click.group(context_settings=HELP)
def experiments() -> None:
    """Trials of an experiment: what was tried, what was kept, and the files of each trial."""


experiments.add_command(promote)
experiments.add_command(plot)
experiments.add_command(export)


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
    experiment, trials = await chosen_experiment(store, options, session)
    lines = map(redacted, table(experiment, trials))
    return tell(options, redacted_in(as_data(experiment, trials)), map(inline, lines))


@experiments.command("tree")
@session_option
@prints
@with_store
async def tree_(store: "Store", options: Options, session: str | None) -> int:
    """Show each trial below the one that it changed."""
    experiment, trials = await chosen_experiment(store, options, session)
    lines = map(inline, map(redacted, tree(trials)))
    return tell(options, redacted_in(as_data(experiment, trials)), lines)


@experiments.command()
@click.argument("trial", type=click.IntRange(0))
@session_option
@prints
@with_store
async def show(store: "Store", options: Options, session: str | None, trial: int) -> int:
    """Show a trial in full, with its diff."""
    experiment, trials = await chosen_experiment(store, options, session)
    return _tell_one(options, experiment, trial_with(trials, trial))


@experiments.command()
@session_option
@prints
@with_store
async def best(store: "Store", options: Options, session: str | None) -> int:
    """Show the best trial in full."""
    experiment, trials = await chosen_experiment(store, options, session)
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
    experiment, trials = await chosen_experiment(store, options, session)
    one, other = trial_with(trials, a), trial_with(trials, b)
    snapshots = snapshots_for(options, experiment)
    text = redacted(await asyncio.to_thread(snapshots.diff, one.snapshot, other.snapshot))
    lines = map(inline, text.splitlines())
    return tell(options, {"a": a, "b": b, "diff": text}, lines)


@experiments.command()
@click.argument("goal")
@click.option("--metric", required=True, help="Name in METRIC name=value, or file.json:key")
@click.option("--direction", type=click.Choice(["min", "max"]), default="min", show_default=True)
@click.option("--command", "judge", metavar="CMD", required=True, help="Prints the metric")
@click.option("--frozen", multiple=True, metavar="PATH", help="Trials must not change it")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--run-time", type=Duration(), metavar="DURATION", default=600.0,
    help="Maximum time of one run of CMD (default 10m; above 15m it runs in the background)",
)  # fmt: skip
@click.option(
    "--max-trials", type=click.IntRange(1), default=20, show_default=True,
    help="Trials of the session after which the goal is achieved",
)  # fmt: skip
@cost
@time
@turns
@patience
@detach
@prints
def run(options: Options, goal: str, **given: Any) -> int:
    """Let the model improve a metric until so many trials are made, without a terminal.

    It is a goal of the session: `ml-agent goal`, `watch` and `sessions resume` continue it. By
    starting it you approve its judge.
    """
    from core.experiments.asked import asked_for
    from core.experiments.record import Judge
    from core.store.goals import Terms

    by_a_person("start an experiment", terminal=False)
    command = given["judge"]
    judge = Judge(
        given["metric"], given["direction"], command, given["frozen"], given["repeats"],
        given["run_time"],
    )  # fmt: skip
    options = options_for_goal(options, given)
    options = replace(options, allow=(*options.allow, *rule_for(command)))
    terms = Terms(
        invocation="",
        max_cost=round(headless_cap(options, settings_for(options)) * 1e6),
        max_time=options.max_time,
        max_turns=given["max_turns"] or TURNS,
        experiment=asked_for(judge, given["max_trials"]),
    )

    async def begin(session: Any) -> None:
        await session.set_goal(goal, command, terms)

    return headless(replace(options, max_time=None), None, begin=begin)


def rule_for(command: str) -> list[str]:
    """The rule by which the judge runs without a question; of a line that is more than one command
    the rest of the rules decides."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return [f"bash({shlex.join(map(glob.escape, words))})"] if words else []


def _tell_one(options: Options, experiment: Experiment, trial: Trial) -> int:
    lines = map(inline, map(redacted, in_full(experiment, trial)))
    return tell(options, redacted_in(trial_data(trial)), lines)
