"""Commands in the background: live in the chat while it idles, and their end is told."""

from pathlib import Path

import pytest

from tests.cli.program import program
from tests.cli.screens import terminal
from tests.stand_ins.model_script import Asked, Call, Reply

TRAIN = (
    "for n in 1 2 3 4; do echo \"{'loss': 0.$((9 - n)), 'epoch': $n}\"; done; "
    "until [ -e go ]; do sleep 0.1; done; echo over"
)


def choose(asked: Asked) -> Reply:
    if asked.step == 0:
        return Reply(calls=[Call("bash", {"command": TRAIN, "background": True})])
    return Reply("it runs")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_training_in_the_background(columns: int, tmp_path: Path) -> None:
    with program(tmp_path, choose) as run, terminal(run, "--yolo", columns=columns) as chat:
        chat.prompt()
        chat.enter("train")
        chat.expect("it runs")
        chat.prompt()  # idle, and still it is shown
        chat.until(
            lambda: any("│ loss 0.80 █▆▃▁ 0.50" in line for line in chat.visible),
            "the training's line",
        )
        (run.work / "go").touch()
        chat.expect("command .* ended")
        chat.expect("exit code 0")
        chat.gone("│ loss")
