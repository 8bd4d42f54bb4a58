"""What the model is told so that it continues, and when it has asked the user instead."""

CUT = (
    "Your answer was cut off at the token limit. Continue from where it broke off, in a shorter "
    "form or in smaller steps."
)
NUDGE = (
    "The plan still has open items:\n{items}\nContinue with them. If they are done, mark them "
    "completed; if they cannot be done or are no longer wanted, take them off the plan and say why."
)
WRITTEN = (
    "Your last answer was a tool call written as text: nothing was run. Call the tool itself, "
    "with a real tool call. If you cannot, say so in words."
)
UNSOURCED = (
    "Nothing in this session shows where these parts of your answer come from:\n{items}\n"
    "Give the whole answer again. Correct each part, or look it up with a tool. If it is an "
    "estimate, your own calculation or general knowledge, say so next to it. Change nothing else."
)
ONLY_THOUGHT = "You thought, and then said nothing. Give your answer now, or call a tool."
#: In a last paragraph these ask the user.
ASKING = ("?", "？", "؟", "let me know", "please confirm", "please provide", "please choose")


def asks(text: str) -> bool:
    """Whether an answer ends by asking the user something."""
    last = text.strip().rpartition("\n\n")[2].lower()
    return any(words in last for words in ASKING)
