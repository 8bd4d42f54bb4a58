"""A tool call as an editor shows it: title, kind, places, diff, output."""

import re
from pathlib import Path
from typing import Any

from acp.helpers import text_block, tool_content, tool_diff_content
from acp.schema import ToolCallLocation, ToolCallStart, ToolCallUpdate

from configs.visible import json_text
from core.effects import Effect
from core.units import dollars

KINDS = {"read": "read", "write": "edit", "execute": "execute", "destroy": "delete"}
SEARCHES = ("glob", "grep")
#: Characters of a title, and of a result: an editor keeps all of a thread in memory.
TITLE, RESULT = 120, 40_000


def kind_of(tool: str, effect: Effect | None) -> Any:
    if tool in SEARCHES:
        return "search"
    if tool == "plan":
        return "think"
    if effect is None or tool == "ask_user":
        return "other"
    if effect.kind == "read" and not effect.paths:
        return "fetch"
    return KINDS.get(effect.kind, "other")


def title_of(tool: str, arguments: dict[str, Any], effect: Effect | None) -> str:
    """The tool, and what it acts on."""
    words = [value for value in arguments.values() if isinstance(value, str) and value.strip()]
    told = (effect and effect.command) or str(arguments.get("path") or "") or "".join(words[:1])
    line = " ".join(told.split())
    shown = f"{tool} {line}".strip()
    return shown if len(shown) <= TITLE else f"{shown[: TITLE - 1]}…"


def fenced(text: str) -> Any:
    """Text as it is: an editor reads what it shows as Markdown, and a result may hold anything."""
    if len(text) > RESULT:
        half = RESULT // 2
        text = f"{text[:half]}\n[...]\n{text[-half:]}"
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return tool_content(text_block(f"{fence}\n{text}\n{fence}"))


def diff_of(tool: str, arguments: dict[str, Any], cwd: str) -> list[Any]:
    """What a call would change in a file, from its arguments."""
    match tool, arguments:
        case "write", {"path": str(path), "content": str(new)}:
            return [tool_diff_content(str(Path(cwd, path)), new)]
        case "edit", {"path": str(path), "old": str(old), "new": str(new)} if old:
            return [tool_diff_content(str(Path(cwd, path)), new, old)]
    return []


def started(
    id: str, tool: str, arguments: dict[str, Any], effect: Effect | None, cwd: str
) -> ToolCallStart:
    """A call as it begins."""
    return ToolCallStart(session_update="tool_call", **_shown(id, tool, arguments, effect, cwd))


def asked(request: dict[str, Any], effect: Effect | None, cwd: str) -> ToolCallUpdate:
    """A call that waits for a decision: with why, its price, and what would happen."""
    shown = _shown(request["id"], request["tool"], request["arguments"], effect, cwd)
    price, preview = request["price_micro_usd"], str(request["preview"] or "")
    lines = [request["reason"] or "", "" if price is None else f"Price: {dollars(price)}"]
    why = " ".join(line for line in lines if line)
    told = [tool_content(text_block(why))] if why else []
    if not shown["content"]:
        told.append(fenced(preview or json_text(request["arguments"])))
    return ToolCallUpdate(**{**shown, "content": [*told, *shown["content"]]})


def _shown(
    id: str, tool: str, arguments: dict[str, Any], effect: Effect | None, cwd: str
) -> dict[str, Any]:
    return {
        "tool_call_id": id,
        "title": title_of(tool, arguments, effect),
        "kind": kind_of(tool, effect),
        "status": "pending",
        "content": diff_of(tool, arguments, cwd),
        "locations": [
            ToolCallLocation(path=str(Path(cwd, path))) for path in (effect.paths if effect else ())
        ],
        "raw_input": arguments,
    }
