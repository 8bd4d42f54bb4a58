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
    def confident(self) -> bool:
        """Said without a reservation; what is sharded is called rougher."""
        return self.certain.confident and self.row["gpus"] == "1"


def measurements() -> list[Measurement]:
    with (DATA / "memory_measurements.csv").open(newline="") as file:
        return [_compared(row) for row in csv.DictReader(file)]


def shape_of(model: str) -> Shape:
    if model not in CONFIGS:
        return of_size(round(float(model.removesuffix("B")) * GB))
    one = CONFIGS[model]
    found = from_config(one["config"], one["parameters"])
    assert found is not None
    return found


def _compared(row: dict[str, str]) -> Measurement:
    shape = shape_of(row["model"])
    given = dict(word.split("=") for word in row["settings"].split())
    plan = MemoryEstimate(
        row["method"],  # type: ignore[arg-type]
        int(row["tokens"]),
        int(row["batch"]),
        int(row["lora_rank"]),
        row["checkpointing"] == "on",
        **{name: _value(text) for name, text in given.items()},
    )
    size = need(shape, plan).per_gpu(int(row["gpus"]))
    size -= CONTEXT if row["counts"] == "allocated" else 0
    return Measurement(row, float(row["gb"]), size / GB, certainty(shape, plan))


def _value(text: str) -> Any:
    if text[:1].isdigit():
        return float(text)
    return True if text == "True" else text
