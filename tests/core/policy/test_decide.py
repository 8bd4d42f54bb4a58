"""May it run? A table over effects, modes and places, with real folders and symlinks."""

import sys
import sysconfig
from pathlib import Path
from typing import Literal

import pytest

from core.effects import Effect, EffectKind
from core.policy.decide import Judged, Situation
from core.policy.decide import decide as judged_by

MODES = ("ask", "auto", "read-only", "yolo")
Row = tuple[EffectKind, str, str]


def decide(effect: Effect, mode: str, cwd: str) -> Judged:
    """By the modes' table alone: no rule has this tool."""
    return judged_by("tool", effect, [], Situation(mode, cwd))


def action(kind: EffectKind, path: str, mode: str, work: Path) -> str:
    paths = (path,) if path else ()
    judged = decide(Effect(kind, paths), mode, str(work))
    assert judged.rule
    assert judged.reason
    assert "\n" not in judged.reason
    return judged.action


# (effect, path) → what ask, auto, read-only and yolo say
TABLE: dict[tuple[EffectKind, str], str] = {
    # the table of the module, without paths
    ("read", ""): "run run run run",
    ("write", ""): "run run deny run",
    ("execute", ""): "ask run deny run",
    ("publish", ""): "ask run deny run",
    ("spend", ""): "ask run deny run",
    ("destroy", ""): "ask ask deny run",
    # inside the working directory
    ("read", "a.py"): "run run run run",
    ("read", "."): "run run run run",
    ("read", "sub/../a.py"): "run run run run",
    ("read", "inner/a.py"): "run run run run",
    ("read", "~/project/a.py"): "run run run run",
    ("read", "new/not/there/yet"): "run run run run",
    ("read", "loop"): "run run run run",
    ("read", "nul\0byte"): "run run run run",
    ("read", "x" * 5000): "run run run run",
    ("write", "a.py"): "run run deny run",
    ("write", "inner/a.py"): "run run deny run",
    ("write", "new/not/there/yet"): "run run deny run",
    ("execute", "a.py"): "ask run deny run",
    # outside
    ("read", "../other"): "ask run deny run",
    ("read", "~/project-2/a"): "ask run deny run",
    ("read", "out/a"): "ask run deny run",
    ("read", "/"): "ask run deny run",
    ("read", "/etc/hostname"): "ask run deny run",
    ("write", "../other"): "ask run deny run",
    ("write", "~/project-2/a"): "ask run deny run",
    ("write", "out/a"): "ask run deny run",
    ("write", "/etc/hosts"): "ask run deny run",
    # read anywhere, written only inside
    ("read", "TMP/log.txt"): "run run run run",
    ("write", "TMP/log.txt"): "ask run deny run",
    ("read", "PURELIB/torch/__init__.py"): "run run run run",
    ("read", "PREFIX/pyvenv.cfg"): "run run run run",
    ("read", "~/hf/hub/models--a--b/config.json"): "run run run run",
    ("write", "~/hf/hub/models--a--b/config.json"): "ask run deny run",
    ("read", "STATE/threads/t/results/c.txt"): "run run run run",
    # secrets
    ("read", ".env"): "ask deny deny run",
    ("read", "sub/.env"): "ask deny deny run",
    ("read", ".env.production"): "ask deny deny run",
    ("read", ".ENV"): "ask deny deny run",
    ("write", "sub/.env"): "ask deny deny run",
    ("read", "../../vault/production"): "ask run deny run",
    ("read", "server.pem"): "ask deny deny run",
    ("read", "deploy.key"): "ask deny deny run",
    ("read", ".netrc"): "ask deny deny run",
    ("read", "credentials.json"): "ask deny deny run",
    ("read", "service-account-7.json"): "ask deny deny run",
    ("read", "notes.txt"): "ask deny deny run",
    ("read", "~/.ssh"): "ask deny deny run",
    ("read", "~/.ssh/config"): "ask deny deny run",
    ("read", "~/.aws/credentials"): "ask deny deny run",
    ("read", "~/.config/gh/hosts.yml"): "ask deny deny run",
    ("read", "~/.config/litellm/chatgpt/auth.json"): "ask deny deny run",
    ("read", "~/.cache/huggingface/token"): "ask deny deny run",
    ("read", "~/hf/token"): "ask deny deny run",
    ("read", "~/hf/stored_tokens"): "ask deny deny run",
    ("read", "TMP/.env"): "ask deny deny run",
    ("execute", ".env"): "ask deny deny run",
    # what looks like a secret and is none
    ("read", ".env.example"): "run run run run",
    ("read", ".env.template"): "run run run run",
    ("read", "id_rsa.pub"): "run run run run",
    ("read", "environment.py"): "run run run run",
    ("read", "monkey.py"): "run run run run",
    ("read", "sub/.ssh/config"): "run run run run",
    # what governs ml-agent, or runs without asking later
    ("read", ".git/hooks/pre-commit"): "run run run run",
    ("write", ".git/hooks/pre-commit"): "ask deny deny ask",
    ("write", ".git/modules/lib/hooks/post-checkout"): "ask deny deny ask",
    ("write", ".git/config"): "ask deny deny ask",
    ("write", ".git/config.worktree"): "ask deny deny ask",
    ("write", ".GIT/hooks/pre-commit"): "ask deny deny ask",
    ("write", "sub/.git/hooks/x"): "ask deny deny ask",
    ("write", "run-me"): "ask deny deny ask",
    ("write", ".ml-agent/config.json"): "ask deny deny ask",
    ("read", ".ml-agent/config.json"): "run run run run",
    ("write", "CONFIG/config.json"): "ask deny deny ask",
    ("write", "STATE/ml-agent.db"): "ask deny deny ask",
    ("destroy", "STATE/ml-agent.db"): "ask deny deny ask",
    ("write", "~/.bashrc"): "ask deny deny ask",
    ("write", "~/dotfiles/bashrc"): "ask deny deny ask",
    ("write", "~/.zshrc"): "ask deny deny ask",
    ("write", "~/.gitconfig"): "ask deny deny ask",
    ("write", "~/.config/fish/config.fish"): "ask deny deny ask",
    ("write", "~/.config/systemd/user/x.service"): "ask deny deny ask",
    ("write", ".gitignore"): "run run deny run",
    ("write", "hooks/pre-commit"): "run run deny run",
    ("write", "config"): "run run deny run",
    ("write", "sub/.bashrc"): "run run deny run",
}


@pytest.mark.parametrize(("kind", "path"), TABLE)
def test_the_table(kind: EffectKind, path: str, work: Path, tmp_path: Path) -> None:
    import platformdirs

    place = path
    for name, value in {
        "TMP": str(tmp_path / "tmp"),
        "PURELIB": sysconfig.get_path("purelib"),
        "PREFIX": sys.prefix,
        "STATE": platformdirs.user_state_dir("ml-agent"),
        "CONFIG": platformdirs.user_config_dir("ml-agent"),
    }.items():
        if place.startswith(name + "/"):
            place = value + place[len(name) :]
    assert [action(kind, place, mode, work) for mode in MODES] == TABLE[kind, path].split()


def test_the_working_directory_may_be_reached_by_a_link(work: Path, tmp_path: Path) -> None:
    judged = decide(Effect("write", (str(work / "a"),)), "ask", str(tmp_path / "linked"))
    assert judged.action == "run"


def test_a_link_of_the_home_folder_that_leads_elsewhere_from_now_on(work: Path) -> None:
    home = work.parent

    def of(place: str) -> str:
        return decide(Effect("write", (str(home / place),)), "auto", str(home)).action

    assert (of("dotfiles/bashrc"), of("dotfiles/git")) == ("deny", "run")
    (home / ".bashrc").unlink()
    (home / ".bashrc").symlink_to(home / "dotfiles" / "other")
    (home / ".config").symlink_to(home / "dotfiles")  # the profile behind it is not there yet
    assert (of("dotfiles/bashrc"), of("dotfiles/other"), of("dotfiles/git")) == (
        "run", "deny", "deny",
    )  # fmt: skip


def test_the_worst_of_several_paths_counts(work: Path) -> None:
    def of(*paths: str, mode: str = "ask") -> tuple[str, str]:
        judged = decide(Effect("write", paths), mode, str(work))
        return judged.action, judged.rule

    assert of("a", "b") == ("run", "mode:ask")
    assert of("a", "/etc/x") == ("ask", "mode:ask")
    assert of("a", "~/.bashrc", mode="auto") == ("deny", "protected-path")
    assert of("~/.bashrc", "sub/.env") == ("ask", "secret-file")
    assert of("sub/.env", "~/.bashrc", mode="yolo") == ("ask", "protected-path")


def test_a_root_as_working_directory(work: Path) -> None:
    assert decide(Effect("read", ("/etc/hostname",)), "ask", "/").action == "run"
    assert decide(Effect("read", (str(work / ".env"),)), "ask", "/").action == "ask"


@pytest.mark.parametrize("kind", ["destroy", "spend", "publish", "execute"])
def test_the_reason_says_what_it_would_do(
    kind: Literal["destroy", "spend", "publish", "execute"], work: Path
) -> None:
    reasons = {k: decide(Effect(k), "ask", str(work)).reason for k in (kind, "read")}
    assert reasons[kind] != reasons["read"]
    assert "read-only" in decide(Effect(kind), "read-only", str(work)).reason


def test_another_state_folder_is_protected_too(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_AGENT_STATE_DIR", str(tmp_path / "elsewhere"))
    database = str(tmp_path / "elsewhere" / "ml-agent.db")
    assert [action("write", database, mode, work) for mode in MODES] == [
        "ask",
        "deny",
        "deny",
        "ask",
    ]
    result = str(tmp_path / "elsewhere" / "threads" / "t" / "results" / "c.txt")
    assert [action("read", result, mode, work) for mode in MODES] == ["run"] * 4


@pytest.mark.parametrize(
    ("mode", "action"), [("ask", "ask"), ("auto", "ask"), ("read-only", "deny"), ("yolo", "run")]
)
def test_an_effect_may_want_the_user_to_be_asked(mode: str, action: str, work: Path) -> None:
    judged = decide(Effect("read", asks="it reaches a host that you did not name"), mode, str(work))
    assert judged.action == action
    if action != "run":
        assert "a host that you did not name" in judged.reason


def test_an_effect_may_ask_in_one_mode_only(work: Path) -> None:
    effect = Effect("read", asks="the address is long", asks_in=("auto",))
    assert decide(effect, "auto", str(work)).action == "ask"
    assert decide(effect, "ask", str(work)).action == "run"
    assert decide(effect, "read-only", str(work)).action == "run"
