"""Rows of a test as the dataset viewer gives them: features, statistics, search and filter."""

import json
import sqlite3
import statistics as stats
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass
class Split:
    """Rows of one split.

    Attributes:
        features: types by column, where they do not follow from the values:
            {"label": {"_type": "ClassLabel", "names": ["no", "yes"]}}.
        truncated: columns that come cut in /first-rows, as long cells do.
        partial: the viewer has only these rows of a larger split.
    """

    rows: Sequence[Row]
    features: Mapping[str, Any] = field(default_factory=dict)
    truncated: Sequence[str] = ()
    partial: bool = False

    def types(self) -> dict[str, Any]:
        names = list(dict.fromkeys(name for row in self.rows for name in row)) or list(
            self.features
        )
        return {
            name: self.features.get(name) or feature([row.get(name) for row in self.rows])
            for name in names
        }

    def feature_items(self) -> list[dict[str, Any]]:
        return [
            {"feature_idx": i, "name": name, "type": kind}
            for i, (name, kind) in enumerate(self.types().items())
        ]

    def items(self, indices: Sequence[int], cut: bool = False) -> list[dict[str, Any]]:
        made = []
        for i in indices:
            row = {name: self.rows[i].get(name) for name in self.types()}
            gone = [name for name in self.truncated if cut and row.get(name) is not None]
            for name in gone:
                row[name] = json.dumps(row[name])[:20]
            made.append({"row_idx": i, "row": row, "truncated_cells": gone})
        return made

    def found(self, query: str) -> list[int]:
        """Rows with a word of the query in a string column, as full-text search finds them."""
        words = query.lower().split()
        texts = [
            " ".join(str(v) for v in row.values() if isinstance(v, str)).lower()
            for row in self.rows
        ]
        return [i for i, text in enumerate(texts) if any(word in text for word in words)]

    def filtered(self, where: str) -> list[int]:
        """Rows for which an SQL condition holds. Raises sqlite3.Error where it is none."""
        names = list(self.types())
        with sqlite3.connect(":memory:") as table:
            columns = ", ".join(f'"{name}"' for name in names)
            table.execute(f"CREATE TABLE t (row_idx, {columns})")
            marks = ", ".join("?" * (len(names) + 1))
            for i, row in enumerate(self.rows):
                values = [_scalar(row.get(name)) for name in names]
                table.execute(f"INSERT INTO t VALUES ({marks})", [i, *values])
            return [i for (i,) in table.execute(f"SELECT row_idx FROM t WHERE {where}")]

    def statistics(self) -> list[dict[str, Any]]:
        made = []
        for name, kind in self.types().items():
            one = _statistics([row.get(name) for row in self.rows], kind)
            if one is not None:
                column_type, values = one
                made.append(
                    {
                        "column_name": name,
                        "column_type": column_type,
                        "column_statistics": values,
                    }
                )
        return made


def feature(values: Sequence[Any]) -> Any:
    """The type of a column, from its values."""
    there = [v for v in values if v is not None]
    if not there:
        return {"_type": "Value", "dtype": "null"}
    first = there[0]
    if isinstance(first, list):
        return {"_type": "List", "feature": feature([x for v in there for x in v])}
    if isinstance(first, dict):
        names = list(dict.fromkeys(name for v in there for name in v))
        return {name: feature([v.get(name) for v in there]) for name in names}
    dtype = {bool: "bool", int: "int64", float: "float64", str: "string"}[type(first)]
    return {"_type": "Value", "dtype": dtype}


def _scalar(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, type(None))) else json.dumps(value)


def _statistics(values: list[Any], kind: Any) -> tuple[str, dict[str, Any]] | None:
    there = [v for v in values if v is not None]
    missing: dict[str, Any] = {
        "nan_count": len(values) - len(there),
        "nan_proportion": (len(values) - len(there)) / max(len(values), 1),
    }
    if isinstance(kind, dict) and kind.get("_type") == "ClassLabel":
        counts = Counter(v for v in there)
        frequencies = {name: counts.get(i, 0) for i, name in enumerate(kind["names"])}
        unlabelled = counts.get(-1, 0)
        return "class_label", {
            **missing,
            "no_label_count": unlabelled,
            "no_label_proportion": unlabelled / max(len(values), 1),
            "n_unique": len(kind["names"]),
            "frequencies": frequencies,
        }
    if not there:
        return None
    first = there[0]
    if isinstance(first, bool):
        return "bool", {**missing, "frequencies": dict(Counter(str(v) for v in there))}
    if isinstance(first, (int, float)):
        return ("int" if isinstance(first, int) else "float"), {**missing, **_numbers(there)}
    if isinstance(first, str) and len(set(there)) <= min(30, len(there) // 2):
        return "string_label", {
            **missing,
            "n_unique": len(set(there)),
            "frequencies": dict(Counter(there)),
        }
    if isinstance(first, str):
        return "string_text", {**missing, **_numbers([len(v) for v in there])}
    if isinstance(first, list):
        return "list", {**missing, **_numbers([len(v) for v in there])}
    return None


def _numbers(values: list[float]) -> dict[str, Any]:
    lowest, highest = min(values), max(values)
    return {
        "min": lowest,
        "max": highest,
        "mean": stats.fmean(values),
        "median": stats.median(values),
        "std": stats.pstdev(values),
        "histogram": {"hist": [len(values)], "bin_edges": [lowest, highest]},
    }
