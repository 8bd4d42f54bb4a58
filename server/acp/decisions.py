"""Calls that wait for a decision, as questions to the user of an editor."""

import asyncio
from typing import Any

from acp.schema import PermissionOption, StopReason

from configs.visible import needs_escapes
from graph.session import Session
from server.acp import calls
from server.acp.editor import Editor


class Decisions:
    """Those of one session.

    Args:
        stopped: set when the turn needs no decision any more.
    """

    def __init__(self, session: Session, editor: Editor, stopped: asyncio.Event) -> None:
        self._session = session
        self._editor = editor
        self._stopped = stopped
        self.is_asking = False

    async def undecided(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        decided = await self._session.decided([request["id"] for request in requests])
        return [request for request in requests if request["id"] not in decided]

    async def ask(self, requests: list[dict[str, Any]]) -> StopReason | None:
        """Ask for each decision and store it at once; None: all are there. Questions of the model
        end the turn, and the next message is the answer."""
        questions = []
        self.is_asking = True
        try:
            for request in await self.undecided(requests):
                if "respond" in request["decisions"]:
                    questions.append(request)
                elif not await self._ask(request):
                    return "cancelled"
        finally:
            self.is_asking = False
        for request in questions:
            await self._editor.say(
                self._session.thread.id,
                str(request["preview"] or request["arguments"].get("question", "")),
            )
        return "end_turn" if questions else None

    async def _ask(self, request: dict[str, Any]) -> bool:
        """Whether the user decided."""
        session = self._session
        effect = session.effect_of(request["tool"], request["arguments"])
        shown = calls.asked(request, effect, session.thread.cwd)
        rule = session.rule_for(request)
        options = [PermissionOption(option_id="allow", name="Allow", kind="allow_once")]
        if rule and not needs_escapes(rule):
            name = f"Always allow {rule} in this folder"
            options.append(PermissionOption(option_id="always", name=name, kind="allow_always"))
        options.append(PermissionOption(option_id="reject", name="Reject", kind="reject_once"))
        chosen = await self._editor.ask(self._session.thread.id, shown, options, self._stopped)
        if self._stopped.is_set() or chosen not in {option.option_id for option in options}:
            return False
        if chosen == "always":
            await session.grant(rule)
        kind = {"type": "reject", "message": ""} if chosen == "reject" else {"type": "approve"}
        await session.decide(request["id"], kind)
        return True
