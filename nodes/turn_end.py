"""What an answer means for the turn: it runs calls, the model is asked to continue, or it ends."""

from collections.abc import Sequence

from langchain_core.messages import HumanMessage

from core.errors import AnswerCut, AnswerRefused, NoToolCalls
from core.history import note
from core.model import Answer
from core.state import PlanItem, Turn
from nodes.opening import ended, new_message_id

#: Answers in a row that may be cut at the token limit and are asked for again.
MAX_CUT = 3
#: How often in a turn the model is told that its plan has open items.
MAX_NUDGES = 2

CUT = (
    "Your answer was cut off at the token limit. Continue from where it broke off, in a shorter "
    "form or in smaller steps."
)
NUDGE = (
    "The plan still has open items:\n{items}\nContinue with them. If they are done, mark them "
    "completed; if they cannot be done or are no longer wanted, take them off the plan and say why."
)
#: How often in a row an answer may be a tool call written as text.
MAX_WRITTEN = 1
WRITTEN = (
    "Your last answer was a tool call written as text: nothing was run. Call the tool itself, "
    "with a real tool call. If you cannot, say so in words."
)
#: In a last paragraph these ask the user.
ASKING = ("?", "？", "؟", "let me know", "please confirm", "please provide", "please choose")


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


def asks(text: str) -> bool:
    """Whether an answer ends by asking the user something."""
    last = text.strip().rpartition("\n\n")[2].lower()
    return any(words in last for words in ASKING)
