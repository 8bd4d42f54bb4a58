"""Writes docs/memory.md: how far hf_fit's estimates are from published measurements.

uv run python -m docs.print_memory
"""

from collections.abc import Sequence
from pathlib import Path

from tests.tools.hub.measurements import Measurement, measurements

TARGET = Path(__file__).with_name("memory.md")
WORST = 12
TOLD = {
    "stack": "the name of the framework (`stack`)",
    "nothing": "model, method, length, batch, rank and checkpointing alone",
}


def page(rows: Sequence[Measurement]) -> str:
    close = sum(one.is_close for one in rows)
    sure = [one for one in rows if one.confident]
    parts = [
        "# How good the memory estimates are\n",
        "`uv run python -m docs.print_memory` writes this page. The formulas are in "
        "`tools/hub/fit/gpu_memory.py`, the measurements in "
        "`tests/tools/hub/data/memory_measurements.csv`. Nothing is tuned to a single row.\n",
        f"Of {len(rows)} published measurements, {close} ({close / len(rows):.0%}) lie within a "
        f"quarter of the estimate; of the {len(sure)} that `hf_fit` gives without a reservation, "
        f"{sum(one.is_close for one in sure)}.\n",
        *(_told(said, words) for said, words in TOLD.items()),
        "## By source\n",
        _table(("source", "rows", "within a quarter", "estimate / measured"), _sources(rows)),
        "\n## By method\n",
        _table(("method", "rows", "within a quarter", "estimate / measured"), _methods(rows)),
        "\n## The worst\n",
        _table(
            ("source", "run", "measured GB", "estimate GB", "what the answer says"),
            [_worst(one) for one in sorted(rows, key=_distance)[-WORST:][::-1]],
        ),
    ]
    return "\n".join(parts) + "\n"


def _told(said: str, words: str) -> str:
    rows = measurements(said)
    close = sum(one.is_close for one in rows)
    alone = [one for one in rows if one.row["gpus"] == "1"]
    within = sum(one.is_in_range for one in alone)
    return (
        f"Asked with {words}, {close} ({close / len(rows):.0%}) lie within a quarter, and {within} "
        f"of the {len(alone)} on one GPU within the range that the answer gives.\n"
    )


def _distance(one: Measurement) -> float:
    return abs(one.ratio - 1)


def _sources(rows: Sequence[Measurement]) -> list[tuple[str, ...]]:
    return [_group(n, rows, "source") for n in dict.fromkeys(one.row["source"] for one in rows)]


def _methods(rows: Sequence[Measurement]) -> list[tuple[str, ...]]:
    return [_group(n, rows, "method") for n in ("full", "lora", "qlora", "inference")]


def _group(name: str, rows: Sequence[Measurement], column: str) -> tuple[str, ...]:
    those = [one for one in rows if one.row[column] == name]
    close = sum(one.is_close for one in those)
    ratios = sorted(one.ratio for one in those)
    return name, str(len(those)), str(close), f"{ratios[0]:.2f} to {ratios[-1]:.2f}"


def _worst(one: Measurement) -> tuple[str, ...]:
    row = one.row
    run = f"{row['model']} {row['method']}, {int(row['tokens']):,} x {row['batch']}"
    run += f", {row['gpus']} GPUs" if row["gpus"] != "1" else ""
    reasons = [*one.certain.rough, *(["sharded: rougher"] if row["gpus"] != "1" else [])]
    reasons += [f"{other.name} instead" for other in one.certain.alternatives]
    said = "; ".join(reasons) or "within a quarter"
    return row["source"], run, row["gb"], f"{one.estimate:.1f}", said


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    TARGET.write_text(page(measurements()), encoding="utf-8")


if __name__ == "__main__":
    main()
