"""Which methods of language-model training a table's columns fit: SFT, preferences, rewards.

The formats are TRL's (https://huggingface.co/docs/trl/dataset_formats): a column's name decides
what a trainer does with it, a chat is a list of {role, content}. tasks.py has the rest.
"""

import re
from collections.abc import Iterator, Sequence

from tools.hub.datasets.chat_column import chat_facts
from tools.hub.datasets.columns import Column
from tools.hub.datasets.preferences import (
    VERDICT,
    feedback_fits,
    pairwise_fits,
    preference_fits,
    stepwise_fits,
)
from tools.hub.datasets.table import (
    CHATS,
    COMPLETION,
    PROMPT,
    TEXT_OR_CHAT,
    Fit,
    Table,
    fit,
    joined,
    plain,
    renamed,
    shaped,
    words,
)
from tools.hub.datasets.tasks import task_fits

ANSWER = (
    "answer", "solution", "ground_truth", "final_answer", "expected_answer", "gold_answer",
    "reference_answer", "correct_answer", "target", "gold", "label", "reference", "expected",
)  # fmt: skip
TESTS = ("tests", "test_cases", "test", "test_list", "unit_tests", "verification_info")
TEMPLATED = re.compile(
    r"<\|im_start\|>|\[INST\]|### (?:Instruction|Human|Response)|<\|start_header_id\|>"
    r"|<start_of_turn>|\n\n(?:Human|Assistant):"
)


def fits_of(columns: Sequence[Column]) -> list[Fit]:
    """All that fit: those that need no change first, plain text last, since it always fits."""
    table = Table(columns)
    pictured = table.first("image", "images", "audio", "video") is not None
    tasks = list(task_fits(table))
    found = tasks if pictured else [*tasks, *language_fits(table)]
    return sorted(found, key=lambda fit: (fit.method == "SFT (text)", bool(fit.change)))


def language_fits(table: Table) -> Iterator[Fit]:
    preferences = list(preference_fits(table))
    yield from preferences
    if not preferences:
        yield from pairwise_fits(table)
        yield from feedback_fits(table)
        yield from stepwise_fits(table)
        yield from _chats(table)
        yield from _pair(table)
        yield from _verifiable(table)
    yield from _plain_text(table)


def _chats(table: Table) -> Iterator[Fit]:
    for column in table.of(*CHATS):
        if plain(column.name) in (*PROMPT, *COMPLETION) or not column.chats:
            continue
        facts = chat_facts(column.chats)
        if facts.answered >= 0.5:
            why = f"{column.name} holds chats; {facts.answered:.0%} end with the assistant"
            tools = table.named(("tools", "functions"), ("text", "records", "record", "texts"))
            extra = f"; {tools.name} describes the tools" if tools is not None else ""
            named = renamed({"messages": column})
            yield fit("SFT (messages)", (column,), why + extra, shaped(column), named)
        else:
            why = f"{column.name} holds chats that end with the user: prompts without an answer"
            steps = (shaped(column), renamed({"prompt": column}))
            yield fit("GRPO (prompt only)", (column,), why, *steps)


def _pair(table: Table) -> Iterator[Fit]:
    prompt = table.named(PROMPT, TEXT_OR_CHAT)
    completion = table.named(COMPLETION, TEXT_OR_CHAT)
    if prompt is None or completion is None or prompt is completion:
        return
    exact = (prompt.name, completion.name) == ("prompt", "completion")
    if completion.classes and not exact:
        return
    used, steps = [prompt, completion], list[str]()
    extra = table.named(("input", "context"), ("text",))
    named = renamed({"prompt": prompt, "completion": completion})
    if plain(prompt.name) == "instruction" and extra is not None and extra is not completion:
        steps.append(f"join {prompt.name} and {extra.name} (unless it is empty) to prompt")
        steps.append(renamed({"completion": completion}))
        used.insert(1, extra)
    elif (prompt.kind in CHATS) != (completion.kind in CHATS):
        steps.append(f"make {prompt.name} and {completion.name} both chats or both text")
        steps.append(named)
    else:
        steps.append(named)
    why = f"{prompt.name} asks, {completion.name} answers in {words(completion):.0f} words"
    if prompt.kind in CHATS:
        why = f"{prompt.name} and {completion.name} are the two parts of a chat"
    yield fit("SFT (prompt-completion)", used, why, shaped(prompt, completion), *steps)


def _verifiable(table: Table) -> Iterator[Fit]:
    prompt = table.named(PROMPT, TEXT_OR_CHAT)
    if prompt is None or (prompt.kind in CHATS and chat_facts(prompt.chats).answered >= 0.5):
        return
    named = joined(shaped(prompt), renamed({"prompt": prompt}))
    tests = table.named(TESTS, ("text", "texts", "record", "records"))
    if tests is not None:
        why = f"{prompt.name} is the task, {tests.name} can check an answer"
        yield fit("GRPO (verifiable)", (prompt, tests), why, named)
        return
    for name in ANSWER:
        answer = table.named((name,), ("text", "int", "float", "bool", "label"))
        how = checkable(answer) if answer is not None and answer is not prompt else ""
        if answer is not None and how:
            why = f"{prompt.name} is the task, {answer.name} {how}"
            yield fit("GRPO (verifiable)", (prompt, answer), why, named)
            return
    if table.named((*COMPLETION, *VERDICT), TEXT_OR_CHAT) is None and words(prompt) != 0:
        why = f"{prompt.name} holds prompts alone; the reward must come from a model or function"
        yield fit("GRPO (prompt only)", (prompt,), why, named)
    elif prompt.kind in CHATS and table.named(COMPLETION, TEXT_OR_CHAT) is None:
        why = f"{prompt.name} holds chats that wait for an answer"
        yield fit("GRPO (prompt only)", (prompt,), why, named)


def _plain_text(table: Table) -> Iterator[Fit]:
    text = table.named(("text", "content", "document", "body", "code", "article"), ("text",))
    if text is None or text.classes or words(text) < 3:
        return
    templated = sum(bool(TEMPLATED.search(t)) for t in text.texts) / len(text.texts)
    why = f"{text.name} is plain text, {words(text):.0f} words on average"
    if templated >= 0.5:
        why = f"{text.name} is text with a chat template already applied ({templated:.0%})"
    elif table.of("label") or any(c.classes for c in table.columns):
        why += "; other columns would not be used"
    yield fit("SFT (text)", (text,), why, renamed({"text": text}))


def checkable(answer: Column) -> str:
    """How an answer can be compared with a model's, from its content; empty: it cannot."""
    if answer.kind in ("int", "float", "bool", "label"):
        return "is a value to compare with"
    texts = [t for t in answer.texts if t.strip()]
    if not texts:
        return ""
    for mark, said in ((r"####\s*\S", "ends with #### and the final answer"),
                       (r"\\boxed\s*\{", "has the final answer in \\boxed{}")):  # fmt: skip
        if sum(bool(re.search(mark, t)) for t in texts) >= 0.8 * len(texts):
            return f"{said}: extract it for the reward"
    short = sum(len(t) <= 40 and len(t.split()) <= 6 for t in texts) / len(texts)
    return f"is short enough to compare with ({short:.0%} up to 6 words)" if short >= 0.8 else ""
