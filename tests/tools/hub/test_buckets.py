"""hf_repo on buckets: list, copy on the Hub, sync of what changed."""

import os
from typing import Any

import pytest

from core.history import Call
from nodes.validate import validated
from tests.stand_ins.hub_buckets import Bucket
from tests.stand_ins.hub_server import HubServer
from tests.tools.bench import Bench

OUT: dict[str, Any] = {"repo": "ann/out", "type": "bucket"}


@pytest.fixture
def bucket(hub: HubServer) -> Bucket:
    return hub.buckets.add("ann/out", **{"logs/a.txt": 3, "logs/b.txt": 5, "model.bin": 2000})


async def test_list(bench: Bench, bucket: Bucket) -> None:
    result = await bench.call("hf_repo", operation="list", **OUT)
    assert result.text.splitlines() == [
        "bucket ann/out | 3 files | 2kB | private", "logs/a.txt | 3 B", "logs/b.txt | 5 B",
        "model.bin | 2kB",
    ]  # fmt: skip
    part = await bench.call("hf_repo", operation="list", **OUT, path="logs", limit=1)
    assert "logs/a.txt" in part.text
    assert "there are more: name a folder as path" in part.text


async def test_copy_between_buckets_is_done_on_the_hub(
    bench: Bench, hub: HubServer, bucket: Bucket
) -> None:
    other = hub.buckets.add("ann/kept")
    copy = {"operation": "copy", "repo": "ann/kept", "type": "bucket", "path": "run1/"}
    source = "buckets/ann/out/logs"
    tool, given = validated(Call("c", "hf_repo", {**copy, "source": source}), bench.services.tools)
    effect = tool.effect(given, str(bench.cwd))
    shown = "copy buckets/ann/out/logs to bucket ann/kept/run1/"
    assert (effect.kind, effect.preview, effect.paths) == ("publish", shown, ())
    for _ in range(2):
        result = await bench.call("hf_repo", **copy, source=source)
        assert result.text.startswith("Copied hf://buckets/ann/out/logs/ to hf://buckets/ann/kept")
    await bench.call("hf_repo", **copy, source="hf://buckets/ann/out/model.bin")
    assert {path: size for path, (size, *_) in other.files.items()} == {
        "run1/a.txt": 3, "run1/b.txt": 5, "run1/model.bin": 2000
    }  # fmt: skip
    gone = await bench.call("hf_repo", **copy, source="buckets/ann/out/none")
    assert not gone.ok


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"operation": "upload", **OUT, "path": "x", "content": "x"}, "A bucket has no upload"),
        ({"operation": "sync", "repo": "ann/x", "source": "."}, "sync is for buckets"),
        ({"operation": "copy", **OUT}, "copy needs a source"),
        ({"operation": "sync", **OUT}, "sync needs a source"),
        ({"operation": "list", "repo": "ann/gone", "type": "bucket"}, "bucket ann/gone"),
    ],
)
async def test_what_does_not_fit_is_named(
    bench: Bench, bucket: Bucket, arguments: dict[str, Any], said: str
) -> None:
    result = await bench.call("hf_repo", **arguments)
    assert (result.ok, said in result.text) == (False, True), result.text


async def test_sync_sends_only_what_changed_and_nothing_secret(
    bench: Bench, hub: HubServer, bucket: Bucket
) -> None:
    folder = bench.cwd / "logs"
    folder.mkdir()
    for name, text in {"a.txt": "abc", "b.txt": "12345", ".env": "HF_TOKEN=x"}.items():
        (folder / name).write_text(text)
        os.utime(folder / name, (1, 1))  # before the bucket's
    result = await bench.call("hf_repo", operation="sync", **OUT, source="logs", path="logs")
    assert "0 of 2 files were new or changed" in result.text
    assert "left out, known to hold secrets: .env" in result.text
    (folder / "b.txt").write_text("now longer")
    await bench.call("hf_repo", operation="sync", **OUT, source="logs", path="logs")
    # What is new goes to Xet's storage: the token for it is asked of the Hub.
    assert hub.asked("/api/buckets/ann/out/xet-write-token")
