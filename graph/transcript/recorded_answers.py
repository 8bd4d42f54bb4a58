"""What a recording answers in a replay: the user's messages by turn, the tools' results by
call, and the decisions that must have been taken."""

from __future__ import annotations

import contextlib
import json
import re
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.effects import Effect
from core.tool import AgentTool, ToolContext, ToolResult
from graph.transcript.format import Recording, calls_in

#: How the result of a rejected call begins; older recordings name the user differently.
REJECTED = re.compile(r"The \w+ rejected this call")
UNDECIDED = {"type": "reject", "message": "a replay runs only what its options allow"}


class Script:
    """Who said what when: the user's messages of a recording, by turn."""

    def __init__(self, recording: Recording) -> None:
        self._turns: list[list[str]] = []
        self._steering: list[list[str]] = []
        self._answer = 0
        #: Whether a message of the user opens a turn here; after the results of calls that
        #: no one interrupted it joined the turn under way.
        opens = first = True
        for message in recording.messages:
            if message["role"] == "assistant":
                self._steering.append([])
                opens, first = not message.get("toolCalls"), True
            elif message["role"] == "tool":
                interrupted = message.get("ml_agent", {}).get("outcome") == "interrupted"
                opens, first = opens or interrupted, True
            elif message.get("ml_agent", {}).get("note"):
                continue  # our own words: the graph says them again
            elif message["role"] == "user" and not opens:
                self._steering[-1].append(message["content"])
            elif message["role"] == "user" and first:
                self._turns.append([message["content"]])
                first = False
            elif message["role"] == "user":
                self._turns[-1].append(message["content"])

    def turns(self) -> Sequence[list[str]]:
        """The messages that open each turn; mostly one."""
        return self._turns

    def steering(self) -> list[str]:
        """What the user said while the calls of the next answer ran."""
        said = self._steering[self._answer] if self._answer < len(self._steering) else []
        self._answer += 1
        return said


def ran_in(recording: Recording) -> list[str]:
    """The tools that gave a result in a recording, by name."""
    names = {
        call["id"]: call["function"]["name"]
        for message in recording.messages
        for call in message.get("toolCalls", ())
    }
    answered = (m for m in recording.messages if m.get("toolCallId") in names)
    return sorted({names[m["toolCallId"]] for m in answered if not _said_by_graph(_result(m))})


class Results:
    """The recorded results, taken in order by tool and arguments."""

    def __init__(self, recording: Recording, tools: Mapping[str, AgentTool]) -> None:
        self._tools = tools
        self._waiting: dict[str, deque[ToolResult]] = defaultdict(deque)
        self._decided: dict[str, deque[ToolResult]] = defaultdict(deque)
        by_call = {m["toolCallId"]: m for m in recording.messages if m.get("toolCallId")}
        for message in recording.messages:
            given = message.get("toolCalls", ())
            for call, (name, arguments) in zip(given, calls_in(message), strict=True):
                if call["id"] not in by_call:
                    continue
                key, result = self._key(name, arguments), _result(by_call[call["id"]])
                self._decided[key].append(result)
                if not _said_by_graph(result):
                    self._waiting[key].append(result)

    def _key(self, name: str, arguments: dict[str, Any]) -> str:
        """The call as its tool understands it: defaults filled in, numbers as numbers."""
        with contextlib.suppress(ValueError, KeyError):
            arguments = self._tools[name].args_schema.model_validate(arguments).model_dump()
        return json.dumps([name, arguments], sort_keys=True)

    def take(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        waiting = self._waiting[self._key(name, arguments)]
        if not waiting:
            return ToolResult("the recording has no result of this call", ok=False)
        return waiting.popleft()

    def decisions(self, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What the recorded user must have decided, by what came of each call."""
        return [self._decision(request) for request in requests]

    def rejections(self, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """No to each call. A question of the model takes the recorded answer: it runs nothing."""
        return [
            self._decision(request) if "respond" in request["decisions"] else dict(UNDECIDED)
            for request in requests
        ]

    def _decision(self, request: dict[str, Any]) -> dict[str, Any]:
        results = self._decided[self._key(request["tool"], request["arguments"])]
        said = results.popleft().text if results else ""
        if rejected := REJECTED.match(said):
            return {"type": "reject", "message": said[rejected.end() :].lstrip(":. ")}
        if "respond" in request["decisions"]:
            return {"type": "respond", "message": said}
        return {"type": "approve"}


def _said_by_graph(result: ToolResult) -> bool:
    """Whether no tool was asked: the graph itself says so again."""
    invalid = result.outcome == "failed" and result.text.startswith("Not run: ")
    return invalid or result.outcome == "rejected"


def _result(message: Mapping[str, Any]) -> ToolResult:
    ours = message.get("ml_agent", {})
    return ToolResult(message["content"], ours.get("ok", True), ours.get("outcome", "done"))


class Recorded(AgentTool):
    """A tool that looks like another one and answers from a recording."""

    real: AgentTool
    results: Any
    about: Any = None

    @classmethod
    def of(cls, tool: AgentTool, results: Results, about: Mapping[str, Any]) -> Recorded:
        """`about`: by operation, what the services of the recorded session said of the call."""
        return cls(
            name=tool.name,
            description=tool.description,
            args_schema=tool.args_schema,
            answered_by_person=tool.answered_by_person,
            real=tool,
            results=results,
            about=about,
        )

    def title(self, arguments: Mapping[str, Any]) -> str:
        return self.real.title(arguments)

    def summary(self, text: str) -> str:
        return self.real.summary(text)

    def effect(self, arguments: Any, cwd: str) -> Effect:
        return self.real.effect(arguments, cwd)

    async def foresee(self, arguments: Any, ctx: ToolContext) -> Effect:
        return replace(self.effect(arguments, ctx.cwd), **self._known(arguments).get("effect", {}))

    def _known(self, arguments: Any) -> Mapping[str, Any]:
        about: Mapping[str, Any] = self.about or {}
        known: Mapping[str, Any] = about.get(getattr(arguments, "operation", ""), {})
        return known

    async def execute(self, arguments: Any, ctx: ToolContext) -> ToolResult:
        found: ToolResult = self.results.take(self.name, arguments.model_dump())
        if found.outcome == "interrupted":
            ctx.services.stop.set()  # as the recorded user did
        return replace(found, cost_micro_usd=self._known(arguments).get("cost_micro_usd"))


class AnyArguments(BaseModel):
    model_config = ConfigDict(extra="allow")


class Forgotten(AgentTool):
    """A tool of the recorded session that is not here now (an MCP server's, an older one)."""

    args_schema: type[BaseModel] = AnyArguments

    def effect(self, arguments: Any, cwd: str) -> Effect:
        return Effect("read")

    async def execute(self, arguments: Any, ctx: ToolContext) -> ToolResult:
        return ToolResult(f"{self.name} is not among the tools of this run", ok=False)
