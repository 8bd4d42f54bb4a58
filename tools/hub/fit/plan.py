"""What is to run: the method, and what of the software stack decides how much memory it takes."""

from dataclasses import dataclass, replace
from typing import Any, Literal

Method = Literal["full", "lora", "qlora", "inference"]
Trainer = Literal["sft", "dpo", "kto", "grpo", "reward"]
Loss = Literal["", "chunked", "nll", "none"]
Precision = Literal["", "bf16", "fp32"]

Stack = Literal["", "transformers", "trl", "unsloth", "axolotl", "llama-factory", "torchtune"]

#: What a framework does if its user sets nothing: TRL 1.16, Unsloth, Axolotl and LLaMA-Factory
#: without Liger or cut cross-entropy, torchtune's recipes.
STACKS: dict[str, dict[str, Any]] = {
    "transformers": {"loss": "nll"},
    "axolotl": {"loss": "nll"},
    "llama-factory": {"loss": "nll"},
    "trl": {"loss": "chunked"},
    "unsloth": {"unsloth": True},
    "torchtune": {"loss": "chunked", "precision": "bf16"},
}
#: Moments that an optimizer keeps of each trained parameter (factored ones count as none).
MOMENTS = {"adam": 2, "ademamix": 3, "lion": 1, "muon": 1, "rmsprop": 1, "adagrad": 1,
           "adafactor": 0, "sgd": 0, "lomo": 0}  # fmt: skip


@dataclass(frozen=True)
class MemoryEstimate:
    """Attributes:
    batch: sequences on each GPU at a time.
    loss: `nll` puts out the whole logits, `chunked` (TRL since 1.7, Unsloth, Liger) never does;
        empty: `nll`, which most stacks still do and which takes the most.
    optimizer: a name of transformers' `optim`; `_in_backward` frees each gradient at once.
    precision: of what is trained, and of the weights that it starts from; empty: full fine-tuning
        with fp32 weights and bf16 autocast, adapters in fp32 on a bf16 base.
    offload: checkpoints wait in the CPU's memory. unsloth: its patched models.
    vllm: inference by vLLM; with GRPO, on the same GPU as the trainer.
    bits: of a stored weight (a quantized checkpoint); 0: as published, NF4 with QLoRA.
    keeps_gradients: they stay between the steps (gradient accumulation, DeepSpeed).
    """

    method: Method
    tokens: int = 2048
    batch: int = 1
    rank: int = 16
    checkpointing: bool = True
    trainer: Trainer = "sft"
    loss: Loss = ""
    optimizer: str = ""
    precision: Precision = ""
    offload: bool = False
    unsloth: bool = False
    vllm: bool = False
    bits: float = 0
    keeps_gradients: bool = False

    def on(self, stack: str) -> "MemoryEstimate":
        """With what a framework does, for all that the caller did not say."""
        own = STACKS.get(stack, {})
        return replace(self, **{k: value for k, value in own.items() if not getattr(self, k)})

    @property
    def whole_logits(self) -> bool:
        return self.loss == "nll" or (not self.loss and not self.unsloth)

    @property
    def sequences(self) -> int:
        """In one forward pass: DPO and a reward model take the chosen and the rejected answer, KTO
        another batch for its KL term."""
        return self.batch * (2 if self.trainer in ("dpo", "kto", "reward") else 1)

    @property
    def reference(self) -> bool:
        """A frozen copy of the model: adapters are switched off instead, and GRPO's default, beta
        0, needs none."""
        return self.method == "full" and self.trainer in ("dpo", "kto")

    @property
    def prepared(self) -> bool:
        """PEFT's prepare_model_for_kbit_training: what is not quantized becomes fp32, and the
        stream between the layers with it. TRL 1.16 does not call it any more."""
        return (
            self.method == "qlora"
            and self.whole_logits
            and self.precision != "bf16"
            and not self.bits
        )

    @property
    def trained(self) -> int:
        """Bytes of a trained parameter. TRL makes the adapters of a quantized model bf16."""
        small = self.method == "qlora" and not self.whole_logits and self.precision != "fp32"
        return 2 if self.precision == "bf16" or small else 4

    @property
    def stream(self) -> int:
        """Bytes of a number between the layers: fp32 weights make it fp32."""
        fp32 = self.method == "full" and self.precision != "bf16"
        return 4 if fp32 or self.prepared or self.precision == "fp32" else 2

    @property
    def moments(self) -> float:
        """Bytes of optimizer states for each trained parameter."""
        name = (self.optimizer or "adamw").lower()
        count = next((n for word, n in MOMENTS.items() if word in name), 2)
        return count * (1 if "8bit" in name else self.trained)

    @property
    def is_known_optimizer(self) -> bool:
        return not self.optimizer or any(word in self.optimizer.lower() for word in MOMENTS)

    @property
    def paged(self) -> bool:
        """The states may leave the GPU when it is full."""
        return "paged" in self.optimizer

    @property
    def frees_gradients(self) -> bool:
        return "in_backward" in self.optimizer or "lomo" in self.optimizer
