""" "Always": the rule lets the call run, and lets no other kind of call run."""

from pathlib import Path
from typing import Any

import pytest

from configs.layers import load
from core.effects import Effect
from core.policy.decide import Situation, decide
from core.policy.propose import proposed
from core.policy.rules import Rules, parse_rule, rules_of

LINES = {
    # a program that runs no other one
    "touch a": "bash(touch *)",
    "mkdir -p a/b && ls": "bash(mkdir *)",
    "touch a && touch b": "",  # one rule for both is not a rule for one of them
    # one that may: these words and no others
    "make test": "bash(make test)",
    "python train.py --lr 1e-4": "bash(python train.py --lr 1e-4)",
    "sh -c 'ls x'": "bash(sh -c 'ls x')",
    "env X=1 ls": "bash(env X=1 ls)",
    "sudo ls": "bash(sudo ls)",
    "xargs ls": "bash(xargs ls)",
    "find . -name x": "bash(find . -name x)",
    "timeout 5 pytest": "bash(timeout 5 pytest)",
    "uv run pytest": "bash(uv run pytest)",
    "git -C sub status": "bash(git -C sub status)",
    "git push": "bash(git push)",
    "git commit -m 'a b'": "bash(git commit -m 'a b')",
    "pytest -k '*'": "bash(pytest -k '[*]')",
    "pytest 'a[b?]'": "bash(pytest 'a[[]b[?]]')",
    "cd sub && make test": "bash(make test)",
    # options that may not stand are allowed by name
    "grep -r x sub": "",
    # nothing for what asks for another reason
    "ls ..": "", "cat /etc/hosts": "", "cat .env": "", "ls $HOME": "", "cat *": "", "FOO=1": "",
    "ls > ../x": "", "ls && make > ../x": "", "./run.sh": "", "make a && make b": "", "": "",
    "cp a.py ../b": "", "touch .git/config": "", "eval ls": "", "make\nmake": "",
}  # fmt: skip


@pytest.fixture
def shipped() -> Rules:
    return rules_of(load(environ={}).settings.permissions)


@pytest.mark.parametrize("line", LINES)
def test_of_a_shell_line(line: str, work: Path, shipped: Rules) -> None:
    rule = proposed("bash", {"command": line}, shipped, cwd=str(work))
    assert rule == LINES[line]
    if not rule:
        return
    rules = Rules(allow=(*shipped.allow, parse_rule(rule, "granted in this session")))

    def action(command: str) -> str:
        effect = Effect("execute", command=command)
        return decide("bash", effect, [], Situation("ask", str(work), rules)).action

    assert action(line) == "run"
    for other in ("rm -rf x", "git -C sub push", "make all", "sudo rm x", "sh -c 'rm x'", "pytest"):
        assert action(other) == "ask"


def test_a_rule_that_denies_or_asks_is_stronger(work: Path, shipped: Rules) -> None:
    strict = Rules(allow=shipped.allow, ask=(parse_rule("bash(make *)", "settings"),))
    assert proposed("bash", {"command": "make test"}, strict, cwd=str(work)) == ""


def test_the_folder_of_a_command_counts(work: Path, shipped: Rules) -> None:
    def of(folder: str) -> str:
        return proposed("bash", {"command": "touch a", "cwd": folder}, shipped, cwd=str(work))

    assert of("sub") == "bash(touch *)"
    assert of("..") == ""


CALLS: list[tuple[str, dict[str, Any], Effect, str]] = [
    ("write", {"path": "../a"}, Effect("write", ("../a",)), "write(../a)"),
    ("write", {"path": "../a*"}, Effect("write", ("../a*",)), ""),
    ("write", {"path": "../it's"}, Effect("write", ("../it's",)), ""),
    ("write", {"path": ".git/config"}, Effect("write", (".git/config",)), ""),
    ("read", {"path": "~/.ssh/id_rsa"}, Effect("read", ("~/.ssh/id_rsa",)), ""),
    ("hf_repo", {"operation": "upload", "repo": "a/b"}, Effect("publish"), "hf_repo(upload *)"),
    ("hf_repo", {"operation": "delete", "path": "a.txt"}, Effect("destroy"), "hf_repo(delete *)"),
    ("hf_jobs", {"operation": "schedule"}, Effect("publish", always_asks=True), ""),
    ("mcp", {"operation": "call", "tool": "time__now"}, Effect("execute"), "time__now"),
    ("time__now", {}, Effect("execute"), "time__now"),
    (
        "web",
        {"operation": "fetch", "url": "https://a.org/b?c=d"},
        Effect("read", asks="you did not name that host"),
        "web(fetch 'https://a.org/*' *)",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "effect", "rule"), CALLS)
def test_of_other_calls(
    tool: str, arguments: dict[str, Any], effect: Effect, rule: str, work: Path
) -> None:
    assert proposed(tool, arguments, Rules(), effect=effect, cwd=str(work)) == rule


def test_a_host_is_not_another_one(work: Path) -> None:
    rules = Rules(allow=(parse_rule("web(fetch 'https://a.org/*' *)", "granted"),))
    for url, action in (("https://a.org/x", "run"), ("https://a.org.evil.org/x", "ask")):
        effect = Effect("read", asks="you did not name that host")
        here = Situation("ask", str(work), rules)
        assert decide("web", effect, ["fetch", url], here).action == action
