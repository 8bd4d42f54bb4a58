"""A command that is to run outside the command sandbox: its own approval kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from configs.layers import shipped_settings
from core.effects import Effect
from core.history import Call
from core.policy.decide import Judged, Situation, decide
from core.policy.propose import proposed
from core.policy.rules import rules_of
from nodes.circumstances import Circumstances
from nodes.judge_calls import judge
from tools import builtin_tools


def judged(line: str, mode: str, cwd: Path, allow: list[str] = [], deny: list[str] = []) -> Judged:  # noqa: B006
    rules = rules_of(shipped_settings().permissions, allow=allow, deny=deny)
    effect = Effect("execute", command=line, outside_sandbox=True)
    return decide("bash", effect, [], Situation(mode, str(cwd), rules))


@pytest.mark.parametrize(
    ("mode", "action"), [("ask", "ask"), ("auto", "ask"), ("read-only", "deny"), ("yolo", "run")]
)
@pytest.mark.parametrize("line", ["make install", "ls", "git status", "echo $(id)"])
def test_each_mode(workdir: Path, line: str, mode: str, action: str) -> None:
    verdict = judged(line, mode, workdir)
    assert verdict.action == action
    if action == "ask":
        assert verdict.reason.startswith("Run outside the sandbox?")
        assert "outside_sandbox(...)" in verdict.reason
        assert "sandbox_writable" in verdict.reason


@pytest.mark.parametrize(
    ("allow", "line", "action"),
    [
        ("bash(make install *)", "make install x", "ask"),
        ("bash", "make install", "ask"),
        ("outside_sandbox(make install *)", "make install x", "run"),
        ("outside_sandbox(make install *)", "make install x; id", "ask"),
        ("outside_sandbox(make install *)", "make install $(id)", "ask"),
        ("outside_sandbox(make install *)", "ls && make install x", "ask"),
        ("outside_sandbox(make)", "make install", "ask"),
    ],
)
@pytest.mark.parametrize("mode", ["ask", "auto"])
def test_only_a_rule_of_its_own_form_lets_it_run(
    workdir: Path, allow: str, line: str, action: str, mode: str
) -> None:
    assert judged(line, mode, workdir, allow=[allow]).action == action


@pytest.mark.parametrize("deny", ["bash(make *)", "outside_sandbox", "outside_sandbox(make *)"])
def test_deny_rules_hold_in_every_mode(workdir: Path, deny: str) -> None:
    allow = ["outside_sandbox(make *)"]
    for mode in ("ask", "auto", "read-only", "yolo"):
        assert judged("make install", mode, workdir, allow, [deny]).action == "deny"


def test_a_rule_for_outside_lets_nothing_run_inside(workdir: Path) -> None:
    rules = rules_of(shipped_settings().permissions, allow=["outside_sandbox(make *)"])
    effect = Effect("execute", command="make x")
    assert decide("bash", effect, [], Situation("ask", str(workdir), rules)).action == "ask"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("make install", "outside_sandbox(make install)"),
        ("cp 'a b' /opt", "outside_sandbox(cp 'a b' /opt)"),
        ("ls; make install", ""),
        ("make $X", ""),
    ],
)
def test_the_rule_that_is_offered_is_the_line_itself(workdir: Path, line: str, rule: str) -> None:
    rules = rules_of(shipped_settings().permissions)
    arguments = {"command": line, "outside_sandbox": True}
    assert proposed("bash", arguments, rules, cwd=str(workdir)) in (rule, "")
    if rule and "/opt" not in rule:
        assert proposed("bash", arguments, rules, cwd=str(workdir)) == rule


@pytest.mark.parametrize(
    ("mode", "arguments", "allow", "reach"),
    [
        ("ask", {"command": "ls"}, [], "offline"),
        ("ask", {"command": "make"}, [], "network"),
        ("ask", {"command": "make"}, ["bash(make)"], "network"),
        ("ask", {"command": "ls && make"}, ["bash(make)"], "network"),
        ("ask", {"command": "make", "outside_sandbox": True}, [], "outside"),
        ("auto", {"command": "ls"}, [], "network"),
        ("auto", {"command": "make", "outside_sandbox": True}, [], "outside"),
        ("yolo", {"command": "make"}, [], "network"),
        ("read-only", {"command": "ls"}, [], "read-only"),
    ],
)
def test_the_verdict_says_what_a_command_may_reach(
    workdir: Path, mode: str, arguments: Mapping[str, Any], allow: list[str], reach: str
) -> None:
    rules = rules_of(shipped_settings().permissions, allow=allow)
    call = Call("c", "bash", dict(arguments))
    verdicts = judge(
        [call], [], Circumstances(builtin_tools(), Situation(mode, str(workdir), rules))
    )
    assert verdicts["c"].get("reach") == reach


def test_a_sub_agent_never_leaves_the_sandbox(workdir: Path) -> None:
    call = Call("c", "bash", {"command": "make", "outside_sandbox": True})
    here = Situation("auto", str(workdir), rules_of(shipped_settings().permissions))
    verdict = judge(
        [call], [], Circumstances(builtin_tools(), here, interactive=False, inside=True)
    )["c"]
    assert verdict["action"] == "deny"
