"""What a folder brings, and the question whether it is trusted."""

from configs.folder import KINDS, Brought

#: What the digest of a server cannot hold.
NOT_CHECKED = "files that a server's program loads by itself are not checked for changes"
QUESTION = "trust this, until it changes? [y/N] "


def listed(brought: Brought) -> list[str]:
    """All that waits or was refused, a line each, by kind; what has changed is marked."""
    lines = []
    items = (*brought.waiting, *brought.refused)
    for kind, words in KINDS.items():
        found = [item for item in items if item.kind == kind]
        if found:
            lines.append(f"{words}:")
        for item in found:
            mark = "  (changed) " if item.key in brought.changed else "  "
            lines += [f"{mark}{line}" for line in item.shown]
    if any(item.kind == "MCP server" for item in items):
        lines.append(NOT_CHECKED)
    return lines
