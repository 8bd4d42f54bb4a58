"""Finding a column by what it is called and what it holds, for the judgement of methods."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.hub.datasets.columns import Column, Kind

CHATS: tuple[Kind, ...] = ("chat", "sharegpt", "chat_text")
TEXT_OR_CHAT: tuple[Kind, ...] = ("text", *CHATS)

PROMPT = (
    "prompt", "question", "instruction", "query", "problem", "input", "user", "user_prompt",
    "human", "request", "goal", "inputs", "input_text", "user_query",
)  # fmt: skip
COMPLETION = (
    "completion", "response", "output", "answer", "assistant", "reply", "target", "generation",
    "solution", "generated_solution", "model_response", "bot", "targets", "output_text",
)  # fmt: skip

LABEL = (
    "label", "labels", "class", "category", "target", "sentiment", "intent", "emotion", "topic",
    "coarse_label", "fine_label", "stars", "rating", "toxic", "is_toxic", "spam",
)  # fmt: skip

SYSTEM = ("system", "system_prompt", "system_message", "sys")


@dataclass(frozen=True)
class Fit:
    """A training method that the columns fit.

    Attributes:
        method: SFT (messages), DPO, token classification, ...
        columns: those it would use. reason: why, from names, types and content.
        change: what has to be done to the columns first; empty: nothing.
    """

    method: str
    columns: tuple[str, ...]
    reason: str
    change: str = ""


def fit(method: str, used: Sequence[Column], reason: str, *steps: str) -> Fit:
    return Fit(method, tuple(column.name for column in used), reason, joined(*steps))


@dataclass(frozen=True)
class Table:
    """The columns of a split, to look things up in."""

    columns: Sequence[Column]

    def named(self, names: Iterable[str], kinds: Sequence[Kind]) -> Column | None:
        """The column with the first of `names` that is of one of `kinds`."""
        by_name = {plain(c.name): c for c in reversed(self.columns) if c.kind in kinds}
        return next((by_name[n] for n in names if n in by_name), None)

    def of(self, *kinds: Kind) -> list[Column]:
        return [c for c in self.columns if c.kind in kinds]

    def named_all(self, names: Iterable[str], kinds: Sequence[Kind]) -> list[Column]:
        """The columns with one of `names`, in their order, that are of one of `kinds`."""
        found = (self.named((name,), kinds) for name in names)
        return [column for column in found if column is not None]

    @property
    def system(self) -> Column | None:
        """The column of system prompts, unless it is empty in every row."""
        found = self.named(SYSTEM, ("text",))
        return found if found is not None and any(t.strip() for t in found.texts) else None

    def first(self, *kinds: Kind) -> Column | None:
        return next(iter(self.of(*kinds)), None)

    def prose(self) -> list[Column]:
        """Strings that are not classes, ids or names."""
        return [c for c in self.of("text") if not c.classes and words(c) >= 3]


def plain(name: str) -> str:
    """`Response-A` and `responseA` are `response_a`."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return re.sub(r"[\s\-.]+", "_", snake).lower()


def words(column: Column) -> float:
    """Words per value, on average."""
    texts = column.texts
    return sum(len(t.split()) for t in texts) / len(texts) if texts else 0.0


def renamed(wanted: dict[str, Column]) -> str:
    """`rename question to prompt, answer to completion`; empty where the names are right."""
    wrong = [f"{c.name} to {name}" for name, c in wanted.items() if c.name != name]
    return f"rename {', '.join(wrong)}" if wrong else ""


def shaped(*columns: Column) -> str:
    """What turns these chats into lists of role and content; empty where they are."""
    steps = []
    if as_text := [c.name for c in columns if c.kind == "chat_text"]:
        steps.append(f"parse the JSON of {', '.join(as_text)} (json.loads)")
    if old := [c.name for c in columns if c.chats and "role" not in c.chats[0][0]]:
        steps.append(
            f"convert {', '.join(old)} from ShareGPT's from/value to role/content "
            "(human to user, gpt to assistant; SFTTrainer does it by itself, others do not)"
        )
    return "; ".join(steps)


def with_system(table: Table, *columns: Column) -> str:
    """What becomes of a column of system prompts; empty without one."""
    system = table.system
    if system is None or any(_has_system(c) for c in columns):
        return ""
    chats = "" if all(c.kind in CHATS for c in columns) else "make them chats and "
    return f"{chats}put {system.name} in front as the system message (unless it is empty)"


def _has_system(column: Column) -> bool:
    return any(m.get("role", m.get("from")) == "system" for chat in column.chats for m in chat)


def dropped(table: Table, name: str, *used: Column) -> str:
    """`drop prompt`, if there is such a column that is not used: TRL would take it."""
    found = next((c for c in table.columns if c.name == name), None)
    return f"drop {name}" if found is not None and found not in used else ""


def joined(*steps: str) -> str:
    return "; ".join(step for step in steps if step)


def label_of(table: Table) -> Column | None:
    """The column that holds the class: by type, else by name and content."""
    named = table.named(LABEL, ("label", "int", "bool", "text"))
    if named is not None and len(named.classes) > 1:
        return named
    return table.first("label")


def to_classes(label: Column) -> str:
    """What makes class numbers of a label that is text."""
    return f"encode {label.name} (class_encode_column)" if label.kind == "text" else ""
