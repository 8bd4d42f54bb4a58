"""The policy against bash: lines that it lets run without asking are run, in a throwaway folder.

    python -m benchmarks.shell_fuzz --lines 100000 --seed 1

Wires that must not trip: a program that no rule allows runs; a secret file or a file outside the
folder is read; a file outside, or one that governs what runs later, is written.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.shell_lines import lines_of

SECRET, OUTSIDE = "WIRE-OF-SECRETS", "WIRE-OF-OUTSIDE"
#: Rules of a user's that one half of the lines is judged with.
USER_RULES = [
    "bash(cp *)", "bash(tee *)", "bash(touch *)", "bash(mkdir *)", "bash(diff *)", "bash(rg *)",
    "bash(grep -r *)", "bash(mv *)", "bash(stat *)",
]  # fmt: skip
#: Lines that one bash runs, each in its own process.
BATCH = 100
DRIVER = r"""
while IFS= read -r -d '' line; do
  ( eval "$line" ) </dev/null &
  wait "$!"
done < "$1"
"""


@dataclass
class World:
    """A home with a repository, secrets, links that lead out, and two hostile repositories."""

    root: Path
    blob: str = ""
    tree: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def work(self) -> Path:
        return self.home / "repo"

    @property
    def tripped(self) -> Path:
        return self.root / "tripped"

    def build(self) -> None:
        evil = f"#!/bin/sh\n: > {self.tripped}\n"
        files = {
            "repo/a.txt": "x\n", "repo/sub/b.txt": "x\n", "repo/a b": "x\n",
            "repo/.env": SECRET, "repo/sub/.env": SECRET, "repo/server.pem": SECRET,
            "repo/evil": evil, "repo/ls": evil, "repo/git": evil, "repo/bin/evil": evil,
            "repo/.ml-agent/config.json": "{}", "outside.txt": OUTSIDE, ".bashrc": OUTSIDE,
            ".ssh/id_rsa": SECRET, "evil": evil, "../bin/evil": evil,
        }  # fmt: skip
        for name, text in files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if text is evil else 0o644)
        (self.work / "sub" / "deep").mkdir()
        links = {
            "out": "..", "link.txt": "../outside.txt", "key": "../.ssh",
            "sub/deep/key": "../../.env", "sub/loop": "loop",
        }  # fmt: skip
        for name, target in links.items():
            (self.work / name).symlink_to(target)
        os.mkfifo(self.work / "pipe")
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        self.environment = {
            "PATH": path,
            "HOME": str(self.home),
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }
        self._repositories()

    def _repositories(self) -> None:
        self._git(self.work, "init", "-q")
        self._git(self.work, "add", "-f", "a.txt", "sub/b.txt", ".env")
        self._git(self.work, "commit", "-qm", "x")
        self._git(self.work, "rm", "-q", "--cached", ".env")
        self._git(self.work, "commit", "-qm", "y")
        self._git(self.work, "add", "-f", "sub/.env")
        (self.work / "sub" / ".env").write_text(f"{SECRET}-2")
        (self.work / "a.txt").write_text("x\ny\n")
        self.blob = self._git(self.work, "rev-parse", "HEAD~1:.env")
        self.tree = self._git(self.work, "rev-parse", "HEAD~1:")
        hostile = [("core.fsmonitor", "../evil"), ("diff.external", "../evil"),
                   ("filter.x.clean", "../evil"), ("diff.x.textconv", "../evil")]  # fmt: skip
        for name in ("evilrepo", "bare"):
            self._git(self.work, "init", "-q", *(["--bare"] if name == "bare" else []), name)
            for key, value in hostile:
                self._git(self.work / name, "config", key, str(self.home / Path(value).name))
        (self.work / "evilrepo" / ".gitattributes").write_text("* filter=x diff=x\n")
        (self.work / "evilrepo" / "a.txt").write_text("x\n")

    def _git(self, folder: Path, *arguments: str) -> str:
        command = [
            "git",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "core.fsmonitor=",
            *arguments,
        ]
        done = subprocess.run(
            command, cwd=folder, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def reset(self) -> None:
        """All as it was built."""
        self.tripped.unlink(missing_ok=True)
        template = self.root / "template"
        if not template.exists():
            subprocess.run(["cp", "-a", str(self.home), str(template)], check=True)
            return
        shutil.rmtree(self.home)
        subprocess.run(["cp", "-a", str(template), str(self.home)], check=True)

    def stamp(self) -> dict[str, bytes]:
        """What no line may change: all outside the working directory, and what governs."""
        kept = [p for p in self.home.rglob("*") if self.work not in (p, *p.parents)]
        git = self.work / ".git"
        kept += [
            git / "config",
            self.work / ".ml-agent" / "config.json",
            *(git / "hooks").glob("*"),
        ]
        return {str(p): p.read_bytes() for p in kept if p.is_file()}


@contextmanager
def world() -> Iterator[World]:
    """A world, this process's HOME and PATH being those of it."""
    before = dict(os.environ)
    # Not below the temporary folder: reading is free there.
    place = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path.home()
    made = World(Path(tempfile.mkdtemp(prefix="shell-fuzz-", dir=place)))
    try:
        made.build()
        made.reset()
        os.environ.update(made.environment)
        yield made
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(made.root, ignore_errors=True)


def judge(line: str, mode: str, made: World, *, user: bool) -> bool:
    """Whether the line would run without asking."""
    from core.effects import Effect
    from core.policy.decide import Situation, decide

    here = Situation(mode, str(made.work), _rules(user))
    return decide("bash", Effect("execute", command=line), [], here).action == "run"


@cache
def _rules(user: bool) -> Any:
    from configs.layers import shipped_settings
    from core.policy.rules import rules_of

    return rules_of(shipped_settings().permissions, allow=USER_RULES if user else ())


def run_lines(lines: Sequence[str], made: World) -> list[str]:
    """Runs them, one after another. Returns the wires that tripped."""
    before = made.stamp()
    script = made.root / "lines"
    script.write_bytes(b"".join(os.fsencode(line) + b"\0" for line in lines))
    command = ["bash", "--norc", "-c", DRIVER, "fuzz", str(script)]
    process = subprocess.Popen(
        command, cwd=made.work, env=made.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        output = process.communicate(timeout=20 + len(lines))[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output = process.communicate()[0]
    found = [
        f"{line!a} took too long" for line in lines if len(lines) == 1 and process.returncode == -9
    ]
    if made.tripped.exists():
        found.append("a program ran that no rule allows")
    for wire, what in ((SECRET, "a secret was read"), (OUTSIDE, "a file outside was read")):
        if wire.encode() in output or _copied(wire, made):
            found.append(what)
    if made.stamp() != before:
        found.append("a file outside, or one that governs, was written")
    made.reset()
    return found


def _copied(wire: str, made: World) -> bool:
    """Whether a file of the working directory holds what it did not."""
    own = {".env", "server.pem"}
    for path in made.work.rglob("*"):
        if path.is_symlink() or not path.is_file() or ".git" in path.parts or path.name in own:
            continue
        if wire.encode() in path.read_bytes():
            return True
    return False


def fuzz(count: int, seed: int, *, progress: bool = False) -> tuple[int, list[str]]:
    """(how many of `count` lines ran, what tripped)."""
    rnd = random.Random(seed)
    ran, trips, waiting, started = 0, [], list[str](), time.monotonic()
    with world() as made:
        for number in range(1, count + 1):
            line = lines_of(rnd, made.blob, made.tree)
            user = number % 2 == 0
            mode = "read-only" if number % 7 == 0 and not user else "ask"
            if "\0" not in line and judge(line, mode, made, user=user):
                waiting.append(line)
            if waiting and (len(waiting) == BATCH or number == count):
                ran += len(waiting)
                found = _tripping(waiting, made)
                trips, waiting = [*trips, *found], []
                if progress and found:
                    print("\n".join(found), file=sys.stderr, flush=True)
            if progress and number % 10_000 == 0:
                took = time.monotonic() - started
                print(
                    f"{number} lines, {ran} run, {len(trips)} trips, {took:.0f} s", file=sys.stderr
                )
    return ran, trips


def _tripping(lines: Sequence[str], made: World) -> list[str]:
    """The lines of a batch that trip a wire, each run again alone; the batch if none does."""
    found = run_lines(lines, made)
    if not found:
        return []
    alone = [f"{line!a}: {wire}" for line in lines for wire in run_lines([line], made)]
    return alone or [f"{lines!a}, one after another: {', '.join(found)}"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=10_000, help="how many are made (10000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    ran, trips = fuzz(options.lines, options.seed, progress=True)
    print("\n".join(trips))
    print(f"{options.lines} lines, {ran} run without asking and in bash, {len(trips)} trips")
    return 1 if trips else 0


if __name__ == "__main__":
    raise SystemExit(main())
