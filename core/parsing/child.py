"""The process that parses: one job after another from its input, within limits of the system.

A page may keep a parser busy for hours, or take all memory, and Python cannot stop a regular
expression that runs. The system can: a job over its processor time kills this process, and the
parent starts another. It ends when its input ends.

A message is one line of JSON with the number of bytes behind it (`size`), and those bytes.
"""

import json
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

from core.errors import ToolError

#: Seconds of processor time that a job may take, and bytes that the process may have in all.
SECONDS, MEMORY = 10, 2_000_000_000
#: Bytes of a file that it may write: Python keeps what it compiled.
FILE = 10_000_000
#: What there is to parse, and the module whose function of that name does it.
JOBS = {"page": "pages", "paper": "pages", "menu": "pages", "picture": "pictures"}


def main() -> None:
    """Do jobs until the input ends. Arguments: the kind whose libraries are loaded first."""
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, FILE)
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    # What a library prints must not stand among the answers.
    sys.stdout = sys.stderr
    for kind in sys.argv[1:]:
        _job(kind)
    while (message := receive(incoming)) is not None:
        facts, body = message
        work = _job(facts.pop("kind"))
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + SECONDS)
        send(outgoing, {}, json.dumps(_answer(work, facts, body)).encode())


def _job(kind: str) -> Callable[..., Any]:
    work: Callable[..., Any] = getattr(import_module(f"core.parsing.{JOBS[kind]}"), kind)
    return work


def _answer(work: Callable[..., Any], facts: dict[str, Any], body: bytes) -> dict[str, Any]:
    try:
        return {"result": work(body, **facts)}
    except ToolError as error:
        return {"error": error.message}
    except MemoryError:
        return {"failed": f"it takes more than {MEMORY // 1_000_000_000} GB of memory"}
    except RecursionError:
        return {"failed": "it is nested too deeply"}
    except Exception as error:  # a parser's bug on a stranger's bytes is that call's failure
        return {"failed": f"it is broken ({type(error).__name__})"}


def _limit(what: int, most: int) -> None:
    with suppress(ValueError, OSError):  # macOS has no limit of memory
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def send(stream: IO[bytes], facts: dict[str, Any], body: bytes) -> None:
    stream.write(json.dumps({**facts, "size": len(body)}).encode() + b"\n" + body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """(facts, body) of the next message; None at the end."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    facts: dict[str, Any] = json.loads(line)
    size = facts.pop("size")
    body = stream.read(size)
    return (facts, body) if len(body) == size else None


if __name__ == "__main__":
    main()
