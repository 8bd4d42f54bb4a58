"""Writes the tables of docs/guide/permissions.md from the code.

    uv run python -m docs.print_policy

tests/test_docs.py holds the page to what this prints.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configs.settings import Settings
from core.effects import Effect, EffectKind
from core.policy.modes import MODES, Judged, Situation, by_mode
from core.policy.modes import protected as protected_place
from core.policy.modes import secret as secret_file
from core.policy.programs import READERS
from nodes.verdicts import reached
from tools.workspace.command_sandbox import places
from tools.workspace.command_sandbox.plan import Planner

PAGE = Path(__file__).parent / "guide" / "permissions.md"
#: What a row is called, its effect, and whether it is outside the working directory.
EFFECTS: list[tuple[str, EffectKind, bool]] = [
    ("read inside the working directory", "read", False),
    ("read outside", "read", True),
    ("write inside", "write", False),
    ("write outside", "write", True),
    ("command (`bash`, `process kill`)", "execute", False),
    ("publish on the Hub", "publish", False),
    ("publish files from outside", "publish", True),
    ("spend money (jobs, sandboxes)", "spend", False),
    ("destroy (cannot be undone)", "destroy", False),
]
WORDS = {"run": "run", "ask": "ask", "deny": "deny"}


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
    """The programs that can run without asking, with their options."""
    rows = [["program", "options"]]
    for name, reader in sorted(READERS.items()):
        shown = "any" if reader.any_option else " ".join(sorted(reader.options))
        if reader.numbers:
            shown += " -NUMBER"
        operands = f"; with `{reader.operands}`" if reader.operands not in ("", "*") else ""
        rows.append([f"`{name}`", (f"`{shown}`" if shown else "none") + operands])
    return _table(rows)


#: Mode, what lets a command run, and whether that is shipped rules only.
COMMANDS: list[tuple[str, str, bool]] = [
    ("`ask`, by shipped rules only", "ask", True),
    ("`ask`, by your approval or your rule", "ask", False),
    ("`auto`", "auto", False),
    ("`read-only`", "read-only", True),
    ("`yolo`", "yolo", False),
]


def sandbox_table() -> str:
    """What the command sandbox lets a command reach, by mode, as its plan has it."""
    rows = [["mode", "network", "writable", "hidden besides secret places"]]
    with _project() as folder:
        for name, mode, shipped in COMMANDS:
            judged = Judged("run", "", "", is_shipped=shipped)
            effect = Effect("execute", command="x")
            plan = Planner(Settings()).plan(
                folder, reached(effect, judged, Situation(mode, folder))["reach"]
            )
            writable = {
                "working directory": folder,
                "temporary files": tempfile.gettempdir(),
                "caches": places.caches()[0],
            }
            named = [what for what, path in writable.items() if path in plan.writable]
            secret = os.path.join(folder, ".env") in plan.hidden
            rows.append(
                [name, "yes" if plan.network else "no", ", ".join(named) or "nothing",
                 "secret files of the working directory" if secret else "nothing"]
            )  # fmt: skip
    return _table(rows)


@contextmanager
def _project() -> Iterator[str]:
    """A working directory with a secret file, in its own home."""
    before, temporary = dict(os.environ), tempfile.tempdir
    with tempfile.TemporaryDirectory() as root:
        base = Path(os.path.realpath(root))
        for name in ("home/project", "tmp"):
            (base / name).mkdir(parents=True)
        (base / "home" / "project" / ".env").write_text("KEY=1\n")
        os.environ["HOME"], tempfile.tempdir = str(base / "home"), str(base / "tmp")
        for name in ("XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "ML_AGENT_STATE_DIR"):
            os.environ.pop(name, None)
        try:
            yield str(base / "home" / "project")
        finally:
            os.environ.clear()
            os.environ.update(before)
            tempfile.tempdir = temporary


def with_tables(page: str) -> str:
    """`page` with its tables as the code has them."""
    tables = {"modes": modes_table(), "sandbox": sandbox_table(), "programs": programs_table()}
    for name, table in tables.items():
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
