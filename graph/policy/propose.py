"""The rule to offer where a person wants a call to run unasked from now on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from graph.policy.rules import Rules
from graph.policy.shell import parsed

#: Programs whose second word says what they do: `git push`, `pip install`.
FAMILIES = {
    "apt", "apt-get", "brew", "cargo", "conda", "docker", "gcloud", "gh", "git", "go", "hf",
    "kubectl", "mamba", "npm", "npx", "pip", "pip3", "pnpm", "poetry", "systemctl", "uv", "wandb",
    "yarn",
}  # fmt: skip


def proposed(tool: str, arguments: Mapping[str, Any], rules: Rules) -> str:
    """A rule for calls like this one: of a shell line, for its first command that no rule allows
    yet; of a call with a path, for that path; of others, for their operation."""
    if tool == "bash":
        words = _first_unallowed(str(arguments.get("command", "")), rules)
        if not words:
            return "bash"
        kept = words[: 2 if words[0] in FAMILIES else 1]
        return f"bash({' '.join(map(shlex.quote, kept))} *)"
    if arguments.get("path"):
        return f"{tool}({arguments['path']})"
    if arguments.get("operation"):
        return f"{tool}({arguments['operation']} *)"
    return tool


def _first_unallowed(line: str, rules: Rules) -> list[str]:
    bash = [rule for rule in rules.allow if rule.tool == "bash"]
    for command in parsed(line).commands:
        if not any(rule.fits_words(command.texts) for rule in bash):
            return command.texts
    return []
