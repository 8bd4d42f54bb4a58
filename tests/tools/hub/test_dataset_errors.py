"""What hf_dataset says when the dataset viewer refuses, fails or is not there."""

from pathlib import Path

import pytest

from configs.layers import load
from configs.problems import SettingsProblem
from tests.stand_ins.model_server import closed_port
from tests.stand_ins.viewer_server import Trouble
from tests.tools.bench import Bench
from tests.tools.hub.viewers import numbered, one, serving

DATA = {"ann/data": one(numbered(5))}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, logged_in: None) -> None:
    """Not logged in, unless the test says so; pauses that no server asked for are left out."""
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("core.http._backoff", lambda attempt: 0.0)


async def test_a_missing_dataset_with_names_that_are_near(bench: Bench) -> None:
    with serving(bench, DATA) as (_, hub):
        hub.add("bob/dataset", type="dataset")
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/dataset")
    assert not result.ok
    assert "The Hub has no dataset ann/dataset" in result.text
    assert "bob/dataset" in result.text
    assert "HF_TOKEN" in result.text


@pytest.mark.parametrize("token", ["", "hf_bob"])
async def test_a_gated_dataset_names_the_page_to_ask_at(
    bench: Bench, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with serving(bench, DATA, gated=("ann/data",)) as (viewer, hub):
        hub.add("ann/data", type="dataset", gated="auto")
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
        assert f"ask for access at {hub.url}/datasets/ann/data" in result.text
    assert not result.ok
    sent = [asked.headers.get("authorization", "") for asked in viewer.asked]
    assert set(sent) == {f"Bearer {token}" if token else ""}


async def test_the_token_opens_a_gated_dataset(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(bench, DATA, gated=("ann/data",), token="hf_ann") as (_, hub):
        hub.add("ann/data", type="dataset", gated="auto")
        monkeypatch.setenv("HF_TOKEN", "hf_ann")
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert result.ok, result.text


async def test_a_private_dataset_and_one_that_is_not_prepared(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_ann")
    with serving(bench, {}) as (_, hub):
        hub.add("ann/mine", type="dataset", visibility="private")
        hub.add("ann/new", type="dataset")
        mine = await bench.call("hf_dataset", operation="inspect", dataset="ann/mine")
        new = await bench.call("hf_dataset", operation="inspect", dataset="ann/new")
    assert "ann/mine is private" in mine.text
    assert "ann/new exists" in new.text


@pytest.mark.parametrize(
    ("trouble", "times", "path", "said"),
    [
        ("rate_limited", 4, "/splits", "rate limit is reached"),
        ("rate_limited_long", 1, "/splits", "the limit resets in 280 s"),
        ("server_error", 4, "/splits", "failed (500: Internal Server Error.)"),
        ("unexpected", 4, "/splits", "failed (500: Unexpected error.)"),
        ("not_ready", 4, "/splits", "still preparing ann/data"),
        ("not_ready_as_sent", 4, "/splits", "still preparing ann/data"),
        ("blocked", 1, "/splits", "does not serve ann/data: The parquet conversion"),
        ("malformed", 1, "/splits", "something that is not JSON; is dataset_viewer_url right?"),
        ("other_shape", 1, "/splits", "without a proper 'splits'"),
        ("hang_up", 4, "/splits", "cannot be reached"),
    ],
)
async def test_a_failing_viewer(
    bench: Bench, trouble: Trouble, times: int, path: str, said: str
) -> None:
    with serving(bench, DATA) as (viewer, _):
        viewer.misbehave(path, trouble, times)
        if trouble == "hang_up":
            viewer.retry_after = ""
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert (result.ok, result.outcome) == (False, "failed")
    assert said in result.text
    assert viewer.paths() == [path] * times


@pytest.mark.parametrize("trouble", ["rate_limited", "server_error", "not_ready", "slow"])
async def test_a_trouble_that_passes_is_waited_for(bench: Bench, trouble: Trouble) -> None:
    with serving(bench, DATA) as (viewer, _):
        viewer.misbehave("/splits", trouble, 2)
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert result.ok, result.text
    if trouble != "slow":
        assert viewer.paths().count("/splits") == 3
        assert "asking again" in " ".join(bench.logs())


async def test_what_inspect_can_do_without_becomes_a_note(bench: Bench) -> None:
    with serving(bench, DATA) as (viewer, _):
        viewer.misbehave("/size", "unexpected", 4)
        viewer.misbehave("/statistics", "not_ready", 4)
        viewer.misbehave("/rows", "streaming", 4)
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert result.ok, result.text
    assert "Note: no row counts: the dataset viewer failed" in result.text
    assert "Note: no statistics of the whole split: the dataset viewer is still" in result.text
    assert "only the first rows could be read" in result.text
    assert "Fits as it is: SFT (prompt-completion)" in result.text


async def test_a_broken_dataset_names_the_cause(bench: Bench) -> None:
    with serving(bench, DATA, capabilities={"ann/data": {"viewer": False}}) as (viewer, _):
        viewer.misbehave("/first-rows", "streaming", 4)
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert "cannot read ann/data" in result.text
    assert "https://example.org/data.tgz" in result.text


async def test_nobody_listens(bench: Bench) -> None:
    bench.services.settings.dataset_viewer_url = f"http://127.0.0.1:{closed_port()}"
    result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert not result.ok
    assert "cannot be reached" in result.text


async def test_offline_asks_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with serving(bench, DATA) as (viewer, _):
        result = await bench.call("hf_dataset", operation="inspect", dataset="ann/data")
    assert "HF_HUB_OFFLINE" in result.text
    assert not viewer.asked


def test_a_project_cannot_send_the_token_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "project" / ".ml-agent"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"dataset_viewer_url": "http://evil.example"}')
    with pytest.raises(SettingsProblem, match="dataset_viewer_url"):
        load(cwd=folder.parent, environ={})
