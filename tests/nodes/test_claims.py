"""The claims of an answer, in turns against the stand-in model."""

from pathlib import Path

from configs.settings import Settings
from graph.options import RunOptions
from graph.session import Session
from graph.transcript.format import read_recording
from graph.transcript.recorded_model import ReplayModel
from graph.transcript.write import as_jsonl
from tests.graph.driving import Driver, driven
from tests.stand_ins.model_script import Asked, Call, Reply, in_order

MEASURE = Reply(calls=[Call("bash", {"command": "echo accuracy=0.93124 loss=0.2104"})])


def unsourced(event: object) -> list[str]:
    return [claim["text"] for claim in event.claims if claim["call"] is None]  # type: ignore[attr-defined]


def notes(driver: Driver) -> list[str]:
    return [m["content"] for m in driver.messages if m["role"] == "user"][1:]


async def test_what_has_a_source_costs_no_request(settings: Settings, workdir: Path) -> None:
    replies = [MEASURE, Reply("It reaches 93.1 % with a loss of 0.21, after 250 steps.")]
    async with driven(in_order(replies), settings, workdir) as driver:
        done = await driver.send("train for 250 steps")
        assert len(driver.server.bodies) == 2
        call = driver.named("tool_call")[0].id
        assert done.claims == [
            {"text": "93.1%", "call": call},
            {"text": "0.21", "call": call},
            {"text": "250", "call": "user"},
        ]


async def test_the_model_is_asked_once(settings: Settings, workdir: Path) -> None:
    lie = "It reaches 97.3 %, see `out/curve.png` and https://example.org/run."
    replies = [
        MEASURE,
        Reply(lie),
        Reply("It reaches 93.1 %, about 88 with more data."),
        Reply("ok"),
    ]
    async with driven(in_order(replies), settings, workdir) as driver:
        done = await driver.send("train")
        assert (done.status, done.text) == ("done", replies[2].text)
        assert unsourced(done) == ["88"]
        (asked,) = notes(driver)
        assert all(f"- {text}\n" in asked for text in ("97.3%", "out/curve.png"))
        assert "- https://example.org/run\n" in asked
        # What the program quoted is no source in the next turn.
        again = await driver.send("and?")
        assert again.text == "ok"
        driver.server.choose = lambda asked: Reply("97.3 %")
        assert unsourced(await driver.send("sure?")) == ["97.3%"]


async def test_an_estimate_is_not_asked_about(settings: Settings, workdir: Path) -> None:
    replies = [MEASURE, Reply("It reaches 93.1 %. I estimate 48 GB for the large one.")]
    async with driven(in_order(replies), settings, workdir) as driver:
        assert unsourced(await driver.send("train")) == ["48 GB"]
        assert len(driver.server.bodies) == 2


async def test_knowledge_is_only_marked(settings: Settings, workdir: Path) -> None:
    async with driven([Reply("MNIST has 60,000 images.")], settings, workdir) as driver:
        assert unsourced(await driver.send("how large is MNIST?")) == ["60,000"]
        assert len(driver.server.bodies) == 1


async def test_the_setting_turns_it_off(settings: Settings, workdir: Path) -> None:
    for setting, marked in (("mark", ["97.3%"]), ("off", [])):
        chosen = settings.model_copy(update={"claims": setting})
        async with driven(in_order([MEASURE, Reply("97.3 %")]), chosen, workdir) as driver:
            assert unsourced(await driver.send("train")) == marked
            assert len(driver.server.bodies) == 2


async def test_no_limit_is_reached_by_asking(settings: Settings, workdir: Path) -> None:
    replies = in_order([MEASURE, Reply("97.3 %")])
    async with driven(replies, settings, workdir, max_iterations=2) as driver:
        done = await driver.send("train")
        assert (done.status, unsourced(done)) == ("done", ["97.3%"])


async def test_what_was_compacted_is_a_source(settings: Settings, workdir: Path) -> None:
    steps = iter(range(12))

    def choose(asked: Asked) -> Reply:
        if not asked.tools:
            return Reply("SUMMARY: the accuracy was 0.4711")
        step = next(steps, None)
        if step is None:
            return Reply("Step 3 printed 0.73129; the accuracy was 0.4711.")
        return Reply(calls=[Call("bash", {"command": f"echo 0.{step}3129; seq 3000 4600"})])

    small = settings.model_copy(update={"context_window": 16_000, "claims": "mark"})
    async with driven(choose, small, workdir) as driver:
        done = await driver.send("count")
        assert driver.named("compacted")
        # A number that only the summary has was made up by whoever wrote that.
        assert unsourced(done) == ["0.4711"]


async def test_words_of_the_model_are_no_source(settings: Settings, workdir: Path) -> None:
    writes = [
        Call("write", {"path": "README.md", "content": "accuracy 0.9773\n"}),
        Call("write", {"path": "train.py", "content": "rate = 0.0125\n"}),
        Call("plan", {"items": [{"id": "1", "text": "reach 0.8123", "status": "completed"}]}),
    ]
    said = Reply("0.9773 with a rate of 0.0125, as planned: 0.8123. See README.md and train.py.")
    chosen = settings.model_copy(update={"claims": "mark"})
    async with driven(
        in_order([Reply(calls=writes), said]), chosen, workdir, mode="yolo"
    ) as driver:
        assert unsourced(await driver.send("write it")) == ["0.9773", "0.8123"]


async def test_an_answer_in_json_keeps_its_form(settings: Settings, workdir: Path) -> None:
    async with driven(in_order([MEASURE, Reply('{"acc": 0.977}')]), settings, workdir) as driver:
        assert unsourced(await driver.send("as JSON")) == ["0.977"]
        assert len(driver.server.bodies) == 2


async def test_a_replay_is_asked_as_its_recording_was(settings: Settings, workdir: Path) -> None:
    """A recording from before there were claims has no answer to the question about them."""
    replies = [MEASURE, Reply("97.3 %"), Reply("93.1 %")]
    for setting, answers in (("mark", ["97.3 %"]), ("ask", ["97.3 %", "93.1 %"])):
        chosen = settings.model_copy(update={"claims": setting})
        async with driven(in_order(replies), chosen, workdir) as driver:
            await driver.send("train")
            row, messages = driver.session.thread, await driver.session._stored.messages()
        path = workdir / f"{setting}.jsonl"
        path.write_text("\n".join(as_jsonl(row, messages)) + "\n")
        model = ReplayModel(read_recording(path), cwd=str(workdir))
        alone = RunOptions(interactive=False)
        async with Session.open(settings, cwd=workdir, models=model, options=alone) as session:
            events = [event async for event in session.send("train")]
        said = [event.text for event in events if event.name == "assistant_message"]  # type: ignore[attr-defined]
        assert (events[-1].name, said) == ("turn_complete", answers)
