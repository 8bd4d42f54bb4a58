"""`ml-agent trust`: what this folder brings, and whether it counts. The chat asks the same."""

import sys
from typing import Any

import click

from cli.shared.bootstrap import folder_of, guarded, settings_for
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note, to_stderr, to_stdout
from configs.folder import KINDS, Brought
from configs.trust import forget, remember
from configs.visible import visible

#: What the digest of a server cannot hold.
NOT_CHECKED = "files that a server's program loads by itself are not checked for changes"
QUESTION = "trust this, until it changes? [y/N] "


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--revoke", is_flag=True, help="Take back every answer about this folder.")
@click.pass_context
def trust(ctx: click.Context, revoke: bool) -> None:
    """Show what this folder brings (settings, MCP servers, commands, skills, keys), and trust it.

    Nothing of it counts before. What changes later is asked about again.
    """
    options = dict(ctx.obj or {})
    ctx.exit(guarded(lambda: _revoke(options) if revoke else trust_folder(options), options))


def trust_folder(options: dict[str, Any]) -> int:
    """Show, ask where there is a terminal, and remember; the exit code."""
    brought = settings_for(options).brought
    items = (*brought.waiting, *brought.refused)
    if not items:
        note("there is nothing to trust here, or it is trusted already")
        return 0
    for line in listed(brought):
        to_stdout(f"{line}\n")
    by_a_person("trust a folder")
    if sys.stdin.isatty():
        to_stderr(QUESTION)
        if not is_yes(sys.stdin.readline()):
            remember(brought.folder, items, trusted=False)
            note("not trusted, and ignored")
            return 1
    remember(brought.folder, items, trusted=True)
    note(f"trusted in {visible(brought.folder)}, until it changes")
    return 0


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


def is_yes(answer: str | None) -> bool:
    return (answer or "").strip().lower() in ("y", "yes")


def _revoke(options: dict[str, Any]) -> int:
    by_a_person("stop trusting a folder")
    folder = folder_of(options)
    known = forget(folder)
    said = "is not trusted any more" if known else "was not trusted"
    note(f"{visible(folder)} {said}")
    return 0
