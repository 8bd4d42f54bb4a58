"""`ml-agent trust`: what this folder brings, and whether it counts. The chat asks the same."""

import sys
from typing import Any

import click

from cli.shared.answers import is_yes
from cli.shared.bootstrap import settings_for
from cli.shared.command import HELP, prints, tell
from cli.shared.options import Options
from cli.shared.trust_prompt import QUESTION, listed
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note, to_stderr, to_stdout
from configs.folder import Brought
from configs.trust import forget, remember
from configs.visible import visible


@click.command(context_settings=HELP)
@click.option("--revoke", is_flag=True, help="Forget all answers about this folder")
@prints
def trust(options: Options, revoke: bool) -> int:
    """Show what this folder contains for ML Agent, and trust it.

    Settings, MCP servers, hooks, commands, skills and keys are ignored until you trust them. You
    are asked again if they change.
    """
    return _revoke(options) if revoke else trust_folder(options)


def trust_folder(options: Options) -> int:
    """Show, ask where there is a terminal, and remember; the exit code."""
    brought = settings_for(options).brought
    items = (*brought.waiting, *brought.refused)
    as_object = options.output == "json"
    if not items:
        note("nothing to trust here, or already trusted")
        return tell(options, _told(brought, trusted=True), ())
    for line in () if as_object else listed(brought):
        to_stdout(f"{line}\n")
    by_a_person("trust a folder")
    if sys.stdin.isatty():
        to_stderr(QUESTION)
        if not is_yes(sys.stdin.readline()):
            remember(brought.folder, items, trusted=False)
            note("not trusted; ignored")
            tell(options, _told(brought, trusted=False), ())
            return 1
    remember(brought.folder, items, trusted=True)
    note(f"trusted in {visible(brought.folder)}, until it changes")
    return tell(options, _told(brought, trusted=True), ())


def _told(brought: Brought, *, trusted: bool) -> dict[str, Any]:
    items = [{"kind": i.kind, "name": i.name} for i in (*brought.waiting, *brought.refused)]
    return {"folder": brought.folder, "trusted": trusted, "items": items}


def _revoke(options: Options) -> int:
    by_a_person("stop trusting a folder")
    folder = options.folder
    known = forget(folder)
    said = "is no longer trusted" if known else "was not trusted"
    note(f"{visible(folder)} {said}")
    return tell(options, {"folder": str(folder), "trusted": False, "items": []}, ())
