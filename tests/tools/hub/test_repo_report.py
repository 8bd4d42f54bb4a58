"""hf_repo report: what a session measured, next to its model; the user has read it before."""

import json
from pathlib import Path
from typing import Any

import yaml

from configs.settings import Settings
from tests.graph.driving import Driver, driven
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.hub_state import Repo
from tests.stand_ins.model_script import Call, Reply
from tests.stand_ins.service import Answer
from tests.tools.bench import Bench
from tests.tools.hub.test_eval import rows

REPORT = Call("hf_repo", {"operation": "report", "repo": "ann/tuned"})
JUDGE = {"operation": "define", "metric": "size", "command": "sh judge.sh", "repeats": 1}
CARD = "---\nlicense: mit\npipeline_tag: text-classification\n---\n# Tuned\n"


def session(*calls: Call) -> list[Reply]:
    return [*(Reply(calls=[call]) for call in calls), Reply("ok")]


def experiment(folder: Path) -> list[Call]:
    (folder / "judge.sh").write_text("echo METRIC size=$(wc -c < train.txt)\n")
    (folder / "train.txt").write_text("x" * 90)
    return [
        Call("experiment", {**JUDGE, "frozen": ["judge.sh"]}),
        Call("bash", {"command": "head -c 50 train.txt > a; mv a train.txt"}),
        Call("experiment", {"operation": "run", "hypothesis": "less"}),
    ]


def text_of(repo: Repo, name: str) -> str:
    content = repo.head.files[name]
    return content.decode() if isinstance(content, bytes) else content


def index_of(repo: Repo) -> list[dict[str, Any]]:
    head = yaml.safe_load(text_of(repo, "README.md").split("---\n")[1])
    assert head["license"] == "mit"
    (model,) = head["model-index"]
    assert model["name"] == "tuned"
    results: list[dict[str, Any]] = model["results"]
    return results


async def approved(driver: Driver) -> str:
    """What the approval of the report shows."""
    preview, asked = "", await driver.send("publish the report")
    while asked.name == "approval_required":
        (request,) = asked.requests
        if request["tool"] == "hf_repo":
            assert request["effect"] == "publish"
            preview = request["preview"]
        asked = await driver.resume([{"type": "approve"}])
    return preview


async def empty_report(call: str) -> dict[str, Any]:
    return {
        "model": "m", "tasks": [], "data": [], "commands": [], "seeds": [], "metrics": {},
        "decisions": [], "experiment": None, "hardware": {}, "claims": [],
        "cost": {"by_kind": {}, "tokens": 0},
    }  # fmt: skip


async def test_the_approval_shows_what_is_published_next_to_the_model(
    hub: HubServer, settings: Settings, workdir: Path
) -> None:
    repo = hub.add("ann/tuned", files={"README.md": CARD})
    settings.hub_url = hub.url
    script = session(*experiment(workdir), REPORT)
    async with driven(script, settings, workdir, mode="ask") as driver:
        preview = await approved(driver)
        outputs = driver.outputs()
    published = text_of(repo, "REPORT.md")
    assert preview.startswith(
        "upload the report of this session to model ann/tuned, revision main\n\n"
        "REPORT.md, report.json; evaluation results in the card: size 50 (trial 1)\n\n# Report\n"
    )
    assert preview.endswith(published)
    data = json.loads(text_of(repo, "report.json"))
    assert [trial["value"] for trial in data["experiment"]["trials"]] == [90.0, 50.0]
    assert "hf_repo" not in json.dumps(data["commands"])
    (result,) = index_of(repo)
    assert result["task"]["type"] == "text-classification"
    assert result["dataset"] == {"name": "judge.sh", "type": "local"}
    assert (result["metrics"][0]["type"], result["metrics"][0]["value"]) == ("size", 50.0)
    assert result["source"]["url"] == f"{hub.url}/ann/tuned/blob/main/REPORT.md"
    assert "# Tuned" in text_of(repo, "README.md")
    assert [commit.title for commit in repo.head.history] == ["Report", "initial commit"]
    assert outputs[-1].startswith("Uploaded REPORT.md and report.json; in the card: size 50")


async def test_a_report_without_measures_leaves_the_card_alone(
    hub: HubServer, settings: Settings, workdir: Path
) -> None:
    repo = hub.add("ann/tuned", files={"README.md": CARD})
    settings.hub_url = hub.url
    async with driven(session(REPORT), settings, workdir, mode="ask") as driver:
        assert "report.json; no evaluation results" in await approved(driver)
    assert set(repo.head.files) == {"README.md", "REPORT.md", "report.json"}
    assert text_of(repo, "README.md") == CARD


async def test_results_of_hf_eval_are_in_the_card_once(bench: Bench, hub: HubServer) -> None:
    bench.services.report = empty_report
    hub.add("ann/tuned", files={"README.md": CARD})
    told = {"model": "ann/tuned", "found": rows(0.52, float("nan")), "at": 1.0}
    await bench.begun("call_1", "hf_eval", told)
    for expected in ("Uploaded REPORT.md", "Nothing to commit"):
        done = await bench.call("hf_repo", operation="report", repo="ann/tuned")
        assert expected in done.text
    repo = hub.repos[("model", "ann/tuned")]
    (result,) = index_of(repo)
    assert result["metrics"][0]["value"] == 0.52
    few = {"model": "ann/tuned", "found": rows(0.9, limit=20), "at": 2.0}
    await bench.begun("call_2", "hf_eval", few)
    done = await bench.call("hf_repo", operation="report", repo="ann/tuned")
    assert "0.9" not in text_of(repo, "README.md")


async def test_a_sub_agent_cannot_report(bench: Bench, hub: HubServer) -> None:
    done = await bench.call("hf_repo", operation="report", repo="ann/tuned")
    assert (done.ok, done.text) == (
        False, "Cannot report: a sub-agent has no record of the session.",
    )  # fmt: skip


async def test_an_answer_that_is_lost_publishes_once(bench: Bench, hub: HubServer) -> None:
    """The Hub has the commit; this call finds it, and so does a process after a crash."""
    repo = hub.add("ann/tuned", files={"README.md": CARD})
    bench.services.report = empty_report
    hub.misbehave(Answer({}, 500), path="/api/models/ann/tuned/commit/main", after=True)
    done = await bench.call("hf_repo", operation="report", repo="ann/tuned")
    assert (done.ok, done.text[:18]) == (True, "Uploaded REPORT.md")
    first = await bench.services.journal.row(bench.thread, bench.last_id)
    assert first is not None
    bench.services.report = None
    await bench.begun("call_other", "hf_repo", first.note)
    arguments = {"operation": "report", "repo": "ann/tuned"}
    again = await bench.call("hf_repo", call_id="call_other", **arguments)
    assert again.text == done.text
    assert [commit.title for commit in repo.head.history] == ["Report", "initial commit"]
