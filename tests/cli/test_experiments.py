"""`ml-agent experiments` on a stored experiment, in process; the program is not the point."""

import asyncio
import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from cli.chat.commands import info
from cli.commands.experiments import experiments
from cli.shared.experiment_plot import plotted
from cli.shared.experiment_svg import as_html, as_svg
from cli.shared.options import Options
from configs.settings import Settings
from core.errors import UsageError
from core.experiments.points import Chart, chart_of
from core.experiments.record import Experiment, Judge, Trial, Verdict
from tests.cli.stored_experiment import THREAD, TRIALS, store_experiment
from tests.graph.driving import driven

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, workdir: Path, tmp_path: Path) -> Run:
    """Runs a subcommand on the stored experiment, in its folder."""
    asyncio.run(store_experiment(settings, workdir))
    return runner(settings, workdir, tmp_path)


def runner(settings: Settings, workdir: Path, tmp_path: Path) -> Run:
    config = tmp_path / "settings.json"
    config.write_text(json.dumps({"state_dir": settings.state_dir}))

    def invoke(*words: str) -> Result:
        options = Options(cwd=str(workdir), config_file=str(config))
        return CliRunner().invoke(experiments, words, obj=options)

    return invoke


CASES: list[tuple[list[str], int, str]] = [
    (["list"], 0, r"\*     6 keep             0\.61"),
    (["list", "--all"], 0, THREAD),
    (["list", "--json"], 0, r'"best": 6'),
    (["tree"], 0, r"└─ 6 keep 0\.61"),
    (["tree", "--session", THREAD[:6]], 0, "warm-up"),
    (["show", "3"], 0, "trial 3, crash: mixed"),
    (["show", "99"], 2, r"Cannot find trial 99\. \(ml-agent experiments list\)"),
    (["best"], 0, "trial 6, keep: cosine"),
    (["diff", "0", "6"], 0, r"-trial 0\n\+trial 6"),
    (["diff", "0", "77"], 2, "Cannot find trial 77"),
    (["plot"], 0, r"★ best  ◆ kept"),
    (["plot", "--json"], 0, r'"limits": \['),
    (["export"], 0, "number,parent,verdict"),
    (["export", "--format", "json"], 0, '"metric": "loss"'),
    (["export", "--format", "xml"], 2, "'xml' is not one of 'csv', 'json'"),
    (["export", "--trackio", "p", "--format", "csv"], 2, "to a file and to trackio at once"),
    (["list", "--session", "nosuch"], 2, "nosuch"),
]


@pytest.mark.parametrize(("words", "code", "told"), CASES, ids=[" ".join(c[0]) for c in CASES])
def test_every_subcommand(run: Run, words: list[str], code: int, told: str) -> None:
    done = run(*words)
    assert (done.exit_code, bool(re.search(told, done.output))) == (code, True), done.output
    assert "\x1b" not in done.output or words == ["export"]  # data, as it is
    if code == 2 and "Usage" not in done.output:
        assert len(done.output.splitlines()) == 1


def test_the_table_names_every_subcommand() -> None:
    """`run` and `promote` are driven by tests of their own."""
    assert {words[0] for words, _, _ in CASES} | {"run", "promote"} >= set(experiments.commands)


def test_nothing_to_draw_is_said_in_a_line(
    settings: Settings, workdir: Path, tmp_path: Path
) -> None:
    run = runner(settings, workdir, tmp_path)
    for words in (["plot"], ["export"], ["best"], ["tree"], ["export", "--trackio", "p"]):
        done = run(*words)
        assert done.exit_code == 2
        assert "Cannot find an experiment" in done.output
        assert len(done.output.splitlines()) == 1


def test_the_plot_marks_what_was_kept_and_leaves_the_outlier_out(run: Run) -> None:
    text = run("plot").output
    assert "best: trial 6, loss 0.61: cosine" in text
    assert "outside of the chart: trial 5 (1e+12)" in text
    assert "no value: trial 3 (crash)" in text
    first = text.split("★ best  ◆ kept")[0]
    assert (first.count("★"), first.count("◆"), first.count("•")) == (1, 2, 3)
    assert "(loss)" in first
    assert "(trial)" in first
    assert "(USD)" in text
    assert max(map(len, text.splitlines())) <= 100


def test_files_of_the_plot_hold_no_address_and_no_script(run: Run, workdir: Path) -> None:
    assert run("plot", "--svg", "a.svg", "--html", "b.html").exit_code == 0
    for name in ("a.svg", "b.html"):
        text = (workdir / name).read_text()
        addresses = set(re.findall(r"(?:https?:)?//[^\s\"'<)]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}
        assert "<script" not in text
        assert "<precision>" not in text
        assert "mixed" not in text or "mixed &lt;precision&gt; &amp; more" in text
        assert "trial 6, keep: cosine" in text
    before = (workdir / "a.svg").read_text()
    assert run("plot", "--svg", "a.svg").exit_code == 2
    assert run("plot", "--svg", "a.svg", "--force").exit_code == 0
    assert (workdir / "a.svg").read_text() == before


@pytest.mark.parametrize("option", [["plot", "--svg"], ["plot", "--html"], ["export", "--output"]])
def test_a_file_that_cannot_be_written(run: Run, workdir: Path, option: list[str]) -> None:
    (workdir / "there").write_text("mine")
    for target, why in (("there", "it exists"), ("none/a", "No such file"), (".", "a folder")):
        done = run(*option, target)
        assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
        assert why in done.output
    assert (workdir / "there").read_text() == "mine"


async def test_the_chat_shows_a_table_a_tree_and_a_plot(settings: Settings, workdir: Path) -> None:
    await store_experiment(settings, workdir)
    async with driven([], settings, workdir, thread=THREAD) as driver:
        for word, told in (("", "hypothesis"), ("tree", "└─ 6 keep"), ("plot", "★ best  ◆ kept")):
            lines: list[str] = []
            chat = SimpleNamespace(session=driver.session, lines=SimpleNamespace(line=lines.append))
            await info.experiments(chat, word)  # type: ignore[arg-type]
            assert told in "\n".join(lines)
        with pytest.raises(UsageError, match="Cannot show pie"):
            await info.experiments(chat, "pie")  # type: ignore[arg-type]


def test_csv_has_every_run_and_no_formula(run: Run, workdir: Path) -> None:
    assert run("export", "--output", "trials.csv").exit_code == 0
    rows = list(csv.DictReader(io.StringIO((workdir / "trials.csv").read_text())))
    assert [row["verdict"] for row in rows] == [verdict for verdict, *_ in TRIALS]
    assert rows[6]["metric loss"].split() == ["0.62", "0.6", "0.61"]
    assert rows[4]["hypothesis"].startswith("'=cmd")
    assert rows[2]["cost_usd"] == "0.02"


def test_trackio_has_a_run_per_trial_however_often(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The real trackio; what would send the runs elsewhere is not read."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("TRACKIO_SERVER_URL", "http://127.0.0.1:9")
    for name in [n for n in sys.modules if n.split(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, name)
    import trackio

    for _ in range(2):
        done = run("export", "--trackio", "night")
        assert done.exit_code == 0, done.output
    runs: dict[str, Any] = {each.name: each for each in trackio.Api().runs("night")}
    assert sorted(runs) == sorted(f"{THREAD[:8]}-trial-{n}" for n in range(8))
    assert len(list(trackio.Api().runs("night"))) == 8
    best = runs[f"{THREAD[:8]}-trial-6"]
    assert (best.config["verdict"], best.config["session"]) == ("keep", THREAD)
    from trackio.sqlite_storage import SQLiteStorage

    logs = SQLiteStorage.get_logs("night", best.name, run_id=best.id)
    assert [row["loss"] for row in logs] == [0.62, 0.6, 0.61]


def test_a_trackio_that_cannot_write_is_not_believed(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "file" / "below"))
    for name in [n for n in sys.modules if n.split(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, name)
    done = run("export", "--trackio", "night")
    assert done.exit_code == 2, done.output
    assert "Cannot export: trackio did not write 8 of 8 runs. trackio failed" in done.output
    assert "Not a directory" in done.output
    assert "no name" in run("export", "--trackio", " ").output


def test_without_trackio_the_install_command_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    done = run("export", "--trackio", "night")
    assert done.exit_code == 2
    assert "uv tool install ml-agent --with trackio" in done.output


def chart_with(values: list[float | None], spread: float = 0.0, metric: str = "loss") -> Chart:
    """Of a baseline and trials that were not kept; None: it crashed."""
    trials = []
    for number, value in enumerate(values):
        runs = [] if value is None else [{metric: value + each} for each in (0, spread, -spread)]
        failed: Verdict = "discard" if value is not None else "crash"
        trials.append(
            Trial(
                "t", number, str(number), 0 if number else None, f"idea {number}",
                failed if number else "baseline", runs, value, seconds=number, cost=number,
            )
        )  # fmt: skip
    return chart_of(Experiment("t", Judge(metric, "max", "x"), "/w", "d", 1.0), trials)


KINDS: dict[str, tuple[list[float | None], float]] = {
    "one trial": ([1.0], 0.1),
    "all equal": ([0.5] * 6, 0.0),
    "zeros": ([0.0] * 3, 0.0),
    "negative": ([-5.0, -3.0, -9.0], 0.2),
    "denormal": ([1e-300, 2e-300, 3e-310], 0.0),
    "whole numbers": ([1, 2, 3], 0.0),
    "close": ([1.0, 1.0 + 1e-15, 1.0], 0.0),
    "crashed first": ([1.0, None, None, 0.5], 0.0),
    "many": ([float(n % 17) for n in range(400)], 0.3),
    "diverged": ([0.4, 0.41, 0.42, 1e99], 0.0),
    "infinite spread": ([1.0, 2.0], float("inf")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_of_values_is_drawn(kind: str) -> None:
    chart = chart_with(*KINDS[kind])
    for columns in (40, 80, 200):
        lines = list(plotted(chart, columns))
        assert max(map(len, lines[:20])) <= max(columns, 66)
    assert sum(lines[n].count("★") for n in range(17)) == 1
    ElementTree.fromstring(as_svg(chart))
    assert as_html(chart).count("<tr>") == 1 + len(chart.points)
    low, high = chart.limits
    assert all(low <= one.value <= high for one in chart.points if one.is_kept)
    assert len(chart.shown) + len(chart.outside) == len(chart.points)


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
def test_every_trial_has_its_mark(columns: int) -> None:
    for count in range(1, 16):
        first = list(plotted(chart_with([1.0 + n / 10 for n in range(count)]), columns))[:17]
        assert sum(line.count("★") + line.count("•") for line in first) == count


@pytest.mark.parametrize(("values", "why"), [([None], "was measured"), ([1e308, 1.0], "too large")])
def test_what_cannot_be_drawn_is_said(values: list[float | None], why: str) -> None:
    for draw in (lambda chart: list(plotted(chart, 80)), as_svg, as_html):
        with pytest.raises(UsageError, match=why):
            draw(chart_with(values))
