"""Which tasks with sound or pictures a table's columns fit."""

from collections.abc import Iterator

from tools.hub.datasets.columns import Column
from tools.hub.datasets.table import (
    CHATS,
    Fit,
    Table,
    joined,
    label_of,
    renamed,
    shaped,
    to_classes,
    words,
)

SPOKEN = (
    "text", "sentence", "transcription", "transcript", "normalized_text", "raw_text",
    "transcription_normalized", "orthographic_text",
)  # fmt: skip
CAPTION = ("caption", "text", "prompt", "description", "captions", "alt", "title")
MASK = ("mask", "annotation", "segmentation", "label", "labels", "seg_map", "semantic_segmentation")


def sound_fits(table: Table) -> Iterator[Fit]:
    audio = table.first("audio")
    assert audio is not None
    said = table.named(SPOKEN, ("text",))
    if said is not None and not said.classes:
        why = f"{said.name} says what is spoken in {audio.name} ({words(said):.0f} words)"
        named = renamed({"audio": audio})
        yield Fit("ASR (speech recognition)", (audio.name, said.name), why, named)
        yield Fit("text to speech", (audio.name, said.name), why, named)
    label = label_of(table)
    if label is not None:
        why = f"{label.name} has {len(label.classes)} classes"
        step = joined(to_classes(label), renamed({"audio": audio, "label": label}))
        yield Fit("audio classification", (audio.name, label.name), why, step)


def picture_fits(table: Table) -> Iterator[Fit]:
    image = table.first("image", "images")
    assert image is not None
    chat = table.first(*CHATS)
    question = table.named(("question", "query", "problem"), ("text",))
    answer = table.named(("answer", "answers", "solution", "multiple_choice_answer"),
                         ("text", "texts", "records"))  # fmt: skip
    boxes = table.first("boxes")
    images = table.of("image")
    mask = table.named(MASK, ("image",))
    caption = table.named(CAPTION, ("text", "texts"))
    label = label_of(table)
    if chat is not None:
        target = "images" if image.kind == "images" else "image"
        step = joined(_as_messages(chat), renamed({target: image}))
        why = f"{image.name} belongs to the chats of {chat.name}"
        yield Fit("VLM SFT (messages)", (image.name, chat.name), why, step)
    if question is not None and answer is not None:
        why = f"{question.name} is asked about {image.name}, {answer.name} answers"
        used = (image.name, question.name, answer.name)
        step = f"write {question.name} and {answer.name} as messages for TRL"
        yield Fit("visual question answering", used, why, step)
    if boxes is not None:
        why = f"{boxes.name} has boxes (bbox) in {image.name}"
        yield Fit("object detection", (image.name, boxes.name), why, renamed({"objects": boxes}))
    if len(images) == 2 and mask is not None:
        other = next(c for c in images if c is not mask)
        why = f"{mask.name} is a picture beside {other.name}: its classes by pixel"
        yield Fit("image segmentation", (other.name, mask.name), why)
    elif len(images) == 2:
        why = "two pictures in each row"
        yield Fit("image to image", (images[0].name, images[1].name), why)
    if caption is not None and not caption.classes and question is None and chat is None:
        why = f"{caption.name} describes {image.name}"
        yield Fit("image captioning, text to image", (image.name, caption.name), why)
    if label is not None and label is not caption and boxes is None:
        why = f"{label.name} has {len(label.classes)} classes"
        step = joined(to_classes(label), renamed({"image": image, "label": label}))
        yield Fit("image classification", (image.name, label.name), why, step)


def _as_messages(chat: Column) -> str:
    return joined(shaped(chat), renamed({"messages": chat}))
