"""The trials of an experiment as SVG and HTML, by pygal: no script, no address of another host."""

from collections.abc import Sequence
from html import escape
from typing import Any
from xml.etree import ElementTree

from cli.shared.experiment_plot import check_drawable, costs_of, drawn_range, kind_of, steps_of
from core.experiments.points import Chart, Point, captions

WIDTH, HEIGHT = 860, 440
#: Colours of the series, in their order, which are told apart without colour vision, too.
SPREAD, STEPS, OTHER, KEPT, BEST = "#8a94a6", "#8a94a6", "#b3691c", "#2b6cb0", "#11713f"
SVG = "http://www.w3.org/2000/svg"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
svg {{ width: 100%; height: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: 14px; }}
th, td {{ text-align: left; vertical-align: top; padding: 4px 10px; border-top: 1px solid #ddd; }}
</style>
<h1>{title}</h1>
{charts}
{words}
<table>
<tr><th>trial<th>verdict<th>{metric}<th>lowest<th>highest<th>USD<th>seconds<th>hypothesis</tr>
{rows}
</table>
</html>
"""


def as_svg(chart: Chart) -> str:
    """Both charts, one below the other. Raises UsageError: there is nothing to draw."""
    found = _charts(chart)
    root = ElementTree.Element(_tag("svg"), viewBox=f"0 0 {WIDTH} {HEIGHT * len(found)}")
    for place, each in enumerate(found):
        each.set("y", str(place * HEIGHT))
        each.set("width", str(WIDTH))
        each.set("height", str(HEIGHT))
        root.append(each)
    return _text(root) + "\n"


def as_html(chart: Chart) -> str:
    """Both charts and a table of the trials. Raises UsageError: there is nothing to draw."""
    charts = "\n".join(map(_text, _charts(chart)))
    rows = "\n".join(_row(one) for one in chart.points)
    words = "\n".join(f"<p>{escape(text)}</p>" for text in captions(chart))
    metric = escape(chart.metric)
    title = f"Experiment: {metric} ({chart.direction})"
    return PAGE.format(title=title, charts=charts, words=words, metric=metric, rows=rows)


def _row(one: Point) -> str:
    numbers = [f"{value:.6g}" for value in (one.value, one.low, one.high)]
    cells = [str(one.number), one.verdict, *numbers, f"{one.cost / 1e6:.4f}", f"{one.seconds:.1f}"]
    return f"<tr>{''.join(f'<td>{escape(cell)}' for cell in [*cells, one.hypothesis])}</tr>"


def _charts(chart: Chart) -> list[ElementTree.Element]:
    check_drawable(chart)
    what, costs = costs_of(chart)
    shown = chart.shown
    low, high = chart.limits
    over_trials = _xy("trials", ("trial", chart.metric), (SPREAD, STEPS, OTHER, KEPT, BEST))
    over_trials.range = drawn_range(*chart.limits)
    over_trials.xrange = (0, max(chart.points[-1].number, 1))
    bars: list[Any] = []
    for one in shown:
        top, bottom = (one.number, min(one.high, high)), (one.number, max(one.low, low))
        bars += [top, bottom, (None, None)]
    over_trials.add("lowest to highest run", bars, show_dots=False, stroke_style={"width": 3})
    steps = list(zip(*steps_of(chart), strict=True))
    over_trials.add(
        "best so far", steps, show_dots=False, stroke_style={"width": 2, "dasharray": "5, 4"}
    )
    _add_marks(over_trials, chart, [(one.number, one.value) for one in shown])
    found = [_element(over_trials)]
    if len(shown) > 1 and any(costs):
        at = [(one.value, cost) for one, cost in zip(shown, costs, strict=True)]
        over_metric = _xy("costs", (chart.metric, what), (OTHER, KEPT, BEST))
        over_metric.xrange = drawn_range(*chart.limits)
        over_metric.range = (0, max(costs) * 1.06)
        _add_marks(over_metric, chart, at)
        found.append(_element(over_metric))
    return found


def _xy(name: str, axes: tuple[str, str], colors: tuple[str, ...]) -> Any:
    from pygal import XY
    from pygal.style import Style

    style = Style(
        background="#fff", plot_background="#fff", colors=colors, font_family="sans-serif",
        guide_stroke_color="#e3e3e3", guide_stroke_dasharray="none", opacity=1,
        major_guide_stroke_color="#ccc", major_guide_stroke_dasharray="none",
        label_font_size=12, major_label_font_size=12,
    )  # fmt: skip
    x, y = axes
    made = XY(
        style=style, js=(), width=WIDTH, height=HEIGHT, title=f"{y} over {x}", x_title=x, y_title=y,
        allow_interruptions=True, include_x_axis=False, legend_at_bottom=True, dots_size=4,
        disable_xml_declaration=True,
    )  # fmt: skip
    made.uuid = name
    return made


def _add_marks(xy: Any, chart: Chart, at: Sequence[tuple[float, float]]) -> None:
    for kind, name, size in (("other", "not kept", 4), ("kept", "kept", 5), ("best", "best", 7)):
        points = [
            {"value": place, "label": f"trial {one.number}, {one.verdict}: {one.hypothesis}"}
            for one, place in zip(chart.shown, at, strict=True)
            if kind_of(chart, one) == kind
        ]
        xy.add(name, points, stroke=False, dots_size=size)


def _element(xy: Any) -> ElementTree.Element:
    """The chart without pygal's script and comments (its address, today's date). What the script
    would show on a point becomes a title, which browsers show by themselves."""
    root = ElementTree.fromstring(xy.render())
    for point in list(root.iter()):
        for script in point.findall(_tag("script")):
            point.remove(script)
        label = point.find(f"{_tag('desc')}[@class='label']")
        if label is not None:
            ElementTree.SubElement(point, _tag("title")).text = label.text
    return root


def _tag(name: str) -> str:
    return f"{{{SVG}}}{name}"


def _text(element: ElementTree.Element) -> str:
    # Without it the names get a prefix, which HTML does not know.
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(element, encoding="unicode")
