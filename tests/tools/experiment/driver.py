"""Runs one trial of `test_kills` in a process that can be killed: FOLDER STATE CALL LOSS."""

import asyncio
import sys
from pathlib import Path

from configs.settings import Settings
from core.store import open_store
from core.tool import ToolResult
from nodes.services import build_services
from tests.tools.bench import Bench


async def one_trial(folder: str, state: str, call: str, loss: str) -> ToolResult:
    settings = Settings(state_dir=state, model_name="openai/stand-in")
    async with await open_store(settings) as store:
        bench = Bench(build_services(settings, store), Path(folder))
        return await bench.call(
            "experiment", call_id=call, operation="run", hypothesis=f"loss {loss}"
        )


if __name__ == "__main__":
    asyncio.run(one_trial(*sys.argv[1:]))
