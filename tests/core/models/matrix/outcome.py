"""What came of one request, as far as the matrix compares it."""

from dataclasses import dataclass, fields, replace
from typing import Any

from core.events import AssistantChunk
from core.model import Answer
from core.model_errors import ModelError
from tests.core.models.asking import Asking, bash, read


@dataclass(frozen=True)
class Outcome:
    """What a row expects, or what came.

    Attributes:
        text, thinking: of the answer. shown: what the user saw of it; None: the text.
        calls: (name, arguments) of each that may run. refused: reasons of those that may not.
        finish: why it ended. problem: the words with which it is no answer.
        used: tokens (input, from the cache, output); (): not told; None: not compared.
        asked: requests that were made. pauses: seconds between them; None: not compared.
        error: the class of the error that it ended in.
    """

    text: str = ""
    thinking: str = ""
    calls: tuple[Any, ...] = ()
    refused: tuple[str, ...] = ()
    finish: str = "stop"
    problem: str = ""
    used: tuple[int, ...] | None = None
    asked: int = 1
    pauses: tuple[float, ...] | None = None
    error: str = ""


async def outcome(a: Asking, model: str, options: dict[str, Any]) -> Outcome:
    """Ask once; what came of it."""
    try:
        answer: Answer | ModelError = await a.ask(model, tools=[bash, read], **options)
    except ModelError as error:
        answer = error
    asked = len(a.server.requests)
    # A date has no fractions of a second: a long pause to ten seconds.
    pauses = tuple(round(p, -1 if p > 100 else 0) for p in a.pauses)
    if isinstance(answer, ModelError):
        return Outcome(finish="", error=type(answer).__name__, asked=asked, pauses=pauses)
    message = answer.message
    if options.get("stream", True) and not answer.problem:
        assert a.shown == message.text, "another text was shown than is stored"
    reasons = {bad.call_id: bad.reason for bad in answer.bad_calls}
    used: Any = message.usage_metadata
    return Outcome(
        text=str(message.text),
        thinking=_thinking(a, message),
        calls=tuple((c["name"], c["args"]) for c in message.tool_calls if c["id"] not in reasons),
        refused=tuple(reasons.values()),
        finish=answer.finish_reason,
        problem=answer.problem,
        used=used
        and (
            used["input_tokens"],
            (used.get("input_token_details") or {}).get("cache_read") or 0,
            used["output_tokens"],
        ),
        asked=asked,
        pauses=pauses,
    )


def _thinking(a: Asking, message: Any) -> str:
    kept = message.additional_kwargs
    blocks = "".join(str(b.get("thinking", "")) for b in kept.get("thinking_blocks") or ())
    shown = "".join(
        e.text for e in a.events if isinstance(e, AssistantChunk) and e.kind == "thinking"
    )
    return str(kept.get("reasoning_content") or blocks or shown)


def comparable(came: Outcome, wanted: Outcome) -> Outcome:
    """`came`, with what `wanted` leaves open as it has it; reasons and problems by their words."""
    reasons = came.refused
    if len(reasons) == len(wanted.refused) and all(
        word in reason for word, reason in zip(wanted.refused, reasons, strict=True)
    ):
        reasons = wanted.refused
    problem = came.problem
    if wanted.problem and wanted.problem in problem:
        problem = wanted.problem
    return replace(
        came,
        refused=reasons,
        problem=problem,
        text=wanted.text if wanted.problem and not wanted.text else came.text,
        used=None if wanted.used is None else came.used or (),
        pauses=came.pauses if wanted.pauses is not None else None,
    )


def difference(came: Outcome, wanted: Outcome) -> str:
    """What came and was not wanted; "" if nothing."""
    pairs = ((f.name, getattr(came, f.name), getattr(wanted, f.name)) for f in fields(Outcome))
    return "; ".join(f"{name} {one!r}, not {other!r}" for name, one, other in pairs if one != other)
