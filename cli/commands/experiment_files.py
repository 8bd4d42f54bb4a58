"""`ml-agent experiments plot` and `export`: the trials as a chart, and for other programs."""

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from cli.shared.bootstrap import complain
from cli.shared.chosen_experiment import chosen_experiment, session_option
from cli.shared.command import prints, runs, tell, with_store
from cli.shared.export import new_file
from cli.shared.options import Options
from cli.terminal.writer import write_data
from configs.visible import inline, visible
from core.errors import UsageError
from core.experiments.points import chart_of
from core.secrets.redaction import redacted

if TYPE_CHECKING:
    from core.store import Store


@click.command()
@session_option
@click.option("--svg", metavar="FILE", help="Write both charts as SVG")
@click.option("--html", metavar="FILE", help="Write a page with both charts and a table")
@click.option("--force", is_flag=True, help="Replace a file that exists")
@prints
@with_store
async def plot(
    store: "Store",
    options: Options,
    session: str | None,
    svg: str | None,
    html: str | None,
    force: bool,
) -> int:
    """Draw the metric over the trials, and the cost over the metric."""
    from cli.shared.experiment_plot import plotted
    from cli.shared.experiment_svg import as_html, as_svg

    found = chart_of(*await chosen_experiment(store, options, session))
    chart = found.with_words(lambda text: visible(redacted(text)))
    written = []
    for name, render in ((svg, as_svg), (html, as_html)):
        if name is not None:
            new_file(options.folder, name, render(chart), force=force)
            written.append(name)
    if written or options.output == "json":
        data = {**chart.to_dict(), "files": written}
        return tell(options, data, [f"wrote {inline(name)}" for name in written])
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    return tell(options, {}, plotted(chart, columns))


@click.command()
@session_option
@click.option("--format", "form", type=click.Choice(["csv", "json"]), help="Format (default csv)")
@click.option("--output", "--to", "target", metavar="FILE", help="File instead of standard output")
@click.option("--force", is_flag=True, help="Replace a file that exists")
@click.option(
    "--trackio", metavar="PROJECT", help="Write a run per trial into a project of trackio instead"
)
@runs
@with_store
async def export(
    store: "Store", options: Options, session: str | None, target: str | None, **given: Any
) -> int:
    """Write the trials as CSV or JSON, or into trackio."""
    from cli.shared.experiment_export import as_csv, as_json, to_trackio

    form, project = given["form"], given["trackio"]
    if project is not None and (target or form):
        raise UsageError("Cannot export to a file and to trackio at once.", "use one of them")
    if project is not None and not project.strip():
        raise UsageError("Cannot export to trackio: the project has no name.", "--trackio PROJECT")
    experiment, trials = await chosen_experiment(store, options, session)
    if project is not None:
        names = await asyncio.to_thread(to_trackio, experiment, trials, project)
        complain(f"{len(names)} runs in trackio's project {inline(project)}")
        return 0
    text = as_json(experiment, trials) if form == "json" else as_csv(trials)
    if target is None or target == "-":
        write_data(text)
        return 0
    new_file(options.folder, target, text, force=given["force"])
    complain(f"{len(trials)} trials written to {inline(target)}")
    return 0
