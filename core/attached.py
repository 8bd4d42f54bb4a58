"""What a message brings that the user did not write: a pipe's content, a command's output, what an
MCP server gave.

It is between marks, so that it can be told from the user's own words afterwards.
"""

import re

STANDARD_INPUT, OUTPUT = "standard_input", "output"
PROMPT, RESOURCE = "mcp_prompt", "mcp_resource"
_MARKS = "|".join((STANDARD_INPUT, OUTPUT, PROMPT, RESOURCE))
_BLOCK = re.compile(rf"<((?:{_MARKS})_*)>\n.*?\n</\1>", re.DOTALL)


def attached(mark: str, text: str, whole: str = "") -> str:
    """`text` between marks that do not stand in it, nor in `whole`, of which it is a part."""
    while f"</{mark}>" in (whole or text):
        mark += "_"
    return f"<{mark}>\n{text}\n</{mark}>"


def without_attached(text: str) -> str:
    """The user's own words of a message."""
    return _BLOCK.sub("", text)
