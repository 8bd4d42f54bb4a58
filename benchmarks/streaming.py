"""How the chat shows a fast answer: `uv run python -m benchmarks.streaming [TOKENS] [SECONDS]`.

The real program in a pseudo-terminal, a stand-in model that sends TOKENS (5000) in SECONDS (2).
Prints how long after the last token the end stood on the screen, the bytes that were written per
character of the answer, and how far up anything was ever drawn again.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

from tests.cli.program import program
from tests.cli.screens import Terminal, terminal
from tests.stand_ins.model_script import Asked, Reply

WORDS = "the loss went down by a tenth of it while **accuracy** rose, see `train.py` for more"


def answer(tokens: int) -> str:
    """About `tokens` tokens of markdown: paragraphs, lists and code."""
    words = WORDS.split()
    blocks, count = [], 0
    while count < tokens:
        number = len(blocks)
        if number % 5 == 3:
            block = "```python\n" + "total = total + step * 2\n" * 6 + "```"
        elif number % 5 == 4:
            block = "\n".join(f"- item {n} of the list" for n in range(6))
        else:
            block = " ".join(words[n % len(words)] for n in range(60))
        blocks.append(block)
        count += len(re.findall(r"\w+|[^\w\s]", block))
    return "\n\n".join(blocks) + "\n\nthe very end"


def measure(tokens: int, seconds: float, columns: int) -> dict[str, float]:
    text = answer(tokens)
    sent: list[float] = []

    def choose(asked: Asked) -> Reply:
        sent.append(time.monotonic())
        return Reply(text, pieces=tokens, chunk_delay=seconds / tokens)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        with program(Path(folder), choose) as run, terminal(run, columns=columns) as chat:
            chat.prompt()
            before = len(chat.raw)
            chat.enter("go")
            _until_end(chat)
            took = time.monotonic() - sent[0]
            raw = chat.raw[before:]
    ups = [int(n or 1) for n in re.findall(r"\x1b\[(\d*)A", raw)]
    return {
        "characters": len(text),
        "seconds from the request to the last line": took,
        "bytes written per character": len(raw) / len(text),
        "lines that were drawn again, at most": max(ups, default=0),
    }


def _until_end(chat: Terminal) -> None:
    """Only the raw bytes are looked at: drawing the screen here would be what is measured."""
    while "the very end" not in chat.raw[-4000:]:
        chat.raw += chat.child.read_nonblocking(65536, 30)


def main() -> None:
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    print(f"{tokens} tokens in {seconds:g} s")
    for columns in (40, 80, 200):
        for name, figure in measure(tokens, seconds, columns).items():
            print(f"  {columns:>3} columns  {name:<45} {figure:>9.2f}")


if __name__ == "__main__":
    main()
