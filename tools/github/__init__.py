"""GitHub: code, issues and pull requests of others."""

from tools.extension import Extension

EXTENSION = Extension(tools=("tool:Github",))
