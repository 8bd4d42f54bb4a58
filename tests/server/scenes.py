"""A long session as the server tells it: tables, code, diffs, a long result, parallel calls."""

import time
from typing import Any

from core.titles import title_of
from server.markdown import blocks_of
from tests.stand_ins.page_server import PageServer

ANSWER = """\
## Results

The LoRA run **beats the frozen baseline** on every split. Full numbers, three seeds each:

| model | params trained | accuracy | F1 | $ |
|:--|--:|--:|--:|--:|
| frozen embeddings + logreg | 1.5 k | 0.871 | 0.868 | 0.00 |
| `Qwen2.5-0.5B` LoRA r=8 | 1.1 M | 0.934 | 0.933 | 0.42 |
| `Qwen2.5-0.5B` LoRA r=16 | 2.2 M | **0.941** | **0.940** | 0.44 |

What mattered, in this order:

1. **Deduplication**: 1,204 near-duplicates of test rows inflated the baseline by 2.1 points.
2. Learning rate `2e-4`; at `1e-3` the loss diverged after 300 steps.
3. Sequence length 512 instead of 256:
   - 11 % of the reviews are longer than 256 tokens
   - none of the gain came from padding

```python
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

config = SFTConfig(
    output_dir="out", learning_rate=2e-4, num_train_epochs=3,
    per_device_train_batch_size=16, bf16=True,  # fits 24 GB
)
trainer = SFTTrainer(model="Qwen/Qwen2.5-0.5B", args=config, train_dataset=train,
                     peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
trainer.train()
```

> The test split was not touched before the final run.

It is at https://huggingface.co/ann/reviews-lora with its card; `eval.py` reproduces the table.
"""
TASK = "Fine-tune a small model on ann/reviews and tell me if it beats a linear baseline."
DIFF = """\
Changed 1 place in ~/projects/reviews/train.py.
--- train.py
+++ train.py
@@ -12,9 +12,12 @@ def load():
 data = load_dataset("ann/reviews")
-train, test = data["train"], data["test"]
+train, test = data["train"], data["test"]
+seen = {fingerprint(row["text"]) for row in test}
+train = train.filter(lambda row: fingerprint(row["text"]) not in seen)
\x20
 config = SFTConfig(
-    output_dir="out", learning_rate=1e-3, num_train_epochs=1,
+    output_dir="out", learning_rate=2e-4, num_train_epochs=3,
     per_device_train_batch_size=16, bf16=True,
 )
"""
JOB = """\
run on a10g-small (A10G, 4 vCPU, 15 GB RAM, 24 GB)
$1.00 an hour × 2 h = $2.00 at most
image ghcr.io/astral-sh/uv:python3.12-bookworm, packages trl peft
secrets HF_TOKEN
data: ann/reviews inspected, its columns fit SFT (messages)
memory: lora of Qwen/Qwen2.5-0.5B fits a10g-small
result: to ann/reviews-lora, says the model; not checked in the script
monitoring: trackio, says the model

from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

config = SFTConfig(output_dir="out", num_train_epochs=3, push_to_hub=True)
data = load_dataset("ann/reviews", split="train")
SFTTrainer(model="Qwen/Qwen2.5-0.5B", args=config, train_dataset=data).train()
"""
PLAN = [
    {"text": "Inspect the dataset, look for leaks between splits", "status": "completed"},
    {"text": "Baseline: frozen embeddings and logistic regression", "status": "completed"},
    {"text": "LoRA run on the cheapest GPU that fits", "status": "in_progress"},
    {"text": "Compare over three seeds", "status": "pending"},
    {"text": "Model card and upload", "status": "pending"},
]
TRACE = """\
Traceback (most recent call last):
  File "train.py", line 31, in <module>
    trainer.train()
  File ".venv/lib/python3.12/site-packages/trl/trainer/sft_trainer.py", line 512, in train
    loss = self.compute_loss(model, inputs)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB (GPU 0; 23.69 GiB total)
[exit code 1]"""
REQUEST: dict[str, Any] = {
    "id": "job1", "tool": "hf_jobs", "effect": "spend", "reason": "costs money (mode ask)",
    "title": "run train.py · a10g-small · 2h · reviews-lora", "marks": ["costs money"],
    "arguments": {
        "operation": "run", "flavor": "a10g-small", "timeout": "2h", "script": "train.py",
        "dependencies": ["trl", "peft"], "name": "reviews-lora", "secrets": ["HF_TOKEN"],
    },
    "price_micro_usd": 2_000_000, "left_micro_usd": 7_580_000, "preview": JOB,
    "decisions": ["approve", "edit", "reject"], "rule": "",
}  # fmt: skip
COMMAND: dict[str, Any] = {
    "id": "cmd1", "tool": "bash", "effect": "execute", "reason": "a command (mode ask)",
    "title": "uv run train.py --epochs 3", "marks": [],
    "arguments": {"command": "uv run train.py --epochs 3"}, "price_micro_usd": None,
    "left_micro_usd": None, "preview": "uv run train.py --epochs 3",
    "decisions": ["approve", "edit", "reject"], "rule": "bash(uv run *)",
}  # fmt: skip
QUESTION: dict[str, Any] = {
    "id": "ask1", "tool": "ask_user", "effect": "read", "reason": "a question to you",
    "title": "Which licence should the model have?", "marks": [],
    "arguments": {
        "question": "Which licence should the model have?", "options": ["apache-2.0", "mit"],
    },
    "price_micro_usd": None, "left_micro_usd": None, "preview": "", "rule": "",
    "decisions": ["respond", "reject"],
}  # fmt: skip


def call(
    number: int, tool: str, arguments: dict[str, Any], text: str, **fields: Any
) -> dict[str, Any]:
    known = {
        "state": "done", "ok": True, "truncated": False, "seconds": 0.4, "summary": "",
        "title": title_of(arguments),
    }  # fmt: skip
    return {
        "kind": "call", "id": f"c{number}", "tool": tool, "arguments": arguments, "text": text,
        **known, **fields,
    }  # fmt: skip


def answer(text: str) -> dict[str, Any]:
    return {"kind": "answer", "blocks": blocks_of(text), "text": text}


def user(text: str, turn: int) -> dict[str, Any]:
    return {"kind": "user", "text": text, "turn": turn}


def long_session() -> list[dict[str, Any]]:
    log = "\n".join(f"step {n:4d}  loss {2.1 * 0.999**n:.4f}  lr 2.0e-4" for n in range(2000))
    short = {"command": "uv run train.py --epochs 1 --limit 2000"}
    whole = {"command": "uv run train.py --epochs 3 --batch 8"}
    parallel = [
        call(10 + n, tool, given, "ok", seconds=0.1 + n / 5)
        for n, (tool, given) in enumerate(
            [
                ("read", {"path": "train.py"}), ("read", {"path": "eval.py"}),
                ("grep", {"pattern": "learning_rate", "path": "."}), ("glob", {"pattern": "*.py"}),
                ("hf_dataset", {"operation": "inspect", "repo": "ann/reviews"}),
                ("hf_papers", {"operation": "search", "query": "LoRA rank small models"}),
                ("web", {"operation": "fetch", "url": "https://huggingface.co/docs/peft/lora"}),
                ("bash", {"command": "nvidia-smi --query-gpu=memory.free --format=csv"}),
                ("hf_fit", {"operation": "check", "model": "Qwen/Qwen2.5-0.5B", "method": "lora"}),
                ("research", {"question": "Which LoRA rank do small classifiers need, and why?"}),
            ]
        )
    ]  # fmt: skip
    return [
        user(TASK, 1),
        answer("I look at the data, the scripts and the hardware first."),
        *parallel,
        answer("`train.py` trains on rows that are in the test split, too. I fix that first."),
        call(30, "edit", {"path": "train.py", "old": "x", "new": "y"}, DIFF),
        call(31, "bash", short, TRACE, ok=False, state="failed", seconds=41.2),
        call(32, "bash", whole, log, seconds=754.0, truncated=True),
        answer(ANSWER),
        user("Nice. Does rank 32 help?\nIf it does, publish that one.", 2),
    ]  # fmt: skip


def sessions(server: PageServer) -> None:
    now, day = time.time(), 86_400
    rows = [
        ("long", "Fine-tune a small model on ann/reviews", "approval", 0),
        ("steps", "Sweep over 12 learning rates", "running", 0),
        ("error", "Evaluate GLM-4.7 on the held-out set", "error", 0),
        ("a", "Why is the validation loss lower than the training loss?", "done", 1),
        ("b", "Clean stanfordnlp/imdb", "cut off", 1),
        ("c", "Model card for beans-resnet18", "done", 3),
        ("d", "Port the trainer to bf16", "done", 5),
        ("e", "Reproduce table 2 of the LoRA paper", "limit", 45),
    ]
    for name, title, status, days in rows:
        server.thread(name, title=title, status=status, updated=now - days * day)
