"""`hf_jobs smoke`: the same script, flavor and batch for a few steps, so that memory, speed and
price of the whole run are measured instead of estimated."""

import base64
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.hub.jobs import Flavor
from core.tool import Services
from core.units import dollars, duration
from tools.hub.jobs.smoke_hook import MARK

#: Seconds that a smoke run may take, if the time limit is not shorter.
LONGEST = 15 * 60
_FOLDER = "/tmp/smoke"
_SET_UP = (
    f'mkdir -p {_FOLDER} && printf %s "$1" | base64 -d | gunzip > {_FOLDER}/sitecustomize.py && '
    f"export PYTHONPATH={_FOLDER} ML_AGENT_SMOKE_STEPS="
)


def wrapped(command: list[str], steps: int) -> list[str]:
    """A job's command, [shell, -c, line, name?], that stops after so many steps."""
    shell, option, line, *name = command
    source = Path(__file__).with_name("smoke_hook.py").read_bytes()
    hook = base64.b64encode(gzip.compress(source, mtime=0)).decode()
    return [shell, option, f"{_SET_UP}{steps} && {line}", *(name or ["smoke"]), hook]


def seconds_of_smoke(flavor: Flavor, timeout: float, cents: int) -> int:
    """The time limit: not over LONGEST, and what the cents pay for."""
    paid = cents * 10_000 / flavor.per_minute * 60 if flavor.per_minute else LONGEST
    return max(60, int(min(timeout or LONGEST, LONGEST, paid)))


def measured_in(lines: Iterable[str]) -> dict[str, Any]:
    """What the hook printed; {} if it printed nothing."""
    for line in lines:
        if line.startswith(MARK):
            try:
                found = json.loads(line.removeprefix(MARK))
            except ValueError:
                continue
            return found if isinstance(found, dict) else {}
    return {}


async def keep_measured(
    services: Services, thread: str, job: str, lines: Iterable[str]
) -> list[str]:
    """Into the journal, as evidence for the real run; in words, for the result."""
    for call, note in await services.journal.notes(thread, "hf_jobs"):
        if note.get("job") == job and note.get("smoke"):
            found = measured_in(lines)
            if found:
                await services.journal.note(thread, call, {**note, "measured": found})
            return [f"Measured: {in_words(found, note) if found else NOTHING}"]
    return []


NOTHING = (
    "nothing. The log has no step of transformers' Trainer and no GPU memory: read it, and measure "
    "in the script (torch.cuda.max_memory_reserved)"
)


def in_words(found: dict[str, Any], note: dict[str, Any]) -> str:
    """Memory, speed, and what the whole run would take and cost."""
    parts = [f"{found.get('steps', 0)} steps on {note.get('flavor')}"]
    if "peak" in found:
        parts.append(f"peak {found['peak'] / 1e9:.1f} of {found['memory'] / 1e9:.1f} GB")
    if found.get("step_seconds"):
        parts.append(f"{found['step_seconds']:.2f} s a step")
    seconds = whole_run(found)
    if seconds:
        cost = dollars(round((note.get("per_minute") or 0) * seconds / 60))
        parts.append(f"the whole run of {found['of']:,} steps about {duration(seconds)}, {cost}")
    return ", ".join(parts)


def whole_run(found: dict[str, Any]) -> float:
    """Seconds that the whole run would take; 0 if that is not known."""
    step, whole = found.get("step_seconds"), found.get("of") or 0
    if not step or whole <= 0:
        return 0.0
    return float(max(0.0, found["seconds"] - found["steps"] * step) + whole * step)
