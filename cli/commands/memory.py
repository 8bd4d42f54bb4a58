"""`ml-agent memory`: show, find and edit what sessions in this folder are told."""

import subprocess

import click

from cli.shared.command import HELP, prints, runs, tell
from cli.shared.memory_file import edit_command, memory_lines, memory_state, trust_edited
from cli.shared.options import Options
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note
from configs.memory import memory_content, memory_file
from core.errors import UsageError


@click.group(context_settings=HELP)
def memory() -> None:
    """The memory of this folder: .ml-agent/MEMORY.md.

    Each new session here reads it. The model proposes lines, and you approve each change.
    """


@memory.command()
@prints
def show(options: Options) -> int:
    """Show the memory, and whether it counts."""
    return tell(options, memory_state(options.folder), memory_lines(options.folder))


@memory.command()
@prints
def path(options: Options) -> int:
    """Print the path of the file."""
    where = str(memory_file(options.folder))
    return tell(options, {"path": where}, [where])


@memory.command()
@runs
def edit(options: Options) -> int:
    """Open it in your editor ($VISUAL, $EDITOR)."""
    by_a_person("edit the memory")
    command = edit_command(options.folder)
    before = memory_content(options.folder)
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise UsageError(f"{command[0]} ended with code {done.returncode}", "nothing was trusted")
    note("saved" if trust_edited(options.folder, before) else "unchanged")
    return 0
