"""hf_repo against the stand-in Hub: what it reads, and each change as it goes well."""

from typing import Any

import pytest

from core.effects import Effect
from core.history import Call
from core.tool import ToolResult
from nodes.validate import validated
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.hub_state import Repo
from tests.tools.bench import Bench
from tools import builtin_tools


@pytest.fixture
def mine(hub: HubServer) -> Repo:
    files = {"README.md": "# Mine\nline\n", "data/a.csv": "a,b\n", "data/deep/b.bin": b"\0\1"}
    return hub.add("ann/mine", files=files, tags=["license:mit"], likes=3)


@pytest.fixture
def theirs(hub: HubServer) -> Repo:
    return hub.add("bob/theirs", "dataset", files={"README.md": "old\n"})


async def repo(bench: Bench, operation: str, **arguments: Any) -> ToolResult:
    arguments = {"repo": "ann/mine", **arguments}
    return await bench.call("hf_repo", operation=operation, **arguments)


def effect(**arguments: Any) -> Effect:
    tools = builtin_tools()
    arguments = {"repo": "ann/mine", **arguments}
    return tools["hf_repo"].effect(validated(Call("c", "hf_repo", arguments), tools)[1], "/project")


# --- reading ---


async def test_list(hub: HubServer, bench: Bench, mine: Repo) -> None:
    found = await repo(bench, "list")
    head, *lines = found.text.splitlines()
    assert head.startswith("model ann/mine | license mit | 0 downloads | 3 likes |")
    assert head.endswith(f"at {mine.head.id}")
    assert lines == [
        "README.md | 12 B",
        "data/",
        "data/a.csv | 4 B",
        "data/deep/",
        "data/deep/b.bin | 2 B",
    ]
    few = await repo(bench, "list", limit=2)
    assert few.text.splitlines()[1:] == [
        "README.md | 12 B",
        "data/",
        "[folders are not opened: name one as path, or raise limit]",
    ]
    inner = await repo(bench, "list", path="data/deep")
    assert inner.text.splitlines()[1:] == ["data/deep/b.bin | 2 B"]


async def test_list_follows_pages(hub: HubServer, bench: Bench, mine: Repo) -> None:
    hub.tree_page = 2
    assert len((await repo(bench, "list")).text.splitlines()) == 6
    assert len(hub.asked("/api/models/ann/mine/tree/main")) == 3


async def test_read(hub: HubServer, bench: Bench, mine: Repo, theirs: Repo) -> None:
    found = await repo(bench, "read", path="README.md")
    assert found.text == "     1\t# Mine\n     2\tline"
    few = await repo(bench, "read", path="README.md", limit=1)
    assert few.text.endswith("[1 more lines; raise limit, or download it]")
    mine.commit("second", {"README.md": "new"})
    first = mine.head.history[-1].id
    old = await repo(bench, "read", path="README.md", revision=first)
    assert "# Mine" in old.text
    other = await repo(bench, "read", repo="bob/theirs", type="dataset", path="README.md")
    assert other.text == "     1\told"


async def test_what_cannot_be_read(hub: HubServer, bench: Bench, mine: Repo) -> None:
    binary = await repo(bench, "read", path="data/deep/b.bin")
    assert not binary.ok
    assert "no text (2 B); `hf download ann/mine data/deep/b.bin` in bash gets it" in binary.text
    folder = await repo(bench, "read", path="data")
    assert folder.text == "data is a folder: list names what is in it"
    near = await repo(bench, "read", path="readme.md")
    assert near.text == "model ann/mine has no file readme.md. Available: README.md."
    mine.commit("large", {"big.txt": "x" * 5_000_001})
    large = await repo(bench, "read", path="big.txt")
    assert "too large to be read here (5MB)" in large.text
    assert not hub.asked("/ann/mine/resolve/main/big.txt")


async def test_refs_and_commits(hub: HubServer, bench: Bench, mine: Repo) -> None:
    first = mine.head
    mine.tags["v1"] = first
    second = mine.commit("second", {"x": "y"})
    mine.open("Change", "bob", "", True)
    found = await repo(bench, "refs")
    assert found.text.splitlines() == [
        f"branch main | {second.id} | refs/heads/main",
        f"tag v1 | {first.id} | refs/tags/v1",
        f"pull request 1 | {second.id} | refs/pr/1",
    ]
    commits = await repo(bench, "commits")
    assert [line.split(" | ")[2:] for line in commits.text.splitlines()] == [
        ["bob", "second"],
        ["ann", "initial commit"],
    ]
    few = await repo(bench, "commits", limit=1)
    assert few.text.splitlines()[1] == "[there are older ones]"


async def test_pull_requests(hub: HubServer, bench: Bench, mine: Repo) -> None:
    hub.discussions_page = 1
    none = await repo(bench, "pr_list")
    assert none.text == "it has no pull requests"
    for title in ("One", "Two"):
        mine.open(title, "bob", f"{title} in words", True)
    mine.open("No pull request", "bob", "", False)
    mine.branches["refs/pr/2"] = mine.commit("x", {"README.md": "# Yours\n"}, "refs/pr/2")
    listed = await repo(bench, "pr_list")
    assert [line.split(" | ")[:4] for line in listed.text.splitlines()] == [
        ["#2", "draft", "Two", "bob"],
        ["#1", "draft", "One", "bob"],
    ]
    assert "there are more" in (await repo(bench, "pr_list", limit=1)).text
    found = await repo(bench, "pr_get", number=2)
    assert found.text.startswith("#2 | draft | Two | bob")
    assert "Two in words" in found.text
    assert "-# Mine\n-line\n+# Yours" in found.text
    assert not (await repo(bench, "pr_get")).ok


# --- changing ---


async def test_upload_of_content(hub: HubServer, bench: Bench, mine: Repo) -> None:
    found = await repo(
        bench, "upload", path="notes/x.md", content="hello", message="Notes", text="why"
    )
    head = mine.head
    assert head.files["notes/x.md"] == b"hello"
    assert (head.title, head.message, head.author) == ("Notes", "why", "ann")
    assert found.text == (
        f"Uploaded notes/x.md (model ann/mine, main): {hub.url}/ann/mine/commit/{head.id}"
    )
    again = await repo(bench, "upload", path="notes/x.md", content="hello")
    assert again.text == "Nothing to commit: model ann/mine has these files already (main)."
    assert mine.head is head


async def test_upload_of_a_folder(
    hub: HubServer, bench: Bench, mine: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("out/a.txt", "out/sub/b.txt", "out/.env", "out/.git/config"):
        (bench.cwd / name).parent.mkdir(parents=True, exist_ok=True)
        bench.file(name, "text")
    found = await repo(bench, "upload", source="out", path="run1")
    assert set(mine.head.files) >= {"run1/a.txt", "run1/sub/b.txt"}
    assert not any(".env" in name or ".git/" in name for name in mine.head.files)
    assert "left out, known to hold secrets: .env" in found.text
    assert mine.head.title == "Upload 2 files"
    assert bench.logs() == ["uploading 2 files, 8 B"]


async def test_upload_of_a_file(hub: HubServer, bench: Bench, mine: Repo) -> None:
    bench.file("model.txt", "weights")
    await repo(bench, "upload", source="model.txt")
    assert mine.head.files["model.txt"] == b"weights"
    missing = await repo(bench, "upload", source="nope")
    assert missing.text == "there is no nope to upload"
    assert "not both" in (await repo(bench, "upload", source="a", content="b")).text
    assert "needs a path" in (await repo(bench, "upload", content="b")).text


async def test_upload_of_weights(
    hub: HubServer, bench: Bench, mine: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is large goes past the commit, and there no token is needed."""
    bench.file("model.safetensors", b"\0weights" * 1000)
    # The stand-in has no Xet storage, which huggingface_hub would rather use.
    failed = await repo(bench, "upload", source="model.safetensors")
    assert failed.text.startswith("The files could not be transferred: ")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    found = await repo(bench, "upload", source="model.safetensors")
    assert found.ok
    assert mine.head.files["model.safetensors"] == b"\0weights" * 1000
    (put,) = hub.asked("/lfs/.*", "PUT")
    assert "authorization" not in put.headers


async def test_credentials_are_not_published(
    hub: HubServer, bench: Bench, mine: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_anns_long_token_value")
    hub.tokens["hf_anns_long_token_value"] = "ann"
    bench.file("train.py", 'login("hf_anns_long_token_value")')
    before = mine.head
    for arguments in (
        {"source": "train.py"},
        {"source": "."},
        {"path": "x", "content": "t = 'hf_anns_long_token_value'"},
    ):
        found = await repo(bench, "upload", **arguments)
        assert not found.ok
        assert "holds the value of HF_TOKEN: take it out" in found.text
    assert mine.head is before
    assert not hub.asked(".*/commit/.*")


async def test_upload_as_a_pull_request(hub: HubServer, bench: Bench, theirs: Repo) -> None:
    found = await repo(
        bench,
        "upload",
        repo="bob/theirs",
        type="dataset",
        path="README.md",
        content="new\n",
        message="Better words",
        create_pr=True,
    )
    assert found.text == (
        "Uploaded README.md (dataset bob/theirs) as pull request 1: "
        f"{hub.url}/datasets/bob/theirs/discussions/1"
    )
    assert theirs.head.files["README.md"] == b"old\n"


async def test_delete_files(hub: HubServer, bench: Bench, mine: Repo) -> None:
    found = await repo(bench, "delete", paths=["README.md", "data/"])
    assert found.text.startswith("Deleted README.md, data/ (model ann/mine, main)")
    assert mine.head.files == {}
    assert mine.head.title == "Delete README.md, data/"
    missing = await repo(bench, "delete", paths=["README.md"])
    assert not missing.ok
    assert "has no" in missing.text
    assert "needs paths" in (await repo(bench, "delete")).text


async def test_create_update_and_delete(hub: HubServer, bench: Bench) -> None:
    found = await repo(bench, "create", repo="ann/new", type="dataset")
    assert found.text == f"Created private dataset ann/new: {hub.url}/datasets/ann/new"
    made = hub.repos[("dataset", "ann/new")]
    assert made.visibility == "private"
    again = await repo(bench, "create", repo="ann/new", type="dataset")
    assert again.text.startswith("dataset ann/new is there already")
    updated = await repo(
        bench, "update", repo="ann/new", type="dataset", visibility="public", gated="manual"
    )
    assert updated.text.startswith("Updated dataset ann/new: public, gated: manual.")
    assert (made.visibility, made.gated) == ("public", "manual")
    await repo(bench, "update", repo="ann/new", type="dataset", gated="off")
    assert made.gated is False
    assert "needs visibility or gated" in (await repo(bench, "update")).text
    gone = await repo(bench, "delete", repo="ann/new", type="dataset", remove=True)
    assert gone.text == "Deleted dataset ann/new."
    assert not hub.repos
    unclear = await repo(bench, "delete", paths=["x"], remove=True)
    assert "not both" in unclear.text


async def test_create_a_space(hub: HubServer, bench: Bench) -> None:
    without = await repo(bench, "create", repo="ann/app", type="space")
    assert "needs an sdk" in without.text
    made = await repo(
        bench, "create", repo="ann/app", type="space", sdk="gradio", visibility="public"
    )
    assert made.text.startswith("Created public space ann/app")
    nameless = await repo(bench, "create", repo="app")
    assert nameless.text == "name its owner: ann/app, or an organization's"


@pytest.mark.parametrize("kind", ["branch", "tag"])
async def test_branches_and_tags(hub: HubServer, bench: Bench, mine: Repo, kind: str) -> None:
    first = mine.head
    mine.commit("second", {"x": "y"})
    made = await repo(bench, kind, name="v1/x", revision=first.id)
    assert made.text == f"Created {kind} v1/x of model ann/mine."
    assert (mine.branches if kind == "branch" else mine.tags)["v1/x"] is first
    again = await repo(bench, kind, name="v1/x")
    assert again.text == f"model ann/mine has a {kind} v1/x already, at {first.id}"
    gone = await repo(bench, kind, name="v1/x", remove=True)
    assert gone.text == f"Deleted {kind} v1/x of model ann/mine."
    assert "v1/x" not in {**mine.branches, **mine.tags}
    missing = await repo(bench, kind, name="v1/x", remove=True)
    assert missing.text.startswith(f"model ann/mine has no {kind} v1/x")
    assert f"{kind} needs a name" in (await repo(bench, kind)).text


async def test_a_pull_request_from_its_beginning_to_its_end(
    hub: HubServer, bench: Bench, mine: Repo
) -> None:
    made = await repo(bench, "pr_create", message="Add notes", text="They were missing.")
    assert made.text.startswith(f"Opened pull request 1: {hub.url}/ann/mine/discussions/1")
    await repo(bench, "upload", path="notes.md", content="n", revision="refs/pr/1")
    assert "notes.md" not in mine.head.files
    said = await repo(bench, "pr_comment", number=1, text="Ready")
    assert said.text == f"Commented on {hub.url}/ann/mine/discussions/1"
    merged = await repo(bench, "pr_merge", number=1)
    assert merged.text.startswith("Pull request 1 is merged")
    assert mine.head.files["notes.md"] == b"n"
    late = await repo(bench, "pr_close", number=1)
    assert late.text == "pull request 1 of model ann/mine is merged already"
    await repo(bench, "pr_create", message="Another")
    closed = await repo(bench, "pr_close", number=2, text="Not needed")
    assert closed.text.startswith("Pull request 2 is closed")
    assert mine.discussions[1].status == "closed"
    assert "3 to 200" in (await repo(bench, "pr_create", message="x")).text
    assert not (await repo(bench, "pr_comment", number=1)).ok
    assert not (await repo(bench, "pr_merge")).ok


# --- what a user is shown ---


@pytest.mark.parametrize(
    ("arguments", "kind", "shown"),
    [
        ({"operation": "list"}, "read", []),
        ({"operation": "pr_get", "number": 1}, "read", []),
        (
            {"operation": "upload", "path": "README.md", "content": "all of it", "message": "m"},
            "publish",
            ["upload to model ann/mine, revision main: README.md", "all of it", "m"],
        ),
        (
            {"operation": "upload", "source": "out", "revision": "dev", "create_pr": True},
            "publish",
            ["model ann/mine, revision dev as a pull request: out to /"],
        ),
        (
            {"operation": "delete", "paths": ["a", "b/"], "type": "dataset"},
            "destroy",
            ["delete from dataset ann/mine, revision main: a, b/"],
        ),
        ({"operation": "delete", "remove": True}, "destroy", ["the whole model ann/mine"]),
        ({"operation": "create", "type": "space", "sdk": "docker"}, "publish", ["private space"]),
        ({"operation": "update", "visibility": "public"}, "publish", ["model ann/mine: public"]),
        (
            {"operation": "tag", "name": "v1", "text": "first"},
            "publish",
            ["create tag v1", "first"],
        ),
        ({"operation": "branch", "name": "b", "remove": True}, "destroy", ["delete branch b"]),
        (
            {"operation": "pr_create", "message": "Title", "text": "Why"},
            "publish",
            ["Title", "Why"],
        ),
        ({"operation": "pr_comment", "number": 4, "text": "Hi"}, "publish", ["request 4", "Hi"]),
        ({"operation": "pr_merge", "number": 4}, "publish", ["merge pull request 4 of model"]),
    ],
    ids=lambda value: value.get("operation") if isinstance(value, dict) else None,
)
def test_effects(arguments: dict[str, Any], kind: str, shown: list[str]) -> None:
    found = effect(**arguments)
    assert found.kind == kind
    assert all(words in found.preview for words in shown)
    assert found.paths == (("out",) if "source" in arguments else ())
