"""One judge at a time on a device, so that trials do not disturb each other's times."""

import asyncio
import fcntl
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from configs.folders import make_private_folder

#: Seconds between two attempts at a lock.
PAUSE = 0.1
_CHOSEN = re.compile(r"\bCUDA_VISIBLE_DEVICES=([\w,:-]+)")


def devices_of(command: str) -> list[str]:
    """What a judge runs on: the GPUs that it or the environment names, else all; without one the
    processor."""
    named = _CHOSEN.search(command)
    chosen = named[1] if named else os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        gpus = [p.name.removeprefix("nvidia") for p in Path("/dev").glob("nvidia[0-9]*")]
    else:
        gpus = [name.strip() for name in chosen.split(",")]
    return sorted({f"gpu-{name}" for name in gpus if name not in ("", "-1")}) or ["cpu"]


@asynccontextmanager
async def on_a_device(
    state: Path, command: str, say: Callable[[str], None]
) -> AsyncIterator[float]:
    """While the block runs, no other judge of this user runs on the command's devices. The seconds
    that this had to wait. The locks go with the process."""
    began, said = time.monotonic(), False
    with ExitStack() as held:
        for name in devices_of(command):
            folder = state / "locks"
            await asyncio.to_thread(make_private_folder, folder)
            descriptor = os.open(folder / f"device-{name}", os.O_RDWR | os.O_CREAT, 0o600)
            held.callback(os.close, descriptor)
            while not _locked(descriptor):
                if not said:
                    say(f"waits for {name}: another judge runs on it")
                said = True
                await asyncio.sleep(PAUSE)
        yield time.monotonic() - began if said else 0.0


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
