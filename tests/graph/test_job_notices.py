"""Jobs in turns: priced before the approval, within the cap, their end told once, never twice."""

from pathlib import Path

import pytest

from benchmarks.jobs_chaos import trial
from cli.shared.jobs import jobs_command, tell_of_jobs
from configs.settings import Settings
from tests.graph.conftest import JOB
from tests.graph.driving import driven
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Reply
from tools.hub.jobs import notices


@pytest.fixture(autouse=True)
def _set(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "BETWEEN", 0.0)


@pytest.fixture
def given(settings: Settings, hub: HubServer) -> Settings:
    return settings.model_copy(update={"hub_url": hub.url})


def launch(asked: Asked) -> Reply:
    """Launches a job, looks around, is told things, ends."""
    if asked.user_messages > 1 and "has ended" not in asked.user:
        return Reply("as you say")
    if "has ended" in asked.user:
        return Reply("it has ended")
    if asked.step == 0:
        return Reply(calls=[Call("hf_jobs", JOB)])
    return Reply("launched")


async def test_the_approval_shows_price_and_what_is_left(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    async with driven(launch, given, workdir, mode="ask", max_cost=1.0) as driver:
        asked = await driver.send("train")
        assert asked.name == "approval_required"
        (request,) = asked.requests
        assert (request["effect"], request["price_micro_usd"]) == ("spend", 200_010)
        assert request["left_micro_usd"] == 1_000_000
        assert "data: none named, not checked" in request["preview"]
        assert hub.jobs.jobs == {}
        changed = {**JOB, "flavor": "cpu-basic"}
        edit = {"type": "edit", "edited_action": {"name": "hf_jobs", "args": changed}}
        ended = await driver.resume([edit])
        assert ended.text == "launched"
        (job,) = hub.jobs.jobs.values()
        assert job.body["flavor"] == "cpu-basic"
        # Set aside is the price of what was approved, not of what was proposed.
        assert (await driver.session.cost())["thread"].amount == 5010


async def test_headless_it_runs_within_the_cap_and_not_over_it(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    async with driven(launch, given, workdir, max_cost=0.1) as driver:
        assert (await driver.send("train")).text == "launched"
        assert hub.jobs.jobs == {}
        assert "it costs $0.2, and $0.1 are left" in driver.outputs()[0]
    async with driven(launch, given, workdir, max_cost=0.5) as driver:
        assert (await driver.send("train")).text == "launched"
        assert len(hub.jobs.jobs) == 1


async def test_a_price_that_is_unknown_is_refused_headless(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    from tests.stand_ins import hub_errors as errors

    hub.misbehave(errors.BROKEN_NOW, path="/api/jobs/hardware")
    async with driven(launch, given, workdir) as driver:
        await driver.send("train")
        assert "its price is not known" in driver.outputs()[0]
        assert hub.jobs.jobs == {}


async def test_arguments_that_cannot_run_are_said_and_nobody_is_asked(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    def choose(asked: Asked) -> Reply:
        wrong = {**JOB, "flavor": "t4-smal"}
        return Reply(calls=[Call("hf_jobs", wrong)]) if asked.step == 0 else Reply("ok")

    async with driven(choose, given, workdir, mode="ask") as driver:
        assert (await driver.send("train")).name == "turn_complete"
        assert "there is no 't4-smal'; there are t4-small" in driver.outputs()[0]


async def test_scheduled_jobs_always_ask(given: Settings, workdir: Path, hub: HubServer) -> None:
    def choose(asked: Asked) -> Reply:
        daily = {**JOB, "operation": "schedule", "cron": "@daily"}
        return Reply(calls=[Call("hf_jobs", daily)]) if asked.step == 0 else Reply("ok")

    for mode in ("auto", "yolo"):
        async with driven(choose, given, workdir, mode=mode) as driver:
            asked = await driver.send("train")
            assert asked.name == "approval_required"
            assert "$0.20 at most" in asked.requests[0]["preview"]
            assert asked.requests[0]["reason"].endswith("approval is always required")
    async with driven(choose, given, workdir, mode="read-only") as driver:
        assert (await driver.send("train")).name == "turn_complete"
    assert hub.jobs.schedules == {}


@pytest.mark.parametrize("stage", ["COMPLETED", "ERROR"])
async def test_the_end_of_a_job_is_told_at_the_next_step_once(
    given: Settings, workdir: Path, hub: HubServer, stage: str
) -> None:
    hub.jobs.looks, hub.jobs.log = 1000, ["{'loss': 2.0}", "{'loss': 1.0}", "bye"]
    async with driven(launch, given, workdir) as driver:
        assert (await driver.send("train")).text == "launched"
        thread = driver.session.thread.id
    hub.jobs.end(stage, "it is over", seconds=60)
    # Another process, another day.
    async with driven(launch, given, workdir, thread=thread) as driver:
        assert (await driver.send("how is it?")).text == "it has ended"
        told = [m["content"] for m in driver.messages if m["role"] == "user"][-1]
        assert f"{stage}: it is over (ran 1 min)" in told
        assert "loss: 2 → 1 over 2 points" in told
        assert told.endswith("bye")
        assert (await driver.session.cost())["thread"].amount == 6667
        await driver.send("and now?")
        said = [m for m in driver.messages if "has ended" in str(m["content"])]
        assert len(said) == 2  # the note, and the answer to it
        states = [e for e in driver.named("tool_state_change") if e.url]
        assert [e.state for e in states] == ["done" if stage == "COMPLETED" else "failed"]


async def test_a_job_whose_end_was_waited_for_is_not_told_again(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    def choose(asked: Asked) -> Reply:
        if asked.step == 0:
            return Reply(calls=[Call("hf_jobs", JOB)])
        if asked.step == 1:
            hub.jobs.end()
            (job,) = hub.jobs.jobs
            return Reply(calls=[Call("hf_jobs", {"operation": "inspect", "id": job})])
        return Reply("done")

    hub.jobs.looks = 1000
    async with driven(choose, given, workdir) as driver:
        await driver.send("train")
        assert all("has ended" not in str(m["content"]) for m in driver.messages)


async def test_a_hub_that_cannot_be_reached_does_not_stop_the_turn(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    from tests.stand_ins import hub_errors as errors

    hub.jobs.looks = 1000
    async with driven(launch, given, workdir) as driver:
        await driver.send("train")
        hub.misbehave(errors.BAD_TOKEN, path="/api/jobs/ann/.*")
        assert (await driver.send("and now?")).text == "as you say"


async def test_an_interrupt_leaves_the_job_and_says_so(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    hub.jobs.looks = 1000

    def choose(asked: Asked) -> Reply:
        if asked.user_messages == 1:
            return Reply(calls=[Call("hf_jobs", {**JOB, "detach": False})])
        return Reply("ok")

    async with driven(choose, given, workdir) as driver:
        async for event in driver.session.send("train"):
            driver.events.append(event)
            if event.name == "tool_state_change" and event.url:  # type: ignore[attr-defined]
                driver.session.interrupt()
        assert driver.events[-1].name == "interrupted"
        (job,) = hub.jobs.jobs.values()
        assert f"Job {job.id} is still running and still costs money" in driver.outputs()[0]
        (running,) = await driver.session.jobs()
        assert (running.id, running.stage) == (job.id, "RUNNING")
        assert (await driver.session.cost())["thread"].amount == 200_010
        await driver.session.cancel_job(job.id)
        assert hub.jobs.jobs[job.id].stage == "CANCELED"
        assert await driver.session.jobs() == []


# --- one job, whenever it is killed ---------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 6))
def test_a_kill_around_the_submit_launches_one_job(number: int, after: bool) -> None:
    """A process is killed at its n-th request to the Hub, before or after that took effect, and
    another one continues. Among the requests are prices, whoami, and the submit."""
    killed, job_notices, last = trial(number, after, 0.0)
    assert (job_notices, last["event"]) == (1, "turn_complete"), (killed, last)


@pytest.mark.parametrize(("number", "after"), [(6, True), (7, False), (7, True)])
def test_a_kill_around_the_deploy_makes_one_endpoint(number: int, after: bool) -> None:
    killed, made, last = trial(number, after, 0.0, "endpoint")
    assert (made, last["event"]) == (1, "turn_complete"), (killed, last)


@pytest.mark.parametrize(("kind", "number"), [("rerun", 5), ("upload", 4)])
def test_a_kill_around_another_change_makes_it_once(kind: str, number: int) -> None:
    killed, times, last = trial(number, True, 0.0, kind)
    assert (killed, times, last["event"]) == (True, 1, "turn_complete")


async def test_what_a_person_is_told_of_jobs(
    given: Settings, workdir: Path, hub: HubServer
) -> None:
    hub.jobs.looks = 1000
    said: list[str] = []
    async with driven(launch, given, workdir) as driver:
        await jobs_command(driver.session, "", said.append)
        await driver.send("train")
        (job,) = hub.jobs.jobs
        assert [j.id for j in await tell_of_jobs(driver.session, said.append)] == [job]
        await jobs_command(driver.session, "", said.append)
        await jobs_command(driver.session, "stop", said.append)
        await jobs_command(driver.session, f"cancel {job}", said.append)
        await jobs_command(driver.session, "", said.append)
    assert said[0] == said[-1] == "no running jobs"
    assert (
        f"is still running and still costs money; /jobs cancel {job} in the chat cancels it"
        in said[1]
    )
    assert said[2].startswith(f"job {job} on t4-small: RUNNING")
    assert said[3:5] == [
        "/jobs lists jobs, /jobs cancel ID cancels one",
        f"job {job} was cancelled",
    ]
