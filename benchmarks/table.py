"""The table: one line a row, with ratios, the budget, and whether it is met."""

from dataclasses import dataclass

HEAD = (
    "row", "ours", "bare loop", "mini-swe-agent", "ours/bare", "ours/mini", "budget", "met",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A figure of ours next to the others'; smaller is better.

    Attributes:
        bare, mini: a figure, or a word if there is none.
        limit: the most that the budget allows, in the row's unit, None if it names none; `budget`
            says it in words.
        digits: after the point.
    """

    name: str
    ours: float
    bare: float | str
    mini: float | str
    limit: float | None
    budget: str
    digits: int = 1

    @property
    def met(self) -> bool:
        return self.limit is None or self.ours <= self.limit

    def cells(self) -> list[str]:
        """As text, in the order of HEAD."""
        met = "–" if self.limit is None else "yes" if self.met else "NO"
        share = f", {self.ours / self.limit:.2f} of it" if self.limit else ""
        return [
            self.name,
            self._number(self.ours),
            self._number(self.bare),
            self._number(self.mini),
            _ratio(self.ours, self.bare),
            _ratio(self.ours, self.mini),
            self.budget,
            met + share,
        ]

    def _number(self, figure: float | str) -> str:
        return figure if isinstance(figure, str) else f"{figure:,.{self.digits}f}"


def _ratio(ours: float, other: float | str) -> str:
    if isinstance(other, str) or other <= 0 or ours < 0:
        return "–"
    return f"{ours / other:.2f}"


def render(rows: list[Row]) -> str:
    """A Markdown table, aligned."""
    lines = [list(HEAD), *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    text = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
    return "\n".join([text[0], rule, *text[1:]])
