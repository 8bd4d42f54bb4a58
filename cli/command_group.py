"""Which word of the command line is a command: the table of commands, and what is a task."""

import difflib
import importlib

import click

#: By name: where the command is, and its line of help.
COMMANDS = {
    "demo": ("cli.commands.demo:demo", "Offline tour: real graph, real tools, a recorded model"),
    "sessions": (
        "cli.commands.sessions:sessions",
        "List, search, show, resume, undo, fork, export and delete sessions",
    ),
    "experiments": (
        "cli.commands.experiments:experiments",
        "Trials of a metric: list, tree, plot, best, diff, promote, export, run",
    ),
    "approvals": (
        "cli.commands.approvals:approvals",
        "List, approve and reject pending calls, from any terminal",
    ),
    "report": ("cli.commands.report:report", "What reproduces a session's run, from its record"),
    "goal": ("cli.commands.goal:goal", "Work until a command succeeds; show, pause, resume, clear"),
    "watch": ("cli.commands.watch:watch", "Wake sessions that wait, and continue them"),
    "wake": ("cli.commands.watch:wake", "End the wait of a session by hand"),
    "replay": (
        "cli.commands.replay:replay",
        "Run a recorded session again and name the first difference",
    ),
    "trust": (
        "cli.commands.trust:trust",
        "Show what this folder contains for ML Agent, and trust it",
    ),
    "memory": (
        "cli.commands.memory:memory",
        "Show and edit what sessions here are told",
    ),
    "web": ("cli.commands.web:web", "Chat in a browser, with the same sessions"),
    "acp": ("cli.commands.acp:acp", "Work in an editor: Zed, JetBrains, VS Code"),
    "mcp": ("cli.commands.mcp:mcp", "List, test, add and remove MCP servers"),
    "tools": (
        "cli.commands.tools:tools",
        "List the model's tools, with their cost in tokens",
    ),
    "config": (
        "cli.commands.config:config",
        "Show and change settings, explain what the policy decides",
    ),
    "doctor": (
        "cli.commands.doctor:doctor",
        "Check what works on this machine and what is missing",
    ),
    "login": (
        "cli.commands.login:login",
        "Set the key of a model provider, or your Hugging Face token",
    ),
    "completion": (
        "cli.commands.completion:completion",
        "Print a completion script for bash, zsh or fish",
    ),
    "help": ("cli.commands.about:help_", "Show this help, or that of a command"),
    "version": ("cli.commands.about:version", "Print the version"),
}


class PromptOrCommand(click.Group):
    """A group whose first word may be a command; anything else is the task.

    Attributes:
        task: the command that works on a task.
    """

    task: click.Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A command's options are its own; those of a task may stand before and behind it."""
        _, words, _ = self.make_parser(ctx).parse_args(list(args))
        # One before the first word is gone now; a later one is the command's own.
        ctx.meta["literal"] = args.count("--") > words.count("--")
        is_command = bool(words) and self.get_command(ctx, words[0]) is not None
        ctx.allow_interspersed_args = ctx.meta["literal"] or not is_command
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if not ctx.meta["literal"] and self.get_command(ctx, word) is not None:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(word, COMMANDS, 1, 0.75) or self._within(ctx, word)
        meant = " ".join([*near, *args[1:]])
        if near and len(args) == 1 and not ctx.meta["literal"]:
            raise click.UsageError(
                f"did you mean the command {meant!r}? For a task of one word: ml-agent -- {word}"
            )
        if len(args) > 1:
            command = f"did you mean the command {meant!r}? " if near else ""
            raise click.UsageError(
                f"{command}a task is one argument: put it in quotes: {' '.join(args)!r}"
            )
        ctx.meta["one_word"] = word.isalpha() and not ctx.meta["literal"]
        return "run", self.task, args

    def _within(self, ctx: click.Context, word: str) -> list[str]:
        """`sessions resume` for `resume`: the first group that has a command of this name."""
        if not word.isalpha():
            return []
        for name in COMMANDS:
            command = self.get_command(ctx, name)
            if isinstance(command, click.Group) and word in command.commands:
                return [f"{name} {word}"]
        return []

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
