"""Keys that the user let ML Agent keep."""

import os
from pathlib import Path

import pytest

from configs.kept_keys import apply_kept_keys, keep_key, kept_keys
from core.policy.paths import is_secret, secret_places


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_kept_and_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept_keys() == {}
    path = keep_key("ANTHROPIC_API_KEY", "sk-ant-one=two")
    keep_key("OPENAI_API_KEY", "sk-three")
    assert path.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    apply_kept_keys()
    assert os.environ["ANTHROPIC_API_KEY"] == "sk-ant-one=two"
    assert os.environ["OPENAI_API_KEY"] == "mine"
    monkeypatch.delenv("ANTHROPIC_API_KEY")


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "LANGSMITH_API_KEY", "ML_AGENT_MODEL"])
def test_only_credentials_count(name: str) -> None:
    keep_key(name, "x")
    assert kept_keys() == {}


def test_it_is_a_secret_place() -> None:
    path = str(keep_key("OPENAI_API_KEY", "sk-three"))
    assert is_secret(path)
    assert path in secret_places()


def test_a_file_that_others_can_read_does_not_count() -> None:
    path = keep_key("OPENAI_API_KEY", "sk-three")
    path.chmod(0o644)
    assert kept_keys() == {}
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert kept_keys() == {}
