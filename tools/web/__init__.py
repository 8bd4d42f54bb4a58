"""Pages of the web."""

from tools.extension import Extension

EXTENSION = Extension(tools=("tool:Web",))
