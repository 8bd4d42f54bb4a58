"""Rules for rows that are already prepared in part: token ids, verdicts on whole chats, an answer
apart from its reasoning, pictures by their paths. The formats are TRL's, as in methods.py."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tools.hub.datasets.chat_column import chat_facts
from tools.hub.datasets.columns import Column
from tools.hub.datasets.preferences import VERDICT
from tools.hub.datasets.table import (
    CHATS,
    COMPLETION,
    PROMPT,
    TEXT_OR_CHAT,
    Fit,
    Table,
    fit,
    joined,
    label_of,
    plain,
    renamed,
    shaped,
    with_system,
    words,
)

REASONING = ("reasoning", "rationale", "cot", "chain_of_thought", "thinking", "reasoning_content",
             "explanation", "thought")  # fmt: skip
#: Words of a verdict, the good one first.
VERDICTS = (("up", "down"), ("good", "bad"), ("like", "dislike"), ("liked", "disliked"),
            ("accept", "reject"), ("accepted", "rejected"), ("thumbs_up", "thumbs_down"),
            ("desirable", "undesirable"), ("positive", "negative"))  # fmt: skip
VOTES = (*VERDICT, "thumb", "thumbs", "vote", "verdict", "reaction", "preference")
_PICTURE = re.compile(r"\S+\.(?:jpe?g|png|webp|gif|bmp|tiff?)", re.IGNORECASE)
#: Methods whose chats or texts a system prompt belongs to.
_SPOKEN = ("SFT", "VLM SFT", "DPO", "KTO", "GRPO", "reward model", "visual question")


def token_ids(table: Table) -> Iterator[Fit]:
    """Rows of token ids: SFTTrainer takes a table with input_ids as it is, whatever else it has."""
    ids = table.named(("input_ids",), ("tags",))
    if ids is None or label_of(table) is not None:
        return
    used = [ids, *table.named_all(("labels", "attention_mask", "completion_mask"), ("tags",))]
    why = f"{ids.name} holds token ids: they must be of the model's own tokenizer"
    yield fit("SFT (tokenized)", used, why)


def judged_chats(table: Table) -> Iterator[Fit]:
    """A chat with a verdict on its last answer."""
    label = table.named(VERDICT, ("bool",))
    chat = next((c for c in table.of(*CHATS) if plain(c.name) not in PROMPT and _answered(c)), None)
    if label is None or chat is None or table.named(("completion",), CHATS) is not None:
        return
    why = f"{label.name} says whether the last answer of {chat.name} is good"
    split = f"split {chat.name} into prompt and completion (its last message)"
    named = renamed({"label": label})
    yield fit("KTO", (chat, label), why, shaped(chat), split, named, with_system(table, chat))


def worded_verdicts(table: Table) -> Iterator[Fit]:
    """A prompt, an answer, and one of two opposite words about it."""
    prompt, answer = (table.named(names, TEXT_OR_CHAT) for names in (PROMPT, COMPLETION))
    if prompt is None or answer is None or prompt is answer or answer.classes:
        return
    for label in table.named_all(VOTES, ("text", "label")):
        seen = {str(one).lower() for one in label.classes}
        good = next((pair[0] for pair in VERDICTS if seen == set(pair)), "")
        if good:
            why = f"each completion has a verdict, {label.name} ({', '.join(sorted(seen))})"
            step = f"make {label.name} true where it is {good!r}"
            named = renamed({"prompt": prompt, "completion": answer, "label": label})
            steps = (shaped(prompt, answer), step, named, with_system(table, prompt, answer))
            yield fit("KTO", (prompt, answer, label), why, *steps)
            return


def reasoned_answers(table: Table) -> Iterator[Fit]:
    """A question, the reasoning, and the answer apart from it."""
    prompt, reasoning = table.named(PROMPT, ("text",)), table.named(REASONING, ("text",))
    answer = table.named(("answer", "final_answer", "solution", "response", "output"), ("text",))
    if prompt is None or reasoning is None or answer is None or words(reasoning) < 3:
        return
    why = f"{reasoning.name} leads from {prompt.name} to {answer.name}"
    step = f"join {reasoning.name} and {answer.name} to completion"
    named = renamed({"prompt": prompt})
    used = (prompt, reasoning, answer)
    yield fit("SFT (prompt-completion)", used, why, step, named, with_system(table, prompt))


def named_pictures(table: Table, found: list[Fit]) -> list[Fit]:
    """Chats about pictures that a column names by path: a VLM's, once they are loaded."""
    paths = table.named(("image", "images", "image_path", "img", "image_file"), ("text", "texts"))
    if paths is None or not _are_pictures(paths):
        return found
    load = f"load the pictures that {paths.name} names, as images"
    return [
        replace(
            one,
            method=one.method.replace("SFT (messages)", "VLM SFT (messages)"),
            columns=(paths.name, *one.columns),
            change=joined(load, one.change),
        )
        for one in found
    ]


def keep_system(table: Table, one: Fit) -> Fit:
    """No method leaves a column of system prompts out in silence."""
    system = table.system
    if system is None or not one.method.startswith(_SPOKEN) or one.method == "SFT (tokenized)":
        return one
    if system.name in one.columns or re.search(rf"\b{re.escape(system.name)}\b", one.change):
        return one
    used = [c for c in table.of(*TEXT_OR_CHAT) if c.name in one.columns and not c.classes]
    step = with_system(table, *used)
    if step and one.method == "SFT (text)":
        step = f"put {system.name} in front of {one.columns[0]}"
    return replace(one, change=joined(one.change, step))


def _answered(column: Column) -> bool:
    return bool(column.chats) and chat_facts(column.chats).answered >= 0.5


def _are_pictures(column: Column) -> bool:
    named = [t for v in column.there for t in (v if isinstance(v, list) else [v])]
    return bool(named) and all(isinstance(t, str) and _PICTURE.fullmatch(t) for t in named)
