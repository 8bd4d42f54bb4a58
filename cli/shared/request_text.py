"""A call that waits for a decision, in rows: the same in the chat's panel, in a plain question, in
a headless run and in `approvals list`."""

from typing import Any

from cli.shared.render import money
from cli.terminal.rows import BESIDE, Place, Row, ours, rows_of
from cli.terminal.text import cells, fitting
from configs.visible import inline, json_text
from core.titles import title_of

#: Characters of an argument that is shown next to the preview; of a longer one only its size.
SHORT = 200
#: Characters from which on a text that is in the preview does so by no accident.
TELLING = 8


def head_and_rows(request: dict[str, Any], place: Place, before: str = "") -> tuple[str, list[Row]]:
    """(the first line: tool, what it acts on and cost; the rows below it)."""
    tool, arguments = request["tool"], request["arguments"]
    word = request.get("title") or title_of(arguments)
    said, preview = inline(word, place.encoding), str(request["preview"] or "")
    start, end = f"? {before}{inline(tool)} ", cost_of(request)
    whole = said == word and cells(start + said + end) < (place.width or 160)
    if not whole:
        room = max(20, (place.width or 160) - cells(start + end) - 2)
        said = fitting(said, room)
    rows = [] if whole and preview in ("", word) else rows_of(preview or word, place)
    beside = _beside(arguments, word, preview)
    if beside:
        rows += ours(BESIDE, " · ".join(beside), place)
    return start + said + end, rows


def all_rows(request: dict[str, Any], place: Place) -> list[Row]:
    """Nothing left out: the preview, and the arguments as JSON."""
    whole = Place(place.width, 10**9, "", place.encoding)
    preview = str(request["preview"] or "")
    rows = rows_of(preview, whole) if preview else []
    return rows + rows_of(json_text(request["arguments"]), whole)


def cost_of(request: dict[str, Any]) -> str:
    """The price of a call, and what is left to spend; "" if it costs nothing."""
    price, left = request["price_micro_usd"], request.get("left_micro_usd")
    cost = f" · {money(price)}" if price is not None else ""
    if left is not None and (price is not None or request["effect"] == "spend"):
        cost += f" of {money(left)} left"
    return cost


def _beside(arguments: dict[str, Any], word: str, preview: str) -> list[str]:
    """The arguments that neither the first line nor the preview shows."""
    found = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json_text(value, indent=None)
        if text in ("", word, preview) or (len(text) >= TELLING and text in preview):
            continue
        size = f"{len(text):,} characters" if len(text) > SHORT else ""
        found.append(f"{inline(name)}: {size or inline(text)}")
    return found
