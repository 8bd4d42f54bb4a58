"""hf_endpoint against the stand-in service, through the real huggingface_hub."""

import hashlib
from typing import Any

import pytest

from core.history import Call
from core.policy.decide import Situation, decide
from nodes.permitted import Permitted
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.service import Answer
from tests.tools.bench import THREAD, Bench
from tools.hub.endpoints import deploy
from tools.hub.endpoints.service import LONGEST, name_for
from tools.hub.jobs.notices import ended_jobs

L4 = "aws-us-east-1-nvidia-l4-x1"
DEPLOY: dict[str, Any] = {
    "operation": "deploy", "model": "ann/Tuned_7B.v2@abc", "hardware": L4, "hours": 4
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "LOOKS", (0.0, 0.02))


def only(hub: HubServer) -> dict[str, Any]:
    (one,) = hub.endpoints.made.values()
    return one


def later(bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = bench.services.clock()
    monkeypatch.setattr(bench.services, "clock", lambda: now + seconds)


async def spent(bench: Bench) -> int:
    return (await bench.services.ledger.spent("thread", THREAD)).amount


async def test_the_approval_has_price_limit_and_what_ends_it(bench: Bench) -> None:
    effect = await bench.foreseen("hf_endpoint", **DEPLOY, image="vllm/vllm-openai:v0.9.0")
    assert (effect.kind, effect.price_micro_usd) == ("spend", 3_200_000)
    for words in (
        "deploy tuned-7b-v2-", "in ann", "1× Nvidia L4, 24 GB GPU memory, $0.80 an hour",
        "$0.80 an hour × 4 h = $3.20 set aside", "the service has no time limit",
        "scales to zero after 15 min", "container vllm/vllm-openai:v0.9.0", "undo does not end it",
    ):  # fmt: skip
        assert words in effect.preview
    assert decide("hf_endpoint", effect, ["deploy"], Situation("yolo", "/project")).action == "ask"


async def test_deployed_with_what_the_service_needs(bench: Bench, hub: HubServer) -> None:
    result = await bench.call("hf_endpoint", **DEPLOY)
    one = only(hub)
    assert result.ok, result.text
    assert f"Endpoint {one['name']} was deployed on {L4}: pending" in result.text
    assert one["name"] == name_for("ann/Tuned_7B.v2", deploy_label(bench.last_id))
    (body,) = hub.endpoints.bodies
    assert body["type"] == "authenticated"
    assert (body["model"]["repository"], body["model"]["revision"]) == ("ann/Tuned_7B.v2", "abc")
    assert body["compute"]["scaling"] == {
        "minReplica": 0, "maxReplica": 1, "scaleToZeroTimeout": 15
    }  # fmt: skip
    assert await spent(bench) == 3_200_000
    listed = await bench.call("hf_endpoint", operation="list")
    assert "ann/Tuned_7B.v2 on nvidia-l4 x1; at most" in listed.text
    again = await bench.call("hf_endpoint", operation="list", name=one["name"])
    assert ".aws.endpoints.huggingface.cloud" in again.text


def deploy_label(call: str) -> str:
    return hashlib.sha256(call.encode()).hexdigest()


@pytest.mark.parametrize(
    ("url", "image"),
    [
        ("", {"huggingface": {}}),
        (
            "vllm/vllm-openai:v0.23.0",
            {"vLLM": {"url": "vllm/vllm-openai:v0.23.0", "port": 8000, "healthRoute": "/health"}},
        ),
        ("ann/server:1", {"custom": {"url": "ann/server:1", "healthRoute": "/health"}}),
    ],
)
async def test_its_container(bench: Bench, hub: HubServer, url: str, image: dict[str, Any]) -> None:
    await bench.call("hf_endpoint", **DEPLOY, image=url)
    assert hub.endpoints.bodies[0]["model"]["image"] == image


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({**DEPLOY, "hours": 0}, "needs hours"),
        ({**DEPLOY, "model": ""}, "needs model and hardware"),
        ({**DEPLOY, "hardware": "nvidia-l4"}, f"there is no 'nvidia-l4'; there are {L4}"),
        ({"operation": "pause"}, "needs name"),
        ({"operation": "pause", "name": "gone"}, "has no endpoint 'gone', only: none"),
        ({"operation": "resume", "name": "gone", "hours": 1}, "has no endpoint 'gone'"),
    ],
)
async def test_what_is_missing_is_named(
    bench: Bench, hub: HubServer, arguments: dict[str, Any], said: str
) -> None:
    result = await bench.call("hf_endpoint", **arguments)
    assert said in result.text
    assert not result.ok
    assert hub.endpoints.made == {}
    assert await spent(bench) == 0


@pytest.mark.parametrize("ends", ["pause", "delete"])
async def test_its_end_settles_what_was_set_aside(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    await bench.call("hf_endpoint", **DEPLOY)
    name = only(hub)["name"]
    later(bench, monkeypatch, 1800)
    zero = await bench.call("hf_endpoint", operation="scale_to_zero", name=name)
    assert "free until its next request" in zero.text
    assert await spent(bench) == 3_200_000  # a request may start it again
    ended = await bench.call("hf_endpoint", operation=ends, name=name)
    assert "It cost at most $0.41." in ended.text
    assert 400_000 <= await spent(bench) <= 414_000
    assert (name in hub.endpoints.made) == (ends == "pause")


async def test_a_resumed_one_is_paid_for_again(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.call("hf_endpoint", **DEPLOY)
    name = only(hub)["name"]
    later(bench, monkeypatch, 3600)
    await bench.call("hf_endpoint", operation="pause", name=name)
    effect = await bench.foreseen("hf_endpoint", operation="resume", name=name, hours=2)
    assert (effect.price_micro_usd, f"resume {name}" in effect.preview) == (1_600_000, True)
    result = await bench.call("hf_endpoint", operation="resume", name=name, hours=2)
    assert result.text.startswith(f"Endpoint {name} was resumed on {L4}: pending")
    assert 2_400_000 <= await spent(bench) <= 2_414_000


async def test_over_its_time_it_is_paused_and_told_once(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.call("hf_endpoint", **DEPLOY)
    services = bench.services
    assert await ended_jobs(services, THREAD, [], bench.events.append) == ([], [])
    later(bench, monkeypatch, 4 * 3600 + 1)
    (message,), told = await ended_jobs(services, THREAD, [], bench.events.append)
    assert "was paused: its 4 h are over. It cost at most $3.2" in str(message.content)
    assert only(hub)["status"]["state"] == "paused"
    assert await ended_jobs(services, THREAD, told, bench.events.append) == ([], told)


async def test_one_that_cannot_be_paused_is_tried_again(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.call("hf_endpoint", **DEPLOY)
    later(bench, monkeypatch, 5 * 3600)
    hub.misbehave(Answer({"error": "no"}, 403), path=".*/pause", times=1)
    assert await ended_jobs(bench.services, THREAD, [], bench.events.append) == ([], [])
    assert "is not paused" in bench.logs()[-1]
    assert len((await ended_jobs(bench.services, THREAD, [], bench.events.append))[0]) == 1


async def test_over_the_cap_it_is_not_deployed(bench: Bench, hub: HubServer) -> None:
    call = Call(bench.new_id(), "hf_endpoint", DEPLOY)
    result = await bench.run(Permitted(call), cap=3_000_000)
    assert "Not run: it costs $3.2" in result.text
    assert hub.endpoints.made == {}


async def test_a_lost_answer_is_looked_up(bench: Bench, hub: HubServer) -> None:
    hub.misbehave(Answer({"error": "bad gateway"}, 502), method="POST", times=1, after=True)
    result = await bench.call("hf_endpoint", **DEPLOY)
    assert "was deployed" in result.text
    assert len(hub.endpoints.made) == 1


async def test_a_refused_one_costs_nothing_and_is_never_paused(
    bench: Bench, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.misbehave(Answer({"error": "quota reached"}, 400), method="POST", times=1)
    result = await bench.call("hf_endpoint", **DEPLOY)
    assert (result.ok, "quota reached" in result.text) == (False, True)
    assert await spent(bench) == 0
    later(bench, monkeypatch, 5 * 3600)
    assert await ended_jobs(bench.services, THREAD, [], bench.events.append) == ([], [])


async def test_no_one_knows_if_the_service_is_silent(bench: Bench, hub: HubServer) -> None:
    hub.misbehave(Answer({"error": "bad gateway"}, 502), method="POST", times=1, after=True)
    hub.misbehave(Answer({"error": "forbidden"}, 403), path="/endpoints/v2/endpoint/ann")
    result = await bench.call("hf_endpoint", **DEPLOY)
    assert result.outcome == "unknown"
    assert "look with list first" in result.text
    assert await spent(bench) == 3_200_000


@pytest.mark.parametrize("made", [True, False])
async def test_after_a_kill_there_is_one(bench: Bench, hub: HubServer, made: bool) -> None:
    call_id = bench.new_id()
    await bench.call("hf_endpoint", call_id=call_id, **DEPLOY)
    row = await bench.services.journal.row(THREAD, call_id)
    assert row is not None
    other = bench.new_id()
    note = {**(row.note or {}), "endpoint": name_for("ann/Tuned_7B.v2", deploy_label(other))}
    if made:
        hub.endpoints.made[note["endpoint"]] = {**only(hub), "name": note["endpoint"]}
    await bench.begun(other, "hf_endpoint", note)
    result = await bench.call("hf_endpoint", call_id=other, **DEPLOY)
    assert f"Endpoint {note['endpoint']} was deployed" in result.text
    assert len(hub.endpoints.made) == 2
    assert len(hub.endpoints.bodies) == 2 - made


async def test_a_delete_that_was_cut_off_is_done(bench: Bench, hub: HubServer) -> None:
    await bench.call("hf_endpoint", **DEPLOY)
    name = only(hub)["name"]
    hub.endpoints.made.clear()
    other = bench.new_id()
    await bench.begun(other, "hf_endpoint", {"namespace": "ann", "endpoint": name})
    result = await bench.call("hf_endpoint", call_id=other, operation="delete", name=name)
    assert result.text.startswith(f"Endpoint {name} is deleted. It cost at most")


async def test_the_token_of_another_hub_does_not_go_to_the_service(bench: Bench) -> None:
    bench.services.settings.endpoints_url = "https://api.endpoints.huggingface.cloud/v2"
    result = await bench.call("hf_endpoint", operation="list")
    assert "its token must not go to https://api.endpoints.huggingface.cloud/v2" in result.text


def test_names_are_short_and_follow_from_the_call() -> None:
    for wanted in ("ann/" + "Long_Name." * 9, "x", "---", "ann/Über 7B"):
        name = name_for(wanted, "0123456789")
        assert len(name) <= LONGEST
        assert name.endswith("-0123456")
        assert name == name.lower().strip("-")
