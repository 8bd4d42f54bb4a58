"""What of the code is against the rules of its layout: circles, arrows up, size.

`uv run python -m tests.structure` prints the offenders; with `--write` it makes
`structure_baseline.json` of them, as long as no rule gets more than it has there.
"""

import ast
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
BASELINE = Path(__file__).with_name("structure_baseline.json")
#: From top to bottom: an import may skip floors, never climb.
FLOORS = ("cli", "server", "graph", "nodes", "tools", "core", "configs")
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 60, 6

#: By module, the modules it imports: late imports and those under TYPE_CHECKING, too.
Graph = dict[str, set[str]]
#: By rule, the offenders with their size (1 if there is none to measure).
Offenders = dict[str, dict[str, int]]


def module_files(root: Path = ROOT) -> dict[str, Path]:
    files = [f for floor in FLOORS for f in sorted((root / floor).rglob("*.py"))]
    names = (".".join(f.relative_to(root).with_suffix("").parts) for f in files)
    return {n.removesuffix(".__init__"): f for n, f in zip(names, files, strict=True)}


def imports(files: Mapping[str, Path]) -> Graph:
    return {name: set(_imported(_tree(f), files)) - {name} for name, f in files.items()}


def _imported(tree: ast.Module, known: Iterable[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found = full if full in known else node.module
                if found in known:
                    yield found


def folders(graph: Graph, files: Mapping[str, Path]) -> Graph:
    """By folder, the folders it imports. A package's own file is in its folder."""
    place = {name: ".".join(f.relative_to(ROOT).parent.parts) for name, f in files.items()}
    found: Graph = {}
    for name, targets in graph.items():
        found.setdefault(place[name], set()).update(place[t] for t in targets)
    return {name: targets - {name} for name, targets in found.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Every largest set of nodes that reach each other."""
    reach = {node: _reachable(graph, node) for node in graph}
    found = {tuple(sorted(m for m in reach[n] if n in reach[m])) for n in graph if n in reach[n]}
    return [list(circle) for circle in sorted(found)]


def _reachable(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += graph.get(node, ())
    return seen


def arrows_up(graph: Graph) -> list[str]:
    """Imports of a higher floor."""
    floor = {name: FLOORS.index(name.partition(".")[0]) for name in graph}
    return [f"{a} -> {b}" for a in graph for b in graph[a] if floor[b] < floor[a]]


@cache
def offenders() -> Offenders:
    files = module_files()
    graph = imports(files)
    size = {f"{f.relative_to(ROOT)}": len(f.read_text().splitlines()) for f in files.values()}
    functions = [found for f in files.values() for found in _functions(f)]
    return {
        "in a circle of files": {m: 1 for circle in circles(graph) for m in circle},
        "in a circle of folders": {m: 1 for c in circles(folders(graph, files)) for m in c},
        "arrow up": dict.fromkeys(arrows_up(graph), 1),
        "lines of a file": {name: n for name, n in size.items() if n > FILE_LINES},
        "lines of a function": {name: n for name, n, _ in functions if n > FUNCTION_LINES},
        "parameters": {name: n for name, _, n in functions if n > PARAMETERS},
    }


def _functions(file: Path) -> Iterator[tuple[str, int, int]]:
    """Name, lines and parameters of each function, methods and inner ones too."""

    def inside(node: ast.AST, path: str) -> Iterator[tuple[str, int, int]]:
        for child in ast.iter_child_nodes(node):
            here = path
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                here = f"{path}{child.name}."
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                a = child.args
                count = len(a.posonlyargs + a.args + a.kwonlyargs)
                count += (a.vararg is not None) + (a.kwarg is not None)
                yield here[:-1], (child.end_lineno or 0) - child.lineno + 1, count
            yield from inside(child, here)

    return inside(_tree(file), f"{file.relative_to(ROOT)}:")


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def baseline() -> Offenders:
    found: Offenders = json.loads(BASELINE.read_text())
    return found


def new_offenders(found: Offenders, known: Offenders) -> list[str]:
    """Those that the baseline does not have, or has smaller."""
    return [
        f"{rule}: {name} ({size})"
        for rule, names in found.items()
        for name, size in names.items()
        if size > known.get(rule, {}).get(name, 0)
    ]


def write() -> None:
    found, known = offenders(), baseline() if BASELINE.exists() else None
    for rule, names in found.items():
        if known is not None and len(names) > len(known.get(rule, {})):
            sys.exit(f"{rule}: {len(names)}, and the baseline has {len(known.get(rule, {}))}")
    BASELINE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write()
    else:
        print(json.dumps(offenders(), indent=1))
