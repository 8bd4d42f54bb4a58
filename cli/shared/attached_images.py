"""`--image`: pictures for a task, as files that the model reads with its own tool."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import UsageError
from core.parsing.images import kind_of

if TYPE_CHECKING:
    from graph.session import Session

SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


def read_images(files: Sequence[str], folder: Path) -> list[tuple[str, bytes]]:
    """(name, content) of each. Raises UsageError: no such file, or no picture that models take."""
    found = []
    for name in files:
        path = folder / Path(name).expanduser()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise click.UsageError(f"Cannot read the picture {name}: {error.strerror}") from None
        kind = kind_of(content)
        if kind is None:
            raise click.UsageError(f"Cannot use {name}: it is not a PNG, JPEG, GIF or WebP picture")
        found.append((f"{path.stem}.{SUFFIXES[kind]}", content))
    return found


async def with_images(task: str, images: Sequence[tuple[str, bytes]], session: "Session") -> str:
    """The message: the task, and where each picture is. Raises UsageError: the model is blind."""
    if not images:
        return task
    if not await session.sees():
        raise UsageError(
            f"{session.thread.model} does not take pictures",
            "choose a model that does, or set `vision` if this one does",
        )
    kept = [await session.keep_file(name, content) for name, content in images]
    paths = "\n".join(f"Attached picture: {path}" for path in kept)
    return f"{task}\n\n{paths}\nRead each attached picture before you begin."
