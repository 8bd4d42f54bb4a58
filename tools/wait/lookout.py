"""Looks whether what threads wait for has happened. One for a process, so that looks are shared:
one list of jobs per namespace, not one request per job."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.backend import CommandRequest, RunningCommand
from core.durable import WaitRow
from core.errors import AgentError, ToolError
from core.hub.jobs import Job
from core.store.wait_words import in_words
from core.tool import Services
from core.units import duration
from tools.extension import Jobs
from tools.local.wait_for_command import result_of
from tools.wait.check import check_briefly
from tools.wait.conditions import Stored

log = logging.getLogger(__name__)

#: Seconds between two looks: at a command of this machine, at jobs; they grow up to the longest.
NEAR, FAR, LONGEST, GROWTH = 0.5, 5.0, 60.0, 1.3
#: Seconds that a command of a condition may run, and how often in a row it may fail to.
PATIENCE, BROKEN = 30.0, 3
#: Seconds that a regular expression may take for a line, and the characters of it that count.
MATCHING, LINE = 0.2, 4_000

Happened = dict[str, Any]


@dataclass
class Pace:
    """When a condition is looked at next, by the services' clock, and how long after that."""

    at: float = 0.0
    pause: float = 0.0

    def passed(self, now: float, first: float, longest: float = LONGEST) -> bool:
        """Whether it is time; then the next look is due after a pause that has grown."""
        # A clock that was set back must not stop the looks.
        if self.at - self.pause <= now < self.at:
            return False
        self.pause = min(max(self.pause * GROWTH, first), longest)
        self.at = now + self.pause
        return True


@dataclass
class Listed:
    """The newest list of the jobs of a namespace."""

    pace: Pace = field(default_factory=Pace)
    jobs: dict[str, Job] = field(default_factory=dict)
    asked: int = 0


@dataclass(frozen=True)
class Place:
    """The services and the folder of the thread that waits."""

    services: Services
    cwd: str


class TooSlow(Exception):
    """A regular expression that backtracks for ever: the wait ends with these words."""


class Lookout:
    """Attributes: trouble: why the last look could not be done, in words; "" if it could."""

    def __init__(self, jobs: Jobs | None) -> None:
        self._jobs = jobs
        self._paces: dict[tuple[str, str, int], Pace] = {}
        self._listed: dict[str, Listed] = {}
        self._broken: dict[tuple[str, str, int], int] = {}
        self._read: dict[tuple[str, str, int], Any] = {}
        self.trouble = ""

    async def look(self, row: WaitRow, place: Place, *, now: bool = False) -> Happened | None:
        """What has happened of that which a thread waits for; None if nothing has. `now`: look at
        everything, whenever that was done last."""
        clock = place.services.clock
        for number, condition in enumerate(row.conditions):
            key = (row.thread, row.call_id, number)
            try:
                happened = await self._look_at(condition, key, place, now)
            except TooSlow as error:
                happened = {"kind": condition["kind"], "failed": True, "text": str(error)}
            except (AgentError, OSError, TimeoutError) as error:
                self.trouble = f"cannot look at {in_words(condition)}: {error}"
                log.debug("%s", self.trouble)
                continue
            if happened is not None:
                return {"condition": in_words(condition), **happened, "at": clock()}
        if row.until is not None and clock() >= row.until:
            said = f"Nothing happened within {duration(row.until - row.made)}."
            return {"kind": "timeout", "text": said, "at": clock()}
        return None

    def next_look(self, row: WaitRow, now: float) -> float:
        """Seconds until the next condition of a wait is due."""
        times: list[float] = [one["at"] for one in row.conditions if one["kind"] == "at"]
        times += [] if row.until is None else [row.until]
        for number, condition in enumerate(row.conditions):
            if condition["kind"] == "job":
                listed = self._listed.get(condition["namespace"])
                times.append(listed.pace.at if listed else now)
            elif condition["kind"] != "at":
                pace = self._paces.get((row.thread, row.call_id, number))
                times.append(pace.at if pace else now)
        return max(min(times) - now, 0.0)

    def forget(self, waits: Sequence[WaitRow]) -> None:
        """Keep only what is known of these waits."""
        kept = {(row.thread, row.call_id) for row in waits}
        spaces = {
            one["namespace"] for row in waits for one in row.conditions if one["kind"] == "job"
        }
        for known in (self._paces, self._broken, self._read):
            for key in [key for key in known if key[:2] not in kept]:
                del known[key]
        self._listed = {name: one for name, one in self._listed.items() if name in spaces}

    async def _look_at(
        self, condition: Stored, key: tuple[str, str, int], place: Place, now: bool
    ) -> Happened | None:
        kind, time = condition["kind"], place.services.clock()
        if kind == "at":
            return {"kind": "at", "text": "The time has come."} if time >= condition["at"] else None
        if kind == "job":
            return await self._job(condition, key, place, now)
        first, longest = NEAR, LONGEST
        if kind == "command":
            first = longest = float(condition["every"])
        if not (self._paces.setdefault(key, Pace()).passed(time, first, longest) or now):
            return None
        if kind == "process":
            return await self._process(condition, key, place)
        return await self._command(condition, key, place, now)

    # --- jobs ---------------------------------------------------------------------------------

    async def _job(
        self, condition: Stored, key: tuple[str, str, int], place: Place, now: bool
    ) -> Happened | None:
        if self._jobs is None:
            raise ToolError("this installation has no jobs")
        services, namespace = place.services, condition["namespace"]
        listed = self._listed.setdefault(namespace, Listed())
        if listed.pace.passed(services.clock(), FAR) or not listed.asked:
            listed.jobs = await self._jobs.list_all(services, namespace)
            listed.asked += 1
        elif not now and self._read.get(key) == listed.asked:
            return None
        self._read[key] = listed.asked
        job = listed.jobs.get(condition["id"])
        if job is None:
            job = await self._jobs.look_up(services, namespace, condition["id"])
        told = {"kind": "job", "job": condition["id"], "namespace": namespace}
        if job is None:
            return {**told, "gone": True, "text": f"Job {condition['id']} was deleted."}
        if job.ended:
            return {**told, "ended": True, "text": f"{job.line()[0].upper()}{job.line()[1:]}"}
        if not condition["matches"] or job.stage != "RUNNING":
            return None
        line = await asyncio.to_thread(
            matching, condition["matches"], await self._jobs.log_lines(services, job)
        )
        return {**told, "text": f"A line of its log fits: {line}\n{job.line()}"} if line else None

    # --- commands -----------------------------------------------------------------------------

    async def _process(
        self, condition: Stored, key: tuple[str, str, int], place: Place
    ) -> Happened | None:
        note, told = condition["note"], {"kind": "process", "process": condition["id"]}
        told["call"] = condition["call"]
        found = await place.services.backend.found(note)
        if isinstance(found, str):
            if note.get("host", socket.gethostname()) != socket.gethostname():
                return None  # its own machine can tell
            return {**told, "text": f"Command {condition['id']}: {found}. Its outcome is unknown."}
        state = await asyncio.to_thread(found.state)
        if state != "alive":
            done = await asyncio.to_thread(result_of, found)
            said = f"Command {condition['id']} has ended.\n{done.text}"
            return {**told, "ended": True, "text": said}
        if not condition["matches"]:
            return None
        line = await asyncio.to_thread(self._new_match, condition["matches"], key, found)
        return {**told, "text": f"A line of its output fits: {line}"} if line else None

    def _new_match(self, pattern: str, key: tuple[str, str, int], run: RunningCommand) -> str:
        data, self._read[key] = run.read_new(self._read.get(key, 0), 1_000_000)
        return matching(pattern, data.decode("utf-8", "replace").splitlines())

    async def _command(
        self, condition: Stored, key: tuple[str, str, int], place: Place, now: bool
    ) -> Happened | None:
        request = CommandRequest(
            condition["command"], place.cwd, PATIENCE, False, place.cwd, condition["reach"]
        )
        found = await check_briefly(place.services, request)
        if found.code == 0:
            return {"kind": "command", "text": f"The command succeeded.\n{found.output}".rstrip()}
        count = self._broken[key] = self._broken.get(key, 0) + 1 if found.trouble else 0
        if not found.trouble:
            return None
        # Who looks at once, as at the wait's start, says it at once.
        if count < (1 if now and found.code is not None else BROKEN):
            return None
        said = f"The command {found.trouble}: it is not waited for.\n{found.output}"
        return {"kind": "command", "failed": True, "text": said.rstrip()}


def matching(pattern: str, lines: Sequence[str]) -> str:
    """The first of `lines` that `pattern` fits; "" if none does. Raises TooSlow."""
    import regex

    compiled = regex.compile(pattern)
    for line in lines:
        try:
            if compiled.search(line[:LINE], timeout=MATCHING):
                return line[:500]
        except TimeoutError:
            raise TooSlow(f"The regular expression {pattern!r} takes too long.") from None
    return ""
