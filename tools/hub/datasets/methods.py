"""Which methods of language-model training a table's columns fit: SFT, preferences, rewards.

The formats are TRL's (https://huggingface.co/docs/trl/dataset_formats): a column's name decides
what a trainer does with it, a chat is a list of {role, content}. tasks.py has the rest.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tools.hub.datasets.chat_column import chat_facts
from tools.hub.datasets.columns import Column, Kind
from tools.hub.datasets.preferences import (
    VERDICT,
    feedback_fits,
    pairwise_fits,
    preference_fits,
    stepwise_fits,
)
from tools.hub.datasets.prepared_data import (
    judged_chats,
    keep_system,
    named_pictures,
    reasoned_answers,
    token_ids,
    worded_verdicts,
)
from tools.hub.datasets.table import (
    CHATS,
    COMPLETION,
    PROMPT,
    TEXT_OR_CHAT,
    Fit,
    Table,
    dropped,
    fit,
    joined,
    plain,
    renamed,
    shaped,
    with_system,
    words,
)
from tools.hub.datasets.tasks import checkable, task_fits, to_messages, turns_of

ANSWER = (
    "answer", "solution", "ground_truth", "final_answer", "expected_answer", "gold_answer",
    "reference_answer", "correct_answer", "target", "gold", "label", "reference", "expected",
)  # fmt: skip
TESTS = (
    "tests", "test_cases", "test", "test_list", "unit_tests", "verification_info",
    "official_tests", "public_tests", "private_tests", "input_output", "reward_model",
    "verification", "examples",
)  # fmt: skip
CONVERSATION = ("messages", "conversation", "conversations", "dialog", "dialogue", "data", "turns",
                "utterances")  # fmt: skip
TEMPLATED = re.compile(
    r"<\|im_start\|>|\[INST\]|### (?:Instruction|Human|Response)|<\|start_header_id\|>"
    r"|<start_of_turn>|\n\n(?:Human|Assistant):|\bUSER: [\s\S]*\bASSISTANT: "
)


def fits_of(columns: Sequence[Column]) -> list[Fit]:
    """All that fit: those that need no change first, plain text last, since it always fits."""
    table = Table(columns)
    tasks = list(task_fits(table))
    if table.first("image", "images") is not None:
        found = [*_pictured(table), *tasks]
    elif table.first("audio", "video") is not None:
        found = tasks
    else:
        found = [*tasks, *named_pictures(table, list(language_fits(table, tasks)))]
    found = [keep_system(table, one) for one in found]
    return sorted(found, key=lambda fit: (fit.method == "SFT (text)", bool(fit.change)))


def _pictured(table: Table) -> Iterator[Fit]:
    """TRL's trainers take `image` or `images` next to their usual columns."""
    preferences = list(preference_fits(table))
    found = preferences or [*_pair(table, exact=True), *_verifiable(table, ("prompt", "problem"))]
    for one in found:
        yield replace(one, reason=f"{one.reason}; with pictures, for a VLM")


def language_fits(table: Table, tasks: Sequence[Fit]) -> Iterator[Fit]:
    found = [*token_ids(table)] or [*preference_fits(table)]
    if not found:
        for rule in RULES:
            taken = {name for one in found for name in one.columns}
            found += [one for one in rule(table) if not taken.issuperset(one.columns)]
        if not any(one.method == "multiple choice" for one in tasks):
            found += _verifiable(table)
    yield from found
    if not found and not tasks:
        yield from _prompts_alone(table)
    if not any(one.method.startswith("SFT") for one in found):
        yield from _plain_text(table)


def _told_apart(table: Table) -> Iterator[Fit]:
    """An answer with its reasoning, unless the answer alone is already one in words."""
    return iter(()) if any(_pair(table)) else reasoned_answers(table)


def _chats(table: Table) -> Iterator[Fit]:
    for column in table.of(*CHATS):
        if plain(column.name) in (*PROMPT, *COMPLETION) or not column.chats:
            continue
        facts = chat_facts(column.chats)
        if facts.answered >= 0.5:
            why = f"{column.name} holds chats; {facts.answered:.0%} end with the assistant"
            tools = table.named(("tools", "functions"), ("text", "records", "record", "texts"))
            extra = f"; {tools.name} describes the tools" if tools is not None else ""
            steps = (shaped(column), renamed({"messages": column}), with_system(table, column))
            # A prompt makes TRL look for a completion.
            yield fit("SFT (messages)", (column,), why + extra, *steps, dropped(table, "prompt"))
    for column in table.of("records", "texts"):
        turns = turns_of(column) if plain(column.name) not in TESTS else None
        if turns:
            why = f"{column.name} lists turns ({', '.join(turns)})"
            made = (to_messages(column, turns), with_system(table, column))
            yield fit("SFT (messages)", (column,), why, *made, dropped(table, "prompt"))
        elif column.kind == "texts" and plain(column.name) in CONVERSATION:
            why = f"{column.name} lists what two speakers say in turn"
            step = f"make messages of {column.name}: user and assistant take turns"
            yield fit("SFT (messages)", (column,), why, step)


def _tools(table: Table) -> Iterator[Fit]:
    """A question, the right calls, and the tools."""
    tools = table.named(("tools", "functions", "available_tools"), ("text", "records", "texts"))
    prompt = table.named(PROMPT, ("text",))
    calls = table.named(("answers", "tool_calls", "function_calls", "calls", "answer"),
                        ("text", "records", "texts"))  # fmt: skip
    if tools is None or prompt is None or calls is None:
        return
    why = f"{calls.name} has the calls of {tools.name} that {prompt.name} asks for"
    step = (
        f"make messages: {prompt.name} the user's, {calls.name} the assistant's tool_calls "
        "(parse the JSON)"
    )
    yield fit("SFT (messages)", (prompt, calls, tools), why, step, renamed({"tools": tools}))


def _trees(table: Table) -> Iterator[Fit]:
    """One message a row, as in OpenAssistant's trees."""
    names = ("parent_id", "role", "text", "message_id")
    found = [table.named((name,), ("text", "label")) for name in names]
    used = [column for column in found if column is not None]
    if len(used) == len(names):
        why = "a row is one message; parent_id names the message before it"
        yield fit("SFT (messages)", used, why, "join the rows to messages along parent_id")


def _pair(table: Table, exact: bool = False) -> Iterator[Fit]:
    """`exact`: only under TRL's own names."""
    prompt = table.named(PROMPT[:1] if exact else PROMPT, TEXT_OR_CHAT)
    answers = table.named_all(COMPLETION[:1] if exact else COMPLETION, TEXT_OR_CHAT)
    answers = [c for c in answers if c is not prompt and (c.name == "completion" or _speaks(c))]
    if prompt is None or not answers:
        return
    completion = answers[0]
    if prompt.kind in CHATS and chat_facts(prompt.chats).answered >= 0.5:
        return
    if prompt.kind in CHATS and completion.kind not in CHATS and checkable(completion):
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
    steps.append(with_system(table, prompt, completion))
    yield fit("SFT (prompt-completion)", used, why, shaped(prompt, completion), *steps)


def _speaks(answer: Column) -> bool:
    """Whether it is an answer in words, not a class or the bare result."""
    if answer.classes:
        return False
    bare = plain(answer.name) in ANSWER and words(answer) <= 2
    return answer.kind in CHATS or not (bare and checkable(answer))


def _asking(table: Table, names: Sequence[str]) -> Column | None:
    """The column of prompts, or of chats that end with the user."""
    asking = table.named(names, TEXT_OR_CHAT)
    if asking is None and names is PROMPT:
        asking = next(
            (c for c in table.of(*CHATS) if plain(c.name) not in COMPLETION and c.chats), None
        )
    answered = asking is not None and asking.kind in CHATS and chat_facts(asking.chats).answered
    return None if answered and answered >= 0.5 else asking


def _verifiable(table: Table, names: Sequence[str] = PROMPT) -> Iterator[Fit]:
    tests = table.named(TESTS, ("text", "texts", "record", "records", "list", "other"))
    prompt = _asking(table, names)
    if prompt is None and tests is not None:
        prompt = table.named(("text", "description", "statement", "task"), ("text",))
    if prompt is None:
        return
    taken = dropped(table, "completions") or dropped(table, "completion")
    named = joined(shaped(prompt), renamed({"prompt": prompt}), with_system(table, prompt), taken)
    if tests is not None:
        why = f"{prompt.name} is the task, {tests.name} can check an answer"
        yield fit("GRPO (verifiable)", (prompt, tests), why, named)
        return
    for name in ANSWER:
        kinds: tuple[Kind, ...] = ("text", "int", "float", "label", "texts", "tags")
        answer = table.named((name,), kinds)
        if name == "label" and table.named(COMPLETION, TEXT_OR_CHAT) is not None:
            continue
        how = checkable(answer) if answer is not None and answer is not prompt else ""
        if answer is not None and how:
            why = f"{prompt.name} is the task, {answer.name} {how}"
            yield fit("GRPO (verifiable)", (prompt, answer), why, named)
            return


def _prompts_alone(table: Table) -> Iterator[Fit]:
    prompt = _asking(table, PROMPT)
    if prompt is None or table.named(("tools", "answers"), ("text", "records")) is not None:
        return
    taken = dropped(table, "completions") or dropped(table, "completion")
    named = joined(shaped(prompt), renamed({"prompt": prompt}), with_system(table, prompt), taken)
    if table.named((*COMPLETION, *VERDICT), TEXT_OR_CHAT) is None and words(prompt) != 0:
        why = f"{prompt.name} holds prompts alone; the reward must come from a model or function"
        yield fit("GRPO (prompt only)", (prompt,), why, named)
    elif prompt.kind in CHATS and table.named(COMPLETION, TEXT_OR_CHAT) is None:
        why = f"{prompt.name} holds chats that wait for an answer"
        yield fit("GRPO (prompt only)", (prompt,), why, named)


def _plain_text(table: Table) -> Iterator[Fit]:
    names = ("text", "content", "document", "body", "code", "article", "chat")
    text = table.named(names, ("text",))
    if text is None or text.classes or words(text) < 3:
        return
    templated = sum(bool(TEMPLATED.search(t)) for t in text.texts) / len(text.texts)
    why = f"{text.name} is plain text, {words(text):.0f} words on average"
    if templated >= 0.5:
        why = f"{text.name} is text with a chat template already applied ({templated:.0%})"
    elif table.of("label") or any(c.classes for c in table.columns):
        why += "; other columns would not be used"
    yield fit("SFT (text)", (text,), why, renamed({"text": text}), dropped(table, "prompt"))


#: What language models learn from, if the rows are not preferences; in the order of the answer.
RULES = (pairwise_fits, feedback_fits, worded_verdicts, judged_chats, stepwise_fits, _chats, _tools,
         _trees, _pair, _told_apart)  # fmt: skip
