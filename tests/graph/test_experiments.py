"""Experiments in a session: what the model reads of them, what it cannot change, and kills."""

from pathlib import Path
from typing import Any

from configs.settings import Settings
from core.experiments.asked import asked_for
from core.experiments.record import Experiment, Judge, Place, Trial
from core.experiments.words import MEMORY, memory
from core.models.tokens import _encoder
from core.store.goals import Terms
from graph.pursuit import pursue
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply, in_order

JUDGE = "echo METRIC size=$(wc -c < train.txt) # judge\n"


def calling(tool: str, **arguments: Any) -> Reply:
    return Reply(calls=[Call(tool, arguments)])


def notes(messages: list[dict[str, Any]]) -> list[str]:
    texts = [str(m["content"]) for m in messages if m["role"] == "user"]
    return [text for text in texts if "The experiment of this thread" in text]


async def test_a_new_turn_begins_with_the_record_once(settings: Settings, workdir: Path) -> None:
    (workdir / "judge.sh").write_text(JUDGE)
    (workdir / "train.txt").write_text("x" * 90)
    script = [
        calling(
            "experiment",
            operation="define",
            metric="size",
            command="sh judge.sh",
            frozen=["judge.sh"],
            repeats=1,
        ),
        calling("write", path="judge.sh", content="echo METRIC size=0"),
        calling("bash", command="echo 'echo METRIC size=0' | tee judge.sh"),
        Reply(text="defined"),
        Reply(text="second turn"),
        Reply(text="third turn"),
    ]
    async with driven(in_order(script), settings, workdir, mode="auto") as driver:
        await driver.send("begin")
        outputs = driver.outputs()
        assert "Trial 0: baseline" in outputs[0]
        assert "judges this work" in outputs[1]
        assert (workdir / "judge.sh").read_text() == JUDGE
        await driver.send("go on")
        (first,) = notes(driver.messages)
        assert "Best: 0 baseline 90" in first
        await driver.send("and on")
        assert notes(driver.messages) == [first]
        found = await driver.session.experiment()
        assert found is not None
        assert [one.verdict for one in found[1]] == ["baseline"]


def test_the_memory_is_bounded_and_follows_from_the_record() -> None:
    judge = Judge("loss", "min", "python judge.py --with " + "option " * 40)
    one = Experiment("t", judge, "/w", "d", 1.0, place=Place("s0"))
    for idea in ("a longer schedule with warm-up ", "más épocas y menos ruido ", "更长的训练计划"):
        trials = [Trial("t", 0, "c0", None, "", "baseline", value=1.0, snapshot="s0")]
        trials += [
            Trial("t", n, f"c{n}", 0, f"{idea * 9}{n}", "discard", value=1.1 + n, note=idea * 20)
            for n in range(1, 60)
        ]
        text = memory(one, trials)
        assert len(text.encode()) <= MEMORY
        assert len(_encoder().encode(text)) <= 600
        assert text == memory(one, list(trials))
        assert "Plateau: nothing kept in 59 trials" in text
        assert "Best: 0 baseline 1" in text
        assert "the folder is at trial 0" in text
        assert "59 discard" in text


async def test_trials_that_are_asked_for_are_a_goal_and_no_more_are_made(
    settings: Settings, workdir: Path
) -> None:
    (workdir / "judge.sh").write_text(JUDGE)
    (workdir / "train.txt").write_text("x" * 90)
    judge = Judge("size", "min", "sh judge.sh", ("judge.sh",), 1)
    define = {"operation": "define", "metric": "size", "command": "sh judge.sh", "repeats": 1}
    script = [
        calling("experiment", **define),
        calling("experiment", **define, frozen=["./judge.sh"]),
        calling("experiment", operation="branch", hypotheses=["one", "two"]),
        calling("bash", command="echo short > train.txt"),
        calling("experiment", operation="run", hypothesis="short"),
        calling("experiment", operation="run", hypothesis="shorter"),
        Reply(text="done"),
    ]
    async with driven(in_order(script), settings, workdir, mode="auto") as driver:
        terms = Terms("", experiment=asked_for(judge, 1))
        await driver.session.set_goal("make it small", judge.command, terms)
        driver.events += [event async for event in pursue(driver.session)]
        outputs = driver.outputs()
        assert "the user asked for metric size, direction min" in outputs[0]
        assert "Trial 0: baseline" in outputs[1]
        assert "Not run: 1 of the trials that the user asked for are left." in outputs[2]
        assert "Trial 1: keep" in outputs[4]
        assert "Not run: 0 of the trials" in outputs[5]
        row = await driver.session.goal()
        assert row is not None
        assert (row.state, row.progress.turns) == ("achieved", 1)
        assert row.reason == "1 of 1 trials are measured. Best: 1 keep 6: short"
        first = next(m["content"] for m in driver.messages if m["role"] == "user")
        assert "Call experiment, define, with metric size" in first
        assert "exits with 0" not in first


async def test_after_a_compaction_the_record_is_read_again(
    settings: Settings, workdir: Path
) -> None:
    """The summary lost it: the note comes from the store, not from the model."""
    (workdir / "judge.sh").write_text(JUDGE)
    (workdir / "train.txt").write_text("x" * 90)
    given = {"metric": "size", "command": "sh judge.sh", "frozen": ["judge.sh"], "repeats": 1}
    first = [
        calling("experiment", operation="define", **given),
        calling("bash", command="head -c 80 train.txt > a; mv a train.txt"),
        calling("experiment", operation="run", hypothesis="fewer letters"),
    ]

    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("a summary that names no trial")
        if asked.index < len(first):
            return first[asked.index]
        # Until the context is too long.
        more = calling("bash", command=f"echo {asked.index}; seq 1000 2600")
        return Reply("done") if asked.index > 9 else more

    small = settings.model_copy(update={"compact_at": 12_000})
    async with driven(choose, small, workdir, mode="auto") as driver:
        assert (await driver.send("make it smaller")).name == "turn_complete"
        assert driver.named("compacted")
        requests = [body["messages"] for body in driver.server.bodies if body.get("tools")]
        is_short = ["a summary that names no trial" in str(each) for each in requests]
        first_short = is_short.index(True)
        assert all(notes(each) == [] for each in requests[:first_short])
        (told,) = notes(requests[first_short])
        assert "Best: 1 keep 80: fewer letters" in told
        assert "the folder is at trial 1" in told
