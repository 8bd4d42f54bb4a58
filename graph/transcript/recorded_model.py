"""A model that answers from a recording, and compares each request with the recorded one.

Which answer comes next follows from the request alone (how often the model has answered in
it), so a turn that was killed and resumed gets the right one. Imports nothing of litellm.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool

from core.events import AssistantChunk, Emit, ToolLog
from core.model import STREAMED, Answer, AnswerOptions, BadCall
from core.model_errors import RecordingEnds, ReplayDiffers
from core.models.routes import recording_path
from core.volatile import steady
from graph.transcript.format import Recording, calls_in, digest, read_recording, recorded

ENDS = "the recording ends here, before the turn does"
CHANGED = "the recording was changed after it was written"
#: A recording is not cut short: no history is too long for it.
WINDOW = 1_000_000_000
#: How results begin that answer a call whose arguments could not be read: what the model wrote
#: then is not in the recording, only what was said of it.
UNREADABLE = re.compile(
    r"Not run: (the arguments are (?:no|not) |the answer was |the call (names|came)|"
    r"there is no tool '[^']*[^\w'-])"
)


class ReplayModel:
    """`core.model.ModelClient` over a recording.

    Args:
        cwd: the folder of this run: it is for the recording's own in what is compared.
        strict: raise ReplayDiffers at a difference; else say it and continue.
        pace: seconds between two pieces of an answer.
    """

    def __init__(
        self, recording: Recording, *, cwd: str = "", strict: bool = True, pace: float = 0.0
    ) -> None:
        self.recording = recording
        self._cwd = cwd
        self._strict = strict
        self._pace = pace
        self._told = False

    async def answer(
        self,
        model: str,
        messages: Sequence[BaseMessage],
        tools: Sequence[BaseTool],
        *,
        emit: Emit,
        options: AnswerOptions = STREAMED,
    ) -> Answer:
        """The recorded answer to this request. Raises ReplayDiffers."""
        asked = [recorded(m) for m in messages if m.type != "system"]
        number = sum(m["role"] == "assistant" for m in asked)
        places = [*self.recording.answers(), len(self.recording.messages)]
        place = places[min(number, len(places) - 1)]
        difference = self._difference(number, asked, self.recording.messages[:place])
        if place == len(self.recording.messages):
            # The recorded turn was cut off here, or there is one request more than recorded.
            raise ReplayDiffers(difference) if difference else RecordingEnds(ENDS)
        if not difference and _changed(self.recording.messages[place]):
            difference = f"answer {number + 1}: {CHANGED}"
        if difference and self._strict:
            raise ReplayDiffers(difference)
        if difference and not self._told:
            self._told = True
            emit(ToolLog(id="", tool="model", text=f"not as recorded: {difference}"))
        answer, bad_calls = self._recorded_answer(place)
        if options.stream:
            for piece in re.findall(r"\S*\s+|\S+", answer.text):
                emit(AssistantChunk(text=piece))
                await asyncio.sleep(self._pace)
        finish = "tool_calls" if answer.tool_calls else "stop"
        finish = self.recording.messages[place].get("ml_agent", {}).get("finish", finish)
        return Answer(answer, finish, bad_calls, cost_micro_usd=0)

    def _difference(
        self, number: int, asked: list[dict[str, Any]], expected: Sequence[dict[str, Any]]
    ) -> str:
        """The first difference in words; "" where the request is as recorded."""
        for place, (then, now) in enumerate(zip(expected, asked, strict=False)):
            what = f"request {number + 1}, message {place + 1} ({_name(expected, place)})"
            if _changed(then):
                return f"{what}: {CHANGED}"
            told = _first_difference(
                _comparable(then, self.recording.cwd), _comparable(now, self._cwd)
            )
            if told:
                return f"{what}: {told}"
        if len(asked) != len(expected):
            return f"request {number + 1}: recorded {len(expected)} messages, now {len(asked)}"
        return ""

    def _recorded_answer(self, place: int) -> tuple[AIMessage, tuple[BadCall, ...]]:
        message = self.recording.messages[place]
        results = {m.get("toolCallId"): m for m in self.recording.messages[place + 1 :]}
        calls, bad = [], []
        for number, (given, (name, arguments)) in enumerate(
            zip(message.get("toolCalls", ()), calls_in(message), strict=True)
        ):
            call_id = given.get("id") or f"call_{number}"
            calls.append({"name": name, "args": arguments, "id": call_id})
            said = results.get(call_id, {}).get("content", "")
            if UNREADABLE.match(said):
                bad.append(BadCall(call_id, said.removeprefix("Not run: ")))
        return AIMessage(content=message["content"], tool_calls=calls), tuple(bad)

    async def ready(self, model: str) -> None:
        """There is nothing to load."""

    def window(self, model: str) -> int:
        return WINDOW

    def window_is_known(self, model: str) -> bool:
        return True

    def price(self, model: str) -> tuple[float, float] | None:
        return 0.0, 0.0

    def sees(self, model: str) -> bool:
        return False

    def count_tokens(self, messages: Sequence[BaseMessage], tools: Sequence[BaseTool] = ()) -> int:
        """Four characters are a token, roughly: nothing is counted against a window here."""
        return sum(len(str(m.content)) for m in messages) // 4


def open_replay(model: str, cwd: str) -> ReplayModel:
    """The model of a `replay/…` id. Raises UsageError."""
    return ReplayModel(read_recording(recording_path(model)), cwd=cwd)


def _changed(message: Mapping[str, Any]) -> bool:
    """Whether a recorded message is not what it was when it was written."""
    return message.get("ml_agent", {}).get("sha256") not in (None, digest(message))


def _comparable(message: Mapping[str, Any], cwd: str) -> list[str]:
    """What a provider would see of a message, as lines without what every run changes."""
    calls = [f"{name} {json.dumps(args, sort_keys=True)}" for name, args in calls_in(message)]
    text = "\n".join([message["role"], message["content"], *calls])
    return steady(text.replace(cwd, "<folder>") if cwd else text).split("\n")


def _first_difference(then: list[str], now: list[str]) -> str:
    for old, new in zip(then, now, strict=False):
        if old != new:
            return f"recorded {old[:200]!r}, now {new[:200]!r}"
    if len(then) > len(now):
        return f"recorded {then[len(now)][:200]!r}, now nothing"
    return f"recorded nothing, now {now[len(then)][:200]!r}" if len(now) > len(then) else ""


def _name(messages: Sequence[Mapping[str, Any]], place: int) -> str:
    """The message in words: "the result of bash"."""
    message = messages[place]
    if message["role"] != "tool":
        return {"user": "the user's", "assistant": "the model's"}.get(message["role"], "")
    for earlier in reversed(messages[:place]):
        for call in earlier.get("toolCalls", ()):
            if call.get("id") == message.get("toolCallId"):
                return f"the result of {call['function']['name']}"
    return "a result"
