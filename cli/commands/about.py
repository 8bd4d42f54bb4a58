"""`ml-agent help` and `ml-agent version`: the options of these names, as words."""

import click

from cli.shared.options import Options, chosen_output, output_options
from cli.shared.version import print_version
from cli.terminal.writer import to_stdout


@click.command("help")
@click.argument("command", nargs=-1)
@click.pass_context
def help_(ctx: click.Context, command: tuple[str, ...]) -> None:
    """Show this help, or that of COMMAND."""
    at: click.Context = ctx.find_root()
    for word in command:
        found = at.command.get_command(at, word) if isinstance(at.command, click.Group) else None
        if found is None:
            raise click.UsageError(f"no command {' '.join(command)!r}: ml-agent help lists them")
        at = click.Context(found, info_name=word, parent=at)
    to_stdout(at.get_help() + "\n")


@click.command("version")
@output_options("text", "json")
@click.pass_obj
def version(options: Options, output: str | None, as_json: bool) -> None:
    """Print the version."""
    print_version(as_object=(chosen_output(output, as_json) or options.output) == "json")
