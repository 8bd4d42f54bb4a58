"""What a user chooses for an open thread: rules, caps, model, mode, effort."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from core.models.list_models import check, check_effort, efforts_of
from core.policy.rules import parse_rule
from core.run import Mode
from graph.open_thread import OpenThread


class Choices(OpenThread):
    """Each choice holds from the next request or answer on."""

    _iterations: int

    async def grant(self, rule: str) -> None:
        """Let a rule hold in the thread's folder from now on. Raises SettingsError."""
        parse_rule(rule, "")
        await self._store.grants.add(self.thread.cwd, rule)

    def raise_cap(self, dollars: float) -> None:
        """Let this session spend so much more."""
        cap = self._context.max_cost_micro_usd
        if cap is not None:
            self._context.max_cost_micro_usd = cap + round(dollars * 1_000_000)

    def cap(self) -> int | None:
        """What this session may spend, in micro-USD; None: no cap."""
        return self._context.max_cost_micro_usd

    def more_iterations(self) -> None:
        """Let the turn at hand have as many iterations again."""
        self._context.max_iterations += self._iterations

    async def switch(self, model: str) -> str:
        """Let another model answer from the next request on, in this thread; the route in words.
        Raises UnknownModel, NotAuthenticated."""
        route = await check(model, self.settings)
        self.thread = replace(self.thread, model=model)
        self._context.model = model
        if self._known:
            await self._store.threads.update(self.thread.id, model=model)
        return route.describe()

    async def permit(self, mode: Mode) -> None:
        """Let another mode say what runs without asking, from the next answer on."""
        self.thread = replace(self.thread, mode=mode)
        self._context.mode = mode
        if self._known:
            await self._store.threads.update(self.thread.id, mode=mode)

    @asynccontextmanager
    async def held_to(self, mode: Mode | None) -> AsyncIterator[None]:
        """Another mode for the turns in the block; None: the session's own. A kill in the middle
        leaves the stricter one, and a mode that the user chooses meanwhile stays."""
        before = self.thread.mode
        if mode is not None:
            await self.permit(mode)
        try:
            yield
        finally:
            if mode is not None and self.thread.mode == mode != before:
                await self.permit(before)  # type: ignore[arg-type]

    def efforts(self) -> tuple[tuple[str, ...] | None, str]:
        """(the levels of reasoning that the model takes, the one in use; "": as much as usual). The
        levels are () if it does not reason, None if they are unknown."""
        return efforts_of(self.thread.model, self.settings), self._context.effort

    def think(self, effort: str) -> None:
        """How much the model should reason from now on. Raises UsageError for a level that it does
        not take."""
        check_effort(effort, self.thread.model, self.settings)
        self._context.effort = effort
