"""The stand-in Hub with the flavors of jobs, and models whose weights are only a header."""

import json
import struct
from typing import Any

from tests.stand_ins.contract import Contract
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.service import Answer, Request

#: (name, model, GPUs, GB of all together, micro-USD per minute), as the Hub listed them.
FLAVORS = [
    ("t4-small", "T4", 1, 16, 6667),
    ("l4x1", "L4", 1, 24, 13333),
    ("l4x4", "L4", 4, 96, 63333),
    ("a10g-small", "A10G", 1, 24, 16667),
    ("a10g-largex2", "A10G", 2, 48, 50000),
    ("l40sx1", "L40S", 1, 48, 30000),
    ("a100-large", "A100", 1, 80, 41667),
    ("a100x4", "A100", 4, 320, 166667),
    ("a100x8", "A100", 8, 640, 333333),
    ("h200", "H200", 1, 141, 83333),
    ("h200x2", "H200", 2, 282, 166667),
]

LLAMA_8B: dict[str, Any] = {
    "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "vocab_size": 128256,
    "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
    "tie_word_embeddings": False,
}  # fmt: skip
LLAMA_8B_SIZE = 8_030_261_248


def hardware() -> list[dict[str, Any]]:
    def one(name: str, accelerator: Any, price: int) -> dict[str, Any]:
        return {
            "name": name, "prettyName": name.title(), "cpu": "8 vCPU", "ram": "30 GB",
            "ephemeralStorage": "100 GB", "accelerator": accelerator, "unitCostMicroUSD": price,
            "unitCostUSD": price / 1e6, "unitLabel": "minute",
        }  # fmt: skip

    def gpu(model: str, count: int, memory: int) -> dict[str, Any]:
        # The Hub sends the number as text, and the memory of all together.
        return {
            "type": "gpu", "model": model, "quantity": str(count), "vram": f"{memory} GB",
            "manufacturer": "Nvidia",
        }  # fmt: skip

    gpus = [one(n, gpu(m, count, memory), price) for n, m, count, memory, price in FLAVORS]
    return [one("cpu-basic", None, 167), *gpus]


class FlavorHub(HubServer):
    hardware_contract = Contract.load("hf-jobs.json")

    def answer(self, request: Request) -> Answer:
        if request.path == "/api/jobs/hardware":
            body = hardware()
            told = self.hardware_contract
            self.violations += told.request_problems("GET", request.target)
            self.violations += told.response_problems("GET", request.target, 200, body)
            return Answer(body)
        return super().answer(request)


def safetensors(shapes: dict[str, tuple[str, list[int]]]) -> bytes:
    """A file's header without its data: {tensor: (dtype, shape)}. What counts is in the header."""
    header = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]}
        for name, (dtype, shape) in shapes.items()
    }
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw


def model_files(parameters: int, config: dict[str, Any] | None = None) -> dict[str, Any]:
    files: dict[str, Any] = {"model.safetensors": safetensors({"w": ("BF16", [parameters])})}
    if config is not None:
        files["config.json"] = json.dumps(config)
    return files
