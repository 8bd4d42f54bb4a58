"""The programs that are compared: ours, a bare loop, and mini-swe-agent in its own venv."""

import os
import shutil
import subprocess
import sys
import sysconfig
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import platformdirs

from tests.stand_ins.model_script import Call, Reply

ROOT = Path(__file__).resolve().parent.parent
#: Set for whatever loads litellm: else it fetches its price map, and where there is no network
#: waits for it.
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


class NotInstalled(Exception):
    """A program that cannot be measured here, and why."""


class Program(ABC):
    """A program that works on one task against the stand-in, in its own folder.

    Attributes:
        strict: whether its requests are held against the provider's rules.
        end: the model's last answer, in the form in which the program ends.
    """

    strict = True
    end = Reply(text="done")

    @abstractmethod
    def command(self, task: str, iterations: int, folder: Path) -> list[str]:
        """How it is started headless; up to `iterations` of the model's answers and a last one."""

    def help(self) -> list[str]:
        """How it shows its options; [] where it has none."""
        return []

    def environment(self, base: str, folder: Path) -> dict[str, str]:
        """A clean environment whose home is `folder`; `base` is the stand-in's /v1."""
        kept = {k: v for k in ("PATH", "LANG", "TMPDIR") if (v := os.environ.get(k))}
        return {**kept, "HOME": str(folder), "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": base}

    def start(self, command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
        """The process of `command`; options of Popen."""
        return subprocess.Popen(command, **options)

    def written(self, folder: Path) -> int:
        """Bytes on disk of what it left about its run, in whole blocks."""
        return 0

    def commits(self, folder: Path) -> int:
        """Write transactions of its database so far; 0 if it has none."""
        return 0


class Ours(Program):
    """The console script as it was installed."""

    def __init__(self) -> None:
        self.words = [str(Path(sysconfig.get_path("scripts")) / "ml-agent")]

    def command(self, task: str, iterations: int, folder: Path) -> list[str]:
        limit = ["--max-iterations", str(iterations + 1)]
        return [*self.words, "-m", "openai/stand-in", "--output", "json", *limit, task]

    def go_on(self, task: str) -> list[str]:
        """A new message to the folder's newest thread."""
        return [*self.words, "-c", "--output", "json", "--max-iterations", "100000", task]

    def resume(self) -> list[str]:
        """The rest of the newest thread's turn, which was killed."""
        return [*self.words, "sessions", "resume", "--output", "json"]

    def help(self) -> list[str]:
        return [*self.words, "--help"]

    def environment(self, base: str, folder: Path) -> dict[str, str]:
        return {
            **super().environment(base, folder),
            "ML_AGENT_STATE_DIR": str(folder / "state"),
            # A long turn without a compaction: growth is to be seen.
            "ML_AGENT_CONTEXT_WINDOW": "2000000",
            "ML_AGENT_COMPACT_AT": "2000000",
        }

    def written(self, folder: Path) -> int:
        return _size(folder / "state")

    def commits(self, folder: Path) -> int:
        try:
            index = (folder / "state" / "ml-agent.db-shm").read_bytes()
        except FileNotFoundError:
            return 0
        # `iChange` of SQLite's WAL index header (www.sqlite.org/walformat.html): counts commits.
        return int.from_bytes(index[8:12], sys.byteorder)


class OursThroughLiteLLM(Ours):
    """The same, over the route of all providers that have none of ours."""

    def command(self, task: str, iterations: int, folder: Path) -> list[str]:
        command = super().command(task, iterations, folder)
        return [word.replace("openai/stand-in", "litellm/openai/stand-in") for word in command]


class BareLoop(Program):
    """`bare_loop.py`."""

    def command(self, task: str, iterations: int, folder: Path) -> list[str]:
        return [sys.executable, str(ROOT / "benchmarks" / "bare_loop.py"), task]


class BareGraph(Program):
    """`bare_graph.py`."""

    def command(self, task: str, iterations: int, folder: Path) -> list[str]:
        return [sys.executable, str(ROOT / "benchmarks" / "bare_graph.py"), task]


class MiniSweAgent(Program):
    """mini-swe-agent's own command, with its own prompt and protocol.

    Its requests carry litellm's fields back to the provider, so they are not held against the
    provider's rules. It ends with a command, not with a text.
    """

    VERSION = "2.4"
    strict = False
    end = Reply(
        text="done",
        calls=[Call("bash", {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"})],
    )

    def __init__(self) -> None:
        self.home = platformdirs.user_cache_path("ml-agent-benchmarks") / f"mini-{self.VERSION}"
        self.script = self.home / "bin" / "mini"

    def install(self) -> None:
        """Into a venv in the user's cache, with `mcp` next to it; once. Raises NotInstalled."""
        complete = self.home / "complete"
        if complete.exists():
            return
        uv = shutil.which("uv")
        if uv is None:
            raise NotInstalled("uv is not on the PATH")
        shutil.rmtree(self.home, ignore_errors=True)
        python = str(self.home / "bin" / "python")
        wanted = [f"mini-swe-agent~={self.VERSION}.0", "mcp"]
        for command in (
            [uv, "venv", "--quiet", "--python", sys.executable, str(self.home)],
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *wanted],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise NotInstalled(f"uv {command[1]}: {last}")
        complete.touch()

    def command(self, task: str, iterations: int, folder: Path) -> list[str]:
        model = ["-m", "openai/stand-in", "--cost-limit", "0"]
        end = ["--yolo", "--exit-immediately", "-o", str(folder / "trajectory.json")]
        return [str(self.script), "-c", "mini.yaml", *model, *end, "-t", task]

    def help(self) -> list[str]:
        return [str(self.script), "--help"]

    def environment(self, base: str, folder: Path) -> dict[str, str]:
        return {
            **super().environment(base, folder),
            **OFFLINE,
            "MSWEA_CONFIGURED": "true",
            "MSWEA_GLOBAL_CONFIG_DIR": str(folder / "config"),
            "MSWEA_COST_TRACKING": "ignore_errors",
            "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "1",
        }

    def written(self, folder: Path) -> int:
        return _size(folder / "trajectory.json")


def compile_all() -> None:
    """Put .pyc files next to everything that is measured; compiling is most of a first import."""
    packages = [
        str(ROOT / name) for name in ("cli", "configs", "core", "graph", "nodes", "server", "tools")
    ]
    command = [sys.executable, "-m", "compileall", "-q", "-j", "0"]
    # Some packages bring files for other Pythons: those that do not compile are not imported.
    subprocess.run(
        [*command, sysconfig.get_path("purelib"), str(ROOT / "benchmarks"), *packages],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _size(path: Path) -> int:
    """Bytes of the blocks that a file, or a folder with all in it, takes on disk."""
    found = [path, *path.rglob("*")]
    return sum(each.lstat().st_blocks for each in found) * 512
