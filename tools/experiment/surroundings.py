"""What decides how a judge runs without being named by it. Blocking.

A trial can leave every frozen file alone and still run another judge: with a module of the name of
one that the judge imports, a file that Python or pytest loads by itself, or another program of the
same name. What is there when the experiment is defined is recorded, and compared before each run.
"""

import ast
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

from core.experiments.record import Judge
from tools.experiment.frozen import content_of, digest_of, files_below
from tools.experiment.programs import HOOKS, programs

#: Standard modules that judges do not need, with names that users give to their files.
FREE = {"test", "this", "antigravity", "idlelib", "turtledemo"}
#: By a word of the command, the files that this program reads by itself.
READ_BY: dict[str, tuple[str, ...]] = {
    "pytest": (
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pyproject.toml",
        "tox.ini",
        "setup.cfg",
    ),
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "Rscript": (".Rprofile", ".Renviron"),
    "npm": ("package.json", ".npmrc"),
    "npx": ("package.json", ".npmrc"),
}
#: Of these, only what is about pytest.
SHARED = ("pyproject.toml", "tox.ini", "setup.cfg")
_SECTION = re.compile(r"^\[[^\n]*pytest[^\n]*\].*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"[^\s;&|()<>'\"`$]+")
_MODULE = re.compile(r"(\w+)(?:\.(?:cpython|pypy|abi3|cp)[\w-]*)?\.(?:py|pyc|so|pyd)")
_PYTHONPATH = re.compile(r"\bPYTHONPATH=([^\s;&|]+)")
MODULE = "module "
#: Paths that a reason names.
SHOWN = 5


def whole_digest(folder: str, judge: Judge, home: str) -> str:
    """What is compared before each run: of the frozen files, and by path of what is around them.
    `home`: the experiment's folder, of which `folder` may be a copy."""
    return f"{digest_of(folder, judge.frozen)} {json.dumps(surroundings(folder, judge, home))}"


def difference(known: str, folder: str, judge: Judge, home: str) -> str:
    """Why the judge is not the one of the baseline, whose `whole_digest` was `known`; "" if it
    is."""
    digest, _, around = known.partition(" ")
    if digest != digest_of(folder, judge.frozen):
        return "the judge's frozen files are not those of the baseline"
    if not around:  # of an older version
        return ""
    before, now = json.loads(around), surroundings(folder, judge, home)
    # A module that is gone is missed by the judge itself.
    names = [name for name in {*before, *now} if name in now or not name.startswith(MODULE)]
    changed = sorted(name for name in names if before.get(name) != now.get(name))
    if not changed:
        return ""
    shown = ", ".join(changed[:SHOWN])
    return f"it changes how the judge runs: {shown} would be used by it, without being frozen"


def unfrozen(folder: str, judge: Judge) -> list[str]:
    """Files of the folder that the command names, and that are not frozen."""
    kept = tuple(f"{path}/" for path in judge.frozen)
    named = [os.path.normpath(word) for word in _WORD.findall(judge.command)]
    files = [one for one in named if os.path.isfile(os.path.join(folder, one))]
    found = [one for one in files if one not in judge.frozen and not one.startswith(kept)]
    return list(dict.fromkeys(name for name in found if not os.path.isabs(name)))


def surroundings(folder: str, judge: Judge, home: str) -> dict[str, str]:
    """By path, a digest; by module, that it is there."""
    words = _WORD.findall(judge.command)
    found: dict[str, str] = {}
    for place in _import_places(folder, judge, words):
        found |= _modules(folder, place, _imported(folder, judge.frozen), judge.frozen)
    for place in _above(judge.frozen):
        names = {name for word in words for name in READ_BY.get(os.path.basename(word), ())}
        for name in sorted(names):
            path = os.path.join(place, name)
            if os.path.lexists(os.path.join(folder, path)):
                found[path] = _relevant(os.path.join(folder, path), name)
    return found | programs(folder, home, words)


def _import_places(folder: str, judge: Judge, words: Sequence[str]) -> list[str]:
    """Where Python looks for modules first, relative to the folder: next to the scripts, and in
    the working directory."""
    scripts = [word for word in (*words, *judge.frozen) if word.endswith(".py")]
    paths = [p for found in _PYTHONPATH.findall(judge.command) for p in found.split(os.pathsep)]
    places = {"", *map(os.path.dirname, scripts), *paths}
    inside = {os.path.normpath(place) for place in places if not os.path.isabs(place)}
    return sorted(place for place in inside if os.path.isdir(os.path.join(folder, place)))


def _imported(folder: str, frozen: Sequence[str]) -> set[str]:
    """The modules that frozen scripts name in imports."""
    found = set()
    for path in frozen:
        for name in files_below(os.path.join(folder, path)):
            if name.endswith(".py"):
                with suppress(OSError, ValueError, SyntaxError, RecursionError), open(name) as file:
                    found |= set(_imports(ast.parse(file.read())))
    return found


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _modules(folder: str, place: str, imported: set[str], frozen: Sequence[str]) -> dict[str, str]:
    """Of a place, the modules that would come before those which the judge means."""
    found: dict[str, str] = {}
    shadowed = (sys.stdlib_module_names | imported) - FREE
    for name in sorted(os.listdir(os.path.join(folder, place))):
        path = os.path.join(folder, place, name)
        match = _MODULE.fullmatch(name)
        module = match[1] if match else name
        if not match and not _is_package(path, is_imported=name in imported):
            continue
        key = f"{MODULE}{os.path.normpath(os.path.join(place, module))}"
        if module in HOOKS:
            contents = b"".join(map(content_of, files_below(path)))
            found[os.path.join(place, name)] = hashlib.sha256(contents).hexdigest()[:16]
        elif module in shadowed:
            # Of a frozen module, no second form may come: a package goes before a file.
            names = [one.removeprefix(f"{place}/").split("/")[0] for one in frozen]
            is_frozen = module in names or f"{module}.py" in names
            found[key] = f"{found.get(key, '')} {name}" if is_frozen else "there"
    return found


def _is_package(path: str, *, is_imported: bool) -> bool:
    """A folder without `__init__.py` takes no installed module's place; if it has code that the
    judge imports, it may become a package."""
    if not os.path.isdir(path):
        return False
    is_code = is_imported and os.path.basename(path) not in sys.stdlib_module_names
    names = os.listdir(path)
    return any(n.startswith("__init__.") or (is_code and n.endswith(".py")) for n in names)


def _above(frozen: Sequence[str]) -> list[str]:
    """The folder, and those between it and what is frozen."""
    found = {""}
    for path in frozen:
        while path := os.path.dirname(path):
            found.add(path)
    return sorted(found)


def _relevant(path: str, name: str) -> str:
    if name in SHARED:
        with suppress(OSError, UnicodeDecodeError), open(path) as file:
            return hashlib.sha256("".join(_SECTION.findall(file.read())).encode()).hexdigest()[:16]
    return content_of(path).hex()[:16]
