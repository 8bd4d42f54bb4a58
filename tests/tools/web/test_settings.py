"""Where requests and the token go is the user's to say, never a cloned folder's."""

import json
from pathlib import Path

import pytest

from configs.layers import load
from configs.problems import SettingsProblem


@pytest.mark.parametrize("key", ["github_url", "web_search_url"])
def test_a_project_may_not_redirect_requests(key: str, workdir: Path) -> None:
    folder = workdir / ".ml-agent"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({key: "http://elsewhere.test"}))
    with pytest.raises(SettingsProblem, match=f"{key}: a project's file cannot set it"):
        load(cwd=workdir, environ={})
    (folder / "config.json").unlink()
    there = load(cwd=workdir, environ={f"ML_AGENT_{key.upper()}": "http://mine.test"})
    assert getattr(there.settings, key) == "http://mine.test"
