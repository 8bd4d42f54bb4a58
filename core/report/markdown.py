"""The report as Markdown."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.report.collect import Report
from core.units import dollars


def as_markdown(report: Report) -> str:
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# Report"
    yield ""
    yield f"Model: `{report['model']}`"
    for title, lines in (
        ("Task", [_quoted(task) for task in report["tasks"]]),
        ("Data and models", [_named(each) for each in report["data"]]),
        ("Commands", [_command(n, c) for n, c in enumerate(report["commands"], 1)]),
        ("Seeds", [f"- `{seed}`" for seed in report["seeds"]]),
        ("Metrics", list(_metrics(report["metrics"]))),
        (
            "Decisions",
            [_decision(each) for each in report["decisions"]],
        ),
        ("Experiment", list(_experiment(report["experiment"]))),
        ("Environment", list(_environment(report))),
        ("Cost", list(_cost(report["cost"]))),
        ("Numbers of the answer", [f"- {c['text']}: {c['source']}" for c in report["claims"]]),
    ):
        if lines:
            yield ""
            yield f"## {title}"
            yield ""
            yield from lines


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _named(each: dict[str, str]) -> str:
    revision = f" at `{each['revision']}`" if each["revision"] else " (no revision named)"
    return f"- {each['kind']} `{each['name']}`{revision}"


def _command(number: int, command: dict[str, Any]) -> str:
    ended = command["outcome"]
    if command["exit_code"] is not None:
        ended += f", exit code {command['exit_code']}"
    files = [f"   - `{path}`: sha256 {digest}" for path, digest in command["files"].items()]
    first, *more = command["command"].splitlines() or [""]
    lines = [f"{number}. `{first}`{' …' if more else ''} ({command['tool']}: {ended})", *files]
    return "\n".join(lines)


def _decision(decision: dict[str, str]) -> str:
    words = decision["words"].replace("\n", " ")
    return f"- {decision['about']}: {decision['decision']}: {words}"


def _metrics(metrics: dict[str, dict[str, float]]) -> Iterator[str]:
    rows = [(n, name, value) for n, found in metrics.items() for name, value in found.items()]
    if rows:
        yield from ("| command | metric | value |", "| --- | --- | --- |")
        yield from (f"| {n} | {name} | {value:g} |" for n, name, value in rows)


def _experiment(experiment: dict[str, Any] | None) -> Iterator[str]:
    if experiment is None:
        return
    frozen = ", ".join(f"`{path}`" for path in experiment["frozen"]) or "none"
    yield f"`{experiment['command']}` measures {experiment['metric']} ({experiment['direction']})."
    yield f"Frozen: {frozen}; sha256 {experiment['judge_sha256']}."
    yield ""
    yield from (
        "| trial | from | value | verdict | hypothesis |",
        "| --- | --- | --- | --- | --- |",
    )
    for t in experiment["trials"]:
        cells = [t["number"], t["parent"], t["value"], t["verdict"], t["hypothesis"]]
        yield _row(cells)
    yield from (f"\n- {note}" for note in experiment["notes"])


def _row(cells: Sequence[Any]) -> str:
    shown = ["" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)
             for cell in cells]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in shown) + " |"


def _environment(report: Report) -> Iterator[str]:
    hardware = report["hardware"]
    if not hardware:
        return
    gpus = ", ".join(hardware["gpus"]) or "no GPU"
    memory = f", {hardware['memory_gb']} GB" if hardware["memory_gb"] else ""
    yield f"{hardware['system']}, {hardware['cpu']}, {hardware['cores']} cores{memory}, {gpus}"
    yield f"Python {report['python'] or 'unknown'} when the last Python command began"
    if report["packages_changed"]:
        yield "The packages changed between commands."
    if report["packages"]:
        yield from ("", "```text", *report["packages"], "```")


def _cost(cost: dict[str, Any]) -> Iterator[str]:
    for kind, found in cost["by_kind"].items():
        known = "" if found["known"] else ", and calls whose price is unknown"
        yield f"- {kind}: {dollars(found['micro_usd'])}{known}"
    yield f"- tokens: {cost['tokens']:,}"
