"""A model of a few hundred kilobytes for llama.cpp, whose answers are known.

All of its attention is zero, so that each token alone decides the next: a chain. Its chat template
ends a prompt with the token that the wanted chain begins with: a tool call in Hermes' form, or
words if the newest message is a result. The real server parses and streams them.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

#: The pieces of a call; each is one token.
CALL = ("<tool_call>", '\n{"name": ', '"bash", ', '"arguments": ', '{"command": ', '"echo ',
        'from-a-real-server"', "}}", "\n</tool_call>")  # fmt: skip
WORDS = ("It ", "said ", "so.")
#: Where each chain begins, and where all end.
ASK_CALL, ASK_WORDS, END = "<|call|>", "<|words|>", "<|end|>"
TEMPLATE = (
    "{%- if tools %}# Tools\nYou may call functions. <tools>\n"
    "{%- for tool in tools %}{{ tool | tojson }}\n{%- endfor %}</tools>\n"
    "Answer a call as <tool_call>\n{\"name\": <name>, \"arguments\": <args>}\n</tool_call>\n"
    "{%- endif %}"
    "{%- for message in messages %}"
    "{{ '\n' + message.role + ': ' }}{{ message.content if message.content else '' }}"
    "{%- if message.tool_calls %}{%- for call in message.tool_calls %}"
    "<tool_call>\n{\"name\": \"{{ call.function.name }}\", \"arguments\": "
    "{{ call.function.arguments | tojson }}}\n</tool_call>{%- endfor %}{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{ '<|words|>' if messages[-1].role == 'tool' else '<|call|>' }}{%- endif %}"
)  # fmt: skip
WIDTH = 64


def write_tiny_model(path: Path, text: str = "", window: int = 65_536) -> None:
    """Write the model as GGUF. `text`: words of it become tokens, which keeps a prompt short."""
    import gguf
    import numpy as np

    special = [END, ASK_CALL, ASK_WORDS]
    chain = [*CALL, *WORDS]
    known = {*special, *chain}
    words = sorted({w for w in text.replace("\n", " ").split(" ") if 1 < len(w) < 30} - known)
    # RWKV's tokenizer takes the longest token that fits, and needs no merges.
    plain = [_escaped(bytes([n])) for n in range(256)]
    tokens = [*special, *(_escaped(t.encode()) for t in chain), *plain]
    tokens += [_escaped(w.encode()) for w in words]
    types = [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * (len(tokens) - 3)

    writer = gguf.GGUFWriter(str(path), "llama")
    _shape(writer, len(tokens), window)
    writer.add_tokenizer_model("rwkv")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    place = {token: number for number, token in enumerate([*special, *chain])}
    chains = [[ASK_CALL, *CALL, END], [ASK_WORDS, *WORDS, END]]
    embedding = np.zeros((len(tokens), WIDTH), dtype=np.float32)
    output = np.zeros((len(tokens), WIDTH), dtype=np.float32)
    for number in place.values():
        embedding[number, number] = 1.0
    for steps in chains:
        for one, then in pairwise(steps):
            output[place[then], place[one]] = 10.0
    _tensors(writer, embedding, output)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _escaped(raw: bytes) -> str:
    """As RWKV's vocabulary writes a token."""
    return "".join(chr(b) if 32 < b < 127 and chr(b) not in "\\'\"" else f"\\x{b:02x}" for b in raw)


def _shape(writer: Any, size: int, window: int) -> None:
    writer.add_context_length(window)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH)
    writer.add_vocab_size(size)
    writer.add_file_type(0)


def _tensors(writer: Any, embedding: Any, output: Any) -> None:
    import numpy as np

    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    for name, shape in {
        "attn_norm": (WIDTH,),
        "ffn_norm": (WIDTH,),
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (WIDTH, WIDTH),
        "attn_v": (WIDTH, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (32, WIDTH),
        "ffn_up": (32, WIDTH),
        "ffn_down": (WIDTH, 32),
    }.items():
        fill = np.ones if name.endswith("norm") else np.zeros
        writer.add_tensor(f"blk.0.{name}.weight", fill(shape, dtype=np.float32))
