"""Asks `transformers serve` for a tool call and an answer, streamed and not, with a tiny model.

    uv run python -m benchmarks.transformers_serve [PYTHON]

PYTHON has `torch` and `transformers[serving]`; without it both are installed into a venv in the
user's cache (about 1.5 GB). They are not among the development dependencies for that reason. The
model's attention is zero, as in tests/stand_ins/tiny_model.py: each token alone decides the next.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import platformdirs
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from configs.settings import Settings
from core.model import AnswerOptions
from core.models.client import ChatClient
from tests.core.models.asking import HELLO, bash
from tests.stand_ins.model_server import closed_port
from tests.stand_ins.tiny_model import ASK_CALL, ASK_WORDS, CALL, WORDS

#: Runs in the other Python: writes the model into a folder.
MAKE = """
import json, sys
import torch
from itertools import pairwise
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

folder, call, words, ask_call, ask_words = json.loads(sys.argv[1])
end = "<|im_end|>"
alphabet = pre_tokenizers.ByteLevel.alphabet()
plain = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(sorted(alphabet))}, merges=[]))
plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
plain.decoder = decoders.ByteLevel()
plain.add_special_tokens([end, ask_call, ask_words])
plain.add_tokens([AddedToken(t, normalized=False) for t in (*call, *words)])
tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=end, pad_token=end)
tokenizer.chat_template = (
    "{%- for m in messages %}{{ m.role + ': ' }}{{ m.content if m.content else '' }}\\n"
    "{%- endfor %}"
    # What is before the anchor is not read as a part of the answer.
    "{{ '<|im_start|>assistant\\n' }}"
    "{{ '" + ask_words + "' if messages[-1].role == 'tool' else '" + ask_call + "' }}"
)
size, width = len(tokenizer), 64
model = Qwen2ForCausalLM(Qwen2Config(
    vocab_size=size, hidden_size=width, intermediate_size=32, num_hidden_layers=1,
    num_attention_heads=1, num_key_value_heads=1, max_position_embeddings=32768,
    tie_word_embeddings=False, eos_token_id=tokenizer.eos_token_id,
))
with torch.no_grad():
    for name, weight in model.named_parameters():
        weight.fill_(1.0) if "norm" in name else weight.zero_()
    place = {}
    for chain in ([ask_call, *call, end], [ask_words, *words, end]):
        for token in chain:
            number = tokenizer.convert_tokens_to_ids(token)
            place.setdefault(number, len(place))
            model.model.embed_tokens.weight[number, place[number]] = 1.0
        for one, then in pairwise(tokenizer.convert_tokens_to_ids(chain)):
            model.lm_head.weight[then, place[one]] = 10.0
model.generation_config.eos_token_id = tokenizer.eos_token_id
model.save_pretrained(folder)
tokenizer.save_pretrained(folder)
"""


def installed() -> Path:
    """A Python with transformers, made once."""
    home = platformdirs.user_cache_path("ml-agent-benchmarks") / "transformers"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        venv.create(home, with_pip=True, clear=True)
        wanted = ["torch", "transformers[serving]"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        (home / "complete").touch()
    return python


@contextmanager
def serving(python: Path, folder: Path) -> Iterator[str]:
    """The base URL of a server that has the model."""
    chains = json.dumps([str(folder), CALL, WORDS, ASK_CALL, ASK_WORDS])
    subprocess.run([python, "-c", MAKE, chains], check=True)
    port = closed_port()
    command = [python.parent / "transformers", "serve", folder, "--port", str(port),
               "--device", "cpu", "--default-seed", "0"]  # fmt: skip
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log, stdout=log) as p:
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(base, p, folder / "log")
            yield f"{base}/v1"
        finally:
            p.terminate()


def _wait(base: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{base}/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise SystemExit(f"transformers serve did not start:\n{log.read_text()[-3000:]}")


async def ask(base: str, model: str, *, stream: bool) -> str:
    """What came of a call and of the answer behind its result."""
    client = ChatClient(Settings(local_base_url=base, request_timeout=300))
    options = AnswerOptions(stream, max_tokens=40)
    history: list[BaseMessage] = list(HELLO)
    said = await client.answer(model, history, [bash], emit=lambda e: None, options=options)
    calls = [(c["name"], c["args"]) for c in said.message.tool_calls]
    assert calls == [("bash", {"command": "echo from-a-real-server"})], said
    assert not said.bad_calls, said
    assert isinstance(said.message, AIMessage)
    result = ToolMessage("from-a-real-server", tool_call_id=said.message.tool_calls[0]["id"])
    history += [said.message, result]
    then = await client.answer(model, history, [bash], emit=lambda e: None, options=options)
    # The server reads the prompt's last token, which the model needs, as the answer's first.
    assert then.message.text.removeprefix(ASK_WORDS) == "".join(WORDS), then
    return f"{calls[0]} ({said.finish_reason}), then {then.message.text!r} ({then.finish_reason})"


def main() -> None:
    python = Path(sys.argv[1]) if len(sys.argv) > 1 else installed()
    with tempfile.TemporaryDirectory() as folder, serving(python, Path(folder)) as base:
        for prefix in ("local", "litellm/local"):
            for stream in (True, False):
                told = asyncio.run(ask(base, f"{prefix}/{folder}", stream=stream))
                print(f"{prefix}, {'streamed' if stream else 'plain'}: {told}")


if __name__ == "__main__":
    main()
