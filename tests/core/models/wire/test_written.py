"""Calls that a model wrote as text: found in every model's form, and not in words about them."""

import pytest

from core.models.wire.written import is_written_call

TOOLS = ("bash", "read")
CALLS = (
    '<tool_call>\n{"name": "bash", "arguments": {"command": "ls"}}\n</tool_call>',
    'I look first.\n\n<tool_call>\n{"name": "bash", "arguments": {}}\n</tool_call>',
    "<function=bash>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>",
    '{"name": "bash", "arguments": {"command": "ls"}}',
    '{"name": "bash", "parameters": {"command": "ls"}}',
    '{"type": "function", "function": {"name": "bash", "arguments": "{}"}}',
    '```json\n{"name": "bash", "arguments": {"command": "ls"}}\n```',
    '[{"name": "bash", "arguments": {}}, {"name": "read", "arguments": {"path": "x"}}]',
    '{"name": "bash", "arguments": {}}\n{"name": "read", "arguments": {}}',
    '{"tool": "bash", "input": {"command": "ls"}}',
    '[TOOL_CALLS][{"name": "bash", "arguments": {"command": "ls"}}]',
    '<|python_tag|>{"name": "bash", "parameters": {"command": "ls"}}',
    '[bash(command="ls")]',
    "<tool_call>bash\n<arg_key>command</arg_key>\n<arg_value>ls</arg_value>\n</tool_call>",
    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>bash<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.bash:0<|tool_call_argument_begin|>{}",
    '<minimax:tool_call>\n<invoke name="bash">\n</invoke>\n</minimax:tool_call>',
    '<function_calls>\n<invoke name="bash"></invoke>\n</function_calls>',
    '<|channel|>commentary to=functions.bash <|constrain|>json<|message|>{"command": "ls"}',
    'Thought: I look.\nAction: bash\nAction Input: {"command": "ls"}',
)
WORDS = (
    "",
    "There are 3 files.",
    '{"name": "Ada", "arguments": "none"}',
    '{"files": 3}',
    "[1, 2, 3]",
    "Hermes writes `<tool_call>` before a call, and `</tool_call>` behind it.",
    'The format is:\n```\n<tool_call>\n{"name": "bash"}\n</tool_call>\n```',
    "Call bash(command='ls') yourself.",
    '```json\n{"name": "my-package", "version": "1.0"}\n```',
)


@pytest.mark.parametrize("text", CALLS)
def test_a_call(text: str) -> None:
    assert is_written_call(text, TOOLS)


@pytest.mark.parametrize("text", WORDS)
def test_words(text: str) -> None:
    assert not is_written_call(text, TOOLS)


@pytest.mark.parametrize("text", CALLS)
def test_without_tools_there_is_none(text: str) -> None:
    assert not is_written_call(text, ())
