"""What the approval of publishing a model says about its evaluation: hf_eval's, or none."""

import asyncio
import itertools
from pathlib import Path

from core.hub.card import Found
from core.policy.paths import resolved
from core.tool import ToolContext
from tools.hub.repo.arguments import RepoArguments

WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx")
#: Files of a folder that are looked through for weights.
MOST = 20_000


async def evaluation_line(arguments: RepoArguments, ctx: ToolContext) -> str:
    """ "" if no model is published."""
    a = arguments
    opened = a.operation == "update" and a.visibility == "public"
    if a.type != "model" or not (opened or await _uploads_weights(a, ctx)):
        return ""
    found = await newest_evaluation(arguments, ctx)
    if found is None:
        return f"evaluation: none of {a.repo} in this session (hf_eval)"
    call, one = found
    rows = one.get("rows", [])
    shown = ", ".join(f"{r['task']} {r['metric']} {r['value']:.4f}" for r in rows[:4])
    limit = f", {one['limit']:g} samples a task" if one.get("limit") else ""
    said = shown or one.get("error", "no results")
    return f"evaluation: {said} ({one.get('harness', '')}{limit}, {call})"


async def newest_evaluation(a: RepoArguments, ctx: ToolContext) -> tuple[str, Found] | None:
    """(call, what hf_eval found) of the model in this session; None without any."""
    notes = await ctx.services.journal.notes(ctx.thread, "hf_eval")
    of_model = [
        (call, note["found"])
        for call, note in notes
        if note.get("found") and note["model"] in (a.repo, a.source)
    ]
    return of_model[-1] if of_model else None


async def _uploads_weights(a: RepoArguments, ctx: ToolContext) -> bool:
    if a.operation != "upload":
        return False
    if not a.source:
        return a.path.endswith(WEIGHTS)
    path = Path(resolved(a.source, ctx.cwd))

    def has_weights() -> bool:
        files = itertools.islice(path.rglob("*"), MOST) if path.is_dir() else [path]
        return any(file.name.endswith(WEIGHTS) for file in files)

    return await asyncio.to_thread(has_weights)
