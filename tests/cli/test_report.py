"""`ml-agent report`: what reproduces a run, the same after a kill as without one."""

import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.cli.program import Program, program
from tests.cli.program_process import start
from tests.stand_ins.model_script import Call, Reply

SCRIPT = """import os, random, time
random.seed(1729)
weights = [random.random() for _ in range(8)]
open("began", "a").write("x")
while os.path.exists("hold"):
    time.sleep(0.05)
print(f"METRIC loss={sum(weights) / 8:.4f} rows={len(weights) * 16}")
"""
WORK = [
    Reply(calls=[Call("write", {"path": "train.py", "content": SCRIPT})]),
    Reply(calls=[Call("bash", {"command": "python3 train.py --epochs 30"})]),
    Reply(calls=[Call("ask_user", {"question": "Which licence?"})]),
    Reply("It ran 30 epochs over 128 rows."),
]
TASK = ("--mode", "yolo", "train it for 30 epochs")


def reports(run: Program) -> tuple[str, str]:
    text, found = run("report"), run("report", "--json")
    assert (text.returncode, found.returncode) == (0, 0), text.stderr + found.stderr
    return text.stdout, found.stdout


def killed_and_resumed(run: Program) -> None:
    """The program is killed while the training runs, which goes on; a resume takes its result."""
    (run.work / "hold").touch()
    process = start(
        run.command("-m", "openai/stand-in", *TASK),
        cwd=run.work,
        env=run.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    late = time.monotonic() + 60
    while not (run.work / "began").exists() and time.monotonic() < late:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    (run.work / "hold").unlink()
    done = run("sessions", "resume")
    assert done.returncode == 0, done.stderr


def test_a_killed_run_has_the_report_of_an_undisturbed_one(tmp_path: Path) -> None:
    found = []
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        with program(folder, WORK) as run:
            if name == "killed":
                killed_and_resumed(run)
            else:
                assert run.task(*TASK).returncode == 0
            assert (run.work / "began").read_text() == "x"
            found.append(reports(run))
    assert found[0] == found[1]
    text, report = found[0][0], json.loads(found[0][1])
    (command,) = report["commands"]
    digest = hashlib.sha256(SCRIPT.encode()).hexdigest()
    assert command["files"]["train.py"] == digest
    assert (command["outcome"], command["exit_code"]) == ("done", 0)
    assert report["seeds"] == ["random.seed = 1729"]
    assert report["metrics"]["1"]["rows"] == 128
    assert report["hardware"]["cores"] == os.cpu_count()
    assert [d["about"] for d in report["decisions"]] == ["Which licence?"]
    assert report["claims"] == [
        {"text": "30", "source": "command 1"},
        {"text": "128", "source": "command 1"},
    ]
    assert f"`train.py`: sha256 {digest}" in text
    assert str(tmp_path) not in found[0][0] + found[0][1]
