"""What one watcher costs while 1,000 threads wait, half of them for a job.

uv run python -m benchmarks.waits_watched [--threads 1000] [--seconds 45]
"""

import argparse
import asyncio
import os
import resource
import tempfile
import time
from pathlib import Path

from configs.settings import Settings
from core.durable import WaitRow
from core.store import ThreadRow, open_store
from graph.watcher import Watcher
from tests.stand_ins.hub_jobs import Job
from tests.stand_ins.hub_server import HubServer

ID = f"{1:024x}"
#: Seconds of the first looks, which are not measured.
WARM = 8


async def measure(threads: int, seconds: float, folder: Path) -> str:
    """The watcher's share of a core, its requests to the Hub, its memory before and after."""
    os.environ["HF_TOKEN"] = "hf_ann"
    with HubServer() as hub:
        hub.jobs.jobs[ID] = Job(ID, "ann", {"flavor": "t4-small"}, 10**6, "COMPLETED", ["x"])
        settings = Settings(state_dir=str(folder), hub_url=hub.url, model_name="openai/none")
        await make(settings, threads)
        watching = asyncio.ensure_future(Watcher(settings, lambda _: settings, print).forever())
        await asyncio.sleep(WARM)
        before, asked, memory = time.process_time(), len(hub.requests), peak()
        await asyncio.sleep(seconds)
        share = 100 * (time.process_time() - before) / seconds
        asked = len(hub.requests) - asked
        watching.cancel()
    return (
        f"{threads} waiting threads: {share:.2f} % of a core, {60 * asked / seconds:.1f} requests "
        f"a minute to the Hub, memory {memory} MB, then {peak()} MB"
    )


async def make(settings: Settings, threads: int) -> None:
    now = time.time()
    job = {"kind": "job", "id": ID, "namespace": "ann", "matches": ""}
    async with await open_store(settings) as store:
        for number in range(threads):
            thread = f"t{number:05}"
            condition = job if number % 2 else {"kind": "at", "at": now + 900_000}
            row = ThreadRow(thread, "/", "h", "t", "m", "auto", status="waiting")
            await store.threads.create(row)
            await store.waits.make(WaitRow(thread, "c", [condition], "", now, None, 0, {}))


def peak() -> int:
    """Megabytes at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=45)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        print(asyncio.run(measure(given.threads, given.seconds, Path(made))))
