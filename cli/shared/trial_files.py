"""The files of a trial, for commands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.shared.bootstrap import settings_for
from cli.shared.options import Options
from core.errors import UsageError
from core.experiments.record import Experiment, Trial

if TYPE_CHECKING:
    from core.store.files.folder_snapshots import FolderSnapshots


def trial_with(trials: Sequence[Trial], number: int) -> Trial:
    """Raises UsageError: there is none with this number."""
    found = next((one for one in trials if one.number == number), None)
    if found is None:
        raise UsageError(f"Cannot find trial {number}.", "ml-agent experiments list")
    return found


def snapshots_for(options: Options, experiment: Experiment) -> "FolderSnapshots":
    from core.policy.paths import is_secret
    from core.store.files.folder_snapshots import FolderSnapshots

    state = settings_for(options).settings.state_path()
    return FolderSnapshots(state, experiment.folder, is_secret)
