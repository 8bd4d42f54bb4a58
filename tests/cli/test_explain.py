"""`config explain` says what the tool itself says of such a call."""

from pathlib import Path

import pytest

from cli.commands.explain import explain
from core.errors import SettingsError
from core.policy.decide import Situation
from core.policy.rules import Rules, parse_rule
from tools import builtin_tools

CALLS: list[tuple[str, str, str, str]] = [
    # call, mode, action, a part of the reason
    ("hf_repo(delete ann/x)", "auto", "ask", "cannot be undone"),
    ("hf_repo(read ann/x)", "read-only", "run", "only reads"),
    ("hf_repo(upload ann/x source=/etc/hosts)", "ask", "ask", "others can see"),
    (
        'hf_repo({"operation": "branch", "repo": "a/b", "remove": true})',
        "auto",
        "ask",
        "cannot be undone",
    ),
    ("hf_jobs(run)", "ask", "ask", "it costs money"),
    ("hf_jobs(run timeout=1h flavor=a10g-small)", "ask", "ask", "it costs money"),
    ("hf_jobs(schedule)", "auto", "ask", "approval is always required"),
    ("hf_jobs(ps)", "read-only", "run", "only reads"),
    ("process(kill abc)", "ask", "ask", "commands need approval"),
    ("process(list)", "read-only", "run", "only reads"),
    ("plan", "read-only", "run", "only reads"),
    ("ask_user(why)", "auto", "ask", "the model asks you"),
    ("write(../x)", "ask", "ask", "outside the working directory"),
    ("grep(/etc)", "ask", "ask", "outside the working directory"),
    ("read", "ask", "run", "inside the working directory"),
    ("bash(git push)", "ask", "ask", "no rule allows git push"),
    ("bash", "read-only", "deny", "read-only mode does not run commands"),
]


@pytest.mark.parametrize(("call", "mode", "action", "reason"), CALLS)
def test_explain(call: str, mode: str, action: str, reason: str, tmp_path: Path) -> None:
    judged = explain(call, Situation(mode, str(tmp_path)), builtin_tools())
    assert judged.action == action
    assert reason in judged.reason


def test_rules_count(tmp_path: Path) -> None:
    rules = Rules(deny=(parse_rule("hf_repo(delete *)", "--deny"),))
    judged = explain(
        "hf_repo(delete ann/x)", Situation("yolo", str(tmp_path), rules), builtin_tools()
    )
    assert (judged.action, judged.rule) == ("deny", "deny rule hf_repo(delete *), --deny")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("hf_repoo(delete x)", "no tool is named 'hf_repoo'.*did you mean hf_repo"),
        ("zzz", "no tool is named 'zzz'.*ml-agent tools"),
        ("hf_repo(frob ann/x)", "hf_repo: operation"),
        ("hf_repo", "needs an operation"),
        ("hf_repo({x})", "not a JSON object"),
        ("plan(a b c)", "for no argument|items"),
    ],
)
def test_what_cannot_be_explained(call: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as found:
        explain(call, Situation("ask", str(tmp_path)), builtin_tools())
    import re

    assert re.search(said, f"{found.value} {found.value.hint}")
