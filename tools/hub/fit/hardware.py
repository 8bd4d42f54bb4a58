"""GPUs that a job could run on: the Hub's flavors with prices, and those of this machine."""

import asyncio
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass

from core.credentials import is_shared
from core.errors import ToolError
from core.hub.connection import Hub
from core.secrets.child_environment import child_environment
from tools.hub.fit.gpu_memory import GB

#: Seconds that nvidia-smi may take: a broken driver lets it hang.
PATIENCE = 10
#: Older than Ampere: no bf16.
WITHOUT_BF16 = ("T4", "V100", "P100", "P4", "RTX 20", "GTX")


@dataclass(frozen=True)
class Gpus:
    """`count` equal GPUs under one name.

    Attributes:
        memory: bytes of each. hourly: USD per hour; None for this machine's own.
        free: bytes that no one uses, where that is known.
    """

    name: str
    model: str
    count: int
    memory: float
    hourly: float | None = None
    free: float | None = None

    @property
    def bf16(self) -> bool:
        return not any(old in self.model for old in WITHOUT_BF16)


async def flavors(hub: Hub) -> list[Gpus]:
    """The Hub's flavors with GPUs. Raises ToolError."""
    found = []
    for one in await hub.ask(lambda api: api.list_jobs_hardware()):
        gpu = one.accelerator
        if gpu is None or gpu.type != "gpu":
            continue
        count, total = int(gpu.quantity), _bytes(gpu.vram)
        if count > 0 and total > 0:
            hourly = one.unit_cost_usd * _PER_HOUR.get(one.unit_label, 60)
            # The Hub gives the memory of all GPUs together.
            found.append(Gpus(one.name, gpu.model, count, total / count, hourly))
    return found


_PER_HOUR = {"second": 3600, "minute": 60, "hour": 1}


def _bytes(text: str) -> float:
    found = re.match(r"\s*([\d.]+)\s*(GB|GiB|TB)?", text)
    if not found:
        return 0
    return float(found[1]) * (1000 * GB if found[2] == "TB" else GB)


async def local_gpus() -> list[Gpus]:
    """This machine's NVIDIA GPUs, equal ones together; none where nvidia-smi is not there or
    does not work. Raises ToolError where it hangs."""
    program = None if is_shared() else shutil.which("nvidia-smi")
    if program is None:
        return []
    process = await asyncio.create_subprocess_exec(
        program,
        "--query-gpu=name,memory.total,memory.free",
        "--format=csv,noheader,nounits",
        env=child_environment(()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        raise ToolError(f"nvidia-smi did not answer within {PATIENCE} s") from None
    finally:
        with suppress(ProcessLookupError):
            if process.returncode is None:
                process.kill()
                await process.wait()
    return _grouped(output.decode("utf-8", "replace")) if process.returncode == 0 else []


def _grouped(output: str) -> list[Gpus]:
    seen: dict[tuple[str, float], list[float]] = {}
    for line in output.splitlines():
        parts = [part.strip() for part in line.rsplit(",", 2)]
        # "[N/A]" is what unified memory says.
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
            total, free = (float(part) * 2**20 for part in parts[1:])
            seen.setdefault((parts[0], total), []).append(free)
    return [
        Gpus("this machine", model, len(free), total, None, min(free))
        for (model, total), free in seen.items()
    ]
