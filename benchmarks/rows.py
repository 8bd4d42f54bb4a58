"""The rows of the budget, each made by one function; what two rows need is measured once."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import tiktoken

from benchmarks import iterations, kills, sandbox_cost, starts
from benchmarks.bench import Bench
from benchmarks.observer import watching
from benchmarks.programs import BareGraph, OursThroughLiteLLM, Program
from benchmarks.table import Row

#: Most that an iteration may cost, as a multiple of the bare loop's in the same run.
DIRECT, LITELLM = 3.5, 9
#: Only turns of at least so many iterations have a budget: in a shorter one what is spent once (the
#: first iterations, a new database) counts, and the bare loop sends little history.
BUDGETED = 300


def help_time(bench: Bench) -> list[Row]:
    """`--help` against importing click."""
    times = starts.help_times(bench.programs, 3 * bench.sizes.runs)
    limit = 2 * times["click"]
    budget = f"≤ 2 × import click ({times['click']:.3f})"
    mini = times.get("mini", bench.absent)
    return [Row("--help, s", times["ours"], "no help", mini, limit, budget, 3)]


def first_request(bench: Bench) -> list[Row]:
    """From the start of the process to its first request, against importing the libraries."""
    times, spent, peaks = starts.first_requests(bench.programs, bench.sizes.runs)
    rows = []
    for name, found in {
        "start to first request, s": times,
        "processor time to first request, s": spent,
    }.items():
        bare, mini = bench.others(lambda program, found=found: found[program])
        if isinstance(mini, float):
            limit, budget = 0.3 * mini, "≤ 0.3 × mini-swe-agent"
        else:
            limit = 0.35 * found["imports"]
            budget = f"≤ 0.35 × importing litellm and langgraph ({found['imports']:.2f})"
        rows.append(Row(name, found["ours"], bare, mini, limit, budget, 2))
    bare, mini = bench.others(lambda name: peaks[name])
    name = "peak memory until the first request, MiB"
    return [*rows, Row(name, peaks["ours"], bare, mini, 110, "≤ 110", 0)]


def processor(bench: Bench) -> list[Row]:
    """Processor time of an iteration, and how it and the gap between requests grow."""
    rows = []
    for n in bench.sizes.counts:
        bare, mini = bench.turns(n, lambda turn: turn.cpu_ms)
        ours = bench.long("ours", n)
        limit, budget = _by_bare(n, DIRECT, bare)
        rows.append(Row(f"CPU per iteration of {n}, ms", ours.cpu_ms, bare, mini, limit, budget))
    for n in (bench.sizes.short, bench.sizes.long):
        bare, mini = bench.turns(n, lambda turn: turn.b)
        ours = bench.long("ours", n)
        name = f"growth b of the gap a + b·k, {n}, ms"
        rows.append(Row(name, ours.b, bare, mini, 0.1, f"≤ 0.1 (a = {ours.a:.0f} ms)", 3))
    return [*rows, *_growth(bench)]


def _by_bare(n: int, most: float, bare: float | str) -> tuple[float | None, str]:
    """(limit, budget in words) of an iteration of a turn of `n`, by what the bare loop's costs."""
    return _from_budgeted(n, most * float(bare), f"≤ {most:g} × bare loop")


def _from_budgeted(n: int, limit: float, budget: str) -> tuple[float | None, str]:
    """(limit, budget), of a turn of `n` iterations that is long enough to have one."""
    return (limit, budget) if n >= BUDGETED else (None, f"none below {BUDGETED} iterations")


def _growth(bench: Bench) -> list[Row]:
    """How the processor time of an iteration grows with those before it; the longest turn says it
    best."""
    short, longest = bench.sizes.short, max(bench.sizes.counts)
    bare, mini = bench.turns(longest, lambda turn: turn.cpu_b)
    turn = bench.long("ours", longest)
    name = f"growth of CPU per iteration, {longest}, ms"
    growth = Row(name, turn.cpu_b, bare, mini, 0.01, "≤ 0.01", 3)
    parts = longest / short
    name = f"processor time, {longest} iterations by {parts:.0f} turns of {short}"

    def ratio(program: str) -> float:
        return bench.long(program, longest).spent / (parts * bench.long(program, short).spent)

    return [growth, Row(name, ratio("ours"), ratio("bare"), "left out", 1.3, "≤ 1.3", 2)]


def floor(bench: Bench) -> list[Row]:
    """Processor time of an iteration of an empty graph of our shape with a checkpointer. No work on
    ours makes LangGraph's and the database's part less."""
    n = bench.sizes.short
    bare, mini = bench.turns(n, lambda turn: turn.cpu_ms)
    graph = iterations.measure(BareGraph(), n).cpu_ms
    name = f"CPU per iteration of {n}, an empty graph of the same shape, ms"
    limit, _ = _by_bare(n, DIRECT, bare)
    return [Row(name, graph, bare, mini, limit, "below the direct route's")]


def litellm(bench: Bench) -> list[Row]:
    """Processor time of an iteration whose model is asked through LiteLLM."""
    n = bench.sizes.short
    bare, mini = bench.turns(n, lambda turn: turn.cpu_ms)
    ours = iterations.measure(OursThroughLiteLLM(), n).cpu_ms
    limit, budget = _by_bare(n, LITELLM, bare)
    return [Row(f"CPU per iteration of {n} through LiteLLM, ms", ours, bare, mini, limit, budget)]


def disk(bench: Bench) -> list[Row]:
    """What is on disk after a long turn."""
    short, long = bench.sizes.short, bench.sizes.long
    rows = []
    for n in (short, long):
        bare, mini = bench.turns(n, lambda turn: turn.disk / 1e6)
        ours = bench.long("ours", n)
        budget = f"≤ 3 × {ours.transcript / 1e6:.2f} MB of results + 8 kB × {n}"
        name = f"on disk, {n} iterations, MB"
        rows.append(Row(name, ours.disk / 1e6, bare, mini, ours.allowed / 1e6, budget, 2))
    ours_ratio = bench.long("ours", long).disk / bench.long("ours", short).disk
    mini_ratio: float | str = bench.absent
    if "mini" in bench.programs:
        mini_ratio = bench.long("mini", long).disk / bench.long("mini", short).disk
    limit = 2.1 * long / (2 * short)
    name = f"on disk, {long} by {short} iterations"
    rows.append(Row(name, ours_ratio, "nothing", mini_ratio, limit, f"≤ {limit:.1f}", 2))
    return [*rows, *_written(bench)]


def _written(bench: Bench) -> list[Row]:
    """What one iteration writes: blocks, and transactions."""
    n = bench.sizes.short
    bare, mini = bench.turns(n, lambda turn: turn.disk / n / 1e3)
    turn = bench.long("ours", n)
    name = f"blocks on disk per iteration of {n}, kB"
    limit, budget = _from_budgeted(n, 10, "≤ 10")
    blocks = Row(name, turn.disk / n / 1e3, bare, mini, limit, budget)
    name = f"write transactions per iteration of {n}"
    return [blocks, Row(name, turn.commits, "no database", "no database", 2.1, "2")]


def tokens(bench: Bench) -> list[Row]:
    """The first request without its task: system prompt, tools, what the first message says."""
    bare, mini = bench.others(lambda name: first_tokens(bench.programs[name]))
    ours = first_tokens(bench.programs["ours"])
    name = "first request without the task, tokens"
    return [Row(name, ours, bare, mini, 7500, "≤ 7,500", 0)]


def first_tokens(program: Program) -> int:
    """cl100k tokens of the texts and the tools' JSON of `program`'s first request."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        watching(lambda asked: program.end, strict=program.strict) as observer,
    ):
        place = Path(folder)
        observer.run(program, program.command("x", 1, place), place)
    texts = [iterations.text(m) for m in observer.first["messages"]]
    parts = [*texts, json.dumps(observer.first.get("tools", []))]
    return sum(len(_cl100k().encode(part, disallowed_special=())) for part in parts)


@cache
def _cl100k() -> tiktoken.Encoding:
    # LiteLLM brings the file along; no network is asked.
    import importlib.util

    found = importlib.util.find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    brought = Path(found.origin).parent / "litellm_core_utils" / "tokenizers"
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(brought))
    return tiktoken.get_encoding("cl100k_base")


def kill(bench: Bench) -> list[Row]:
    """Steps that happen twice, or never, when the process is killed and resumed."""
    at, of = bench.sizes.kill_at, bench.sizes.kill_of
    done = [kills.kill_and_resume(bench.ours, moment, at, of) for moment in kills.MOMENTS]
    name = f"kill -9 at {at} of {of}: steps "
    no, count = "no resume", f"0 ({len(done)} kills)"
    mini = no if "mini" in bench.programs else bench.absent
    return [
        Row(name + "repeated", sum(k.repeated for k in done), no, mini, 0, count, 0),
        Row(name + "lost", sum(k.lost for k in done), no, mini, 0, count, 0),
    ]


def memory(bench: Bench) -> list[Row]:
    """The most that a long turn ever had."""
    n = bench.sizes.short
    bare, mini = bench.turns(n, lambda turn: turn.memory)
    ours = bench.long("ours", n).memory
    return [Row(f"peak memory, {n} iterations, MiB", ours, bare, mini, 110, "≤ 110", 0)]


def resume(bench: Bench) -> list[Row]:
    """A killed thread of many iterations, resumed, to its first request."""
    rows = []
    for length in (bench.sizes.short, max(bench.sizes.counts)):
        times = bench.resumes(length)
        name = f"resume of {length} iterations to first request, s"
        budget = f"≤ fresh start ({times['fresh']:.2f}) + 0.5"
        limit = times["fresh"] + 0.5
        rows.append(Row(name, times["resume"], "no resume", "no resume", limit, budget, 2))
    return rows


def prefix(bench: Bench) -> list[Row]:
    """Requests that do not begin with the request before them."""
    n = bench.sizes.short
    bare, mini = bench.turns(n, lambda turn: turn.broken)
    turn, restarts = bench.long("ours", n), bench.resumes(n)
    broken, compared = turn.broken + restarts["broken"], turn.compared + restarts["compared"]
    name = f"requests with another prefix, of {compared:.0f}, restarts too"
    return [Row(name, broken, bare, mini, 0, "0", 0)]


def sandbox(bench: Bench) -> list[Row]:
    """A command in the command sandbox, against one without."""
    return sandbox_cost.rows(20 * bench.sizes.runs)


#: By the name that the command takes.
ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "help": help_time,
    "start": first_request,
    "processor": processor,
    "floor": floor,
    "litellm": litellm,
    "disk": disk,
    "tokens": tokens,
    "kill": kill,
    "memory": memory,
    "resume": resume,
    "prefix": prefix,
    "sandbox": sandbox,
}
