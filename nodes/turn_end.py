"""What an answer means for the turn: it runs calls, the model is asked to continue, or it ends."""

from collections.abc import Sequence

from langchain_core.messages import HumanMessage

from core.history import note
from core.model import Answer
from core.model_errors import AnswerCut, AnswerRefused, NoToolCalls
from core.state import PlanItem, Turn
from nodes.ids import new_message_id
from nodes.nudges import CUT, NUDGE, WRITTEN, asks
from nodes.opening import ended

#: Answers in a row that may be cut at the token limit and are asked for again.
MAX_CUT = 3
#: How often in a turn the model is told that its plan has open items.
MAX_NUDGES = 2

#: How often in a row an answer may be a tool call written as text.
MAX_WRITTEN = 1


def after_answer(
    turn: Turn, answer: Answer, plan: Sequence[PlanItem]
) -> tuple[Turn, HumanMessage | None]:
    """The turn after an answer, and the words that make the model continue, if it should.
    `plan`: the thread's checklist."""
    calls, text = bool(answer.message.tool_calls), answer.message.text
    cut, written = answer.finish_reason == "length", answer.finish_reason == "written_call"
    tries = turn.get("written", 0) + 1
    turn = {**turn, "written": tries} if written else without(turn, "written")
    if written and tries <= MAX_WRITTEN:
        return turn, note(WRITTEN, new_message_id())
    if answer.problem and not calls:
        failure = NoToolCalls if written else AnswerRefused
        return ended(turn, "error", error=failure(answer.problem, answer.hint)), None
    # What is nought is left out: a turn is stored at every step.
    turn = {**turn, "cut": turn.get("cut", 0) + 1} if cut else without(turn, "cut")
    if cut and turn["cut"] > MAX_CUT:
        said = f"{turn['cut']} answers in a row were cut at the token limit"
        return ended(turn, "error", error=AnswerCut(said)), None
    if cut and not calls:
        return turn, note(CUT, new_message_id())
    if calls:
        return turn, None
    unfinished = [item for item in plan if item["status"] != "completed"]
    nudges = turn.get("nudges", 0)
    if unfinished and turn.get("planned") and nudges < MAX_NUDGES and not asks(text):
        items = "\n".join(f"- {item['text']}" for item in unfinished)
        return {**turn, "nudges": nudges + 1}, note(NUDGE.format(items=items), new_message_id())
    return ended(turn, "done"), None


def without(turn: Turn, key: str) -> Turn:
    return {k: v for k, v in turn.items() if k != key}  # type: ignore[return-value]
