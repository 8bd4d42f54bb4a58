"""Commands and jobs that run on after their call: their lines in the live block, and their ends."""

import time
from contextlib import suppress
from typing import Any

from cli.chat.state import Chat
from cli.chat.terminal.output import Shown
from cli.chat.terminal.running import Running
from configs.visible import inline

#: Seconds between two looks at commands of this machine, and at jobs of the Hub.
COMMANDS, JOBS = 2.0, 30.0


class Background:
    """What one session left running."""

    def __init__(self, chat: Chat, shown: Shown) -> None:
        self._chat = chat
        self._shown = shown
        self._session: Any = None
        self._commands: dict[str, Running] = {}
        self._jobs: dict[str, Running] = {}
        self._looked = self._asked = 0.0

    async def look(self) -> None:
        """Look again, if it is time; say what has ended."""
        session, now = self._chat.session, time.monotonic()
        if session is not self._session:
            self._session, self._commands, self._jobs = session, {}, {}
            self._looked = self._asked = 0.0
        if session is not None and now - self._looked >= COMMANDS:
            self._looked = now
            with suppress(Exception):  # a look that fails says nothing; the chat continues
                await self._look_at_commands(session, now)
            if now - self._asked >= JOBS:
                self._asked = now
                with suppress(Exception):  # as above
                    await self._ask_for_jobs(session, now)
        self._shown.background = [*self._commands.values(), *self._jobs.values()]

    async def _look_at_commands(self, session: Any, now: float) -> None:
        for one in await session.background_commands(self._commands):
            if one.is_alive:
                began = now - max(0.0, time.time() - one.started)
                run = self._commands.setdefault(one.id, Running("bash", inline(one.command), began))
                run.last.clear()
                run.log(one.output, one.progress)
            elif self._commands.pop(one.id, None) is not None:
                parts = [f"command {one.id} ended", one.ending, one.progress]
                self._shown.line(" · ".join(part for part in parts if part), "33")
                self._shown.line(f"  {inline(one.command)}", "2")

    async def _ask_for_jobs(self, session: Any, now: float) -> None:
        for job in await session.jobs(ended=True):
            if job.ended:
                self._jobs.pop(job.id, None)
                self._shown.line(job.line(), "31" if job.failed else "33")
                continue
            began = now - (job.seconds or 0.0)
            run = self._jobs.setdefault(job.id, Running("job", f"{job.id} on {job.flavor}", began))
            run.progress = await session.job_progress(job)
