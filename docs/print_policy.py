"""Writes the tables of docs/guide/permissions.md from the code.

    uv run python -m docs.print_policy

tests/test_docs.py holds the page to what this prints.
"""

from __future__ import annotations

import re
from pathlib import Path

from graph.effects import EffectKind
from graph.policy.modes import MODES, Judged, by_mode
from graph.policy.modes import protected as protected_place
from graph.policy.modes import secret as secret_file
from graph.policy.programs import READERS

PAGE = Path(__file__).parent / "guide" / "permissions.md"
#: What a row is called, its effect, and whether it is outside the working directory.
EFFECTS: list[tuple[str, EffectKind, bool]] = [
    ("read inside the working directory", "read", False),
    ("read outside", "read", True),
    ("write inside", "write", False),
    ("write outside", "write", True),
    ("command (`bash`, `process kill`)", "execute", False),
    ("publish on the Hub", "publish", False),
    ("publish what lies outside", "publish", True),
    ("spend money (jobs, sandboxes)", "spend", False),
    ("destroy (what cannot be got back)", "destroy", False),
]
WORDS = {"run": "run", "ask": "ask", "deny": "refuse"}


def modes_table() -> str:
    """Effects in rows, modes in columns."""
    rows = [["effect", *(f"`{mode}`" for mode in MODES)]]
    for name, kind, away in EFFECTS:
        outside = ["x"] if away else []
        rows.append([name, *(_word(by_mode(kind, mode, outside)) for mode in MODES)])
    rows.append(
        ["read or write a secret file",
         *("run" if mode == "yolo" else _word(secret_file("x", mode)) for mode in MODES)]
    )  # fmt: skip
    rows.append(
        ["write to a protected place", *(_word(protected_place("x", mode)) for mode in MODES)]
    )
    return _table(rows)


def programs_table() -> str:
    """The programs that may run without asking, with the options that may stand."""
    rows = [["program", "options"]]
    for name, reader in sorted(READERS.items()):
        shown = "any" if reader.any_option else " ".join(sorted(reader.options))
        if reader.numbers:
            shown += " -NUMBER"
        operands = f"; with `{reader.operands}`" if reader.operands not in ("", "*") else ""
        rows.append([f"`{name}`", (f"`{shown}`" if shown else "none") + operands])
    return _table(rows)


def with_tables(page: str) -> str:
    """`page` with its tables as the code has them."""
    for name, table in {"modes": modes_table(), "programs": programs_table()}.items():
        start, end = f"<!-- {name}: docs/print_policy.py -->", f"<!-- end of {name} -->"
        block = f"{start}\n\n{table}\n{end}"
        page, count = re.subn(
            f"{re.escape(start)}.*?{re.escape(end)}", lambda _, b=block: b, page, flags=re.DOTALL
        )
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for {name}")
    return page


def _word(judged: Judged) -> str:
    return WORDS[judged.action]


def _table(rows: list[list[str]]) -> str:
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
