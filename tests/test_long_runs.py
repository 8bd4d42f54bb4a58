"""A turn of 100 iterations ends well and stays small on disk; eight runs share a database."""

import json
import subprocess
from pathlib import Path

from benchmarks.iterations import measure
from benchmarks.programs import Ours
from tests.cli.program import program
from tests.cli.program_process import start
from tests.stand_ins.model_script import Asked, Call, Reply


def test_a_hundred_iterations_stay_within_the_disk_budget() -> None:
    turn = measure(Ours(), 100)
    assert turn.disk <= turn.allowed


def test_eight_runs_at_once_on_one_database(tmp_path: Path) -> None:
    def choose(asked: Asked) -> Reply:
        if asked.step == 8:
            return Reply("ok")
        return Reply(calls=[Call("bash", {"command": f"echo {asked.step}"})] * 2)

    with program(tmp_path, choose) as run:
        command = run.command("-m", "openai/stand-in", "--output", "json", "go")
        processes = [
            start(
                command,
                cwd=run.work,
                env=run.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(8)
        ]
        for process in processes:
            stdout, stderr = process.communicate(timeout=120)
            assert (process.returncode, json.loads(stdout)["text"]) == (0, "ok"), stderr
            assert "locked" not in stderr
        assert not run.server.violations
