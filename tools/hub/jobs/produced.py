"""What a training job left in its repository: whether it is new, whole and described."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import Job
from core.hub.refusals import Repo

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Missing shards that are named.
SHOWN = 5
_SHARD = re.compile(r"(.*)-\d{5}-of-(\d{5})(\..+)")
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
    info = api.model_info(name, files_metadata=True)
    files = {one.rfilename: one.size or 0 for one in info.siblings or []}
    faults = []
    if info.last_modified is None or info.last_modified.timestamp() < since:
        faults.append("its newest commit is older than the job")
    config = "adapter_config.json" if "adapter_config.json" in files else "config.json"
    if config not in files:
        faults.append("it has no config.json")
    else:
        faults += _config(_json(api, name, config), config)
    faults += _weights(api, name, files)
    lacks = [key for key in CARD if not getattr(info.card_data, key, None)]
    if lacks:
        faults.append(f"its card lacks {', '.join(lacks)}")
    said = "; ".join(faults) or "a commit of this job, weights and config whole, card filled in"
    return [f"Result: {api.endpoint}/{name}: {said}."]


def _config(found: Any, name: str) -> list[str]:
    """Whether a library can tell from it what to load."""
    if not isinstance(found, dict):
        return [f"{name} is not JSON"]
    if any(found.get(key) for key in ("model_type", "architectures", "peft_type", "auto_map")):
        return []
    return [f"{name} names no model type"]


def _weights(api: HfApi, name: str, files: dict[str, int]) -> list[str]:
    weights = {one for one in files if one.endswith((".safetensors", ".bin", ".gguf"))}
    if not weights:
        return ["it has no weights"]
    empty = sorted(one for one in weights if not files[one])
    faults = [f"empty: {', '.join(empty)}"] if empty else []
    parts = {one for first in weights for one in _numbered(first)}
    index = _json(api, name, INDEX) if INDEX in files else None
    if isinstance(index, dict):
        parts |= set((index.get("weight_map") or {}).values())
    gone = sorted(parts - files.keys())
    if gone:
        faults.append(f"of its {len(parts)} shards are missing: {', '.join(gone[:SHOWN])}")
    return faults


def _numbered(file: str) -> list[str]:
    """All shards of which `file` is one, by their numbers."""
    found = _SHARD.fullmatch(file)
    if found is None:
        return []
    return [f"{found[1]}-{n:05}-of-{found[2]}{found[3]}" for n in range(1, int(found[2]) + 1)]


def _json(api: HfApi, name: str, path: str) -> Any:
    about = Repo(name, path=path)
    with open(api.hf_hub_download(about.id, path), encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError:
            return None
