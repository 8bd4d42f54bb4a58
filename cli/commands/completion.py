"""`ml-agent completion`: a script for the shell."""

import click

from cli.terminal.writer import write_data


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script for your shell.

    bash: eval "$(ml-agent completion bash)"
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    script = made(ctx.find_root().command, {}, "ml-agent", "_ML_AGENT_COMPLETE").source()
    write_data(script + "\n")
