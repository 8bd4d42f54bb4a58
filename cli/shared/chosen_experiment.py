"""Which experiment a command is about."""

from typing import TYPE_CHECKING

import click

from cli.shared.options import Options
from core.errors import UsageError
from core.experiments.record import Experiment, Trial

if TYPE_CHECKING:
    from core.store import Store

session_option = click.option(
    "--session", metavar="ID", help="Session (default: the newest of this folder that has one)"
)


async def chosen_experiment(
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
