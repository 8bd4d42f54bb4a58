"""How the Hub's things look in a result: one line each, the figures that matter."""

import difflib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core.tool import ToolResult
from core.units import short


def row(*parts: str) -> str:
    """The parts that there are, in one line."""
    return " | ".join(" ".join(part.split()) for part in parts if part)


def counted(number: int | float | None, what: str) -> str:
    """`5 likes`; nothing where the number is not known."""
    return "" if number is None else f"{short(number)} {what}"


def day(moment: datetime | str | None) -> str:
    if isinstance(moment, datetime):
        return moment.date().isoformat()
    return (moment or "")[:10]


def cut(text: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 2].rstrip()} …"


def there_is(names: Iterable[str]) -> str:
    """` Available: a, b.`; nothing if there are none."""
    kept = [name for name in dict.fromkeys(names) if name]
    return f" Available: {', '.join(kept)}." if kept else ""


def near_paths(path: str, names: list[str]) -> list[str]:
    """Those of the same file name, then those that look alike; the first ten if there are none."""
    last = path.rsplit("/", 1)[-1].lower()
    same = [name for name in names if name.rsplit("/", 1)[-1].lower() == last]
    near = difflib.get_close_matches(path, names, 5, 0.5)
    return list(dict.fromkeys([*same[:5], *near])) or names[:10]


def listed(lines: Iterable[str], nothing: str, *notes: str) -> ToolResult:
    """A list as a result, or what it means that it is empty."""
    found = list(lines)
    return ToolResult("\n".join([*(found or [nothing]), *(f"[{n}]" for n in notes if n)]))


def repo_line(info: Any) -> str:
    """A model, dataset or Space of huggingface_hub's lists."""
    tags = getattr(info, "tags", None) or []
    licenses = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    sizes = [tag.removeprefix("size_categories:") for tag in tags if tag.startswith("size_cat")]
    weights = getattr(getattr(info, "safetensors", None), "total", None)
    runtime = getattr(info, "runtime", None)
    gated = getattr(info, "gated", None)
    return row(
        info.id,
        getattr(info, "pipeline_tag", None) or "",
        f"{short(weights)} parameters" if weights else "",
        f"{sizes[0]} rows" if sizes else "",
        getattr(info, "sdk", None) or "",
        getattr(runtime, "stage", "") if runtime else "",
        f"license {licenses[0]}" if licenses else "",
        counted(getattr(info, "downloads", None), "downloads"),
        counted(getattr(info, "likes", None), "likes"),
        f"gated ({gated})" if gated else "",
        "private" if getattr(info, "private", False) else "",
        f"updated {day(info.last_modified)}" if getattr(info, "last_modified", None) else "",
    )
