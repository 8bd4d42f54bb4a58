"""What a training job left in its repository: whether it is new, whole and described."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import Job
from core.hub.refusals import Repo

if TYPE_CHECKING:
    from huggingface_hub import HfApi

INDEX = "model.safetensors.index.json"
#: What a model's card should say.
CARD = ("base_model", "datasets", "license")


async def produced(job: Job, note: dict[str, Any], hub: Hub) -> list[str]:
    """Lines for the result; none if the job failed or named no repository."""
    name = str(note.get("output", "")).removeprefix("models/")
    if job.failed or name.count("/") != 1:
        return []
    try:
        return await hub.ask(
            lambda api: _looked_at(api, name, float(note.get("at") or 0)), Repo(name)
        )
    except ToolError as error:
        return [f"Result: not in {name}: {error.message}"]


def _looked_at(api: HfApi, name: str, since: float) -> list[str]:
    info = api.model_info(name)
    files = {one.rfilename for one in info.siblings or []}
    faults = []
    if info.last_modified is None or info.last_modified.timestamp() < since:
        faults.append("its newest commit is older than the job")
    config = "adapter_config.json" if "adapter_config.json" in files else "config.json"
    if config not in files:
        faults.append("it has no config.json")
    elif not isinstance(_json(api, name, config), dict):
        faults.append(f"{config} is not JSON")
    faults += _weights(api, name, files)
    lacks = [key for key in CARD if not getattr(info.card_data, key, None)]
    if lacks:
        faults.append(f"its card lacks {', '.join(lacks)}")
    said = "; ".join(faults) or "a commit of this job, weights and config whole, card filled in"
    return [f"Result: {api.endpoint}/{name}: {said}."]


def _weights(api: HfApi, name: str, files: set[str]) -> list[str]:
    if INDEX in files:
        index = _json(api, name, INDEX) or {}
        parts = set((index.get("weight_map") or {}).values())
        gone = sorted(parts - files)
        return [f"of its {len(parts)} shards are missing: {', '.join(gone)}"] if gone else []
    if any(one.endswith((".safetensors", ".bin")) for one in files):
        return []
    return ["it has no weights"]


def _json(api: HfApi, name: str, path: str) -> Any:
    about = Repo(name, path=path)
    with open(api.hf_hub_download(about.id, path), encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError:
            return None
