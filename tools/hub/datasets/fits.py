"""The methods that a table's columns fit, those that need no change first."""

from collections.abc import Sequence

from tools.hub.datasets.columns import Column
from tools.hub.datasets.methods import language_fits
from tools.hub.datasets.table import Fit, Table
from tools.hub.datasets.tasks import task_fits


def fits_of(columns: Sequence[Column]) -> list[Fit]:
    """All that fit: those that need no change first, plain text last, since it always fits."""
    table = Table(columns)
    pictured = table.first("image", "images", "audio", "video") is not None
    tasks = list(task_fits(table))
    found = tasks if pictured else [*tasks, *language_fits(table)]
    return sorted(found, key=lambda fit: (fit.method == "SFT (text)", bool(fit.change)))
