"""From a paper to a model with a card on the Hub, in the real program: approved from another
terminal, killed twice on the way, and gone on with."""

import asyncio
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configs.settings import Settings
from core.store import open_store
from tests.cli.program import Program, program
from tests.cli.program_process import start
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.model_script import Asked, Call, Choose, Reply
from tests.stand_ins.service import Answer
from tests.stand_ins.viewer_server import Split, ViewerServer
from tests.tools.bench import until
from tests.tools.hub.fitting import LLAMA_8B, LLAMA_8B_SIZE, hardware, model_files

PAPER, OUTPUT = "2305.18290", "ann/tuned"
#: A job of 10 minutes on l40sx1, in micro-USD: 30,000 a minute.
SPENT, CEILING = 300_000, 1_800_000
#: Calls that the model makes, each answered once.
STEPS = 10
SUBMIT, COMMIT = "/api/jobs/ann", f"/api/models/{OUTPUT}/commit/main"
TRAIN = '''\
"""DPO of ann/base on ann/pairs, as the paper does it: beta 0.1, learning rate 1e-6."""

from datasets import load_dataset
from trl import DPOConfig, DPOTrainer

config = DPOConfig(output_dir="out", beta=0.1, learning_rate=1e-6, push_to_hub=True)
data = load_dataset("ann/pairs", split="train")
DPOTrainer(model="ann/base", args=config, train_dataset=data).train()
'''


def result_of(asked: Asked, pattern: str) -> str:
    """What the newest tool result that has `pattern` says there."""
    results = [t.text for t in asked.turns if t.role == "tool"]
    return next(m[1] for text in reversed(results) if (m := re.search(pattern, text)))


def model(hub_url: str) -> Choose:
    """An engineer who takes each step from what the tools answered before. It is chosen by the
    answers that are in the request, so that a client that was killed gets the same again."""

    def job(asked: Asked) -> str:
        return result_of(asked, r"Job ([0-9a-f]{24}) was submitted")

    def card(asked: Asked) -> str:
        shared = result_of(asked, r"^(\d+) of \d+ evaluation rows")
        loss = result_of(asked, r"loss: [\d.]+ → ([\d.]+)")
        return (
            f"---\nbase_model: ann/base\ndatasets: [ann/pairs]\n---\n# Tuned\n\nDPO (arXiv "
            f"{PAPER}), beta 0.1. Final loss {loss}. {shared} evaluation rows stand in the "
            f"training set.\n\nJob: {hub_url}/jobs/ann/{job(asked)}\n"
        )

    steps: list[Callable[[Asked], tuple[str, dict[str, Any]]]] = [
        lambda _: ("hf_papers", {"operation": "search", "query": "preference"}),
        lambda a: ("hf_papers", {"operation": "read", "section": "5",
                                 "id": result_of(a, r"(\d{4}\.\d{5})")}),
        lambda _: ("hf_dataset", {"operation": "inspect", "dataset": "ann/pairs"}),
        lambda _: ("hf_dataset", {"operation": "overlap", "dataset": "ann/pairs",
                                  "eval_dataset": "ann/pairs-eval"}),
        lambda _: ("hf_fit", {"method": "lora", "model": "ann/base"}),
        lambda _: ("write", {"path": "train.py", "content": TRAIN}),
        lambda _: ("hf_jobs", {"operation": "run", "script": "train.py", "flavor": "l40sx1",
                               "timeout": "1h", "dependencies": ["trl"], "secrets": ["HF_TOKEN"],
                               "datasets": ["ann/pairs"], "model": "ann/base", "output": OUTPUT,
                               "monitoring": "trackio"}),
        lambda a: ("hf_jobs", {"operation": "wait", "id": job(a)}),
        lambda a: ("hf_jobs", {"operation": "logs", "id": job(a), "tail": 2}),
        lambda a: ("hf_repo", {"operation": "upload", "repo": OUTPUT, "path": "README.md",
                               "message": "A model card", "content": card(a)}),
    ]  # fmt: skip

    def choose(asked: Asked) -> Reply:
        step = sum(turn.role == "assistant" for turn in asked.turns)
        if step < len(steps):
            return Reply(calls=[Call(*steps[step](asked))])
        commit = result_of(asked, r"(http\S+/commit/[0-9a-f]{40})")
        return Reply(
            f"Trained with DPO. Model: {hub_url}/{OUTPUT}\n"
            f"Job: {hub_url}/jobs/ann/{job(asked)}\nCard: {commit}"
        )

    return choose


@contextmanager
def world() -> Iterator[tuple[HubServer, ViewerServer]]:
    """A paper, a model, preference data of which two evaluation rows are copies, and a place."""
    asked = "Tell visitor {0} of the {0} bridges, their {0} builders and what they cost in year {0}"
    pairs = [
        {"prompt": asked.format(n), "chosen": f"There are {n}.", "rejected": "I do not know."}
        for n in range(40)
    ]
    held_out = [{"question": f"Who drew map {n} of the old harbour, and when?"} for n in range(18)]
    copied = [{"question": pairs[n]["prompt"]} for n in (3, 21)]
    data = {
        "ann/pairs": {"default": {"train": Split(pairs)}},
        "ann/pairs-eval": {"default": {"test": Split([*held_out, *copied])}},
    }
    with HubServer() as hub, ViewerServer(data) as viewer:
        hub.add("ann/base", files=model_files(LLAMA_8B_SIZE, LLAMA_8B))
        hub.add(OUTPUT, files={"model.safetensors": "the weights that the job pushed"})
        hub.pages.paper(PAPER, "Direct preference optimization")
        hub.pages.texts[PAPER] = "# DPO\n\n## 5 Experiments\n\nbeta 0.1, learning rate 1e-6.\n"
        hub.jobs.hardware = hardware()
        hub.jobs.log = ["{'loss': 0.69}", "{'loss': 0.41}", "{'loss': 0.3}", "pushed"]
        yield hub, viewer
        assert (hub.violations, viewer.violations) == ([], [])


def killed_at(hub: HubServer, run: Program, path: str) -> None:
    """Go on, and die by SIGKILL while the Hub has done what a POST asked and its answer is still on
    its way. (A kill before that: tests/graph/test_job_notices.py, tests/tools/hub.)"""
    held = threading.Event()
    before = len(hub.asked(path, "POST"))
    hub.misbehave(Answer({}, 500, held=held), path=path, method="POST", times=1, after=True)
    command = run.command("sessions", "resume")
    with start(
        command,
        cwd=run.work,
        env=run.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: len(hub.asked(path, "POST")) > before)
        process.kill()
    held.set()


async def spent(run: Program, thread: str) -> int:
    """Micro-USD of a thread's jobs, from its ledger; the model of the test has no price."""
    async with await open_store(Settings(state_dir=str(run.folder / "state"))) as store:
        found = await store.ledger.spent("thread", thread)
    return found.amount


def approve(run: Program) -> dict[str, Any]:
    """Say yes, from another terminal, to the one call that waits; what was asked."""
    (waiting,) = json.loads(run("approvals", "list", "--output", "json").stdout)["approvals"]
    assert run("approvals", "approve").returncode == 0
    found: dict[str, Any] = waiting
    return found


def test_from_a_paper_to_a_model_on_the_hub(tmp_path: Path) -> None:
    with world() as (hub, viewer), program(tmp_path, model(hub.url)) as run:
        run.extra.update(
            HF_TOKEN="hf_ann",
            ML_AGENT_HUB_URL=hub.url,
            ML_AGENT_DATASET_VIEWER_URL=viewer.url,
            ML_AGENT_SEMANTIC_SCHOLAR_URL=f"{hub.url}/s2",
        )
        # Research and a file in the folder need no one's leave; money does.
        left = run.task("--mode", "ask", "train a model after the DPO paper")
        assert left.returncode == 3, left.stderr
        assert (run.work / "train.py").read_text() == TRAIN
        assert hub.jobs.jobs == {}
        asked = approve(run)
        assert (asked["effect"], asked["price_micro_usd"]) == ("spend", CEILING)
        # Every line that says "checked" names the call that did it.
        shown = asked["preview"]
        assert "$1.80 an hour × 1 h = $1.80 at most" in shown
        assert re.search(
            r"^data: ann/pairs inspected, its columns fit .*DPO.* \(checked", shown, re.M
        )
        assert re.search(r"^memory: lora of ann/base fits l40sx1 \(checked", shown, re.M)
        assert "time limit: not checked" in shown
        assert TRAIN in shown

        killed_at(hub, run, SUBMIT)
        assert len(hub.jobs.jobs) == 1

        waits = run("sessions", "resume")
        assert waits.returncode == 3, waits.stderr
        (launched,) = hub.jobs.jobs.values()
        assert launched.stage == "COMPLETED"
        asked = approve(run)
        assert (asked["effect"], asked["arguments"]["repo"]) == ("publish", OUTPUT)
        assert "Final loss 0.3. 2 evaluation rows stand in the training set." in asked["preview"]

        repo = hub.repos[("model", OUTPUT)]
        killed_at(hub, run, COMMIT)
        assert len(repo.head.history) == 2

        done = run("sessions", "resume", "--output", "json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["status"], told["error"]) == ("done", None)
        assert len(hub.jobs.jobs) == 1
        assert [c.title for c in repo.head.history] == ["A model card", "initial commit"]
        assert repo.head.files["README.md"].decode() == asked["arguments"]["content"]
        assert told["text"].splitlines() == [
            f"Trained with DPO. Model: {hub.url}/{OUTPUT}",
            f"Job: {hub.url}/jobs/ann/{launched.id}",
            f"Card: {hub.url}/{OUTPUT}/commit/{repo.head.id}",
        ]
        # The price was set aside once, and what the job really cost has taken its place.
        assert asyncio.run(spent(run, told["thread"])) == SPENT
        # What was killed was found again: no call's result is unknown, and none was sent twice.
        assert len(hub.asked(SUBMIT, "POST")) == len(hub.asked(COMMIT, "POST")) == 1
        results = [m for m in run.server.bodies[-1]["messages"] if m["role"] == "tool"]
        assert len(results) == STEPS
        assert "unknown" not in "".join(m["content"] for m in results[-4:])
