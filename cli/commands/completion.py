"""`ml-agent completion`: a script for the shell."""

import click

from cli.shared.options import chosen_output, output_options
from cli.terminal.writer import print_json, write_data


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@output_options("text", "json")
@click.pass_context
def completion(ctx: click.Context, shell: str, output: str | None, as_json: bool) -> None:
    """Print a completion script for your shell.

    bash: eval "$(ml-agent completion bash)"
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    script = made(ctx.find_root().command, {}, "ml-agent", "_ML_AGENT_COMPLETE").source()
    if (chosen_output(output, as_json) or ctx.obj.output) == "json":
        print_json({"shell": shell, "script": script})
    else:
        write_data(script + "\n")
