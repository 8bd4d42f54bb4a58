"""What the pages of docs/tools.md are asked of: a small Hub, a dataset viewer, a GitHub, a web site
and a folder, all on this machine (tests/stand_ins)."""

import json
import os
from pathlib import Path
from typing import Any

from tests.stand_ins.github_server import GithubServer
from tests.stand_ins.hub_pages import scholar
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.trackio_server import TrackioServer
from tests.stand_ins.viewer_server import Split
from tests.tools.hub.fitting import LLAMA_8B, LLAMA_8B_SIZE, hardware, model_files
from tests.tools.web.sites import Site

DPO, KTO = "2305.18290", "2402.01306"
CARD = "---\nlicense: apache-2.0\n---\n# Llama 8B\n\nA language model with 8 billion parameters.\n"
PAPER = f"""# Direct Preference Optimization: Your Language Model is Secretly a Reward Model

## Abstract

A change of variables turns the reward's loss into one on the policy itself: no reward model, no
sampling while training.

## 1 Introduction

{"Language models learn much of the world, and little of what people want of them. " * 150}

## 4 Direct Preference Optimization

### 4.1 Deriving the objective

The optimal policy of the KL-constrained problem is known in closed form. Solved for the reward and
put into the Bradley-Terry model, the partition function cancels.

## 5 Experiments

beta 0.1, learning rate 1e-6, batch 64, RMSprop, a linear warm-up of 150 steps.
"""
SFT_PAGE = """# SFT Trainer

Supervised fine-tuning of a language model.

## Quick start

```python
from trl import SFTTrainer
trainer = SFTTrainer(model="ann/llama-8b", train_dataset=dataset)
trainer.train()
```

## Dataset format

A column `messages` with chats, or `prompt` and `completion`.
"""
#: As tools/hub/jobs/smoke_hook.py prints it at its last step.
SMOKE_LOG = [
    "loading ann/chat",
    "{'loss': 2.31, 'epoch': 0.01}",
    'ML_AGENT_SMOKE {"steps": 20, "of": 1850, "seconds": 95.4, "step_seconds": 2.1384, '
    '"peak": 38471270400, "memory": 84987740160}',
]
LOG = ["loading ann/chat", "{'loss': 2.31, 'epoch': 0.5}", "{'loss': 1.42, 'epoch': 1.0}",
       "{'loss': 1.07, 'epoch': 1.5}", "{'loss': 0.93, 'epoch': 2.0}", "saved"]  # fmt: skip
TRAIN = '''\
"""Fine-tunes ann/llama-8b on ann/chat."""

from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

config = SFTConfig(output_dir="out", num_train_epochs=2, push_to_hub=True)
data = load_dataset("ann/chat", split="train")
SFTTrainer(model="ann/llama-8b", args=config, train_dataset=data).train()
'''
LIKE = ("river", "lantern", "harbour", "orchard", "engine", "violin", "glacier", "market")


def hub(server: HubServer) -> None:
    """Models, datasets, a Space, papers, documentation, jobs."""
    server.add(
        "ann/llama-8b",
        files={"README.md": CARD, **model_files(LLAMA_8B_SIZE, LLAMA_8B)},
        downloads=48_210,
        likes=312,
        pipeline_tag="text-generation",
        tags=["license:apache-2.0", "text-generation"],
        safetensors={"parameters": {"BF16": LLAMA_8B_SIZE}, "total": LLAMA_8B_SIZE},
    )
    server.add("bob/llama-8b-chat", gated="manual", downloads=920, likes=14,
               pipeline_tag="text-generation", tags=["license:mit"])  # fmt: skip
    server.add("ann/tuned", files={"README.md": "# Tuned\n\nNot trained yet.\n"}, tags=[], likes=1)
    tags = ["size_categories:n<1K", "license:cc-by-4.0"]
    server.add("ann/chat", "dataset", tags=tags, downloads=1500, likes=22)
    server.add("ann/chat-eval", "dataset", tags=tags, downloads=80, likes=2)
    server.add("ann/background-removal", "space", about="Takes the background away", likes=7)
    benchmark = "name: GSM8K\ntasks:\n- id: gsm8k\n  config: main\n  split: test\n"
    server.add("openai/gsm8k", "dataset", files={"eval.yaml": benchmark})
    server.buckets.add("ann/runs", **{"sft/model.safetensors": 16_060_522_240, "sft/log.txt": 4096})
    # Of the size that `out/config.json` has in the working directory.
    server.buckets.add("ann/kept", **{"out/config.json": 13})
    pages = server.pages
    pages.paper(DPO, "Direct Preference Optimization", upvotes=64, ai_summary="No reward model.",
                githubRepo="https://github.com/eric-mitchell/dpo", githubStars=2600,
                linkedModels=[], numTotalModels=1)  # fmt: skip
    pages.paper(KTO, "KTO: preference data from thumbs up and down", upvotes=31)
    pages.daily = {"": [KTO, DPO]}
    pages.texts[DPO] = PAPER
    pages.scholar[DPO] = scholar(DPO, "Direct Preference Optimization", 4100, "2023-05-29")
    pages.scholar[KTO] = scholar(KTO, "KTO preference optimization", 300, "2024-02-02")
    pages.citing[DPO], pages.cited[KTO] = [KTO], [DPO]
    pages.collections = {f"papers/{DPO}": ["Preference tuning"]}
    pages.docs = {
        "/docs/trl/sft_trainer": SFT_PAGE,
        "/docs/trl/llms.txt": "# TRL\n\n- [SFT Trainer](https://huggingface.co/docs/trl/sft_trainer)",
        "/docs/peft/lora": "# LoRA\n\nLow-rank adapters for fine-tuning.",
    }  # fmt: skip
    pages.products = [
        {"id": "trl", "url": "https://huggingface.co/docs/trl", "category": "Training"},
        {"id": "peft", "url": "https://huggingface.co/docs/peft", "category": "Training"},
    ]
    server.jobs.hardware = hardware()
    server.jobs.log, server.jobs.looks, server.jobs.smoke_log = LOG, 4, SMOKE_LOG


def _asked(number: int) -> str:
    thing, other = LIKE[number % 8], LIKE[(number // 8) % 8]
    return (
        f"In {number + 3} sentences, explain to a visitor of town number {number} why the {thing} "
        f"of the year {1800 + number} mattered more than the {other} to those who lived nearby."
    )


def rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A training set of chats, and an evaluation set of which two rows are in it."""
    train = [
        {
            "messages": [
                {"role": "system", "content": "You are a guide."},
                {"role": "user", "content": _asked(n)},
                {"role": "assistant", "content": f"It began in {1800 + n}, and {n} saw it."},
            ],
            "source": "guides" if n % 3 else "letters",
        }
        for n in range(60)
    ]
    held_out = [
        {"question": f"Which of the {n + 2} {LIKE[n % 8]}s came first, and who built it there?",
         "answer": f"The one of {1700 + n}."}
        for n in range(18)
    ]  # fmt: skip
    copied = [{"question": _asked(n), "answer": "?"} for n in (7, 33)]
    return train, [*held_out, *copied]


def viewer() -> dict[str, Any]:
    train, evaluation = rows()
    return {
        "ann/chat": {"default": {"train": Split(train)}},
        "ann/chat-eval": {"default": {"test": Split(evaluation)}},
        "openai/gsm8k": {"main": {"test": Split(evaluation[:10])}},
    }


def github(server: GithubServer) -> None:
    notebook = {"cells": [{"cell_type": "code", "source": ["import trl"], "outputs": [],
                           "metadata": {}, "execution_count": 1}],
                "metadata": {}, "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    repo = server.add(
        "huggingface/trl",
        {
            "README.md": "# TRL\n",
            "examples/scripts/sft.py": "from trl import SFTTrainer\n\ntrainer = SFTTrainer()\n",
            "examples/scripts/dpo.py": "from trl import DPOTrainer\n",
            "examples/sft.ipynb": json.dumps(notebook),
        },
        stars=15_400,
        language="Python",
        pushed_at="2026-10-01T00:00:00Z",
        archived=False,
    )
    repo.comments[7] = ["Use a newer torch.", "That helped."]
    repo.issue(7, "Loss is nan with bf16", "Since 0.24 the loss is nan.", labels=[{"name": "bug"}])
    server.add("huggingface/peft", {"README.md": "# PEFT\n"}, stars=18_000, language="Python",
               pushed_at="2026-09-20T00:00:00Z", archived=False)  # fmt: skip


def site(server: Site) -> None:
    server.page(
        "/lora",
        "<html><head><title>LoRA in practice</title></head><body><nav>Menu</nav><main>"
        "<h1>LoRA in practice</h1><p>Rank 16 is a fair start. Put adapters on all linear layers."
        "</p><table><tr><th>rank</th><th>loss</th></tr><tr><td>8</td><td>1.12</td></tr>"
        "<tr><td>16</td><td>1.07</td></tr></table></main></body></html>",
    )
    found = [
        {"title": "LoRA in practice", "url": "https://blog.example.org/lora",
         "content": "Rank 16 is a fair start."},
        {"title": "LoRA Without Regret", "url": "https://example.org/regret",
         "content": "Adapters on all layers."},
    ]  # fmt: skip
    server.page("/search", {"query": "q", "results": found}, "application/json")


def _scores(model: str, value: float) -> str:
    """A results file as lm-eval 0.4.13 writes it, without what no one reads."""
    return json.dumps({
        "results": {"gsm8k": {"alias": "gsm8k", "sample_len": 1319,
                              "exact_match,strict-match": value,
                              "exact_match_stderr,strict-match": 0.0138}},
        "group_subtasks": {"gsm8k": []}, "n-shot": {"gsm8k": 5},
        "configs": {"gsm8k": {"dataset_path": "openai/gsm8k", "dataset_name": "main",
                              "test_split": "test"}},
        "n-samples": {"gsm8k": {"original": 1319, "effective": 1319}},
        "config": {"model": "hf", "model_args": {"pretrained": model}, "limit": None},
        "lm_eval_version": "0.4.13",
    })  # fmt: skip


def folder(path: Path) -> None:
    """A working directory; each file a minute newer than the one before."""
    notebook = {
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# First look"]},
            {"cell_type": "code", "metadata": {}, "execution_count": 1,
             "source": ["import json\n", "len(open('data.csv').readlines())"],
             "outputs": [{"output_type": "execute_result", "execution_count": 1, "metadata": {},
                          "data": {"text/plain": ["4"]}}]},
        ],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    files = {
        "data.csv": "text,label\ngood,1\nbad,0\nfine,1\n",
        "look.ipynb": json.dumps(notebook),
        "train.py": TRAIN,
        "evals/ann--tuned/results.json": _scores("ann/tuned", 0.5231),
        "evals/ann--llama-8b/results.json": _scores("ann/llama-8b", 0.4913),
        "out/config.json": '{"rank": 16}\n',
    }
    for number, (name, text) in enumerate(files.items()):
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        at = 1_795_000_000 + 60 * number
        os.utime(file, (at, at))


def trackio(space: TrackioServer, hub: HubServer) -> None:
    """The Space of the training, as it is in the middle of it."""
    hub.add("ann/trackio", "space", host=space.url)
    for step, loss in enumerate([2.31, 1.42, 1.07, 0.93]):
        space.log(step * 400, loss=loss, **{"eval/loss": loss + 0.2})
    space.alert("Gradient norm is high", "12.4 at a limit of 10", "warn", 400)
