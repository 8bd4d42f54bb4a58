"""A column's statistics and a row's values as lines of a result."""

import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from tools.hub.datasets.columns import Column, type_name

#: Characters of a value that are shown; classes whose share is shown.
SHOWN, CLASSES_SHOWN = 400, 12


def column_line(column: Column, whole: Mapping[str, Any] | None) -> str:
    """One line. `whole`: the viewer's statistics of the split ({column_type,
    column_statistics}), where there are any; the rest is from the sampled rows."""
    facts = [_nulls(column, whole)]
    facts += _from_whole(whole) or _from_sample(column)
    if column.kind in ("text", "int", "label") and not column.classes:
        facts += _repeats(column)
    return f"{column.name}: {type_name(column.type)}; " + "; ".join(f for f in facts if f)


def _nulls(column: Column, whole: Mapping[str, Any] | None) -> str:
    if whole is not None:
        count = whole["column_statistics"].get("nan_count", 0)
        share = whole["column_statistics"].get("nan_proportion", 0)
        return f"nulls {count:,} ({share:.1%})" if count else "no nulls"
    missing = len(column.values) - len(column.there)
    return f"nulls {missing} in the sample" if missing else "no nulls in the sample"


def _from_whole(whole: Mapping[str, Any] | None) -> list[str]:
    if whole is None:
        return []
    kind, facts = whole.get("column_type"), whole["column_statistics"]
    if "frequencies" in facts:
        unlabelled = facts.get("no_label_count") or 0
        extra = [f"{unlabelled:,} without a label"] if unlabelled else []
        return [balance(facts["frequencies"]), *extra]
    if facts.get("min") is None:
        return []
    unit = {"string_text": " characters", "list": " entries", "audio": " s", "image": " pixels"}
    spread = " / ".join(number(facts[k]) for k in ("min", "median", "max"))
    return [f"min / median / max {spread}{unit.get(str(kind), '')}"]


def _from_sample(column: Column) -> list[str]:
    if column.classes:
        names = column.classes if column.kind == "label" else None
        seen = Counter(
            names[v] if names and isinstance(v, int) and 0 <= v < len(names) else str(v)
            for v in column.there
        )
        return [f"{balance(seen)} in the sample"]
    if column.texts:
        sizes, unit = [len(t) for t in column.texts], "characters"
    elif column.there and all(isinstance(v, list) for v in column.there):
        sizes, unit = [len(v) for v in column.there], "entries"
    elif column.kind in ("int", "float") and column.there:
        sizes, unit = list(column.there), "of value"
    else:
        return []
    low, middle, high = min(sizes), statistics.median(sizes), max(sizes)
    spread = f"{number(low)} / {number(middle)} / {number(high)}"
    return [f"min / median / max {spread} {unit} in the sample"]


def _repeats(column: Column) -> list[str]:
    facts = []
    if column.texts:
        longest = sorted(map(len, column.texts))[int(0.95 * (len(column.texts) - 1))]
        facts.append(f"95 % up to {longest:,} characters")
    repeated = len(column.there) - len({json.dumps(v, default=str) for v in column.there})
    if repeated:
        facts.append(f"{repeated} of {len(column.there)} sampled repeat another")
    return facts


def balance(frequencies: Mapping[Any, int]) -> str:
    """`3 classes: a 50.0%, b 30.0%, c 20.0%`."""
    total = sum(frequencies.values()) or 1
    ordered = sorted(frequencies.items(), key=lambda pair: -pair[1])
    told = ", ".join(f"{name} {n / total:.1%}" for name, n in ordered[:CLASSES_SHOWN])
    more = f", {len(ordered) - CLASSES_SHOWN} more" if len(ordered) > CLASSES_SHOWN else ""
    return f"{len(ordered)} classes: {told}{more}"


def number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return str(value)
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def row_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows with their number and long values cut."""
    lines = []
    for row in rows:
        lines.append(f"row {row['row_idx']}")
        cut = row.get("truncated_cells") or ()
        for name, value in row["row"].items():
            mark = " (cut by the viewer)" if name in cut else ""
            lines.append(f"  {name}: {shown(value)}{mark}")
    return lines


def shown(value: Any) -> str:
    """A value in one line of at most SHOWN characters; pictures and sounds by their size."""
    text = value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)
    text = text.replace("\r", "").replace("\n", "\\n")
    return f"{text[:SHOWN]}[... {len(text) - SHOWN:,} more]" if len(text) > SHOWN else text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "src" in value:
            # Its address is signed, long, and gone within the hour.
            size = f" {value['width']}x{value['height']}" if "width" in value else ""
            return f"<{value.get('type', 'image')}{size}>"
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value
