"""The stand-in Hub, as huggingface_hub itself sees it: every call that the tools use."""

from collections.abc import Iterator

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_server import HubServer


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    return HfApi(endpoint=hub.url, token="hf_ann")


def test_a_repository_from_its_beginning_to_its_end(hub: HubServer, api: HfApi) -> None:
    api.create_repo("ann/x", private=True)
    with pytest.raises(HfHubHTTPError, match="already created"):
        api.create_repo("ann/x")
    parent = api.repo_info("ann/x").sha
    made = api.create_commit(
        "ann/x",
        [CommitOperationAdd("a/b.txt", b"text"), CommitOperationAdd("README.md", b"# X")],
        commit_message="two files",
        parent_commit=parent,
    )
    assert [e.path for e in api.list_repo_tree("ann/x", recursive=True)] == [
        ".gitattributes",
        "README.md",
        "a",
        "a/b.txt",
    ]
    assert [e.path for e in api.list_repo_tree("ann/x", "a")] == ["a/b.txt"]
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_commit(
            "ann/x",
            [CommitOperationDelete("README.md")],
            commit_message="late",
            parent_commit=parent,
        )
    assert caught.value.response.status_code == 412
    api.create_commit("ann/x", [CommitOperationDelete("a/")], commit_message="folder")
    assert [c.title for c in api.list_repo_commits("ann/x")] == [
        "folder",
        "two files",
        "initial commit",
    ]
    api.create_branch("ann/x", branch="dev/a", revision=made.oid)
    api.create_tag("ann/x", tag="v1", revision="dev/a")
    refs = api.list_repo_refs("ann/x")
    assert ([b.name for b in refs.branches], refs.tags[0].target_commit) == (
        ["main", "dev/a"],
        made.oid,
    )
    api.delete_branch("ann/x", branch="dev/a")
    api.delete_tag("ann/x", tag="v1")
    api.update_repo_settings("ann/x", private=False, gated="manual")
    assert api.repo_info("ann/x").gated == "manual"
    api.delete_repo("ann/x")
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("ann/x")


def test_pull_requests(hub: HubServer, api: HfApi) -> None:
    hub.add("bob/x", files={"README.md": "old\n"})
    made = api.create_commit(
        "bob/x",
        [CommitOperationAdd("README.md", b"new\n")],
        commit_message="Better words",
        create_pr=True,
    )
    assert made.pr_num == 1
    details = api.get_discussion_details("bob/x", 1)
    assert "+new" in details.diff
    api.comment_discussion("bob/x", 1, "please look")
    bob = HfApi(endpoint=hub.url, token="hf_bob")
    bob.merge_pull_request("bob/x", 1)
    assert hub.repos[("model", "bob/x")].head.files["README.md"] == b"new\n"
    drafted = api.create_pull_request("bob/x", "Another")
    api.change_discussion_status("bob/x", drafted.num, "closed", comment="not needed")
    listed = list(api.get_repo_discussions("bob/x", discussion_type="pull_request", author="ann"))
    assert [(d.num, d.status) for d in listed] == [(2, "closed"), (1, "merged")]


def test_lists_come_in_pages(hub: HubServer, api: HfApi) -> None:
    for n in range(5):
        hub.add(f"ann/m{n}", likes=n, tags=["nlp"])
        hub.add(f"ann/d{n}", "dataset")
        hub.add(f"ann/s{n}", "space")
    hub.list_page = 2
    assert len(list(api.list_models(search="m", filter="nlp"))) == 5
    assert len(hub.asked("/api/models")) == 3
    assert len(list(api.list_datasets(author="ann"))) == 5
    assert [s.id for s in api.list_spaces(search="s3")] == ["ann/s3"]
    assert [s.id for s in api.search_spaces("s3 anything")] == ["ann/s3"]
    hub.tree_page, hub.commits_page, hub.discussions_page = 1, 1, 1
    repo = hub.add("ann/deep", files={"a": "1", "b": "2", "c": "3"})
    repo.commit("more", {"d": "4"})
    for title in ("one", "two"):
        repo.open(title, "ann", "", True)
    assert len(list(api.list_repo_tree("ann/deep"))) == 4
    assert len(api.list_repo_commits("ann/deep")) == 2
    assert len(list(api.get_repo_discussions("ann/deep"))) == 2


def test_papers(hub: HubServer, api: HfApi) -> None:
    hub.pages.paper("2607.1", "On Agents")
    hub.pages.daily[""] = ["2607.1"]
    hub.pages.texts["2607.1"] = "# On Agents"
    hub.pages.collections["papers/2607.1"] = ["My list"]
    assert [p.id for p in api.list_daily_papers(limit=3)] == ["2607.1"]
    assert [p.title for p in api.list_papers(query="agents")] == ["On Agents"]
    assert api.paper_info("2607.1").upvotes == 5
    assert api.read_paper("2607.1") == "# On Agents"
    assert [c.title for c in api.list_collections(item="papers/2607.1")] == ["My list"]


def test_who_may_what(hub: HubServer, api: HfApi, tmp_path: object) -> None:
    hub.add("bob/x", files={"a.txt": "a"}, gated="manual")
    hub.add("bob/hidden", visibility="private")
    nobody = HfApi(endpoint=hub.url, token=False)
    for asking in (api, nobody):
        with pytest.raises(GatedRepoError):
            asking.hf_hub_download("bob/x", "a.txt", local_dir=str(tmp_path))
        with pytest.raises(RepositoryNotFoundError):
            asking.repo_info("bob/hidden")
    with pytest.raises(HfHubHTTPError, match="write token"):
        api.create_branch("bob/x", branch="b")
    with pytest.raises(HfHubHTTPError, match="Invalid credentials"):
        HfApi(endpoint=hub.url, token="hf_old").repo_info("bob/x")
    assert api.whoami()["name"] == "ann"


def test_it_misbehaves_as_long_as_it_shall(hub: HubServer, api: HfApi) -> None:
    hub.add("ann/x")
    hub.misbehave(errors.PAYMENT, path="/api/models/ann/x", times=1)
    with pytest.raises(HfHubHTTPError, match="Pre-paid credit"):
        api.repo_info("ann/x")
    assert api.repo_info("ann/x").id == "ann/x"
    hub.misbehave(errors.BROKEN, path=".*/branch/b", method="POST", times=1, after=True)
    with pytest.raises(HfHubHTTPError):
        api.create_branch("ann/x", branch="b")
    assert "b" in hub.repos[("model", "ann/x")].branches


def test_what_differs_from_the_document_is_refused(hub: HubServer) -> None:
    import httpx

    assert httpx.get(f"{hub.url}/api/docs/search?q=x&many=1").status_code == 400
    assert hub.violations == ["GET /api/docs/search: query: there is no many"]
    hub.pages.products = [{"id": "trl"}]
    httpx.get(f"{hub.url}/api/docs")
    assert "'url' is a required property" in hub.violations[1]
    hub.violations.clear()
