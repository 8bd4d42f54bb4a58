"""glob: what fits, in which order, and what is left out."""

import os
from pathlib import Path

import pytest

from tests.tools.bench import Bench
from tools.local.glob import Glob, GlobArguments, based
from tools.workspace.ripgrep import binary

FILES = (
    "a.py", "b.txt", "src/c.py", "src/deep/d.py", "src/deep/e.ts", ".hidden/f.py", ".g.py",
    "ignored.py", "build/h.py", ".git/i.py",
)  # fmt: skip


@pytest.fixture
def tree(workdir: Path) -> Path:
    for age, name in enumerate(FILES):
        path = workdir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    (workdir / ".gitignore").write_text("ignored.py\nbuild/\n")
    return workdir


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("*.py", "", ["src/deep/d.py", "src/c.py", "a.py"]),
        ("**/*.py", "", ["src/deep/d.py", "src/c.py", "a.py"]),
        ("src/*.py", "", ["src/c.py"]),
        ("src/**/*.{py,ts}", "", ["src/deep/e.ts", "src/deep/d.py", "src/c.py"]),
        ("*.py", "src", ["src/deep/d.py", "src/c.py"]),
        ("d.py", "", ["src/deep/d.py"]),
        ("src/c.py", "", ["src/c.py"]),
        ("src/", "", ["src/deep/e.ts", "src/deep/d.py", "src/c.py"]),
        (".hidden/*.py", "", [".hidden/f.py"]),
        (".*.py", "", [".g.py"]),
        ("[ab].*", "", ["b.txt", "a.py"]),
        ("../{cwd}/src/*.py", "", ["src/c.py"]),
    ],
)
async def test_what_fits_newest_first(
    pattern: str, path: str, found: list[str], bench: Bench, tree: Path
) -> None:
    pattern = pattern.replace("{cwd}", bench.cwd.name)
    result = await bench.call("glob", pattern=pattern, path=path)
    assert result.text.split("\n") == found


async def test_nothing_and_nowhere(bench: Bench, tree: Path) -> None:
    assert (await bench.call("glob", pattern="*.rs")).text == "no file fits *.rs"
    missing = await bench.call("glob", pattern="scr/*.py")
    assert not missing.ok
    assert "there is no folder scr" in missing.text
    assert "src" in missing.text


async def test_many_are_counted(bench: Bench, workdir: Path) -> None:
    for n in range(230):
        (workdir / f"{n}.x").touch()
    lines = (await bench.call("glob", pattern="*.x")).text.split("\n")
    assert (len(lines), lines[-1]) == (201, "[30 more; narrow the pattern]")


async def test_names_that_are_no_text(bench: Bench, workdir: Path) -> None:
    os.close(os.open(os.fsencode(workdir) + b"/\xff.x", os.O_CREAT))
    (workdir / "new\nline.x").touch()
    lines = (await bench.call("glob", pattern="*.x")).text
    assert "\\xff.x" in lines
    assert "new\nline.x" in lines


def test_the_place_that_is_judged_is_the_one_that_is_looked_at() -> None:
    assert based(GlobArguments(pattern="/etc/*.conf"))[0] == "/etc"
    assert based(GlobArguments(pattern="/*.conf"))[0] == "/"
    assert based(GlobArguments(pattern="*.py"))[0] == "."
    effect = Glob().effect(GlobArguments(pattern="../x/**", path="src"), "/w")
    assert effect.paths == ("src/../x",)


def test_without_ripgrep_on_the_path_the_installed_one_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    binary.cache_clear()
    try:
        assert os.access(binary(), os.X_OK)
    finally:
        binary.cache_clear()
