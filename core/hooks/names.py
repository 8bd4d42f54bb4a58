"""Our tools as hook scripts know them: Claude Code's names and fields.

Our own names and fields stay, too, so that a script can use either. Source of the names:
code.claude.com/docs/en/hooks, `PreToolUse`.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

#: Their name of a tool, by ours; a tool with operations has a name by operation.
NAMES: Mapping[str, str] = {
    "bash": "Bash",
    "read": "Read",
    "write": "Write",
    "edit": "Edit",
    "glob": "Glob",
    "grep": "Grep",
    "plan": "TodoWrite",
    "research": "Task",
    "agent": "Task",
    "ask_user": "AskUserQuestion",
    "web search": "WebSearch",
    "web fetch": "WebFetch",
}
#: Their field, by ours; of every tool that has it.
FIELDS: Mapping[str, Mapping[str, str]] = {
    "bash": {"background": "run_in_background"},
    "read": {"path": "file_path"},
    "write": {"path": "file_path"},
    "edit": {"path": "file_path", "old": "old_string", "new": "new_string"},
    "plan": {"items": "todos"},
    "research": {"task": "prompt"},
    "agent": {"task": "prompt", "name": "subagent_type"},
}


def names_of(tool: str, arguments: Mapping[str, Any]) -> list[str]:
    """What a matcher may call the tool, their name first."""
    theirs = NAMES.get(tool) or NAMES.get(f"{tool} {arguments.get('operation')}")
    if theirs is None and "__" in tool:
        theirs = f"mcp__{tool}"
    if theirs == "Edit" and arguments.get("cell") is not None:
        return ["NotebookEdit", "Edit", tool]
    if theirs == "Task":
        return ["Task", "Agent", tool]
    return [theirs, tool] if theirs else [tool]


def input_of(tool: str, arguments: Mapping[str, Any], cwd: str) -> dict[str, Any]:
    """The arguments with their field names next to ours; a file's path is absolute."""
    given = dict(arguments)
    for ours, theirs in FIELDS.get(tool, {}).items():
        if ours in given:
            value = given[ours]
            is_path = theirs == "file_path" and isinstance(value, str)
            given[theirs] = os.path.join(cwd, os.path.expanduser(value)) if is_path else value
    if tool == "bash" and isinstance(given.get("timeout"), int | float):
        # Theirs is in milliseconds; ours, in seconds, would be read as next to nothing.
        given["timeout"] = int(given["timeout"] * 1000)
    return given


def response_of(tool: str, arguments: Mapping[str, Any], text: str, *, ok: bool) -> dict[str, Any]:
    """A call's result with the fields that scripts look for."""
    response: dict[str, Any] = {"content": text, "success": ok}
    if tool == "bash":
        code = re.search(r"exit code:? (\d+)", text)
        response |= {"stdout": text, "stderr": "", "interrupted": False}
        response |= {"exitCode": int(code[1])} if code else {}
    elif isinstance(arguments.get("file_path"), str):
        response["filePath"] = arguments["file_path"]
    return response
