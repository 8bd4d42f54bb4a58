"""What the user and the model are told, and the profile for macOS."""

import pytest

from core.run import Reach
from tests.tools.workspace.command_sandbox.conftest import Home
from tools.workspace.command_sandbox import report
from tools.workspace.command_sandbox.plan import Place, Plan
from tools.workspace.command_sandbox.refusals import refusal
from tools.workspace.command_sandbox.seatbelt import profile

STEP = "call bash again with outside_sandbox=true: the user is asked"


@pytest.mark.parametrize(
    ("line", "reach", "said"),
    [
        ("echo x >> ~/.bashrc", "network", "refused writing to {home}/.bashrc"),
        ("touch /usr/x", "network", "refused writing to /usr/x"),
        ('python3 -c \'open("/usr/x", "w")\'', "network", "refused writing to /usr/x"),
        ("mkdir ~/new", "offline", "refused writing to {home}/new"),
        ("git config user.name x", "network", "refused writing"),
        ("cat ~/.ssh/id_rsa", "network", "refused reading {home}/.ssh/id_rsa"),
        ("python3 -c 'open(\"'$HOME'/.aws/x\")'", "network", "refused reading {home}/.aws/x"),
        ("touch x", "read-only", "refused writing"),
        ("echo x >> .git/config", "network", "refused writing. "),
    ],
)
def test_a_refusal_is_named_with_the_next_step(
    mounted: Home, line: str, reach: str, said: str
) -> None:
    code, output = mounted.run(line, reach)  # type: ignore[arg-type]
    told = report(output, code, mounted.started[-1].meta())
    assert said.format(home=mounted.path) in told, (output, told)
    assert STEP in told


@pytest.mark.parametrize("line", ["exit 1", "cat missing", "ls /root/x; false", "false | true"])
def test_a_failure_of_its_own_is_not_taken_for_a_refusal(boxed: Home, line: str) -> None:
    code, output = boxed.run(line)
    assert report(output, code, boxed.started[-1].meta()) == ""


@pytest.mark.parametrize(
    "output",
    [
        "curl: (6) Could not resolve host: example.org",
        "pip: Temporary failure in name resolution",
        "OSError: [Errno 101] Network is unreachable",
    ],
)
def test_the_network_is_named_only_where_it_is_off(output: str) -> None:
    assert "refused the network" in refusal(output, {"by": "bubblewrap", "reach": "offline"})
    assert refusal(output, {"by": "bubblewrap", "reach": "network"}) == ""


def test_without_mounts_a_refusal_reads_permission_denied() -> None:
    output = "sh: 1: cannot create /usr/x: Permission denied"
    assert "writing to /usr/x" in refusal(output, {"by": "Landlock", "reach": "network"})
    assert refusal(output, {"by": "bubblewrap", "reach": "network"}) == ""


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("git init -q n", "made {folder}/n/.git/config"),
        ("mkdir -p n/.ml-agent; echo {{}} > n/.ml-agent/config.json", "n/.ml-agent/config.json"),
        ("echo ../evil > .git/commondir", "made {folder}/.git/commondir"),
    ],
)
def test_what_may_run_later_is_told(boxed: Home, line: str, made: str) -> None:
    code, output = boxed.run(line)
    told = report(output, code, boxed.started[-1].meta())
    assert code == 0
    assert made.format(folder=boxed.folder) in told
    assert "may run later, outside the sandbox" in told


@pytest.mark.parametrize("reach", ["read-only", "offline", "network"])
def test_what_was_there_before_is_not_told(boxed: Home, reach: Reach) -> None:
    boxed.write("projects/repo/.ml-agent/config.json", "{}")
    for line, code in (("true", 0), ("false", 1)):
        assert boxed.run(line, reach)[0] == code
        assert report("", code, boxed.started[-1].meta()) == ""


def test_a_name_that_is_told_stays_on_its_line(boxed: Home) -> None:
    code, output = boxed.run("mkdir -p $'n/.ml-agent/a\\nb'; echo > $'n/.ml-agent/a\\nb/c'")
    told = report(output, code, boxed.started[-1].meta())
    assert "n/.ml-agent/a\\nb/c" in told
    assert len(told.splitlines()) == 1


def test_the_profile_for_macos_says_the_innermost_last() -> None:
    places = (
        Place('/a "b"', "write", True),
        Place('/a "b"/.git/config', "read", False),
        Place("/home/u/.ssh", "none", True),
    )
    text = profile(Plan('/a "b"', places, False))
    lines = text.splitlines()
    assert lines[0] == "(version 1)"
    assert "(deny network*)" in lines
    writes = lines.index(r'(allow file-write* (subpath "/a \"b\""))')
    keeps = lines.index(r'(deny file-write* (literal "/a \"b\"/.git/config"))')
    assert lines.index("(deny file-write*)") < writes < keeps
    assert '(deny file-read* (subpath "/home/u/.ssh"))' in lines
    assert r'(deny file-write-unlink (literal "/a \"b\""))' in lines
    assert text.count("(") == text.count(")")
