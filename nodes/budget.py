"""What a turn may still spend, and booking what it spent."""

import secrets

from configs.settings import Settings
from core.durable import Caps, Scope
from core.model import Answer
from core.state import Turn
from core.tool import AgentContext, Services

#: The caps as the user knows them.
WORDS = {
    "invocation": "this run's --max-cost",
    "turn": "the turn's budget",
    "thread": "the session's budget",
    "day": "today's budget",
}


def key_of(thread: str, turn: Turn) -> str:
    """The turn's name in the ledger: a number comes again after an undo, its start does not."""
    return f"{thread}/{turn.get('number', 0)}/{turn.get('started', 0):.6f}"


def caps_of(context: AgentContext, settings: Settings) -> Caps:
    budget = settings.budget

    def micro(dollars: float | None) -> int | None:
        return None if dollars is None else round(dollars * 1_000_000)

    return Caps(
        context.max_cost_micro_usd, micro(budget.turn), micro(budget.thread), micro(budget.day)
    )


async def nothing_left(
    services: Services, model: str, scope: Scope, caps: Caps, left: tuple[int, str] | None
) -> str:
    """Why no request may be made any more, in words; "" if one may. A model without a known
    price is never stopped by money, nor is one that costs nothing. `left`: of the ledger."""
    if left is None or left[0] > 0:
        return ""
    price = services.models.price(model)
    if price is None or not any(price):
        return ""
    spent = await services.ledger.spent(left[1], getattr(scope, left[1]))
    cap = getattr(caps, left[1])
    return f"{dollars(spent.amount)} of {dollars(cap)} are spent: {WORDS[left[1]]}"


async def book(services: Services, cost: int | None, scope: Scope, tokens: int = 0) -> None:
    """A model's request that has ended."""
    await services.ledger.book(f"request-{secrets.token_hex(12)}", cost, scope, tokens)


def charged(turn: Turn, cost: int | None) -> Turn:
    """`turn` with what a request cost added; unknown once a price was."""
    known = turn.get("cost_micro_usd")
    both = None if known is None or cost is None else known + cost
    return {**turn, "cost_micro_usd": both}


def dollars(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:.4f}".rstrip("0").rstrip(".") if micro_usd else "$0"


def counted(turn: Turn, answer: Answer) -> Turn:
    """`turn` with the answer's tokens and price added, and one more iteration."""
    spent = dict(turn["usage"])
    used = answer.message.usage_metadata
    if used:
        details_in = used.get("input_token_details", {})
        details_out = used.get("output_token_details", {})
        spent["input"] += used["input_tokens"]
        spent["output"] += used["output_tokens"]
        spent["cached"] += details_in.get("cache_read", 0) or 0
        spent["reasoning"] += details_out.get("reasoning", 0) or 0
    more = turn["iterations"] + 1
    booked: Turn = {**turn, "iterations": more, "usage": spent}
    return charged(booked, answer.cost_micro_usd)
