"""What all tests share: an environment without the user's own keys, folders and servers."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.settings import Settings

SECRET = re.compile(r"_API_KEY$|_API_BASE$|_BASE_URL$|^HF_|^(?:GITHUB|GH)_TOKEN$|^ML_AGENT_|^XDG_")

# Bytecode is kept, as the program keeps it (cli/main.py): else each process compiles its modules,
# and pytest rewrites those of 8,000 tests, again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the user who runs the tests, a home folder of the test's own, and nothing that
    an earlier test saw."""
    monkeypatch.setattr("core.secrets.redaction._seen", None)
    for name in list(os.environ):
        if SECRET.search(name):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("HF_TOKEN_PATH", str(home / "hf" / "token"))


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a session against the stand-in: `openai/stand-in`."""
    return Settings(
        state_dir=str(tmp_path / "state"), model_name="openai/stand-in", context_window=200_000
    )


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A database on a real Postgres, with all tables and nothing in them."""
    from tests.stand_ins.postgres_server import server

    with server().with_tables() as url:
        yield url


@pytest.fixture
def bare_postgres_url() -> Iterator[str]:
    """A database on a real Postgres without tables."""
    from tests.stand_ins.postgres_server import server

    with server().fresh() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """For what must hold on both databases: the URL of an empty one; "" for SQLite."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
