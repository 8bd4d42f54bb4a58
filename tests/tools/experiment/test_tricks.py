"""An adversary's trials: none that leaves the judge's words alone gets its own value kept."""

import os
import py_compile
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from core.experiments.record import Judge, Trial
from core.store import open_store
from core.tool import ToolResult
from nodes.services import build_services
from tests.tools.bench import THREAD, Bench
from tools.experiment.frozen import CACHES
from tools.experiment.surroundings import difference, whole_digest

JUDGE = """import json, sys
from lib.score import score
print("METRIC loss=%s" % score(open("model.txt").read(), open("data/test.csv").read()))
"""
SCORE = "def score(model, data):\n    return float(model) + len(data)\n"
#: One that runs what a trial wrote, as shells and training scripts do.
TRUSTING = ". ./train.sh\necho METRIC loss=$(cat data/test.csv)\n"


@pytest.fixture
async def bench(settings: Settings, workdir: Path) -> AsyncIterator[Bench]:
    """Without the command sandbox, which would keep most of this away by itself."""
    settings = settings.model_copy(update={"sandbox_commands": "off"})
    async with await open_store(settings) as store:
        yield Bench(build_services(settings, store), workdir)


class Lab:
    """The folder of an experiment whose judge is Python."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.folder = bench.cwd
        self.file("judge.py", JUDGE)
        self.file("lib/score.py", SCORE)
        self.file("data/test.csv", "1\n2\n")
        self.file("model.txt", "5")
        self.file("train.sh", "")
        self.command = f"{sys.executable} judge.py"
        self.frozen = ["judge.py", "lib", "data"]
        self.metric = "loss"

    def file(self, name: str, content: str = "") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    async def define(self) -> ToolResult:
        return await self.bench.call(
            "experiment", operation="define", metric=self.metric, command=self.command,
            frozen=self.frozen, repeats=1, max_time=20,
        )  # fmt: skip

    async def run(self) -> Trial:
        await self.bench.call("experiment", operation="run", hypothesis="a trick")
        trials = await self.bench.services.experiments.trials(THREAD)
        assert len(trials) == 2, self.bench.events[-1]
        return trials[-1]

    def tree(self) -> dict[str, Any]:
        return dict(self._looks())

    def _looks(self) -> Iterator[tuple[str, Any]]:
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_symlink():
                yield name, os.readlink(path)
            elif path.is_file():
                yield name, (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
            elif "__pycache__" not in name:
                yield name, path.exists() and stat.S_IFMT(path.stat().st_mode)


@pytest.fixture
def lab(bench: Bench) -> Lab:
    return Lab(bench)


def module(lab: Lab) -> None:
    lab.file("json.py", "import builtins; builtins.float = lambda text: -9.0\n")


def package_before_a_frozen_folder(lab: Lab) -> None:
    lab.file("lib.py", "import sys; print('METRIC loss=0'); import os; os._exit(0)\n")


def package_before_a_frozen_file(lab: Lab) -> None:
    lab.file("judge/__init__.py", "")
    lab.file("sys/__init__.py", "")


def start_of_python(lab: Lab) -> None:
    lab.file("sitecustomize.py", "print('METRIC loss=0'); import os; os._exit(0)\n")


def hook_of_the_environment(lab: Lab) -> None:
    lab.file(".venv/lib/python3.12/site-packages/x.pth", "import os; os._exit(0)\n")


def another_judge(lab: Lab) -> None:
    lab.file("judge.py", "print('METRIC loss=0')")


def pipe(lab: Lab) -> None:
    (lab.folder / "data" / "test.csv").unlink()
    os.mkfifo(lab.folder / "data" / "test.csv")


def endless(lab: Lab) -> None:
    (lab.folder / "data" / "test.csv").unlink()
    (lab.folder / "data" / "test.csv").symlink_to("/dev/zero")


def folder_for_a_file(lab: Lab) -> None:
    (lab.folder / "judge.py").unlink()
    lab.file("judge.py/__main__.py", "print('METRIC loss=0')")


def file_for_a_folder(lab: Lab) -> None:
    (lab.folder / "lib" / "score.py").unlink()
    (lab.folder / "lib").rmdir()
    lab.file("lib", "")


def hard_link(lab: Lab) -> None:
    os.link(lab.folder / "data" / "test.csv", lab.folder / "alias")
    lab.file("alias", "")


def through_a_link(lab: Lab) -> None:
    (lab.folder / "alias").symlink_to("data")
    lab.file("alias/test.csv", "")


def odd_name(lab: Lab) -> None:
    lab.file("lib/ü\n\u202e.py")
    (lab.folder / os.fsdecode(b"lib/\xff.py")).write_text("")


def read_only(lab: Lab) -> None:
    lab.file("data/more.csv", "3\n").chmod(0o400)
    lab.file("deep/down/file", "x").chmod(0o400)
    for name in ("deep/down", "deep", "data"):
        (lab.folder / name).chmod(0o500)


@pytest.mark.parametrize(
    "trick",
    [
        module, package_before_a_frozen_folder, package_before_a_frozen_file, start_of_python,
        hook_of_the_environment, another_judge, endless, folder_for_a_file,
        file_for_a_folder, hard_link, through_a_link, odd_name, read_only,
    ],
)  # fmt: skip
async def test_a_trial_with_another_judge_is_void_and_gone(
    lab: Lab, trick: Callable[[Lab], None]
) -> None:
    lab.file(".venv/pyvenv.cfg", "home = /usr/bin\n")
    result = await lab.define()
    assert result.ok, result.text
    before = lab.tree()
    lab.file("model.txt", "4")
    trick(lab)
    trial = await lab.run()
    assert trial.verdict == "void", trial.rule
    assert lab.tree() == before


async def test_a_pipe_in_the_place_of_a_frozen_file_is_void_and_named(lab: Lab) -> None:
    assert (await lab.define()).ok
    pipe(lab)
    result = await lab.bench.call("experiment", operation="run", hypothesis="a pipe")
    assert "Trial 1: void" in result.text
    assert "left as it is: data/test.csv: it is not a regular file" in result.text


async def test_a_frozen_file_behind_links_and_ignored_by_git_comes_back(lab: Lab) -> None:
    lab.file(".gitignore", "real*\nhidden.csv\n")
    lab.file("hidden.csv", "1\n")
    lab.file("real/one.csv", "1\n")
    (lab.folder / "data" / "more").symlink_to("../real")
    lab.frozen.append("hidden.csv")
    assert (await lab.define()).ok
    lab.file("model.txt", "4")
    lab.file("hidden.csv", "2\n")
    assert (await lab.run()).verdict == "void"
    assert (lab.folder / "hidden.csv").read_text() == "1\n"
    lab.file("model.txt", "3")
    lab.file("real/one.csv", "2\n")
    await lab.bench.call("experiment", operation="run", hypothesis="behind a link")
    assert (await lab.bench.services.experiments.trials(THREAD))[-1].verdict == "void"


async def test_a_large_file_with_its_old_time_is_another(lab: Lab) -> None:
    path = lab.file("data/large.csv", "1" * 1_200_000)
    assert (await lab.define()).ok
    before = path.stat()
    lab.file("model.txt", "4")
    path.write_text("2" * 1_200_000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (await lab.run()).verdict == "void"
    assert path.read_text() == "1" * 1_200_000


def behind_a_link(compiled: Path, elsewhere: Path) -> Path:
    """What was compiled is somewhere else now, next to a file of the user's; that file."""
    compiled.rename(elsewhere)
    compiled.symlink_to(elsewhere)
    theirs = elsewhere / "score.txt"
    theirs.write_text("theirs")
    return theirs


@pytest.mark.parametrize("frozen", ["lib", "lib/score.py"])
@pytest.mark.parametrize("is_linked", [False, True])
async def test_compiled_python_next_to_the_judge_does_not_run(
    lab: Lab, tmp_path: Path, frozen: str, is_linked: bool
) -> None:
    lab.frozen = ["judge.py", frozen, "data"]
    assert (await lab.define()).ok
    source = lab.folder / "lib" / "score.py"
    known = source.stat()
    evil = SCORE.replace("float(model) + len(data)", "-9.0#".ljust(24))
    source.write_text(evil)
    os.utime(source, ns=(known.st_atime_ns, known.st_mtime_ns))
    py_compile.compile(str(source))
    source.write_text(SCORE)
    os.utime(source, ns=(known.st_atime_ns, known.st_mtime_ns))
    assert len(evil) == len(SCORE)
    theirs = behind_a_link(source.parent / CACHES, tmp_path / "elsewhere") if is_linked else None
    lab.file("model.txt", "6")
    trial = await lab.run()
    assert (trial.verdict, trial.value) == ("discard", 10.0)
    assert theirs is None or theirs.exists()


@pytest.mark.parametrize(
    "during",
    [
        "cp data/test.csv kept; echo 0 >data/test.csv; trap 'cp kept data/test.csv; rm kept' EXIT",
        "mv data kept; mkdir data; echo 0 >data/test.csv; trap 'rm -r data; mv kept data' EXIT",
        "ln data/test.csv kept; echo 0 >kept; trap 'echo 5 >kept; rm kept' EXIT",
        "echo METRIC loss=0; printf x",
        "echo METRIC loss=0 y=",
        "trap 'echo METRIC loss=0' EXIT",
        "echo METRIC loss=0; head -c 51000000 /dev/zero",
        "echo METRIC loss=0; kill -9 $$",
        "echo METRIC loss=-inf; exit",
        "echo METRIC loss=nan; exit",
    ],
)
async def test_what_a_trial_does_while_it_is_judged(lab: Lab, during: str) -> None:
    lab.file("judge.sh", TRUSTING)
    lab.file("data/test.csv", "5\n")
    lab.command, lab.frozen = "sh judge.sh", ["judge.sh", "data"]
    assert (await lab.define()).ok
    before = lab.tree()
    lab.file("train.sh", during)
    trial = await lab.run()
    assert trial.verdict in ("void", "crash"), (trial.verdict, trial.rule)
    assert lab.tree() == before


@pytest.mark.parametrize("has_git", [True, False])
async def test_what_a_trial_hides_from_git_goes_with_it(lab: Lab, has_git: bool) -> None:
    if has_git:
        subprocess.run(["git", "init", "-q"], cwd=lab.folder, check=True, timeout=60)
    lab.file(".gitignore", "*.log\n")
    lab.file("old.log")
    assert (await lab.define()).ok
    before = {name: look for name, look in lab.tree().items() if not name.startswith(".git/")}
    lab.file(".gitignore", "*.log\nhidden/\nmodel.bin\n")
    lab.file("hidden/deep/a.txt")
    lab.file("model.bin")
    lab.file("model.txt", "9")
    assert (await lab.run()).verdict == "discard"
    now = {name: look for name, look in lab.tree().items() if not name.startswith(".git/")}
    assert now == before
    again = await lab.bench.call("experiment", operation="run", hypothesis="nothing")
    assert "no file differs" in again.text


async def test_rules_that_hide_themselves_go_with_the_trial(lab: Lab) -> None:
    assert (await lab.define()).ok
    before = lab.tree()
    lab.file(".gitignore", ".gitignore\nlib\nhidden\n")
    lab.file("data/.gitignore", "*\n")
    lab.file("data/more.csv")
    lab.file("lib/more.py")
    lab.file("hidden/file")
    lab.file("model.txt", "4")
    assert (await lab.run()).verdict == "void"
    assert lab.tree() == before


def test_a_copy_has_the_same_surroundings(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of programs that PATH finds in the folder, those of the original run in a copy, too."""
    folder, copy = str(lab.folder), str(tmp_path / "copy")
    for name in ("bin/cat", "bin/own", ".venv/bin/python"):
        lab.file(name, "#!/bin/sh\n").chmod(0o755)
    lab.file(".venv/pyvenv.cfg")
    lab.file("conftest.py")
    path = [f"{folder}/bin", f"{folder}/.venv/bin", os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    judge = Judge("loss", "min", "pytest -q lib && cat out", ("lib", "judge.py"))
    known = whole_digest(folder, judge, folder)
    shutil.copytree(folder, copy, symlinks=True)
    assert difference(known, copy, judge, folder) == ""
    lab.file("bin/own", "# another")
    assert difference(known, folder, judge, folder) == ""
    for name in ("bin/cat", ".venv/bin/python", "conftest.py"):
        text = (lab.folder / name).read_text()
        lab.file(name, "# another")
        assert f"judge runs: {name} would" in difference(known, folder, judge, folder)
        lab.file(name, text)
    assert difference(known.partition(" ")[0], folder, judge, folder) == ""


@pytest.mark.parametrize("kind", ["later", "pipe", "large"])
async def test_a_file_that_this_run_did_not_write_is_no_result(lab: Lab, kind: str) -> None:
    lab.metric, lab.frozen = "out.json:loss", ["judge.sh"]
    lab.file("judge.sh", "[ -e skip ] || { rm -f out.json; echo '{\"loss\": 5}' >out.json; }\n")
    lab.command = "sh judge.sh"
    assert (await lab.define()).ok
    lab.file("skip")
    path = lab.file("out.json", '{"loss": 1}')
    if kind == "later":
        os.utime(path, (4e9, 4e9))
    elif kind == "pipe":
        lab.file("judge.sh", (lab.folder / "judge.sh").read_text())
        path.unlink()
        os.mkfifo(path)
    else:
        path.write_text('{"loss": 1}'.ljust(10_000_001))
    assert (await lab.run()).verdict in ("crash", "void")


@pytest.mark.parametrize(
    "names",
    [
        ["test.py", "utils.py", "docs/a.md", "notes.json"],
        ["train/__init__.py", "json/schema.txt", "src/model.py"],
        ["pyproject.toml", "conftest.txt", "tests/__init__.py"],
    ],
)
async def test_what_honest_trials_add_is_kept(lab: Lab, names: list[str]) -> None:
    lab.file("pyproject.toml", "[project]\nname='x'\n[tool.pytest.ini_options]\naddopts='-q'\n")
    lab.command += " # as pytest does"
    assert (await lab.define()).ok
    text = (lab.folder / "pyproject.toml").read_text()
    for name in names:
        lab.file(name, text.replace("'x'", "'y'"))
    lab.file("model.txt", "4")
    trial = await lab.run()
    assert trial.verdict == "keep", trial.rule


async def test_a_weak_judge_is_named_as_it_is_defined(lab: Lab) -> None:
    lab.frozen = ["data"]
    assert "Not frozen: judge.py" in (await lab.define()).text


async def test_a_judge_that_continues_from_its_own_output_is_named(lab: Lab) -> None:
    lab.file("count", "9")
    lab.file("judge.sh", "n=$(($(cat count) - 1)); echo $n >count; echo METRIC loss=$n\n")
    lab.command, lab.frozen = "sh judge.sh", ["judge.sh"]
    result = await lab.bench.call(
        "experiment", operation="define", metric="loss", command="sh judge.sh", frozen=["judge.sh"]
    )
    assert "Each run came out better, or each worse" in result.text


@pytest.mark.parametrize("place", ["", "package", "linked"])
async def test_python_that_was_compiled_before_its_source_changed_does_not_run(
    bench: Bench, tmp_path: Path, place: str
) -> None:
    """Within one second, and with as many characters: Python does not tell the two apart."""
    lab, module = Lab(bench), f"{place}.solve".lstrip(".")
    lab.file("judge.py", f"from {module} import VALUE\nprint(f'METRIC loss={{VALUE}}')\n")
    if place == "linked":
        (tmp_path / "elsewhere").mkdir()
        (lab.folder / place).symlink_to(tmp_path / "elsewhere")
    solve = lab.file(f"{place}/solve.py".lstrip("/"), "VALUE = 5.0\n")
    kept = solve.with_name("other.py")
    kept.write_text("VALUE = 1.0\n")
    for source in (solve, kept):
        os.utime(source, (1_700_000_000, 1_700_000_000))
        py_compile.compile(str(source))
    await lab.define()
    solve.write_text("VALUE = 3.0\n")
    os.utime(solve, (1_700_000_000, 1_700_000_000))
    lab.file("model.txt", "6")
    assert (await lab.run()).value == 3.0
    compiled = (path.name.partition(".")[0] for path in (solve.parent / CACHES).iterdir())
    assert [*compiled] == ["other"]


@pytest.mark.parametrize("is_linked", [False, True])
async def test_compiled_python_that_a_trial_wrote_does_not_run(
    lab: Lab, tmp_path: Path, is_linked: bool
) -> None:
    """Newer than its source, with its size and second: Python would run it unseen."""
    lab.file("judge.py", "from solve import VALUE\nprint(f'METRIC loss={VALUE}')\n")
    solve = lab.file("solve.py", "VALUE = 5.0\n")
    await lab.define()
    solve.write_text("VALUE = 1.0\n")
    before = solve.stat()
    compiled = Path(py_compile.compile(str(solve)))
    solve.write_text("VALUE = 4.0\n")
    os.utime(solve, ns=(before.st_atime_ns, before.st_mtime_ns))
    time.sleep(0.05)
    compiled.write_bytes(compiled.read_bytes())
    theirs = behind_a_link(compiled.parent, tmp_path / "elsewhere") if is_linked else None
    lab.file("model.txt", "6")
    assert (await lab.run()).value == 4.0
    assert not compiled.exists()
    assert theirs is None or theirs.exists()
