"""The layout holds: no circle, no arrow up, nothing too large (tests/structure.py)."""

import re
import tomllib

from tests import structure


def test_no_new_offender() -> None:
    new = structure.new_offenders(structure.offenders(), structure.baseline())
    assert not new, "against the layout (AGENTS.md):\n" + "\n".join(new)


def test_the_baseline_only_shrinks() -> None:
    found, known = structure.offenders(), structure.baseline()
    gone = [name for rule, names in known.items() for name in names if name not in found[rule]]
    assert not gone, f"run `uv run python -m tests.structure --write`: {gone} are done"


def test_every_package_is_looked_at() -> None:
    project = tomllib.loads((structure.ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(structure.FLOORS) == sorted(packages)


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"f"}, "f": {"e"}}
    assert structure.circles(graph) == [["a", "b", "c"], ["e", "f"]]


def test_arrows_up_are_found() -> None:
    graph = {"core.x": {"cli.y", "configs.z"}, "cli.y": {"core.x"}, "configs.z": set[str]()}
    assert structure.arrows_up(graph) == ["core.x -> cli.y"]


def test_late_and_typing_imports_count(tmp_path) -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core import b\n"
    (tmp_path / "core").mkdir()
    (tmp_path / "core/a.py").write_text(source)
    (tmp_path / "core/b.py").write_text("def f():\n    import core.a\n")
    files = structure.module_files(tmp_path)
    assert structure.circles(structure.imports(files)) == [["core.a", "core.b"]]


def test_one_turn_is_read_in_2600_lines() -> None:
    page = (structure.ROOT / "docs" / "architecture.md").read_text()
    section = page.partition("\n## Read one turn\n")[2].partition("\n## ")[0]
    files = re.findall(r"`([a-z_/]+\.py)`", section)
    assert {"graph/session.py", "nodes/call_model.py", "nodes/execute_tools.py"} < set(files)
    assert sum(len((structure.ROOT / file).read_text().splitlines()) for file in files) <= 2600
