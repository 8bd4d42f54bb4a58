"""Hugging Face sandboxes: machines to work in instead of this one."""

from tools.extension import Extension, Sandboxes


def _sandboxes() -> Sandboxes:
    from tools.workspace.sandbox import all_sandboxes

    return all_sandboxes


EXTENSION = Extension(rules=("sandbox",), sandboxes=_sandboxes)
