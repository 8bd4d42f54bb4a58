"""A tool call that a model wrote as text, since its server has no tool parser.

Nothing is run from text. Such an answer would end a turn as done in which nothing was done.
"""

import json
import re
from collections.abc import Collection
from typing import Any

#: How calls begin in the formats that models are trained on: Hermes, Qwen, GLM, Llama, Mistral,
#: DeepSeek, Kimi, MiniMax, gpt-oss, Anthropic's old one, Granite, Gemma.
_BEGINS = re.compile(
    r"""<tool_call>|<tool_calls>|<function_calls?>|<function=[\w.-]+>|<invoke\ name=|<tool_use>
    |<\|python_tag\|>|\[TOOL_CALLS\]|<｜tool▁calls?▁begin｜>|<\|tool_calls_section_begin\|>
    |<minimax:tool_call>|<\|tool_call\|?>|<\|tool▁call|<\|channel\|>\w+\ to=functions\.
    |<\|start\|>assistant<\|channel\|>|<tool_code>|```tool_(?:call|code)\b|<action>\s*\{
    |functools\[|<seed:tool_call>|<xml>\s*<tool""",
    re.VERBOSE,
)
#: How they end; of an answer that begins with words.
_ENDS = re.compile(
    r"""(</tool_call>|</tool_calls>|</function_calls?>|</function>|</invoke>|</tool_use>
    |<｜tool▁calls?▁end｜>|<\|tool_calls_section_end\|>|</minimax:tool_call>|<\|call\|>
    |</seed:tool_call>)\s*\Z""",
    re.VERBOSE,
)
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)
_REACT = re.compile(r"^Action:\s*(\S+)\s*\n+Action Input:", re.MULTILINE)
#: Names under which a call's arguments are in JSON.
_ARGUMENTS = ("arguments", "parameters", "args", "input", "action_input")


def is_written_call(text: str, tools: Collection[str]) -> bool:
    """Whether an answer without calls is nothing but one, or ends in one.

    Args:
        tools: names of the tools that were offered.
    """
    text = text.strip()
    if not text or not tools:
        return False
    if _BEGINS.match(text):
        return True
    found = _BEGINS.search(text)
    if found and _ENDS.search(text) and text[: found.start()].count("```") % 2 == 0:
        return True
    react = _REACT.search(text)
    if react and react[1].strip("`*") in tools:
        return True
    return _is_object(_FENCE.sub(r"\1", text), tools) or _is_python(text, tools)


def _is_object(text: str, tools: Collection[str]) -> bool:
    """Whether `text` is a JSON object, or a list of them, that names a tool with arguments."""
    if not text.startswith(("{", "[")):
        return False
    try:
        value: Any = json.loads(text, strict=False)
    except ValueError:
        # Several, one after the other.
        return bool(re.match(r'\{\s*"(?:name|function|tool)"\s*:\s*"', text)) and any(
            f'"{name}"' in text[:200] for name in tools
        )
    found = value if isinstance(value, list) else [value]
    return bool(found) and all(_names_tool(item, tools) for item in found)


def _names_tool(value: Any, tools: Collection[str]) -> bool:
    if not isinstance(value, dict):
        return False
    function = value.get("function")
    inner = function if isinstance(function, dict) else value
    names = (inner.get(key) for key in ("name", "tool", "tool_name", "function", "action"))
    named = any(isinstance(name, str) and name in tools for name in names)
    return named and any(key in inner for key in _ARGUMENTS)


def _is_python(text: str, tools: Collection[str]) -> bool:
    """Llama's `[bash(command="ls")]`."""
    found = re.match(r"\[(\w+)\(.*\)\]\Z", text, re.DOTALL)
    return found is not None and found[1] in tools
