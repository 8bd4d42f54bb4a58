"""`ml-agent sessions export`: a thread as markdown, or as a recording."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cli.shared.bootstrap import complain
from cli.terminal.writer import print_json, write_data

if TYPE_CHECKING:
    from core.store import Store, ThreadRow


async def export(
    store: "Store", row: "ThreadRow", form: str, target: str | None, *, as_object: bool = False
) -> int:
    """Write thread `row` as `form` (markdown or jsonl) to `target`, or to stdout;
    `as_object`: say so, or put the text, in a JSON object.

    A file is written whole or not at all. Raises UsageError where it cannot be.
    """
    from core.errors import UsageError
    from graph.thread import Thread
    from graph.transcript.write import as_jsonl, as_markdown

    messages = await Thread(store, row.id).whole_history()
    blocks = as_jsonl(row, messages) if form == "jsonl" else as_markdown(row, messages)
    told = {"thread": row.id, "format": form, "messages": len(messages)}
    if target in (None, "-") and as_object:
        print_json({**told, "text": "".join(block + "\n" for block in blocks)})
        return 0
    if target is None or target == "-":
        for block in blocks:
            write_data(block + "\n")
        return 0
    try:
        written(Path(target), blocks)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
    complain(f"{len(messages)} messages of {row.id} written to {target}")
    if as_object:
        print_json({**told, "file": target})
    return 0


def new_file(folder: Path, name: str, text: str, *, force: bool) -> None:
    """Write `text` to the file `name`, from `folder` on, that is not there yet; with `force`, in
    place of one that is. Raises UsageError."""
    from core.errors import UsageError

    path = folder / Path(name).expanduser()
    if path.is_dir():
        raise UsageError(f"Cannot write {path}: it is a folder.", "name a file")
    if path.exists() and not force:
        raise UsageError(f"Cannot write {path}: it exists.", "name another file, or add --force")
    try:
        written(path, [text.removesuffix("\n")])
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.", "name another file") from None


def written(path: Path, blocks: Iterable[str]) -> None:
    draft = path.with_name(f".{path.name}.draft")
    # What a thread holds is its owner's alone, as in the database.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(block + "\n" for block in blocks)
    os.replace(draft, path)
