"""The calls that docs/tools.md shows, in the order in which they are made. A new operation is a
line here; tests/test_docs.py names what is missing."""

from dataclasses import dataclass, field
from typing import Any

from docs.tool_data import DPO, KTO

#: What the ids are, since the stand-in counts and the calls name theirs.
SMOKE, JOB, SECOND_JOB, SCHEDULE = f"{1:024x}", f"{2:024x}", f"{4:024x}", f"5{1:023x}"
BACKGROUND, ENDLESS = "call_a1b2c3d4e5f60718293a4b5c", "call_b2c3d4e5f60718293a4b5c6d"
SERVED = "call_e5f60718293a4b5c6d7e8f90"
ENDPOINT = {"name": "tuned-ee733f1"}
SPACE = {"repo": "ann/background-removal", "type": "space"}
TUNED = {"repo": "ann/tuned"}
RUN = {"flavor": "a100-large", "timeout": "2h"}


@dataclass
class Call:
    """A call that is made and shown. `id` fixes the call's own, for what names it later."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    id: str = ""


def _of(tool: str, *calls: dict[str, Any]) -> list[Call]:
    return [Call(tool, arguments) for arguments in calls]


def _step(number: int, text: str, status: str) -> dict[str, str]:
    return {"id": str(number), "text": text, "status": status}


# Each grep finds one file: ripgrep works in parallel, and its order of files is no one's.
CALLS = [
    *_of("ask_user", {"question": "Which licence?", "options": ["mit", "apache-2.0"]}),
    *_of(
        "plan",
        {"items": [_step(1, "look at the data", "completed"),
                   _step(2, "write train.py", "in_progress")]},
    ),
    *_of("read", {"path": "train.py", "limit": 5}, {"path": "look.ipynb"}, {"path": "."},
         {"path": "trian.py"}),
    *_of("write", {"path": "notes.md", "content": "# Notes\n\nRank 16.\n"}),
    *_of("edit", {"path": "train.py", "old": "num_train_epochs=2", "new": "num_train_epochs=3"}),
    *_of("glob", {"pattern": "*.{py,csv}"}),
    *_of("grep", {"pattern": "SFT\\w+\\(", "context": 1},
         {"pattern": "load_dataset", "output": "files"},
         {"pattern": "RANK", "path": "out", "ignore_case": True, "output": "count"}),
    *_of("bash", {"command": "wc -l data.csv && python3 -c 'raise SystemExit(3)'"}),
    Call("bash", {"command": "sleep 1; echo step 1; echo step 2", "background": True}, BACKGROUND),
    Call("bash", {"command": "sleep 600", "background": True}, ENDLESS),
    *_of("process", {"operation": "wait", "id": BACKGROUND[5:13]},
         {"operation": "output", "id": BACKGROUND[5:13]},
         {"operation": "list"}, {"operation": "kill", "id": ENDLESS[5:13]}),
    *_of("experiment", {"operation": "define", "metric": "bytes", "frozen": ["data.csv"],
                        "command": "echo METRIC bytes=$(wc -c < notes.md)", "repeats": 1}),
    *_of("write", {"path": "notes.md", "content": "Rank 16.\n"}),
    *_of("experiment", {"operation": "run", "hypothesis": "the title says nothing"},
         {"operation": "note", "text": "the rank must stay"}, {"operation": "list"}),
    *_of("hf_search", {"operation": "models", "query": "llama", "sort": "downloads"},
         {"operation": "datasets", "author": "ann"},
         {"operation": "spaces", "query": "background"}),
    *_of("hf_papers", {"operation": "trending"}, {"operation": "search", "query": "preference"},
         {"operation": "search", "query": "preference", "min_citations": 100, "sort": "citations"},
         {"operation": "read", "id": DPO}, {"operation": "read", "id": DPO, "section": "5"},
         {"operation": "details", "id": DPO}, {"operation": "citations", "id": DPO},
         {"operation": "citations", "id": KTO, "direction": "references"},
         {"operation": "resources", "id": DPO}),
    *_of("hf_docs", {"operation": "list"}, {"operation": "list", "product": "trl"},
         {"operation": "search", "query": "fine-tuning", "limit": 2},
         {"operation": "read", "url": "trl/sft_trainer#dataset-format"}),
    *_of("hf_api", {}, {"query": "create a tag"}),
    *_of("hf_dataset", {"operation": "inspect", "dataset": "ann/chat", "sample_rows": 1},
         {"operation": "search", "dataset": "ann/chat-eval", "query": "lantern"},
         {"operation": "overlap", "dataset": "ann/chat", "eval_dataset": "ann/chat-eval"}),
    *_of("hf_fit", {"method": "lora", "model": "ann/llama-8b"},
         {"method": "full", "model": "ann/llama-8b", "sequence_length": 4096},
         {"method": "qlora", "model": "ann/llama-8b", "stack": "unsloth"},
         {"method": "qlora", "parameters": 70}, {"method": "inference", "model": "ann/llama-8b"}),
    *_of("hf_jobs", {"operation": "hardware"},
         {"operation": "smoke", "flavor": "a100-large", "script": "train.py", "cents": 50,
          "dependencies": ["trl"], "model": "ann/llama-8b"}, {"operation": "wait", "id": SMOKE},
         {"operation": "run", **RUN, "script": "train.py", "dependencies": ["trl"], "name": "sft",
          "secrets": ["HF_TOKEN"], "datasets": ["ann/chat"], "model": "ann/llama-8b",
          "output": "ann/tuned", "monitoring": "trackio"},
         {"operation": "ps"}, {"operation": "metrics", "id": JOB},
         {"operation": "logs", "id": JOB, "tail": 3}, {"operation": "inspect", "id": JOB},
         {"operation": "wait", "id": JOB}, {"operation": "rerun", "id": JOB},
         {"operation": "run", "flavor": "cpu-basic", "timeout": "10m", "command": "python eval.py"},
         {"operation": "cancel", "id": SECOND_JOB},
         {"operation": "schedule", "flavor": "cpu-basic", "timeout": "10m", "cron": "@daily",
          "name": "nightly", "command": "python eval.py"},
         {"operation": "suspend", "id": SCHEDULE}, {"operation": "schedules"},
         {"operation": "resume", "id": SCHEDULE}, {"operation": "trigger", "id": SCHEDULE},
         {"operation": "unschedule", "id": SCHEDULE}),
    *_of("hf_endpoint", {"operation": "hardware"}),
    Call("hf_endpoint", {"operation": "deploy", "model": "ann/tuned", "hours": 2,
                         "hardware": "aws-us-east-1-nvidia-l4-x1"}, SERVED),
    *_of("hf_endpoint", {"operation": "list"}, {"operation": "scale_to_zero", **ENDPOINT},
         {"operation": "pause", **ENDPOINT}, {"operation": "resume", **ENDPOINT, "hours": 0.5},
         {"operation": "delete", **ENDPOINT}),
    *_of("hf_eval",
         {"operation": "job", "model": "ann/tuned", "base": "ann/llama-8b", "tasks": ["gsm8k"],
          "train": ["ann/chat"], "flavor": "a100-large", "timeout": "2h"},
         {"operation": "local", "model": "ann/tuned", "base": "ann/llama-8b", "chat": True,
          "tasks": ["letters=ann/chat-eval"], "train": ["ann/chat"], "limit": 100},
         {"operation": "results", "model": "ann/tuned", "source": "evals"},
         {"operation": "publish", "model": "ann/tuned"}),
    *_of("hf_repo",
        {"operation": "list", "repo": "ann/llama-8b"},
        {"operation": "read", "repo": "ann/llama-8b", "path": "README.md"},
        {"operation": "create", "repo": "ann/new", "visibility": "private"},
        {"operation": "update", "repo": "ann/new", "visibility": "public", "gated": "auto"},
        {"operation": "upload", **TUNED, "path": "README.md", "message": "A model card",
         "content": "# Tuned\n\nann/llama-8b, tuned on ann/chat; loss 0.93.\n"},
        {"operation": "upload", **TUNED, "source": "out", "path": "out", "message": "Settings"},
        {"operation": "delete", **TUNED, "paths": ["out/config.json"], "message": "Not needed"},
        {"operation": "branch", **TUNED, "name": "next"},
        {"operation": "tag", **TUNED, "name": "v1"},
        {"operation": "refs", **TUNED}, {"operation": "commits", **TUNED},
        {"operation": "pr_create", **TUNED, "message": "Add notes", "text": "They were missing."},
        {"operation": "upload", **TUNED, "path": "notes.md", "content": "Rank 16.\n",
         "revision": "refs/pr/1", "message": "Notes"},
        {"operation": "pr_comment", **TUNED, "number": 1, "text": "Ready to be read."},
        {"operation": "pr_list", **TUNED}, {"operation": "pr_get", **TUNED, "number": 1},
        {"operation": "pr_merge", **TUNED, "number": 1},
        {"operation": "upload", **TUNED, "path": "more.md", "content": "More.\n",
         "create_pr": True, "message": "More notes"},
        {"operation": "pr_close", **TUNED, "number": 2, "text": "Not needed."},
        {"operation": "report", **TUNED},
        {"operation": "status", **SPACE}, {"operation": "logs", **SPACE},
        {"operation": "secret", **SPACE, "name": "HF_TOKEN"},
        {"operation": "hardware", **SPACE, "name": "t4-small", "hours": 2},
        {"operation": "restart", **SPACE}, {"operation": "pause", **SPACE},
        {"operation": "list", "repo": "ann/runs", "type": "bucket"},
        {"operation": "copy", "repo": "ann/kept", "type": "bucket", "path": "best/",
         "source": "buckets/ann/runs/sft"},
        {"operation": "sync", "repo": "ann/kept", "type": "bucket", "path": "out",
         "source": "out"},
    ),
    *_of("github", {"operation": "search_repos", "query": "huggingface"},
         {"operation": "list_repos", "owner": "huggingface"},
         {"operation": "search_code", "query": "SFTTrainer", "repo": "huggingface/trl"},
         {"operation": "examples", "repo": "huggingface/trl", "keyword": "sft"},
         {"operation": "tree", "repo": "huggingface/trl"},
         {"operation": "read", "repo": "huggingface/trl", "path": "examples/scripts/sft.py"},
         {"operation": "issues", "repo": "huggingface/trl", "query": "nan"},
         {"operation": "issues", "repo": "huggingface/trl", "number": 7}),
    *_of("web", {"operation": "search", "query": "lora rank"},
         {"operation": "fetch", "url": "https://blog.example.org/lora"}),
]  # fmt: skip
