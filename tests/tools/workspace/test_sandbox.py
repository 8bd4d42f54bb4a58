"""A sandbox's life: made once, found again, paid hour by hour, ended; what it may see."""

import asyncio
from typing import Any

import pytest

from configs.settings import Settings
from core.durable import Caps, Scope
from core.history import Call
from core.hub.library import SANDBOX_NAMES, sandbox_library
from core.store import open_store
from core.tool import ToolContext
from nodes.permitted import Permitted
from nodes.services import build_services, in_sandbox
from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.sandbox_server import SandboxServer
from tests.stand_ins.service import Answer
from tests.tools.bench import THREAD, Bench
from tools.workspace.sandbox import lifetime as module
from tools.workspace.sandbox.all_sandboxes import end_all, living
from tools.workspace.sandbox.client import LABEL

#: Micro-USD of an hour of cpu-basic at the stand-in.
HOUR = 167 * 60


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKS", (0.0, 0.01))
    monkeypatch.setattr(module, "TICK", 0.01)


async def spent(bench: Bench) -> int:
    return (await bench.services.ledger.spent("thread", THREAD)).amount


async def call(bench: Bench, cap: int | None, command: str) -> Any:
    """A command of a run that may spend `cap` micro-USD."""
    permitted = Permitted(Call(bench.new_id(), "bash", {"command": command}), sandbox=True)
    return await bench.run(permitted, cap)


def context(bench: Bench) -> ToolContext:
    """A call that asks for the sandbox."""

    async def note(evidence: dict[str, Any]) -> None:
        raise AssertionError("nothing to note")

    emit = bench.events.append
    return ToolContext("call_1", "bash", THREAD, str(bench.cwd), bench.services, emit, note)


async def test_it_is_made_at_the_first_call_and_said_once(inside: Bench, hub: HubServer) -> None:
    assert hub.jobs.jobs == {}
    assert (await inside.call("process", operation="list")).text.startswith("no background")
    assert hub.jobs.jobs == {}
    first, second = await asyncio.gather(
        inside.call("bash", command="echo one"), inside.call("bash", command="echo two")
    )
    (job,) = hub.jobs.jobs.values()
    assert job.body["labels"][LABEL] == THREAD
    assert job.body["labels"]["hf-sandbox"] == "1"
    assert (job.body["flavor"], job.body["dockerImage"]) == ("cpu-basic", "python:3.12")
    assert job.body["environment"]["SBX_IDLE_TIMEOUT"] == "600"
    texts = sorted([first.text, second.text])
    assert [text.splitlines()[-2] for text in texts] in (["one", "two"], ["two", "one"])
    assert sum("a new, empty sandbox" in text for text in texts) == 1
    said = [line for line in inside.logs() if "its files die with it" in line]
    assert len(said) == 1
    assert "undo does not cover them" in said[0]
    assert await spent(inside) == HOUR


async def test_no_credential_goes_there_but_those_that_the_settings_name(
    inside: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    seen = await inside.call("bash", command="env | grep -c 'HF_TOKEN\\|GITHUB_TOKEN'")
    assert "0\n[exit code 1]" in seen.text
    (job,) = hub.jobs.jobs.values()
    assert set(job.body["secrets"]) == {"SBX_TOKEN"}
    assert "hf_ann" not in str(job.body)
    await inside.services.backend.end()
    wanted = inside.services.settings.sandbox.model_copy(update={"secrets": ["HF_TOKEN", "KEY"]})
    inside.services.backend._settings = inside.services.settings.model_copy(
        update={"sandbox": wanted}
    )
    refused = await inside.call("bash", command="true")
    assert refused.text == "sandbox.secrets: KEY is not among child_tokens"
    wanted.secrets.remove("KEY")
    seen = await inside.call("bash", command='test "$HF_TOKEN" = hf_ann')
    assert seen.ok


async def test_a_later_process_uses_the_same_one(
    inside: Bench, given: Settings, hub: HubServer
) -> None:
    await inside.call("write", path="a.txt", content="kept")
    store = await open_store(given)
    try:
        services = in_sandbox(build_services(given, store), THREAD, "cpu-basic")
        again = Bench(services, inside.cwd, sandbox=True)
        seen = await again.call("read", call_id="call_later", path="a.txt")
        assert seen.text == "     1\tkept"
        assert any("is used again" in line for line in again.logs())
        assert await spent(again) == HOUR
        await services.backend.close()
    finally:
        await store.close()
    assert len(hub.jobs.jobs) == 1


async def test_a_kill_right_after_it_was_asked_for_makes_no_second_one(
    inside: Bench, given: Settings, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing of the process runs after it."""

    async def killed(*args: Any) -> Any:
        raise Killed

    run = context(inside)
    spending = module.Spending(Scope(THREAD, "i", "t", "2026-11-21"), Caps(), True)
    with monkeypatch.context() as patch:
        patch.setattr(module, "connected_to", killed)
        with pytest.raises(Killed):
            await inside.services.backend.begin(run.log, spending)
    assert len(hub.jobs.jobs) == 1
    store = await open_store(given)
    try:
        services = in_sandbox(build_services(given, store), THREAD, "cpu-basic")
        again = Bench(services, inside.cwd, sandbox=True)
        assert (await again.call("bash", command="true")).ok
        assert await spent(again) == HOUR
        await services.backend.close()
    finally:
        await store.close()
    assert len(hub.jobs.jobs) == 1


async def test_a_lost_answer_makes_no_second_one(inside: Bench, hub: HubServer) -> None:
    broken = Answer({"error": "gateway"}, 502)
    hub.misbehave(broken, path="/api/jobs/ann", method="POST", times=1, after=True)
    assert (await inside.call("bash", command="true")).ok
    assert len(hub.jobs.jobs) == 1


async def test_a_refused_one_costs_nothing(inside: Bench, hub: HubServer) -> None:
    hub.misbehave(Answer({"error": "no"}, 402), path="/api/jobs/ann", method="POST", times=1)
    refused = await inside.call("bash", command="true")
    assert not refused.ok
    assert await spent(inside) == 0


async def test_without_leave_none_is_made(inside: Bench, hub: HubServer) -> None:
    inside.sandbox = False
    refused = await inside.call("read", path="a.txt")
    assert "call again, and a new one is asked for" in refused.text
    assert hub.jobs.jobs == {}


async def test_one_that_ended_by_itself_is_told_of_and_settled(
    inside: Bench, hub: HubServer
) -> None:
    await inside.call("write", path="a.txt", content="x")
    begun = inside.new_id()
    _, note = await inside.services.backend.prepare(THREAD, begun)
    await inside.begun(begun, "bash", note)
    hub.jobs.end("COMPLETED", "idle", seconds=60)
    gone = await inside.call("read", path="a.txt")
    assert "has ended (idle), and its files are gone" in gone.text
    assert await spent(inside) == 167
    lost = await inside.call("bash", call_id=begun, command="echo again")
    assert (lost.outcome, "which has ended" in lost.text) == ("unknown", True)
    missing = await inside.call("read", path="a.txt")
    assert "a new, empty sandbox was started" in missing.text
    assert len(hub.jobs.jobs) == 2
    assert await spent(inside) == 167 + HOUR


async def test_each_hour_is_set_aside_and_it_ends_at_the_cap(
    inside: Bench, hub: HubServer, boxes: SandboxServer
) -> None:
    now = [1_000_000.0]
    inside.services.backend._services.clock = inside.services.clock = lambda: now[0]
    told: list[str] = []
    inside.services.backend._notice = told.append
    assert (await call(inside, 2 * HOUR + 10, "true")).ok
    assert await spent(inside) == HOUR
    now[0] += 3590
    (job,) = hub.jobs.jobs.values()
    job.seconds = 7200
    # Nothing is asked of it meanwhile.
    await _until(lambda: spent(inside), 2 * HOUR)
    assert job.stage == "RUNNING"
    now[0] += 3600
    await _until(lambda: _stage(job), "CANCELED")
    await _until(lambda: _count(told), 1)
    assert told[0].startswith(f"the next hour of the sandbox {job.id} costs $0.01")
    assert "its files are gone" in told[0]
    assert await spent(inside) == 2 * HOUR
    refused = await call(inside, 2 * HOUR + 10, "true")
    assert "a sandbox on cpu-basic costs $0.01, and $0.00 are left" in refused.text
    assert len(hub.jobs.jobs) == 1


async def test_over_the_cap_none_is_made(inside: Bench, hub: HubServer) -> None:
    refused = await call(inside, HOUR - 1, "true")
    assert "costs $0.01" in refused.text
    assert hub.jobs.jobs == {}
    assert await spent(inside) == 0


async def test_the_end_settles_what_it_cost(inside: Bench, hub: HubServer) -> None:
    await inside.call("bash", command="true")
    (job,) = hub.jobs.jobs.values()
    job.seconds = 120
    assert await inside.services.backend.end() == (
        f"the sandbox {job.id} was ended; it came to $0.0003"
    )
    assert job.stage == "CANCELED"
    assert await spent(inside) == 334
    assert await inside.services.backend.end() == ""


async def test_what_is_asked_before(inside: Bench, hub: HubServer) -> None:
    backend, run = inside.services.backend, context(inside)
    quote = await backend.quote(run.log)
    assert quote.price_micro_usd == HOUR
    assert "a sandbox on cpu-basic (" in quote.words
    assert "$0.01 an hour" in quote.words
    backend._flavor = "cpu-basik"
    assert "there is no 'cpu-basik'" in (await backend.quote(run.log)).problem
    backend._flavor = "cpu-basic"
    hub.misbehave(errors.BROKEN_NOW, path="/api/jobs/hardware")
    quote = await backend.quote(run.log)
    assert (quote.price_micro_usd, quote.problem) == (None, "")
    hub.behave()
    await inside.call("bash", command="true")
    assert await backend.quote(run.log) is None


async def test_those_that_live_are_listed_and_end_with_their_thread(
    inside: Bench, given: Settings, hub: HubServer
) -> None:
    assert await living(given) == []
    await inside.call("bash", command="true")
    (one,) = await living(given)
    assert (one.flavor, one.thread, one.driven, one.known) == ("cpu-basic", THREAD, False, False)
    assert one.how_to_end == f"hf jobs cancel ann/{one.id}"
    store = await open_store(given)
    try:
        assert await end_all(given, store, THREAD) == [one.id]
    finally:
        await store.close()
    assert await living(given) == []


async def test_a_job_that_only_has_the_label_gets_no_token(
    inside: Bench, hub: HubServer, boxes: SandboxServer
) -> None:
    await inside.call("bash", command="true")
    (job,) = hub.jobs.jobs.values()
    job.body["command"] = ["sh", "-c", "steal"]
    await inside.services.backend.close()
    before = len(boxes.requests)
    refused = await inside.call("bash", command="true")
    assert "does not run what this thread's sandbox was made with" in refused.text
    assert f"`hf jobs cancel {job.id}` ends it" in refused.text
    assert len(boxes.requests) == before


async def test_a_sandbox_outlives_an_upgrade_of_the_library(
    inside: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was made with is in the journal: a release with another command knows it."""
    library = sandbox_library()
    await inside.call("bash", command="echo kept > file")
    await inside.services.backend.close()
    monkeypatch.setattr(library, "_bootstrap_command", lambda: ["sh", "-c", "newer"])
    assert (await inside.call("bash", command="cat file")).text.startswith("kept")
    assert len(hub.jobs.jobs) == 1


@pytest.mark.parametrize("name", sorted(SANDBOX_NAMES))
async def test_a_release_without_a_name_starts_nothing(
    inside: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    holder, _, last = f"huggingface_hub._sandbox.{name}".rpartition(".")
    monkeypatch.delattr(f"{holder}.{last}")
    result = await inside.call("bash", command="true")
    assert f"has no {name}" in result.text
    assert "pip install 'huggingface_hub>=" in result.text
    assert not hub.jobs.jobs


async def _stage(job: Any) -> str:
    return str(job.stage)


async def _count(told: list[str]) -> int:
    return len(told)


async def _until(look: Any, wanted: Any) -> None:
    deadline = asyncio.get_running_loop().time() + 30
    while await look() != wanted:
        assert asyncio.get_running_loop().time() < deadline, "it never happened"
        await asyncio.sleep(0.01)
