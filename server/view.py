"""How a session looks to the page: its snapshot and its status (server/protocol.md)."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from langchain_core.messages import AnyMessage

from configs.visible import needs_escapes, visible
from core.experiments.points import chart_of
from core.secrets.redaction import redacted_in
from core.store import Store
from core.store.wait_words import wait_of
from core.titles import title_of
from graph.session import Session
from server.hints import hint_for
from server.snapshot import Items, Standing


class View:
    """One session's."""

    def __init__(self, session: Session, store: Store) -> None:
        self._session = session
        self._store = store
        self._items = Items(session.tools)
        self._context: dict[str, int] | None = None

    async def snapshot(self, is_running: bool) -> dict[str, Any]:
        """What a `reset` shows. is_running: a turn of ours runs."""
        session = self._session
        requests = await session.pending()
        messages, status = await session.export(), await self.status(is_running)
        waiting, costs = [r["id"] for r in requests], await session.turn_costs()
        standing = Standing(status["state"], waiting, costs)
        part = await asyncio.to_thread(self._newest, messages, standing)
        return {
            "thread": {**asdict(session.thread), "status": status["state"]},
            **part,
            "items": [*part["items"], *await self._end(status["state"])],
            "turns": self._items.turns,
            "requests": self.with_rules(requests),
            "plan": status["plan"],
            "queue": [{"number": row.seq, "text": row.text} for row in await session.queue()],
            "status": status,
            "experiment": await self.experiment(),
        }

    def _newest(self, messages: Sequence[AnyMessage], standing: Standing) -> dict[str, Any]:
        self._items.read(messages, standing)
        return self._items.part()

    async def earlier(self, before: str) -> dict[str, Any]:
        """Items before the one with this key, which a `reset` or this told. Raises NoSuchThread."""
        return await asyncio.to_thread(self._items.part, before)

    async def experiment(self) -> dict[str, Any] | None:
        """The chart of the session's trials; None without an experiment."""
        found = await self._session.experiment()
        if found is None:
            return None
        chart: dict[str, Any] = redacted_in(chart_of(*found).with_words(visible).to_dict())
        return chart

    async def _end(self, state: str) -> list[dict[str, Any]]:
        """How the newest turn ended, if it did not end well."""
        if state not in ("error", "limit", "interrupted"):
            return []
        turn = await self._session.newest_turn()
        failed = turn.get("error") or {}
        reason = failed.get("message") or turn.get("reason", "")
        kind = failed.get("kind", "")
        hint = hint_for(kind, failed.get("hint", ""))
        words = {"error": kind, "message": reason, "hint": hint}
        return [{"kind": "end", "status": state, **words}]

    def with_rules(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Requests, each with the rule that "always" would grant; those that an older version
        stored get what they lack."""
        return [
            {
                "title": title_of(request["arguments"]),
                "marks": [],
                **request,
                "rule": self.rule(request),
            }
            for request in requests
        ]

    def rule(self, request: dict[str, Any]) -> str:
        """The rule for calls like this one; "" if there is none that can be read."""
        rule = self._session.rule_for(request)
        return "" if needs_escapes(rule) else rule

    async def status(self, is_running: bool) -> dict[str, Any]:
        session, row = self._session, self._session.thread
        driver = "here" if is_running else session.driver()
        return {
            "running": bool(driver),
            "driver": driver,
            "state": "running" if driver else self._store.standing(row),
            "model": row.model,
            "mode": row.mode,
            "title": row.title,
            "plan": await session.plan(),
            "waiting": wait_of(wait) if (wait := await session.wait_row()) else None,
            "goal": redacted_in(await session.goal_view()),
            "cost": {
                name: None if spent.unknown else spent.amount
                for name, spent in (await session.cost()).items()
                if name != "invocation"
            },
            "cap": session.cap(),
            "left": await session.left(),
            "context": self._context,
        }

    async def measure(self) -> None:
        """Count the context's tokens, for `status`."""
        use = await self._session.context_use()
        self._context = {"total": use.total, "threshold": use.threshold, "window": use.window}
