"""`experiments run`: the whole loop without a terminal, killed and continued. Real processes."""

import json
from pathlib import Path

from tests.cli.program import program
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.test_goals import killed
from tests.test_waits import listed, once

JUDGE = "sleep 0.1; echo METRIC loss=$(cat train.txt)\n"
#: By trial, what its value is.
VALUES = ["0.95", "0.6", "0.7", "0.4", "0.5", "0.3"]
RUN = (
    "-m", "openai/stand-in", "experiments", "run", "lower the loss", "--metric", "loss",
    "--command", "sh judge.sh", "--frozen", "judge.sh", "--repeats", "1", "--max-trials", "4",
)  # fmt: skip


def made(asked: Asked) -> int:
    """Trials that the conversation has results of."""
    results = [turn.text for turn in asked.turns if turn.role == "tool"]
    return sum(text.startswith("Trial ") and not text.startswith("Trial 0") for text in results)


def worker(asked: Asked) -> Reply:
    """Defines it wrongly, then as it was asked; then two trials in each turn."""
    results = [turn.text for turn in asked.turns if turn.role == "tool"]
    if not any(text.startswith("Trial 0") for text in results):
        given = {"operation": "define", "metric": "loss" if results else "accuracy", "repeats": 1,
                 "command": "sh judge.sh", "frozen": ["judge.sh"]}  # fmt: skip
        return Reply(calls=[Call("experiment", given)])
    if asked.user_messages == 1 or asked.step == 6:
        return Reply("that is it for now", delay=0.2)
    value = VALUES[made(asked)]
    calls = [
        Call("read", {"path": "train.txt"}),
        Call("write", {"path": "train.txt", "content": f"{value}\n"}),
        Call("experiment", {"operation": "run", "hypothesis": f"to {value}"}),
    ]
    return Reply(calls=[calls[asked.step % 3]])


def test_the_whole_loop_over_two_kills(tmp_path: Path) -> None:
    with program(tmp_path, worker) as run:
        (run.work / "judge.sh").write_text(JUDGE)
        (run.work / "train.txt").write_text("0.9\n")

        def bodies() -> int:
            return len(run.server.bodies)

        killed(run, lambda: bodies() >= 6, *RUN, "--max-cost", "1")
        (thread,) = listed(run)
        assert (thread["status"], thread["goal"]["state"]) == ("cut off", "active")
        killed(run, lambda: bodies() >= 12, "sessions", "resume", thread["id"])
        once(run)
        (thread,) = listed(run)
        assert thread["goal"]["state"] == "achieved", thread
        assert thread["goal"]["until"] == "4 trials of sh judge.sh"
        shown = json.loads(run("experiments", "list", "--json").stdout)
        verdicts = [(one["hypothesis"], one["verdict"]) for one in shown["trials"]]
        assert verdicts == [
            ("baseline", "baseline"), ("to 0.95", "discard"), ("to 0.6", "keep"),
            ("to 0.7", "discard"), ("to 0.4", "keep"),
        ]  # fmt: skip
        assert (run.work / "train.txt").read_text() == "0.4\n"
        outputs = [m["content"] for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert any("the user asked for metric loss, direction min" in text for text in outputs)
        requests = bodies()
        again = run.task("-c", *RUN, "--json")
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["goal"]["state"] == "achieved"
        assert bodies() == requests
        more = run.task("-c", *RUN[:-1], "9", "--max-turns", "1")
        assert more.returncode == 4, more.stderr
        other = run.task("-c", *RUN, "--metric", "size")
        assert other.returncode == 2
        assert "the experiment of this session has metric loss" in other.stderr
