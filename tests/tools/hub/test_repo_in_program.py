"""hf_repo in a whole turn: what a user is asked, and a process that is killed in between."""

import subprocess
import threading
from pathlib import Path

import pytest

from configs.settings import Settings
from tests.cli.program import program
from tests.graph.driving import driven
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.service import Answer
from tests.tools.bench import until

UPLOAD = Call(
    "hf_repo",
    {
        "operation": "upload",
        "repo": "ann/mine",
        "path": "card.md",
        "content": "# The card",
        "message": "A card",
    },
)


def choose(asked: Asked) -> Reply:
    return Reply(calls=[UPLOAD]) if asked.step == 0 else Reply("ok")


async def test_a_person_sees_what_is_published(
    hub: HubServer, settings: Settings, workdir: Path
) -> None:
    repo = hub.add("ann/mine")
    settings.hub_url = hub.url
    async with driven(choose, settings, workdir, mode="ask") as driver:
        asked = await driver.send("publish it")
        assert asked.name == "approval_required"
        (request,) = asked.requests
        assert request["effect"] == "publish"
        assert request["preview"] == (
            "upload to model ann/mine, revision main: card.md\n\nA card\n\n# The card"
        )
        assert len(repo.head.history) == 1
        await driver.resume([{"type": "approve"}])
        assert repo.head.files["card.md"] == b"# The card"
        assert driver.outputs()[0].startswith("Uploaded card.md (model ann/mine, main): ")


@pytest.mark.parametrize("happened", [True, False])
def test_a_killed_upload_happens_once(hub: HubServer, tmp_path: Path, happened: bool) -> None:
    """SIGKILL while the Hub has the commit and its answer is still on its way; or, where it never
    got so far, is sent again."""
    repo = hub.add("ann/mine")
    commit = "/api/models/ann/mine/commit/main"
    held = threading.Event()
    hub.misbehave(Answer({}, 500, held=held), path=commit, times=1, after=happened)
    with program(tmp_path, choose) as run:
        run.extra.update({"ML_AGENT_HUB_URL": hub.url, "HF_TOKEN": "hf_ann"})
        command = run.command("-m", "openai/stand-in", "publish it")
        with subprocess.Popen(
            command,
            cwd=run.work,
            env=run.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            until(lambda: hub.asked(commit))
            process.kill()
        held.set()
        assert len(repo.head.history) == (2 if happened else 1)
        done = run("sessions", "resume")
        assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr
        assert [c.title for c in repo.head.history] == ["A card", "initial commit"]
        assert len(hub.asked(commit)) == (1 if happened else 2)
        told = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert told[0]["content"].startswith("Uploaded card.md (model ann/mine, main): ")
