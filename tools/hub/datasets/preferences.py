"""Which methods that learn from judged answers a table's columns fit: DPO, reward models, KTO, PRM.

TRL's formats: https://huggingface.co/docs/trl/dataset_formats.
"""

from collections.abc import Iterator, Sequence

from tools.hub.datasets.chat_column import content, messages
from tools.hub.datasets.columns import Column
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
)

CHOSEN = ("chosen", "accepted", "preferred", "chosen_response", "response_chosen",
          "winner_response")  # fmt: skip
REJECTED = ("rejected", "dispreferred", "rejected_response", "response_rejected",
            "loser_response")  # fmt: skip
VERDICT = (
    "label", "labels", "is_good", "thumbs_up", "feedback", "liked", "desirable", "is_correct",
    "correct", "upvote", "accept", "accepted",
)  # fmt: skip
PAIRS = (
    ("response_a", "response_b"),
    ("response_0", "response_1"),
    ("response_1", "response_2"),
    ("answer_a", "answer_b"),
    ("answer_0", "answer_1"),
    ("output_1", "output_2"),
    ("output_a", "output_b"),
    ("conversation_a", "conversation_b"),
    ("completion_a", "completion_b"),
    ("response1", "response2"),
    ("human_ref_a", "human_ref_b"),
    ("summary_0", "summary_1"),
    ("text_a", "text_b"),
)
WINNER = ("winner", "preference", "preferred", "better_response_id", "label", "choice", "better",
          "overall_preference", "human_preference", "preference_strength", "labels")  # fmt: skip

SCORES_OF_TWO = ("score_0", "score_1", "score_a", "score_b", "rating_a", "rating_b", "score1",
                 "score2")  # fmt: skip
#: Keys of an answer and of its rating in a list of answers.
RATED = ("response", "answer", "completion", "text", "output", "content", "generation")
RATING = ("rating", "score", "overall_score", "rank", "pm_score", "reward", "ranking", "votes",
          "fine_grained_score", "fine-grained_score", "label")  # fmt: skip
#: Since which releases TRL has no trainer for it (read in its wheels).
PRM_TRAINER = "TRL 1.4 to 1.13 train it (trl.experimental.prm), 1.14 and later do not"


def preference_fits(table: Table) -> Iterator[Fit]:
    chosen = table.named(CHOSEN, TEXT_OR_CHAT)
    rejected = table.named(REJECTED, TEXT_OR_CHAT)
    if chosen is None or rejected is None:
        return
    prompt = table.named(PROMPT, TEXT_OR_CHAT)
    names = renamed({"chosen": chosen, "rejected": rejected})
    change = joined(shaped(chosen, rejected), names, with_system(table, chosen))
    pair = f"{chosen.name} and {rejected.name} are two {_what(chosen)} to compare"
    used = (chosen, rejected)
    if (chosen.kind in CHATS) != (rejected.kind in CHATS):
        odd = f"make both chats or both text ({chosen.name}: {chosen.kind})"
        yield fit("DPO", used, pair, odd, change)
        return
    if prompt is not None:
        steps = (_prompt_change(prompt, chosen, rejected), change)
        yield fit("DPO", (prompt, *used), f"{pair} for {prompt.name}", *steps)
    else:
        shared = shared_starts(chosen, rejected)
        why = f"{pair}; their same beginning ({shared:.0%}) is the prompt"
        if shared >= 0.9:
            yield fit("DPO (implicit prompt)", used, why, change)
        else:
            step = "add the prompts: no column holds them, and the pairs share no beginning"
            yield fit("DPO", used, pair, step, change)
    # TRL joins prompt and answers, which text and chats do not let it.
    mixed = prompt is not None and prompt.kind not in CHATS and chosen.kind in CHATS
    drop = dropped(table, "prompt") if mixed else ""
    yield fit("reward model", used, pair, drop, change)


def _prompt_change(prompt: Column, chosen: Column, rejected: Column) -> str:
    """What makes a prompt of this column, next to the answers as they are."""
    repeats = repeated_prompts(prompt, chosen)
    if repeats > 0.5:
        return f"drop {prompt.name}: {chosen.name} begins with it already ({repeats:.0%})"
    if prompt.kind in CHATS and chosen.kind in CHATS:
        return joined(shaped(prompt), renamed({"prompt": prompt}))
    if prompt.kind in CHATS:
        return f"make {chosen.name} and {rejected.name} chats as {prompt.name} is"
    if chosen.kind in CHATS:
        shared = shared_starts(chosen, rejected)
        if shared > 0.5:
            return (
                f"drop {prompt.name}: the chats of {chosen.name} and {rejected.name} begin with "
                f"the same messages ({shared:.0%}), which are the prompt"
            )
        return f'make {prompt.name} a chat ([{{"role": "user", "content": ...}}])'
    return renamed({"prompt": prompt})


def pairwise_fits(table: Table) -> Iterator[Fit]:
    for names in PAIRS:
        a, b = (table.named((name,), TEXT_OR_CHAT) for name in names)
        winner = table.named(WINNER, ("text", "label", "int", "bool"))
        if a is not None and b is not None and winner is not None:
            seen = ", ".join(str(c) for c in list(dict.fromkeys(winner.there))[:4])
            why = f"two answers, and {winner.name} ({seen}) says which is better"
            step = f"write chosen and rejected by {winner.name}, without ties"
            yield fit("DPO (after pairing)", (a, b, winner), why, shaped(a, b), step)
            return
        rated = table.named_all(SCORES_OF_TWO, ("int", "float"))
        if a is not None and b is not None and len(rated) == 2:
            why = f"two answers, rated by {rated[0].name} and {rated[1].name}"
            step = "write chosen and rejected by the rating, without ties"
            yield fit("DPO (after pairing)", (a, b, *rated), why, shaped(a, b), step)
            return
    for column in table.of("records"):
        keys = set(column.there[0][0]) if column.there and column.there[0] else set()
        answer = next((k for k in RATED if k in keys), "")
        rating = next((k for k in RATING if k in keys), "")
        if answer and rating and plain(column.name) != "steps":
            why = f"{column.name} lists answers ({answer}), each with its {rating}"
            step = f"make chosen of the best {answer} and rejected of a worse one"
            yield fit("DPO (after pairing)", (column,), why, step)
            return
    many = table.named(("responses", "completions", "answers", "candidates", "outputs"), ("texts",))
    scores = table.named(
        ("scores", "score", "rewards", "ratings", "ranks", "ranking"), ("vector", "tags")
    )
    if many is not None and scores is not None and same_lengths(many, scores):
        why = f"{scores.name} rates each of {many.name}"
        step = "make chosen of the best and rejected of a worse one"
        yield fit("DPO (after pairing)", (many, scores), why, step)


def feedback_fits(table: Table) -> Iterator[Fit]:
    prompt = table.named(PROMPT, TEXT_OR_CHAT)
    completion = table.named(COMPLETION, TEXT_OR_CHAT)
    label = table.named(VERDICT, ("bool", "int", "label"))
    if prompt is None or completion is None or label is None or prompt is completion:
        return
    if len(label.classes) != 2 or completion.classes:
        return
    why = f"each completion has a verdict, {label.name} ({label.classes[0]}, {label.classes[1]})"
    step = "" if label.kind == "bool" else f"make {label.name} true and false"
    named = renamed({"prompt": prompt, "completion": completion, "label": label})
    steps = (shaped(prompt, completion), named, step, with_system(table, prompt, completion))
    yield fit("KTO", (prompt, completion, label), why, *steps)


def stepwise_fits(table: Table) -> Iterator[Fit]:
    steps = table.named(("completions", "steps", "solution_steps"), ("texts",))
    labels = table.named(("labels", "step_labels", "ratings"), ("flags", "tags"))
    prompt = table.named(PROMPT, ("text",))
    for column in table.of("record", "records", "other"):
        if steps is None and _holds_steps(column.there[:1]):
            why = f"{column.name} holds steps with ratings; {PRM_TRAINER}"
            step = f"write prompt, completions and labels of each step in {column.name}"
            yield fit("PRM (stepwise supervision)", (column,), why, step)
            return
    if steps is None or labels is None or prompt is None or not same_lengths(steps, labels):
        return
    named = renamed({"prompt": prompt, "completions": steps, "labels": labels})
    step = "" if labels.kind == "flags" else f"make {labels.name} true and false"
    why = f"{labels.name} says of each step of {steps.name} whether it is right; {PRM_TRAINER}"
    yield fit("PRM (stepwise supervision)", (prompt, steps, labels), why, named, step)


def _holds_steps(value: object, inside: bool = False) -> bool:
    """A list called steps, and in it a rating."""
    if isinstance(value, dict):
        if inside and {"rating", "label", "labels", "correct"} & value.keys():
            return True
        return any(_holds_steps(v, inside or k == "steps") for k, v in value.items())
    return isinstance(value, list) and any(_holds_steps(v, inside) for v in value)


def repeated_prompts(prompt: Column, chosen: Column) -> float:
    """Share of rows in which the chosen answer begins with the prompt itself."""
    pairs = [
        (_start(p, prompt), c)
        for p, c in zip(prompt.values, chosen.values, strict=False)
        if p and c
    ]
    return sum(bool(p) and _begins(c, chosen, p) for p, c in pairs) / len(pairs) if pairs else 0.0


def _start(value: object, column: Column) -> str:
    chat = messages(value) if column.kind in CHATS else None
    return (content(chat[-1]) if chat else str(value)).strip()


def _begins(value: object, column: Column, prompt: str) -> bool:
    chat = messages(value) if column.kind in CHATS else None
    if chat:
        return any(content(m).strip() == prompt for m in chat[:-1])
    return len(prompt) >= 10 and str(value).strip().startswith(prompt)


def shared_starts(chosen: Column, rejected: Column) -> float:
    """Share of rows whose two answers begin alike: the same messages but the last, or the same
    20 characters at least."""
    same, rows = 0, 0
    for a, b in zip(chosen.values, rejected.values, strict=False):
        if a is None or b is None:
            continue
        rows += 1
        one, other = messages(a), messages(b)
        if one is not None and other is not None:
            same += len(one) > 1 and one[:-1] == other[:-1]
        elif isinstance(a, str) and isinstance(b, str):
            same += a[:20] == b[:20] and len(a) > 20
    return same / rows if rows else 0.0


def same_lengths(a: Column, b: Column) -> bool:
    pairs: Sequence[tuple[list[object], list[object]]] = [
        (x, y)
        for x, y in zip(a.values, b.values, strict=False)
        if isinstance(x, list) and isinstance(y, list)
    ]
    return bool(pairs) and all(len(x) == len(y) for x, y in pairs)


def _what(column: Column) -> str:
    return "chats" if column.kind in CHATS else "answers"
