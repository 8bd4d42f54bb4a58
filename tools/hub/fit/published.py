"""A model of the Hub: its shape, how its weights are stored, or why it is not a language model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.refusals import Repo
from tools.hub.fit.gpu_memory import GB
from tools.hub.fit.model_shape import HEADS, Shape, from_config, of_size

#: Bytes of a number. Several parameters are packed into one of the kinds in PACKED.
SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "F4": 0.5}
PACKED = frozenset({"I32", "U8", "I8", "U32"})
#: What a repository is, by a file in it.
OTHER_KINDS = {
    "model_index.json": "a diffusers pipeline",
    "adapter_config.json": "an adapter",
    "modules.json": "a sentence-transformers model without a config.json",
    "open_clip_config.json": "an OpenCLIP model",
}
OTHER_ENDINGS = {".ckpt": "a checkpoint of diffusion tools", ".onnx": "an ONNX model",
                 ".joblib": "a scikit-learn model", ".pkl": "a pickled model", ".skops": "a "
                 "scikit-learn model", ".keras": "a Keras model", ".xgb": "an XGBoost model",
                 ".nemo": "a NeMo model", ".tflite": "a TensorFlow Lite model"}  # fmt: skip
_PART = re.compile(r"-\d{5}-of-\d{5}")


@dataclass(frozen=True)
class Stored:
    """Attributes:
    parameters: as the safetensors tell; 0 if they do not. size: bytes, if they are quantized.
    """

    parameters: int = 0
    size: int = 0


async def published_shape(model: str, by_hand: int, hub: Hub, notes: list[str]) -> Shape:
    """`by_hand`: parameters that the caller gave. Raises ToolError."""
    files = await _files(model, hub, given=bool(by_hand))
    config = await _config(model, hub, files, notes, given=bool(by_hand))
    _check_kind(model, files, config)
    stored = await _stored(model, hub, files, notes, given=bool(by_hand))
    counted = by_hand or stored.parameters
    quantized = str((config or {}).get("quantization_config", {}).get("quant_method", ""))
    shape = from_config(config, counted) if config else None
    if shape is None:
        if not counted:
            raise ToolError(
                f"Cannot estimate {model}: it has neither safetensors to count nor a config.json "
                "that tells its size. Give parameters (in billions)."
            )
        if config:
            notes.append("its config.json does not tell its shape: it is guessed from its size")
        shape = of_size(counted)
    elif not counted:
        notes.append("parameters as they follow from config.json: no plain safetensors to count")
    if stored.size:
        kind = f" ({quantized})" if quantized else ""
        notes.append(
            f"it is stored quantized{kind}: {stored.size / GB:.1f} GB, counted so for inference; "
            "training is counted from 16-bit weights"
        )
    return replace(shape, stored=stored.size)


async def _files(model: str, hub: Hub, given: bool) -> dict[str, int]:
    """Bytes of each file; nothing if the repository cannot be read and a size was given."""
    try:
        info = await hub.ask(lambda api: api.model_info(model, files_metadata=True), Repo(model))
    except ToolError:
        # A gated or private model: what the caller knows is enough.
        if not given:
            raise
        return {}
    return {one.rfilename: one.size or 0 for one in info.siblings or []}


async def _config(
    model: str, hub: Hub, files: Mapping[str, int], notes: list[str], given: bool
) -> dict[str, Any] | None:
    if files and "config.json" not in files:
        notes.append("its shape is guessed from its size: it has no config.json")
        return None
    about = Repo(model, path="config.json")
    try:
        found = (await hub.get(f"/{model}/resolve/main/config.json", about=about)).json()
    except ToolError as error:
        if not given:
            raise
        notes.append(f"its shape is guessed from its size: {error}")
        return None
    return found if isinstance(found, dict) else None


def _check_kind(model: str, files: Mapping[str, int], config: Mapping[str, Any] | None) -> None:
    """Raises ToolError for what this estimate is not about."""
    kind = next((said for name, said in OTHER_KINDS.items() if name in files), "")
    if config:
        # An adapter or a pipeline may be published together with a whole model.
        kind = "" if _is_language(config) else f"{config.get('model_type') or 'a model'}"
        kind = kind and f"{kind}, by its config.json"
    elif not kind and not _has(files, ".safetensors", ".bin", ".gguf", ".pt", ".pth"):
        kind = next((s for e, s in OTHER_ENDINGS.items() if _has(files, e)), "")
    if not kind:
        return
    further = {"an adapter": " Ask for the model that it belongs to."}.get(kind, "")
    raise ToolError(
        f"Cannot estimate {model}: it is not a language model ({kind}).{further or ' Measure it:'}"
        + ("" if further else " a short job with few steps tells its peak memory.")
    )


def _is_language(config: Mapping[str, Any]) -> bool:
    """Text that goes through a language model: a vocabulary, and no head for something else."""
    named = [str(one) for one in config.get("architectures") or ()]
    shape = from_config(config)
    if shape is None:
        return any(one.endswith(HEADS) for one in named)
    return shape.vocabulary > 0 and (shape.head or not shape.tower)


def _has(files: Mapping[str, int], *endings: str) -> bool:
    return any(name.endswith(endings) for name in files)


def _gguf(files: Mapping[str, int], notes: list[str]) -> Stored:
    """The size of the usual quantization of a repository of GGUF files."""
    sizes: dict[str, int] = {}
    for name, size in files.items():
        if name.endswith(".gguf") and "mmproj" not in name:
            whole = _PART.sub("", name)
            sizes[whole] = sizes.get(whole, 0) + size
    if not sizes:
        return Stored()
    ranked = sorted(sizes, key=lambda name: sizes[name])
    usual = next((n for n in ranked if "q4_k_m" in n.lower()), ranked[len(ranked) // 2])
    notes.append(f"GGUF: {usual} is counted, {sizes[usual] / GB:.1f} GB{_others(ranked, sizes)}")
    return Stored(size=sizes[usual])


def _others(ranked: Sequence[str], sizes: Mapping[str, int]) -> str:
    if len(ranked) == 1:
        return ""
    least, most = sizes[ranked[0]] / GB, sizes[ranked[-1]] / GB
    return f" (of {len(ranked)} files, {least:.1f} to {most:.1f} GB)"


async def _stored(
    model: str, hub: Hub, files: Mapping[str, int], notes: list[str], given: bool
) -> Stored:
    """What the safetensors' headers tell. Raises ToolError."""
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    if not _has(files, ".safetensors"):
        return _gguf(files, notes)
    try:
        found = await hub.ask(
            lambda api: api.get_safetensors_metadata(model).parameter_count, Repo(model)
        )
    except (NotASafetensorsRepoError, SafetensorsParsingError):
        return Stored()
    except ToolError:
        if not given:
            raise
        return Stored()
    size = round(sum(count * SIZES.get(kind, 1) for kind, count in found.items()))
    packed = bool(PACKED & set(found))
    small = packed or any(kind.startswith(("F8", "F4", "F6")) for kind in found)
    return Stored(0 if packed else sum(found.values()), size if small else 0)
