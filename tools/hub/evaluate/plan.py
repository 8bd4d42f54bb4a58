"""What an evaluation runs: the harness, pinned; the model and its base; what was trained on.

The harness is a dependency of the job, or of the local command, never of ML Agent.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.refusals import Repo
from core.tool import ToolContext
from tools.hub.datasets.overlap import overlap
from tools.hub.datasets.viewer import Viewer
from tools.hub.evaluate import runner
from tools.hub.evaluate.arguments import EvalArguments
from tools.hub.jobs.arguments import JobsArguments

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: The releases whose results were looked at; what loads a model, as it resolved with each of them.
_LOADS = ["transformers==5.24.0", "torch==2.15.0", "accelerate==1.15.0", "peft==0.21.2"]
PINNED = {
    "lm-eval": ["lm-eval==0.4.13", *_LOADS],
    "lighteval": ["lighteval==0.13.0", *_LOADS],
    "inspect-ai": ["inspect-ai==0.3.285", "inspect-evals==0.26.0", *_LOADS],
}
#: What well-known tasks read: dataset, config. Another one: task=owner/dataset.
DATA = {
    "gsm8k": ("openai/gsm8k", "main"), "mmlu": ("cais/mmlu", "all"),
    "mmlu_pro": ("TIGER-Lab/MMLU-Pro", ""), "arc_challenge": ("allenai/ai2_arc", "ARC-Challenge"),
    "arc_easy": ("allenai/ai2_arc", "ARC-Easy"), "hellaswag": ("Rowan/hellaswag", ""),
    "winogrande": ("allenai/winogrande", "winogrande_xl"), "ifeval": ("google/IFEval", ""),
    "truthfulqa_mc2": ("truthfulqa/truthful_qa", "multiple_choice"),
    "humaneval": ("openai/openai_humaneval", ""),
    "gpqa_diamond": ("Idavidrein/gpqa", "gpqa_diamond"),
    "mbpp": ("google-research-datasets/mbpp", "full"),
}  # fmt: skip
#: Rows of each set that the overlap check before a job reads; seconds for all of it.
ROWS, PATIENCE = 1000, 20.0


async def plan(arguments: EvalArguments, ctx: ToolContext) -> tuple[dict[str, Any], list[str]]:
    """(what the runner takes, the training sets). Raises ToolError that names the argument."""
    a = arguments
    if not a.tasks:
        raise ToolError(f"{a.operation} needs tasks: the harness's names of them")
    known = await Hub.of(ctx).ask(lambda api: _looked_up(api, a.model), Repo(a.model))
    base = a.base or known["base"]
    model = {"model": a.model}
    if known["adapter"]:
        if not base:
            raise ToolError(f"{a.model} is an adapter: name its base model in base")
        if a.harness == "inspect-ai":
            raise ToolError(f"inspect-ai cannot load {a.model}, an adapter: use lm-eval")
        model["adapter_of"] = base
    models = [model, *([{"model": base}] if base else [])]
    names = [task.partition("=")[0] for task in a.tasks]
    spec = {"harness": a.harness, "models": models, "tasks": names, "limit": a.limit,
            "chat": a.chat}  # fmt: skip
    return spec, a.train or known["train"]


def _looked_up(api: HfApi, name: str) -> dict[str, Any]:
    info = api.model_info(name)
    card, files = info.card_data, {one.rfilename for one in info.siblings or []}
    bases, train = getattr(card, "base_model", None), getattr(card, "datasets", None)
    first = bases[0] if isinstance(bases, list) and bases else bases
    sets = [train] if isinstance(train, str) else train or []
    adapter = "adapter_config.json" in files and "config.json" not in files
    return {"base": first if isinstance(first, str) else "", "train": sets, "adapter": adapter}


def job_of(arguments: EvalArguments, spec: dict[str, Any]) -> JobsArguments:
    """The job that runs it, as hf_jobs would be asked for it. Raises ToolError."""
    if not (arguments.flavor and arguments.timeout):
        raise ToolError("job needs flavor and timeout")
    given = {
        "operation": "run",
        "script": Path(runner.__file__).read_text(encoding="utf-8"),
        "script_args": [json.dumps(spec)],
        "dependencies": PINNED[arguments.harness],
        "flavor": arguments.flavor,
        "timeout": arguments.timeout,
        "secrets": ["HF_TOKEN"],
        "model": arguments.model,
        "name": "eval-" + re.sub(r"[^A-Za-z0-9_-]+", "-", arguments.model)[:50],
    }
    return JobsArguments.model_validate(given)


def local_command(spec: dict[str, Any]) -> str:
    """A line for bash: each model into a folder of its name."""
    needed = " ".join(f"--with {shlex.quote(one)}" for one in PINNED[spec["harness"]])
    lines = []
    for model in spec["models"]:
        folder = f"evals/{model['model'].replace('/', '--')}"
        line = shlex.join(runner.command(spec, model, folder))
        lines.append(f"uv run --no-project {needed} python -m {line}")
    return " && \\\n".join(lines)


async def overlaps(arguments: EvalArguments, train: list[str], ctx: ToolContext) -> list[str]:
    """A line for each training set and task: how much of the task is in it, or why that is not
    known."""
    if not train:
        return ["overlap: not checked, no training set is known; name it in train"]
    lines, deadline = [], asyncio.get_running_loop().time() + PATIENCE
    for task in arguments.tasks:
        name, _, said = task.partition("=")
        data, config = (said, "") if said else DATA.get(_plain(name), ("", ""))
        if not data:
            lines.append(f"overlap: {name} not checked, its data are not known ({name}=owner/data)")
            continue
        for one in train:
            lines.append(await _overlap(one, (data, config, ""), ctx, deadline))
    return lines


async def _overlap(
    train: str, evaluation: tuple[str, str, str], ctx: ToolContext, deadline: float
) -> str:
    what = f"overlap: {evaluation[0]} in {train}"
    left = deadline - asyncio.get_running_loop().time()
    if left < 1:
        return f"{what}: not checked, no time was left; hf_dataset overlap does it"
    try:
        async with asyncio.timeout(left):
            viewer = Viewer(Hub.of(ctx))
            text = await overlap(viewer, (train, "", ""), evaluation, ROWS, left / 2)
    except (ToolError, TimeoutError) as error:
        return f"{what}: not checked: {error or 'it took too long'}"
    return f"{what}: {text.splitlines()[0]}"


def _plain(task: str) -> str:
    """A task's own name: inspect_evals/gsm8k, lighteval|gsm8k|5 and gsm8k|5 are gsm8k."""
    parts = [part for part in task.rsplit("/", 1)[-1].split("|") if not part.isdigit()]
    return parts[-1].split(":")[0] if parts else task
