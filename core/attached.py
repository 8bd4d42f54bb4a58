"""What a message brings that the user did not write: a pipe's content, a command's output.

It is between marks, so that it can be told from the user's own words afterwards.
"""

import re

STANDARD_INPUT, OUTPUT = "standard_input", "output"
_BLOCK = re.compile(rf"<((?:{STANDARD_INPUT}|{OUTPUT})_*)>\n.*?\n</\1>", re.DOTALL)


def attached(mark: str, text: str, whole: str = "") -> str:
    """`text` between marks that do not stand in it, nor in `whole`, of which it is a part."""
    while f"</{mark}>" in (whole or text):
        mark += "_"
    return f"<{mark}>\n{text}\n</{mark}>"


def without_attached(text: str) -> str:
    """The user's own words of a message."""
    return _BLOCK.sub("", text)
