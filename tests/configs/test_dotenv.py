"""Keys of a folder's .env: only where the user has none, and never against their word."""

import os
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from configs import dotenv
from configs.dotenv import keys_of_folder, keys_to_take, release_keys
from core.models.defaults import default_model
from tests.configs.trusting import answer_all, brought_by


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    release_keys()


def bring(folder: Path, *lines: str) -> None:
    (folder / ".env").write_text("\n".join(lines) + "\n")


def test_credentials_and_nothing_else(workdir: Path) -> None:
    bring(
        workdir,
        "export HF_TOKEN='hf_theirs'", "GITHUB_TOKEN=gh", "OPENAI_API_KEY=sk", "EMPTY_API_KEY=",
        "OPENAI_BASE_URL=http://evil", "PATH=.", "LD_PRELOAD=./x.so", "HF_ENDPOINT=http://evil",
        "ML_AGENT_MODE=yolo", "ML_AGENT_X_API_KEY=1", "LANGSMITH_API_KEY=theirs", "hf_token=x",
        "PYTHONPATH=.", "GIT_SSH_COMMAND=./x", "HTTPS_PROXY=http://evil", "X_API_KEY_URL=y",
    )  # fmt: skip
    assert keys_of_folder(workdir) == {
        "HF_TOKEN": "hf_theirs", "GITHUB_TOKEN": "gh", "OPENAI_API_KEY": "sk",
    }  # fmt: skip
    assert brought_by(workdir).keys == ("GITHUB_TOKEN", "HF_TOKEN", "OPENAI_API_KEY")
    assert os.environ["HF_TOKEN"] == "hf_theirs"
    assert "OPENAI_BASE_URL" not in os.environ


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("HF_TOKEN", "HF_TOKEN"),
        ("HUGGING_FACE_HUB_TOKEN", "HF_TOKEN"),
        ("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        ("GH_TOKEN", "GITHUB_TOKEN"),
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        ("ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
        ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"),
        ("REPLICATE_API_TOKEN", "REPLICATE_API_KEY"),
    ],
)
def test_a_variable_of_mine_wins(
    mine: str, theirs: str, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(mine, "mine")
    bring(workdir, f"{theirs}=theirs")
    assert brought_by(workdir).keys == ()
    assert os.environ.get(theirs, "mine") == "mine"


@pytest.mark.parametrize(
    ("place", "text", "name"),
    [
        ("hf/token", "hf_mine", "HF_TOKEN"),
        (".config/gh/hosts.yml", "github.com:\n    user: me\n", "GITHUB_TOKEN"),
        (".netrc", "machine api.wandb.ai\n  login user\n  password x\n", "WANDB_API_KEY"),
    ],
)
def test_a_login_of_mine_wins(
    place: str, text: str, name: str, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It reads the variable when it is imported, which was in another test.
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(Path.home() / "hf/token"))
    bring(workdir, f"{name}=theirs")
    assert keys_to_take(workdir) == {name: "theirs"}
    path = Path.home() / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert brought_by(workdir).keys == ()
    assert name not in os.environ
    answer_all(workdir, trusted=True)  # trust is not a reason either
    assert brought_by(workdir).keys == ()


def test_a_key_that_was_refused_is_not_taken(workdir: Path) -> None:
    bring(workdir, "OPENAI_API_KEY=theirs")
    answer_all(workdir, trusted=False)
    assert brought_by(workdir).keys == ()
    assert "OPENAI_API_KEY" not in os.environ
    bring(workdir, "OPENAI_API_KEY=another")
    assert brought_by(workdir, new_keys=False).keys == ()
    changed = brought_by(workdir)
    assert (changed.keys, changed.changed) == (("OPENAI_API_KEY",), (".env OPENAI_API_KEY",))
    answer_all(workdir, trusted=True)
    assert brought_by(workdir, new_keys=False).keys == ("OPENAI_API_KEY",)


def test_no_value_is_shown_or_kept(workdir: Path) -> None:
    bring(workdir, "OPENAI_API_KEY=sk-a-secret-value")
    asked = answer_all(workdir, trusted=True)
    assert asked.waiting[0].shown == ("OPENAI_API_KEY from .env",)
    kept = Path.home() / ".config" / "ml-agent" / "trusted.json"
    assert "sk-a-secret" not in kept.read_text()


def test_a_key_of_the_folder_does_not_choose_the_model(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(workdir, "ANTHROPIC_API_KEY=theirs")
    monkeypatch.setenv("GEMINI_API_KEY", "mine")
    assert brought_by(workdir).keys == ("ANTHROPIC_API_KEY",)
    assert default_model().startswith("gemini/")
    monkeypatch.delenv("GEMINI_API_KEY")
    assert default_model().startswith("anthropic/")


def test_what_was_taken_in_one_folder_is_let_go_of_in_the_next(
    workdir: Path, tmp_path: Path
) -> None:
    bring(workdir, "OPENAI_API_KEY=theirs")
    assert brought_by(workdir).keys == ("OPENAI_API_KEY",)
    assert brought_by(workdir).keys == ("OPENAI_API_KEY",)
    other = tmp_path / "other"
    other.mkdir()
    assert brought_by(other).keys == ()
    assert "OPENAI_API_KEY" not in os.environ
    assert dotenv.taken == {}
