"""Undo, redo and fork in words: for `sessions` and for the chat."""

from typing import Any

#: Files that are named; more are counted.
NAMED = 8


def time_line(settings: Any, store: Any, row: Any) -> Any:
    """The thread's `graph.undo.TimeLine`."""
    from graph.undo import TimeLine
    from nodes.services import build_services

    return TimeLine(store, build_services(settings, store), row)


def tell(moved: Any, lines: Any, *, redo: bool = False, dry_run: bool = False) -> None:
    """What an undo or redo did, or would do."""
    numbers = ", ".join(map(str, moved.moved))
    many = len(moved.moved) > 1
    done = "done again" if redo else "taken back"
    would = "would be " if dry_run else ""
    lines.line(f"turn{'s' if many else ''} {numbers} {would}{done}", "1")
    _listed(f"files {would}restored", moved.restored, lines)
    left = [f"{name}: {reason}" for name, reason in moved.left.items()]
    _listed("files left as they are", left, lines, "33")
    _listed("not taken back" if not redo else "not done again", moved.beyond, lines, "33")
    if moved.files_off:
        lines.line(f"  files are not covered: {moved.files_off}", "33")


def _listed(what: str, items: list[str], lines: Any, code: str = "") -> None:
    if not items:
        return
    lines.line(f"  {what}: {len(items)}", code)
    for item in items[:NAMED]:
        lines.line(f"    {item}", "2")
    if len(items) > NAMED:
        lines.line(f"    [{len(items) - NAMED} more]", "2")
