"""llama.cpp's own server as a process, with a model made by `tiny_model`.

`python -m tests.stand_ins.llama_server MODEL WINDOW` prints its address and serves until its
standard input ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def llama_server(model: Path, window: int) -> Iterator[str]:
    """The base URL of a server that runs `model` with `window` tokens."""
    command = [sys.executable, "-m", "tests.stand_ins.llama_server", str(model), str(window)]
    log = model.with_suffix(".log")
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, log.read_text()[-2000:]
            yield f"{address}/v1"
        finally:
            process.stdin.close()
            process.wait(30)


def main() -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.n_ctx = int(sys.argv[2])
    params.n_parallel = 1
    params.port = 0
    params.use_jinja = True
    params.warmup = False
    params.sampling.temp = 0
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
