"""branch: sub-agents try ideas at once, each in a copy of the folder; the best lands in it."""

import re
import threading
from pathlib import Path
from typing import Any

import pytest

from configs.instructions import trial_prompt
from configs.settings import Settings
from core.experiments.record import Trial
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply

#: Reads train.txt as data. What git ignores is needed, too.
JUDGE = "test -f data/rows.bin || exit 1; echo METRIC loss=$(cat train.txt)\n"
DEFINE = {
    "operation": "define", "metric": "loss", "command": "sh judge.sh", "frozen": ["judge.sh"],
    "repeats": 1,
}  # fmt: skip
IDEAS = {"worse": "0.95", "better": "0.5", "best": "0.4"}


def inside(asked: Asked) -> bool:
    return asked.turns[0].text == trial_prompt()


def hypothesis_of(asked: Asked) -> str:
    task = next(turn.text for turn in asked.turns if turn.role == "user")
    return task.partition("Hypothesis: ")[2].splitlines()[0]


def write(path: str, content: str) -> Call:
    return Call("write", {"path": path, "content": content})


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def trying(asked: Asked) -> Reply:
    """What a sub-agent does: its file, then a look at where it is."""
    idea = hypothesis_of(asked)
    steps = [
        Reply(calls=[Call("read", {"path": "train.txt"})]),
        Reply(calls=[write("train.txt", f"{IDEAS[idea]}\n")]),
        Reply(calls=[bash("pwd; cat train.txt")]),
        Reply(f"It is {idea}."),
    ]
    return steps[asked.step]


def scripted(*calls: Call, within: Any = trying) -> Any:
    """The thread's model makes a call after another; its sub-agents answer as `within` says."""

    def choose(asked: Asked) -> Reply:
        if inside(asked):
            return within(asked)  # type: ignore[no-any-return]
        if asked.step < len(calls):
            return Reply(calls=[calls[asked.step]])
        return Reply("done")

    return choose


def folder(workdir: Path) -> None:
    (workdir / "judge.sh").write_text(JUDGE)
    (workdir / "train.txt").write_text("0.9\n")
    (workdir / ".gitignore").write_text("data/\n")
    (workdir / "data").mkdir()
    (workdir / "data" / "rows.bin").write_bytes(b"\0" * 1000)


async def trials_of(driver: Driver) -> list[Trial]:
    found = await driver.session.experiment()
    assert found is not None
    return found[1]


def copies(settings: Settings) -> list[Path]:
    return list(settings.state_path().glob("threads/*/copies/*"))


BRANCH = Call("experiment", {"operation": "branch", "hypotheses": [*IDEAS]})
BEGIN = Call("experiment", DEFINE)


async def test_the_best_of_three_lands_and_the_others_do_not(
    settings: Settings, workdir: Path
) -> None:
    folder(workdir)
    async with driven(scripted(BEGIN, BRANCH), settings, workdir, mode="auto") as driver:
        assert (await driver.send("go")).name == "turn_complete"
        text = driver.outputs()[-1]
        _, *three = await trials_of(driver)
        assert [one.hypothesis for one in three] == [*IDEAS], text
        assert [one.verdict for one in three] == ["discard", "keep", "keep"], text
        assert {one.parent for one in three} == {0}
        assert [one.value for one in three] == [0.95, 0.5, 0.4]
        assert all(one.files == ["train.txt"] for one in three)
        assert "+0.4" in three[2].diff
        assert three[2].note == "It is best."
        assert all(one.tokens == 4 * 120 for one in three)
        assert (workdir / "train.txt").read_text() == "0.4\n"
        assert "The folder is at trial 3." in text
        assert copies(settings) == []
        ids = {event.id for event in driver.named("tool_log")}
        assert len(ids) == 2


class Meeting:
    """Sub-agents that try to reach each other, the original and their judge; once all are there,
    the files of all places are looked at."""

    def __init__(self, settings: Settings, original: Path) -> None:
        self.settings, self.original = settings, original
        self.met = threading.Barrier(len(IDEAS), self.look, timeout=60)
        self.files: dict[str, dict[tuple[int, int], str]] = {}
        self.results: dict[str, list[str]] = {}

    def look(self) -> None:
        for place in (self.original, *copies(self.settings)):
            found = self.files[str(place)] = {}
            for file in place.rglob("*"):
                if file.is_file() and ".git" not in file.relative_to(place).parts:
                    status = file.stat()
                    found[status.st_dev, status.st_ino] = file.name

    def choose(self, asked: Asked) -> Reply:
        idea = hypothesis_of(asked)
        others = [str(place) for place in copies(self.settings)]
        places = [str(self.original), *others]
        attempts = [write(f"{place}/{idea}.txt", idea) for place in places]
        attempts += [bash(f"sh -c 'echo {idea} | tee {place}/{idea}-bash.txt'") for place in places]
        attempts += [
            write("judge.sh", "echo METRIC loss=0"),
            bash("echo 'echo METRIC loss=0' | tee judge.sh"),
            bash(f"echo x > {self.original}/redirected.txt"),
            Call("edit", {"path": f"{self.original}/train.txt", "old": "0.9", "new": "0"}),
        ]
        if asked.step == 0:
            return Reply(calls=[Call("read", {"path": "train.txt"})])
        if asked.step == 1:
            return Reply(calls=[write("train.txt", f"{IDEAS[idea]}\n")])
        if asked.step == 2:
            self.met.wait()
            return Reply(calls=attempts)
        self.met.wait()
        self.results[idea] = [t.text for t in asked.turns if t.role == "tool"]
        return Reply(f"It is {idea}.")


@pytest.mark.parametrize("mode", ["auto", "yolo"])
async def test_copies_share_no_file_and_no_sub_agent_leaves_its_own(
    settings: Settings, workdir: Path, mode: str
) -> None:
    folder(workdir)
    meeting = Meeting(settings, workdir)
    script = scripted(BEGIN, BRANCH, within=meeting.choose)
    async with driven(script, settings, workdir, mode=mode) as driver:
        await driver.send("go")
        verdicts = [one.verdict for one in await trials_of(driver)]
        assert verdicts == ["baseline", "discard", "keep", "keep"], meeting.results
    assert len(meeting.files) == 4
    seen = [inode for found in meeting.files.values() for inode in found]
    assert len(seen) == len(set(seen))
    own = {f"{idea}{end}.txt" for idea in IDEAS for end in ("", "-bash")}
    for place, found in meeting.files.items():
        names = set(found.values())
        assert {"judge.sh", "train.txt", "rows.bin"} <= names, place
        # A copy has what its own sub-agent wrote, and nothing of the others.
        assert len(names & own) == (0 if place == str(workdir) else 2), (place, meeting.results)
    landed = {path.name for path in workdir.glob("*.txt")}
    assert landed == {"train.txt", "best.txt", "best-bash.txt"}
    assert (workdir / "judge.sh").read_text() == JUDGE


async def test_what_a_branch_needs_and_what_comes_to_nothing(
    settings: Settings, workdir: Path
) -> None:
    folder(workdir)
    (workdir / "train.txt").write_text("0.9\n")

    def idle(asked: Asked) -> Reply:
        if hypothesis_of(asked) == "nothing":
            return Reply("I see no way.")
        return trying(asked)

    def branched(*hypotheses: str) -> Call:
        return Call("experiment", {"operation": "branch", "hypotheses": hypotheses})

    calls = [
        branched("better"), BEGIN, branched("worse", "nothing"), branched("worse"),
        Call("read", {"path": "train.txt"}), write("train.txt", "0.8\n"), branched("better"),
    ]  # fmt: skip
    async with driven(scripted(*calls, within=idle), settings, workdir, mode="auto") as driver:
        await driver.send("go")
        outputs = driver.outputs()
        assert "no experiment is defined" in outputs[0]
        _, worse, nothing = await trials_of(driver)
        assert (worse.verdict, nothing.verdict) == ("discard", "crash")
        assert "no file differs from trial 0" in outputs[2]
        assert "I see no way." in outputs[2]
        assert "The folder is at trial 0." in outputs[2]
        assert "this was tried before. 1 discard 0.95: worse" in outputs[3]
        assert "changes are in no trial (train.txt)" in outputs[6]
        assert (workdir / "train.txt").read_text() == "0.8\n"


async def test_a_stop_ends_all_and_leaves_the_folder(settings: Settings, workdir: Path) -> None:
    folder(workdir)

    def slow(asked: Asked) -> Reply:
        return Reply(calls=[bash("sleep 60")])

    async with driven(scripted(BEGIN, BRANCH, within=slow), settings, workdir, mode="auto") as d:
        events = d.session.send("go")
        count = 0
        async for event in events:
            d.events.append(event)
            count += event.name == "tool_log" and event.text.endswith("bash sleep 60")
            if count == 3:
                d.session.interrupt()
        assert d.events[-1].name == "interrupted"
        assert [one.verdict for one in await trials_of(d)] == ["baseline"]
        assert copies(settings) == []
        assert (workdir / "train.txt").read_text() == "0.9\n"


async def test_a_long_judge_measures_copies_in_the_background_and_the_session_waits(
    settings: Settings, workdir: Path
) -> None:
    folder(workdir)
    long = {**DEFINE, "max_time": 1000, "command": "sleep 1; sh judge.sh"}
    two = {"operation": "branch", "hypotheses": ["worse", "best"]}
    calls = [Call("experiment", long), Call("experiment", two)]

    def choose(asked: Asked) -> Reply:
        if inside(asked):
            return trying(asked)
        results = [turn.text for turn in asked.turns if turn.role == "tool"]
        ended = sum("Trial 0: " in text or "Trial 2: " in text for text in results)
        if results and "in the background" in results[-1]:
            run = re.search(r'"process": "([^"]+)"', results[-1])
            assert run is not None
            return Reply(calls=[Call("wait", {"until": [{"process": run[1]}]})])
        return Reply(calls=[calls[ended]]) if ended < 2 else Reply("done")

    async with driven(choose, settings, workdir, mode="auto") as driver:
        last, waits = await driver.send("go"), 0
        while last.name == "waiting":
            waits, requests = waits + 1, len(driver.server.bodies)
            assert await driver.session.until_woken()
            assert len(driver.server.bodies) == requests
            last = await driver.resume()
        assert last.name == "turn_complete"
        trials = await trials_of(driver)
        assert [one.verdict for one in trials] == ["baseline", "discard", "keep"]
        # Each run is one wait: they took turns.
        assert waits == sum(len(one.metrics) for one in trials)
        assert sum(inside_body(body) for body in driver.server.bodies) == 2 * 4
        assert (workdir / "train.txt").read_text() == "0.4\n"
        assert copies(settings) == []


def inside_body(body: dict[str, Any]) -> bool:
    return bool(body["messages"][0]["content"] == trial_prompt())


async def test_an_undo_takes_back_what_landed(settings: Settings, workdir: Path) -> None:
    folder(workdir)

    def choose(asked: Asked) -> Reply:
        if inside(asked):
            return trying(asked)
        is_second = any(turn.text == "branch" for turn in asked.turns)
        return Reply("done") if asked.step else Reply(calls=[BRANCH if is_second else BEGIN])

    async with driven(choose, settings, workdir, mode="auto") as driver:
        await driver.send("define")
        await driver.send("branch")
        assert (workdir / "train.txt").read_text() == "0.4\n"
        await driver.session.undo()
        assert (workdir / "train.txt").read_text() == "0.9\n"
