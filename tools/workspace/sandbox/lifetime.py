"""The life of a Hugging Face sandbox: a billed job that lives next to the thread.

It is made at the first call that needs it, once its price was allowed; labelled with the thread,
so that a later process finds it again before it would make another; paid hour by hour, and ended
where a cap would break. Its files die with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from core.backend import Quote, Say, Spending
from core.errors import AgentError, ToolError
from core.hub.connection import Hub
from core.hub.jobs import Flavor, flavor_of, job_of
from core.tool import Services
from core.units import duration
from tools.workspace.sandbox.bill import Bill, bills, came_to, new_bill, settle_job
from tools.workspace.sandbox.client import (
    Box,
    alive,
    bootstrap,
    connected_to,
    end_job,
    spec_of,
    submitted,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi, JobInfo

#: Seconds between two looks at whether the next hour has to be paid.
TICK = 20.0
#: Seconds between looks for a sandbox whose request may still be on its way.
LOOKS = (0.0, 1.0, 3.0)


class RentedSandbox:
    """The sandbox of one thread. `notice`: told what to show next to the calls."""

    def __init__(self, services: Services, thread: str, flavor: str, notice: Say) -> None:
        self._settings = settings = services.settings
        self._services = services
        self._notice = notice
        self._hub = Hub(settings)
        self._thread = thread
        self._flavor = flavor
        self._folder = settings.sandbox.folder
        self._box: Box | None = None
        self._bill: Bill | None = None
        self._spending: Spending | None = None
        self._meter: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._told: list[str] = []

    async def quote(self, say: Say) -> Quote | None:
        if self._box is not None:
            return None
        hub, wanted = Hub(self._settings, say), f"a sandbox on {self._flavor}"
        try:
            if await self._alive(hub):
                return None
        except ToolError as error:
            return Quote(self._flavor, wanted, None, problem=error.message)
        try:
            flavor = await flavor_of(self._flavor, hub)
        except ToolError as error:
            if error.message.startswith("flavor: "):
                return Quote(self._flavor, wanted, None, problem=error.message)
            return Quote(self._flavor, f"{wanted}: price unknown: {error.message}", None)
        words = (
            f"a sandbox on {flavor.name} ({flavor.described}), image "
            f"{self._settings.sandbox.image}: ${flavor.hourly:.2f} an hour. The first hour is set "
            "aside now, each further one while it lives, until the cap. Its files die with it, "
            "undo does not cover them"
        )
        return Quote(flavor.name, words, flavor.price(3600))

    async def begin(self, say: Say, spending: Spending) -> str:
        hub = Hub(self._settings, say)
        async with self._lock:
            self._spending = spending
            if self._box is None:
                await self._find(hub)
            if self._box is None:
                if not spending.allowed:
                    raise ToolError(
                        "the thread's sandbox has ended, with its files: call again, and a new one "
                        "is asked for"
                    )
                await self._make(hub, spending)
            await self._pay()
            if self._meter is None:
                self._meter = asyncio.ensure_future(self._watch())
            told, self._told = self._told, []
            return "\n".join(told)

    async def end(self) -> str:
        """End the thread's sandbox, if there is one, and settle what it cost. Raises ToolError."""
        async with self._lock:
            open_bills = await bills(self._services, self._thread)
            if self._box is None and not open_bills:
                return ""
            told = []
            for job in await self._alive(self._hub):
                cost = await self._ended(self._hub, job.id, job.owner.name, cancel=True)
                told.append(f"the sandbox {job.id} was ended{came_to(cost)}")
            for bill in await bills(self._services, self._thread):
                await self._close_bill(self._hub, bill)
            self._forget()
            return "; ".join(told)

    async def close(self) -> None:
        self._forget()

    async def _alive(self, hub: Hub) -> list[JobInfo]:
        """Raises ToolError."""
        namespace = await hub.payer()
        return await hub.ask(lambda api: alive(api, namespace, self._thread))

    async def _find(self, hub: Hub) -> None:
        """The sandbox of an earlier process, where it lives; the others are booked."""
        pending = await bills(self._services, self._thread)
        # A request without an answer may still be on its way.
        unsure = any("job" not in bill.note for bill in pending)
        jobs: list[JobInfo] = []
        for pause in LOOKS if unsure else LOOKS[:1]:
            await asyncio.sleep(pause)
            jobs = await self._alive(hub)
            if jobs:
                break
        for bill in pending:
            if not jobs or bill.note.get("job", jobs[0].id) != jobs[0].id:
                await self._close_bill(hub, bill)
        if not jobs:
            return
        kept, *others = jobs
        for job in others:
            # Two processes made one each: files are in the older one.
            await self._ended(hub, job.id, job.owner.name, cancel=True)
        found = await bills(self._services, self._thread)
        made = found[0].note.get("bootstrap", "") if found else ""
        box = await connected_to(hub, kept, self._folder, made)
        bill = found[0] if found else await self._bill_of(hub, box)
        if "job" not in bill.note:
            await bill.keep(job=box.id)
        self._box, self._bill = box, bill
        if box.flavor != self._flavor:
            hub.log(
                f"the session's sandbox runs on {box.flavor}; {self._flavor} is used when it ends",
            )
        hub.log(f"the sandbox {box.id} of this session is used again ({box.url})")

    async def _bill_of(self, hub: Hub, box: Box) -> Bill:
        """For a sandbox whose row was lost: another database, or a thread that was deleted."""
        flavor = await flavor_of(box.flavor, hub)
        bill = new_bill(
            self._services,
            self._thread,
            box.namespace,
            flavor,
            box.started or self._services.clock(),
        )
        await bill.open()
        return bill

    async def _make(self, hub: Hub, spending: Spending) -> None:
        try:
            flavor = await flavor_of(self._flavor, hub)
        except ToolError as error:
            if error.message.startswith("flavor: "):
                raise
            # Its price is not known, and a user has allowed that.
            flavor = Flavor(self._flavor, "", 0.0)
        namespace = await hub.payer()
        bill = new_bill(self._services, self._thread, namespace, flavor, self._services.clock())
        if not flavor.described:
            bill.note["per_minute"] = None
        # A later release may run another command: then this says what the sandbox was made with.
        bill.note["bootstrap"] = bootstrap()
        await bill.open()
        if not await bill.pay(spending, self._services.clock()):
            await bill.settle(0)
            raise ToolError(await bill.too_dear(f"a sandbox on {flavor.name}", spending))
        hub.log(f"starting a sandbox on {flavor.name} ...")
        job = await self._submitted(hub, bill, namespace)
        await bill.keep(job=job.id)
        try:
            box = await connected_to(hub, job, self._folder, bill.note["bootstrap"])
        except ToolError:
            with contextlib.suppress(ToolError):
                await self._ended(hub, job.id, namespace, cancel=True)
            raise
        self._box, self._bill = box, bill
        # Said once, to both: no one expects it of files.
        idle = duration(self._settings.sandbox.idle_timeout)
        hub.log(
            f"sandbox {box.id} on {flavor.name}, ${flavor.hourly:.2f} an hour: its files die with "
            f"it (after {idle} without use), and undo does not cover them ({box.url})",
        )
        self._told.append(
            f"[a new, empty sandbox was started for this thread; files in {self._folder} last as "
            "long as it does, and undo does not cover them]"
        )

    async def _submitted(self, hub: Hub, bill: Bill, namespace: str) -> JobInfo:
        """The job, asked for once. Raises ToolError where none was made."""

        def submit(api: HfApi) -> JobInfo:
            spec = spec_of(api, self._settings, self._flavor, self._thread)
            return api.run_job(namespace=namespace, **spec)

        try:
            return await submitted(hub, submit, lambda: self._alive(hub), LOOKS)
        except ToolError:
            await bill.settle(0)
            raise

    async def _ended(
        self, hub: Hub, job_id: str, namespace: str, *, cancel: bool = False
    ) -> int | None:
        """End it if it is to be, and book what it came to."""
        seconds = await end_job(hub, job_id, namespace, cancel=cancel)
        return await settle_job(self._services, self._thread, job_id, seconds)

    async def _close_bill(self, hub: Hub, bill: Bill) -> None:
        """Book a sandbox that has ended by itself, or was never made."""
        job = bill.note.get("job")
        if job is None:
            await bill.settle(0)
            return
        with contextlib.suppress(ToolError):
            await self._ended(hub, job, bill.note["namespace"])
            self._told.append(f"[the sandbox {job} has ended, and its files are gone]")

    # --- its price -----------------------------------------------------------------------------

    async def _pay(self) -> None:
        """Set aside what is due; at the cap it is ended. Raises ToolError."""
        assert self._bill is not None
        assert self._spending is not None
        if await self._bill.pay(self._spending, self._services.clock()):
            return
        box, bill = self._box, self._bill
        assert box is not None
        said = await bill.too_dear(f"the next hour of the sandbox {box.id}", self._spending)
        await self._ended(self._hub, box.id, box.namespace, cancel=True)
        self._forget()
        said = f"{said} It was ended, and its files are gone"
        self._notice(said)
        raise ToolError(said)

    async def _watch(self) -> None:
        """Pay the hours that begin while nothing is asked of it."""
        while self._box is not None:
            await asyncio.sleep(TICK)
            try:
                async with self._lock:
                    if self._box is not None:
                        await self._pay()
            except AgentError as error:
                if self._box is None:
                    self._told.append(f"[{error.message}]")

    async def _there(self) -> Box:
        """The sandbox, where one lives; none is made here. Raises ToolError."""
        if self._box is None:
            async with self._lock:
                if self._box is None:
                    await self._find(self._hub)
        if self._box is None:
            raise ToolError("this session has no sandbox now")
        return self._box

    async def _still_there(self, box: Box) -> None:
        """Raises ToolError where the sandbox has ended."""
        seen = await self._hub.ask(
            lambda api: api.inspect_job(job_id=box.id, namespace=box.namespace), again=False
        )
        if not job_of(seen).ended:
            return
        await self._ended(self._hub, box.id, box.namespace)
        self._forget()
        raise ToolError(
            f"the sandbox {box.id} has ended ({seen.status.message or seen.status.stage}), and its "
            "files are gone: call again, and a new one is asked for"
        )

    def _forget(self) -> None:
        box, self._box, self._bill = self._box, None, None
        if self._meter is not None and self._meter is not asyncio.current_task():
            self._meter.cancel()
        self._meter = None
        if box is not None:
            box.sandbox.close()
