"""The tours of `ml-agent demo`: what each plays, and what it shows at the end."""

import shutil
from dataclasses import dataclass
from itertools import takewhile

from cli.shared.experiment_plot import plotted
from cli.shared.experiment_text import tree
from configs.settings import Settings
from configs.visible import inline
from core.experiments.points import chart_of

#: Columns of the chart.
WIDEST = 78


@dataclass(frozen=True)
class Tour:
    """A recording and how it is played.

    Attributes:
        model: its id. allowed: the rule of what runs without a question.
        recorded, real: in words. known: the file with what is known of recorded calls; "" if none.
        is_steady: each result is as recorded. has_experiment: it ends with the tree of its trials.
    """

    model: str
    allowed: str
    recorded: str
    real: str
    known: str = ""
    is_steady: bool = True
    has_experiment: bool = False

    async def summary(self, settings: Settings, thread: str) -> list[str]:
        """What is shown once the recording has ended."""
        if not self.has_experiment:
            return []
        from core.store import open_store

        async with await open_store(settings) as store:
            experiment = await store.experiments.get(thread)
            trials = await store.experiments.trials(thread)
        if experiment is None:
            return []
        columns = min(shutil.get_terminal_size().columns, WIDEST)
        # The first of the two charts: the metric over the trials.
        drawn = takewhile(bool, plotted(chart_of(experiment, trials), columns))
        return ["", *map(inline, tree(trials)), "", *drawn, ""]


#: The training here is allowed by a rule; the paid job asks.
TRAINING = "python3 train.py"
HUB = Tour(
    "replay/demo",
    f"bash({TRAINING})",
    "a recorded model and Hub",
    "The graph, the other tools, the files and the session are real.",
    known="hub.json",
)
#: The trials are allowed by a rule; the change of what judges them asks.
EXPERIMENTS = Tour(
    "replay/demo-experiments",
    "bash(python3 judge.py)",
    "a recorded model",
    "The trainings, the trials, their verdicts, the files and the session are real.",
    is_steady=False,
    has_experiment=True,
)
