"""Threads as text: a line, an object, and what undo and redo did."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cli.shared.render import Lines
from configs.visible import inline

if TYPE_CHECKING:
    from core.store import ThreadRow
    from graph.search import Found
    from graph.undo import Moved

#: Files that are named; more are counted.
NAMED = 8


def line_of(row: "ThreadRow", status: str) -> str:
    """Id, time, status, turns, title."""
    age = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.updated))
    turns = "turn " if row.turns == 1 else "turns"
    return f"{row.id}  {age}  {status:<11} {row.turns:>3} {turns}  {inline(row.title)}"


def plain(
    row: "ThreadRow",
    status: str,
    wait: dict[str, Any] | None = None,
    goal: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The row without its caps. `wait`: what it waits for (`core.store.wait_words.wait_of`);
    `goal`: as `core.store.goals.goal_of` has it."""
    keys = ("id", "cwd", "host", "title", "model", "mode", "turns", "created", "updated")
    return {**{k: getattr(row, k) for k in keys}, "status": status, "waiting": wait, "goal": goal}


def found_lines(found: "Found", status: str) -> Iterator[str]:
    """A session that a search found, and the line that has the words."""
    yield line_of(found.row, status)
    if found.count:
        who = "you" if found.role == "user" else "answer"
        more = f"  [{found.count - 1} more]" if found.count > 1 else ""
        yield f"    {who}, turn {found.turn}: {inline(found.line)}{more}"


def plain_found(found: "Found", status: str) -> dict[str, Any]:
    """The same as an object; `match` is null if only the title has the words."""
    match = {"turn": found.turn, "role": found.role, "line": found.line} if found.count else None
    return {**plain(found.row, status), "matches": found.count, "match": match}


def tell_moved(moved: "Moved", lines: Lines, *, redo: bool = False, dry_run: bool = False) -> None:
    """What an undo or redo did, or would do."""
    numbers = ", ".join(map(str, moved.moved))
    turns = f"turn{'s' if len(moved.moved) > 1 else ''} {numbers}"
    before, after = ("Redo", "redone") if redo else ("Undo", "undone")
    lines.line(f"{before} {turns}?" if dry_run else f"{turns} {after}", "1")
    kept = [path for path in moved.restored if path not in moved.removed]
    _listed("deletes files" if dry_run else "files deleted", moved.removed, lines)
    _listed("restores files" if dry_run else "files restored", kept, lines)
    left = [f"{name}: {reason}" for name, reason in moved.left.items()]
    _listed("files left unchanged", left, lines, "33")
    _listed("not undone" if not redo else "not redone", moved.beyond, lines, "33")
    if moved.files_off:
        lines.line(f"  files are not included: {moved.files_off}", "33")


def _listed(what: str, items: list[str], lines: Lines, code: str = "") -> None:
    if not items:
        return
    lines.line(f"  {what}: {len(items)}", code)
    for item in items[:NAMED]:
        lines.line(f"    {item}", "2")
    if len(items) > NAMED:
        lines.line(f"    [{len(items) - NAMED} more]", "2")
