"""A home with secrets and a repository in it, and commands that really run in a sandbox of each
kind."""

import os
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from configs.settings import Settings
from core.run import Reach
from core.store import runs
from core.store.command_words import command_words
from tests.tools.real_sandbox import needs
from tools.workspace.command_sandbox import CommandPlace, CommandSandbox, Wrapped

KINDS = ("bubblewrap", "landlock")
#: What is in the secret places of the home.
SECRET = "SECRET-MATERIAL"


@dataclass
class Home:
    """A user's home, a project in it, and the sandbox `kind` for that project's commands."""

    path: Path
    folder: Path
    settings: Settings
    kind: str = ""
    started: list[runs.Run] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def wrap(self, line: str, reach: Reach = "network", cwd: Path | None = None) -> Wrapped:
        box = CommandSandbox(self.settings, self.kind)
        folder = str(self.folder)
        words = command_words(self.folder, line)
        return box.wrap(words, CommandPlace(folder, str(cwd or folder), reach))

    def start(self, line: str, reach: Reach = "network", cwd: Path | None = None) -> runs.Run:
        return self.launch(line, self.wrap(line, reach, cwd), cwd)

    def launch(self, line: str, wrapped: Wrapped, cwd: Path | None = None) -> runs.Run:
        folder = self.settings.state_path() / "threads" / "t" / "runs"
        with closing(wrapped):
            run = runs.start(
                folder / f"call_{len(self.started)}",
                runs.Meta(line, str(cwd or self.folder), None, False, wrapped.about),
                dict(os.environ),
                argv=wrapped.argv,
                descriptors=tuple(wrapped.descriptors.values()),
            )
        self.started.append(run)
        return run

    def run(self, line: str, reach: Reach = "network", cwd: Path | None = None) -> tuple[int, str]:
        """(exit code, output) of a command."""
        return self.ended(self.start(line, reach, cwd))

    def ended(self, run: runs.Run) -> tuple[int, str]:
        assert run._process is not None
        run._process.wait(60)
        code = run.exit_code()
        assert code is not None
        return code, run.read_output(100_000)[0]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    path = Path(os.environ["HOME"])
    folder = path / "projects" / "repo"
    folder.mkdir(parents=True)
    made = Home(path, folder, Settings(state_dir=str(path / ".local" / "state" / "ml-agent")))
    made.settings.state_path().mkdir(parents=True)
    for name in (".ssh/id_rsa", ".aws/credentials", ".netrc", "hf/token"):
        made.write(name, f"{SECRET}\n")
    made.write(".local/state/ml-agent/ml-agent.db", f"{SECRET}\n")
    made.write(".config/ml-agent/config.json", f'{{"x": "{SECRET}"}}\n')
    made.write(".bashrc", "# mine\n")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / ".git" / "hooks").mkdir(exist_ok=True)
    (folder / ".ml-agent").mkdir()
    (path / ".cache").mkdir()
    return made


@pytest.fixture(params=KINDS)
def boxed(request: pytest.FixtureRequest, home: Home) -> Home:
    """A home whose commands run in a sandbox of each kind that this kernel has."""
    needs(request.param)
    home.kind = request.param
    return home


@pytest.fixture
def mounted(home: Home) -> Home:
    """A home whose commands run in mounts of their own."""
    needs("bubblewrap")
    home.kind = "bubblewrap"
    return home
