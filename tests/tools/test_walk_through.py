"""The README's walk-through of a new tool, taken literally in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cli.program import ROOT
from tests.stand_ins.model_script import Call, Reply, by_step
from tests.stand_ins.model_server import ModelServer

PACKAGES = ("cli", "configs", "core", "graph", "nodes", "tools", "tests")


def walk_through() -> tuple[str, str, str, str]:
    """(a file's path, its code, the path of another, the diff of that) as the README has them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Add a tool\n")[2].partition("\n## ")[0]
    (path,) = re.findall(r"1\. A new file, `([^`]+)`", section)
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (listed,) = re.findall(r"2\. A line in `([^`]+)`", section)
    (diff,) = re.findall(r"```diff\n(.*?)```", section, re.DOTALL)
    return path, code, listed, diff


def applied(text: str, diff: str) -> str:
    """`text` with the lines that `diff` adds, where its other lines stand together."""
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines)
    assert text.count(before) == 1, f"the walk-through does not fit: {before}"
    return text.replace(before, after)


def test_a_new_tool(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    path, code, listed, diff = walk_through()
    (copy / path).write_text(code)
    (copy / listed).write_text(applied((copy / listed).read_text(), diff))

    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", "count or all_specs",
         "-p", "no:cacheprovider", "tests/tools/test_every_tool.py"],
        cwd=copy, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "11 passed" in tested.stdout

    # And the model uses it.
    script = [Reply(calls=[Call("count", {"path": "data.csv"})]), Reply("three")]
    work = tmp_path / "work"
    work.mkdir()
    (work / "data.csv").write_text("a\nb\nc\n")
    with ModelServer(by_step(script)) as server:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "-m", "openai/stand-in", "count the lines"],
            cwd=work,
            env={
                **environment,
                "OPENAI_API_KEY": "k",
                "OPENAI_BASE_URL": server.openai_base,
                "ML_AGENT_STATE_DIR": str(tmp_path / "state"),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stdout) == (0, "three\n"), done.stderr
        assert server.bodies[-1]["messages"][-1]["content"] == "3 lines"
