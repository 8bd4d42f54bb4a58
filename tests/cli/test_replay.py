"""`sessions export` and `replay` as a user types them."""

import json
from pathlib import Path

from tests.cli.program import complaints, program
from tests.stand_ins.model_script import Call, Reply

SCRIPT = [
    Reply("Counting.", calls=[Call("bash", {"command": "wc -l < data.csv; echo x >> effects"})]),
    Reply("There are 3 rows."),
]


def test_export_then_replay_then_a_change(tmp_path: Path) -> None:
    with program(tmp_path, SCRIPT) as run:
        (run.work / "data.csv").write_text("a\nb\nc\n")
        assert run.task("count the rows").returncode == 0

        shown = run("sessions", "export")
        assert shown.returncode == 0
        assert shown.stdout.startswith("# count the rows\n")
        written = run("sessions", "export", "--format", "jsonl", "--to", "s.jsonl")
        assert written.returncode == 0
        assert (run.work / "s.jsonl").stat().st_mode & 0o777 == 0o600
        assert (
            run("sessions", "export", "--format", "jsonl").stdout
            == (run.work / "s.jsonl").read_text()
        )

        same = run("replay", "s.jsonl")
        assert (same.returncode, same.stdout) == (0, "no difference: 2 answers as recorded\n")
        assert (run.work / "effects").read_text() == "x\n"  # nothing was run again

        # With real tools, in a folder where the data is another.
        other = tmp_path / "other"
        other.mkdir()
        (other / "data.csv").write_text("a\n")
        file = str(run.work / "s.jsonl")
        real = run("--mode", "auto", "-C", str(other), "replay", file, "--run-tools")
        assert real.returncode == 1
        assert real.stdout == (
            "first difference: request 2, message 3 (the result of bash): recorded '3', now '1'\n"
        )
        assert (other / "effects").exists()

        changed = (run.work / "s.jsonl").read_text().replace("wc -l", "wc -c")
        (run.work / "s.jsonl").write_text(changed)
        told = run("--output", "json", "replay", "s.jsonl")
        assert told.returncode == 1
        said = json.loads(told.stdout)
        assert said["difference"].startswith("answer 1: the recording was changed")
        assert len(run.server.bodies) == 2  # no replay asked a provider


def test_a_file_decides_about_nothing_that_runs(tmp_path: Path) -> None:
    """Recorded in yolo, or approved by the user who recorded it: it runs by the options only."""
    script = [Reply(calls=[Call("bash", {"command": "touch effects"})]), Reply("done")]
    with program(tmp_path, script) as run:
        assert run.task("--yolo", "make it").returncode == 0
        run("sessions", "export", "--format", "jsonl", "--to", "s.jsonl")
        (run.work / "effects").unlink()
        for options in ([], ["--mode", "ask"], ["--mode", "read-only"]):
            done = run(*options, "-C", str(run.work), "replay", "s.jsonl", "--run-tools")
            assert done.returncode == 1, options
            assert not (run.work / "effects").exists(), options
            assert "first difference: request 2" in done.stdout
        assert run("replay", "s.jsonl").returncode == 0  # nothing runs: as it was recorded
        for options in (["--yolo"], ["--allow", "bash(touch *)"]):
            done = run(*options, "-C", str(run.work), "replay", "s.jsonl", "--run-tools")
            assert done.stdout == "no difference: 2 answers as recorded\n", (options, done.stderr)
            (run.work / "effects").unlink()


def test_what_cannot_be_read_or_written_is_one_line(tmp_path: Path) -> None:
    with program(tmp_path, SCRIPT) as run:
        for arguments in (["replay", "nothing.jsonl"], ["replay", "."]):
            done = run(*arguments)
            assert done.returncode == 2
            assert len(complaints(done)) == 1
        (run.work / "x").write_text("no json")
        done = run("replay", "x")
        assert "x, line 1" in done.stderr
        (run.work / "data.csv").write_text("a\n")
        run.task("count the rows")
        done = run("sessions", "export", "--to", "none/there.md")
        assert (done.returncode, len(complaints(done))) == (2, 1)


def test_a_recording_can_be_the_model(tmp_path: Path) -> None:
    with program(tmp_path, SCRIPT) as run:
        (run.work / "data.csv").write_text("a\nb\nc\n")
        run.task("count the rows")
        run("sessions", "export", "--format", "jsonl", "--to", "s.jsonl")
        again = run("-m", "replay/s.jsonl", "count the rows")
        assert (again.returncode, again.stdout) == (0, "There are 3 rows.\n")
        other = run("-m", "replay/s.jsonl", "count the columns")
        assert other.returncode == 1
        assert "recorded 'count the rows', now 'count the columns'" in other.stderr
        assert run("-m", "replay/none.jsonl", "x").returncode == 2
