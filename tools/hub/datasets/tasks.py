"""Which tasks next to language-model training a table's columns fit: classes, tokens, questions,
sound, pictures. The layouts are those of the examples in transformers and sentence-transformers.
"""

import re
from collections.abc import Iterator

from tools.hub.datasets.columns import Column
from tools.hub.datasets.preferences import CHOSEN, REJECTED, same_lengths
from tools.hub.datasets.table import (
    CHATS,
    COMPLETION,
    PROMPT,
    Fit,
    Table,
    fit,
    joined,
    label_of,
    plain,
    renamed,
    shaped,
    to_classes,
    words,
)

SCORE = ("score", "label", "labels", "target")
#: A number of two texts; of one it says something else (how well a picture fits, ...).
PAIR_SCORE = (*SCORE, "similarity", "similarity_score", "rating")
SUMMARY = (("article", "document", "dialogue", "report", "text", "context", "body", "source"),
           ("summary", "highlights", "abstract", "tldr", "summaries"))  # fmt: skip
TRIPLETS = (("anchor", "positive", "negative"), ("query", "positive", "negative"),
            ("query", "pos", "neg"), ("query", "document", "negative"),
            ("query", "passage", "negative_passage"))  # fmt: skip
SPOKEN = (
    "text", "sentence", "transcription", "transcript", "normalized_text", "raw_text",
    "transcription_normalized", "orthographic_text",
)  # fmt: skip
CAPTION = ("caption", "text", "prompt", "description", "captions", "alt", "title")
MASK = ("mask", "annotation", "segmentation", "label", "labels", "seg_map", "semantic_segmentation")


def task_fits(table: Table) -> Iterator[Fit]:
    link = table.named(("url", "image_url", "img_url"), ("text",))
    caption = table.named(("caption", "alt", "alt_text"), ("text",))
    if link is not None and caption is not None and table.first("image", "images") is None:
        why = f"{caption.name} describes the picture at {link.name}"
        step = f"download the pictures of {link.name} (img2dataset)"
        yield fit("image captioning, text to image", (link, caption), why, step)
        return
    if table.first("image", "images") is not None:
        yield from picture_fits(table)
        return
    if table.first("audio") is not None:
        yield from sound_fits(table)
        return
    yield from _classes(table)
    yield from _table(table)
    yield from _tokens(table)
    yield from _questions(table)
    yield from _rewriting(table)
    yield from _embeddings(table)


def _classes(table: Table) -> Iterator[Fit]:
    label = label_of(table)
    texts = [c for c in table.prose() if c is not label]
    tags = table.named(("labels", "label", "label_ids"), ("tags", "vector"))
    if table.named(("input_ids",), ("tags",)) is not None:
        tags = None  # these are token ids too
    if label is not None and not table.of("texts", *CHATS, "answers"):
        step = joined(to_classes(label), renamed({"label": label}))
        classes = f"{label.name} has {len(label.classes)} classes"
        if len(texts) == 1 or (texts and plain(texts[0].name) in ("text", "sentence")):
            why = f"{texts[0].name} is text, {classes}"
            yield fit("text classification", (texts[0], label), why, step)
        elif len(texts) == 2 and not _asks(texts):
            used = (*texts, label)
            yield fit("sentence-pair classification", used, f"two texts, {classes}", step)
    if tags is not None and len(texts) == 1 and not table.of("texts"):
        why = f"{texts[0].name} is text, {tags.name} lists its classes"
        step = "make the lists one-hot vectors"
        yield fit("multi-label classification", (texts[0], tags), why, step)
    score = table.named(PAIR_SCORE if len(texts) == 2 else SCORE, ("float",))
    if score is not None and label is None and len(texts) in (1, 2):
        two = len(texts) == 2
        method = "sentence similarity (regression)" if two else "text regression"
        why = f"{score.name} is a number for {'two texts' if two else texts[0].name}"
        yield fit(method, (*texts, score), why, renamed({"score" if two else "label": score}))


def _table(table: Table) -> Iterator[Fit]:
    numbers = table.of("int", "float", "bool", "label")
    # Names and addresses are text too, but no sentences.
    sentences = any(words(c) >= 8 for c in table.prose()) or table.of("texts", *CHATS)
    if sentences or len(numbers) < 2 or 2 * len(numbers) < len(table.columns):
        return
    label = label_of(table)
    if label is not None:
        others = [c for c in numbers if c is not label]
        why = f"{len(others)} columns of numbers, {label.name} has {len(label.classes)} classes"
        yield fit("tabular classification", (*others, label), why)
        return
    few = [f"{c.name} ({len(c.classes)})" for c in table.columns if len(c.classes) > 1]
    why = f"{len(numbers)} columns of numbers, and no column that is called a label"
    choice = f"choose the target; of few values are: {', '.join(few)}" if few else ""
    yield fit("tabular prediction", numbers, why, choice or "choose the target")


def _tokens(table: Table) -> Iterator[Fit]:
    # Of several columns of tags, names are what most want.
    order = sorted(table.of("tags", "texts"), key=lambda c: "ner" not in plain(c.name))
    for tokens in table.of("texts"):
        for tags in order:
            named = plain(tags.name)
            if tags is tokens or not ("tag" in named or "label" in named):
                continue
            if not same_lengths(tokens, tags):
                continue
            step = "encode the tags as numbers" if tags.kind == "texts" else ""
            why = f"{tags.name} has one tag for each of {tokens.name}"
            steps = (renamed({"tokens": tokens}), step)
            yield fit("token classification", (tokens, tags), why, *steps)
            return


def _questions(table: Table) -> Iterator[Fit]:
    question = table.named(("question", "query"), ("text",))
    context = table.named(("context", "passage", "document"), ("text",))
    answers = table.first("answers")
    if question is not None and context is not None and answers is not None:
        named = renamed({"question": question, "context": context, "answers": answers})
        why = f"{answers.name} says where the answer is in {context.name}"
        used = (question, context, answers)
        yield fit("extractive question answering", used, why, named)
    stem = table.named(("question", "ctx", "context", "sent1", "sentence", "query"), ("text",))
    choices = table.named(("choices", "options", "endings", "answers"), ("texts", "record"))
    right = table.named(("answer", "label", "answer_key", "correct", "answer_index", "gold"),
                        ("label", "int", "text"))  # fmt: skip
    if stem is not None and choices is not None and right is not None:
        why = f"{right.name} says which of {choices.name} is right"
        yield fit("multiple choice", (stem, choices, right), why, renamed({"label": right}))


def _rewriting(table: Table) -> Iterator[Fit]:
    document, summary = (table.named(names, ("text",)) for names in SUMMARY)
    if document is not None and summary is not None and words(document) > words(summary) > 0:
        shorter = words(document) / words(summary)
        why = f"{summary.name} is {shorter:.1f} times shorter than {document.name}"
        yield fit("summarization", (document, summary), why)
    translation = table.first("translation")
    if translation is not None:
        seen = translation.there[0] if translation.there else {}
        languages = [k for k in seen if k not in ("language", "translation")]
        why = f"{translation.name} holds the same text in {', '.join(languages) or 'languages'}"
        yield fit("translation", (translation,), why)


def _embeddings(table: Table) -> Iterator[Fit]:
    for names in TRIPLETS:
        found = [table.named((name,), ("text", "texts")) for name in names]
        anchor, positive, negative = found
        if anchor is None or positive is None:
            continue
        if names[1] in ("document", "passage") and negative is None:
            continue
        used = [c for c in found if c is not None]
        lists = [c.name for c in used if c.kind == "texts"]
        step = f"one row for each of the list {', '.join(lists)}" if lists else ""
        kind = "triplets" if negative is not None else "pairs"
        why = f"{positive.name} belongs to {anchor.name}"
        yield fit(f"embeddings ({kind})", used, why, step)
        return
    asked = table.named(("query", "question", "anchor"), ("text",))
    answer = table.named(("answer",), ("text",))
    if asked is None or answer is None or len(table.columns) != 2:
        return
    if words(answer) >= 3 and not checkable(answer):
        why = f"{answer.name} belongs to {asked.name}"
        yield fit("embeddings (pairs)", (asked, answer), why)


def checkable(answer: Column) -> str:
    """How an answer can be compared with a model's, from its content; empty: it cannot."""
    if answer.kind in ("int", "float", "bool", "label"):
        return "is a value to compare with"
    if answer.kind in ("texts", "tags"):
        return "lists what is right"
    texts = [t for t in answer.texts if t.strip()]
    if not texts:
        return ""
    for mark, said in ((r"####\s*\S", "ends with #### and the final answer"),
                       (r"\\boxed\s*\{", "has the final answer in \\boxed{}"),
                       (r"<answer>", "has the final answer in <answer>")):  # fmt: skip
        if sum(bool(re.search(mark, t)) for t in texts) >= 0.8 * len(texts):
            return f"{said}: extract it for the reward"
    short = sum(len(t) <= 40 and len(t.split()) <= 6 for t in texts) / len(texts)
    return f"is short enough to compare with ({short:.0%} up to 6 words)" if short >= 0.8 else ""


#: Keys of a question and its answer in a list of turns.
TURNS = (("user", "assistant"), ("input", "output"), ("question", "answer"), ("human", "gpt"),
         ("prompt", "response"), ("instruction", "response"))  # fmt: skip


def turns_of(column: Column) -> tuple[str, str] | None:
    """The two keys of the turns that a column lists; None: it lists something else."""
    first = column.there[0] if column.there else None
    keys = set(first[0]) if isinstance(first, list) and first else set()
    return next((pair for pair in TURNS if set(pair) <= keys), None)


def to_messages(column: Column, turns: tuple[str, str]) -> str:
    a, b = turns
    return f"make messages of {column.name}: {a} the user's, {b} the assistant's"


def _asks(texts: list[Column]) -> bool:
    """Whether the two texts are rather a question with its answer than a pair to compare."""
    return {plain(c.name) for c in texts} & {"prompt", "completion", "response", "answer"} != set()


# --- sound and pictures ---


def sound_fits(table: Table) -> Iterator[Fit]:
    audio = table.first("audio")
    assert audio is not None
    said = table.named(SPOKEN, ("text",))
    if said is not None and not said.classes:
        why = f"{said.name} says what is spoken in {audio.name} ({words(said):.0f} words)"
        named = renamed({"audio": audio})
        yield fit("ASR (speech recognition)", (audio, said), why, named)
        yield fit("text to speech", (audio, said), why, named)
    label = label_of(table)
    if label is not None:
        why = f"{label.name} has {len(label.classes)} classes"
        named = renamed({"audio": audio, "label": label})
        yield fit("audio classification", (audio, label), why, to_classes(label), named)


def picture_fits(table: Table) -> Iterator[Fit]:
    image = table.first("image", "images")
    assert image is not None
    parts = (*PROMPT, *COMPLETION, *CHOSEN, *REJECTED)
    chat = next((c for c in table.of(*CHATS) if plain(c.name) not in parts), None)
    question = table.named(("question", "query", "problem"), ("text",))
    answer = table.named(("answer", "answers", "solution", "multiple_choice_answer",
                          "ground_truth", "response"), ("text", "texts", "records"))  # fmt: skip
    answer = answer or table.named(("label", "labels"), ("texts",))
    boxes = table.first("boxes")
    images = table.of("image")
    mask = table.named(MASK, ("image",))
    caption = table.named(CAPTION, ("text", "texts"))
    label = label_of(table)
    if chat is not None:
        target = "images" if image.kind == "images" else "image"
        steps = (shaped(chat), renamed({"messages": chat}), renamed({target: image}))
        why = f"{image.name} belongs to the chats of {chat.name}"
        yield fit("VLM SFT (messages)", (image, chat), why, *steps)
    for column in table.of("records"):
        if (turns := turns_of(column)) and chat is None:
            why = f"{column.name} lists turns ({', '.join(turns)}) about {image.name}"
            yield fit("VLM SFT (messages)", (image, column), why, to_messages(column, turns))
    if question is not None and answer is not None:
        why = f"{question.name} asks about {image.name}, {answer.name} answers"
        step = f"write {question.name} and {answer.name} as messages for TRL"
        yield fit("visual question answering", (image, question, answer), why, step)
    if boxes is not None:
        why = f"{boxes.name} has boxes (bbox) in {image.name}"
        yield fit("object detection", (image, boxes), why, renamed({"objects": boxes}))
    if len(images) == 2 and mask is not None:
        other = next(c for c in images if c is not mask)
        why = f"{mask.name} is a picture next to {other.name}: its classes by pixel"
        yield fit("image segmentation", (other, mask), why)
    elif len(images) == 2:
        yield fit("image to image", images, "two pictures in each row")
    if caption is not None and not caption.classes and question is None and chat is None:
        why = f"{caption.name} describes {image.name}"
        yield fit("image captioning, text to image", (image, caption), why)
    if label is not None and label is not caption and boxes is None:
        why = f"{label.name} has {len(label.classes)} classes"
        named = renamed({"image": image, "label": label})
        yield fit("image classification", (image, label), why, to_classes(label), named)
