"""The summary that takes the place of older messages, made by the cheaper model, part by part."""

from collections.abc import Callable, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from configs.instructions import compaction_prompt
from core.events import Emit, Event, ToolLog
from core.model_errors import AnswerRefused, ContextTooLong, ModelError, ModelUnavailable
from core.tool import Services

#: A part of the history that is summarised in one request has at most this share of the window,
#: at three characters a token.
PART_SHARE = 0.5
#: How often a request that was too long, or answered with nothing, is made again.
TRIES = 3


class Summariser:
    """Makes one summary. `cost`: what it cost so far, None once a price was unknown."""

    def __init__(self, services: Services, model: str, emit: Emit) -> None:
        self._services = services
        small = services.settings.small_model_name
        #: The cheaper model first; where it fails, the thread's own.
        self._models = [small, model] if small and small != model else [model]
        self._emit = emit
        self.cost: int | None = 0

    async def summary(self, messages: Sequence[BaseMessage]) -> str:
        """What the work needs of `messages`. Raises ModelError."""
        text = "\n".join(as_text(m) for m in messages)
        room = self._room()
        so_far, place = "", 0
        while place < len(text):
            part = text[place : place + room]
            number, parts = place // room + 1, -(-len(text) // room)
            self._log(f"summarising part {number} of {parts}")
            try:
                so_far = await self._part(so_far, part)
            except ContextTooLong:
                # The window is smaller than it is believed to be.
                if room < 2000:
                    raise
                room //= 2
                continue
            place += len(part)
        return so_far

    def _room(self) -> int:
        windows = [self._services.models.window(model) for model in self._models]
        return max(2000, int(min(windows) * PART_SHARE * 3))

    async def _part(self, so_far: str, part: str) -> str:
        asked = f"Summary so far:\n{so_far}\n\nWhat came next:\n{part}" if so_far else part
        request = [SystemMessage(compaction_prompt()), HumanMessage(asked)]
        for _ in range(TRIES):
            answer = await self._answer(request)
            if answer:
                return answer
        raise ModelUnavailable(
            "the model answered a request for a summary with nothing", attempts=TRIES
        )

    async def _answer(self, request: Sequence[BaseMessage]) -> str:
        while True:
            try:
                answer = await self._services.models.answer(
                    self._models[0], request, [], emit=_quiet(self._emit)
                )
            except ContextTooLong:
                raise
            except ModelError as error:
                if len(self._models) == 1:
                    raise
                failed = self._models.pop(0)
                self._log(f"{failed} failed: {error.message}; {self._models[0]} replaces it")
                continue
            if answer.problem:
                # Its text is not a summary.
                if len(self._models) == 1:
                    raise AnswerRefused(answer.problem, answer.hint)
                self._log(f"{self._models.pop(0)}: {answer.problem}")
                continue
            known = self.cost is not None and answer.cost_micro_usd is not None
            self.cost = (self.cost or 0) + (answer.cost_micro_usd or 0) if known else None
            return answer.message.text.strip()

    def _log(self, text: str) -> None:
        self._emit(ToolLog(id="", tool="compact", text=text))


def cut_to(text: str, tokens: int, count: Callable[[str], int], *, keep_end: bool) -> str:
    """`text` with at most `tokens` tokens: its middle left out and said so, or its end."""
    if count(text) <= tokens:
        return text
    share, length = 1.0, len(text)
    while share > 0.001:
        share *= 0.8
        kept = int(length * share)
        last = kept // 3 if keep_end else 0
        said = f"\n[... {length - kept:,} characters left out to fit the model's window ...]\n"
        shorter = text[: kept - last] + said + (text[-last:] if last else "")
        if count(shorter) <= tokens:
            return shorter
    return shorter


def as_text(message: BaseMessage) -> str:
    """One message as the summariser reads it: no roles and no calls that a provider checks."""
    if isinstance(message, AIMessage):
        calls = [f"[calls {c['name']} {c['args']}]" for c in message.tool_calls]
        return "\n".join(["ASSISTANT: " + message.text, *calls])
    if isinstance(message, ToolMessage):
        return f"RESULT of {message.name}: {message.text}"
    return f"USER: {message.text}"


def _quiet(emit: Emit) -> Emit:
    """Lets waits of the model client through, not the summary's text."""

    def only_logs(event: Event) -> None:
        if isinstance(event, ToolLog):
            emit(event)

    return only_logs
