"""Published memory measurements, each with what its source says of the stack, next to the estimate.

`settings`: fields of MemoryEstimate. `counts`: "allocated" leaves out the CUDA context, which
torch's own figures do not hold. GPTQ and MXFP4 checkpoints: bits as their formats store a weight.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.hub.fit.assumptions import Certainty, certainty
from tools.hub.fit.gpu_memory import CONTEXT, GB, need
from tools.hub.fit.model_shape import Shape, from_config, of_size
from tools.hub.fit.plan import MemoryEstimate

DATA = Path(__file__).with_name("data")
CONFIGS = json.loads((DATA / "model_configs.json").read_text())
#: Settings that belong to the task and the checkpoint, not to the software that runs it.
TASK = ("trainer", "vllm", "bits")


@dataclass(frozen=True)
class Measurement:
    """`estimate` and `measured` in GB on each GPU."""

    row: dict[str, str]
    measured: float
    estimate: float
    certain: Certainty

    @property
    def ratio(self) -> float:
        return self.estimate / self.measured

    @property
    def is_close(self) -> bool:
        return abs(self.ratio - 1) <= 0.25

    @property
    def is_in_range(self) -> bool:
        """Of what the answer gives; of one GPU."""
        seen = self.measured + (CONTEXT / GB if self.row["counts"] == "allocated" else 0)
        return self.certain.low / GB <= seen <= self.certain.high / GB

    @property
    def confident(self) -> bool:
        """Said without a reservation; what is sharded is called rougher."""
        return self.certain.confident and self.row["gpus"] == "1"


def measurements(told: str = "all") -> list[Measurement]:
    """told: `all` that the source says; the `stack` alone; `nothing` of it."""
    with (DATA / "memory_measurements.csv").open(newline="") as file:
        return [_compared(row, told) for row in csv.DictReader(file)]


def shape_of(model: str) -> Shape:
    if model not in CONFIGS:
        return of_size(round(float(model.removesuffix("B")) * GB))
    one = CONFIGS[model]
    found = from_config(one["config"], one["parameters"])
    assert found is not None
    return found


def _stack(row: dict[str, str], given: dict[str, str]) -> str:
    if "torchtune" in row["source"]:
        return "torchtune"
    if "unsloth" in given:
        return "unsloth"
    return "trl" if given.get("loss") == "chunked" else "transformers"


def _compared(row: dict[str, str], told: str) -> Measurement:
    shape = shape_of(row["model"])
    given = dict(word.split("=") for word in row["settings"].split())
    stack = _stack(row, given) if told == "stack" else ""
    if told != "all":
        given = {name: text for name, text in given.items() if name in TASK}
    plan = MemoryEstimate(
        row["method"],  # type: ignore[arg-type]
        int(row["tokens"]),
        int(row["batch"]),
        int(row["lora_rank"]),
        row["checkpointing"] == "on",
        **{name: _value(text) for name, text in given.items()},
    ).on(stack)
    size = need(shape, plan).per_gpu(int(row["gpus"]))
    size -= CONTEXT if row["counts"] == "allocated" else 0
    return Measurement(row, float(row["gb"]), size / GB, certainty(shape, plan))


def _value(text: str) -> Any:
    if text[:1].isdigit():
        return float(text)
    return True if text == "True" else text
