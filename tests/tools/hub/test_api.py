"""hf_api against the stand-in Hub's OpenAPI document."""

import json

from tests.stand_ins.contract import FOLDER
from tests.stand_ins.hub_server import HubServer
from tests.tools.bench import Bench


async def test_an_operation_in_full(hub: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_api", query="create a tag")
    lines = found.text.splitlines()
    assert lines[0] == "POST /api/models/{namespace}/{repo}/tag/{rev}: Create tag | models"
    assert lines[1] == "  body {tag: string, message?: string}"
    assert lines[2] == "  200 The tag was made"
    assert lines[-1] == f"[base URL {hub.url}; Authorization: Bearer $HF_TOKEN]"


async def test_references_are_followed(hub: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_api", query="documentation", tag="docs")
    assert "  query q: string\n  query limit?: integer\n  200 [{id?: string}]" in found.text


async def test_tags(hub: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_api")
    assert found.text == "docs | 1 operations\nmodels | 1 operations"
    wrong = await bench.call("hf_api", tag="nope")
    assert (wrong.ok, wrong.text) == (False, "there is no tag nope; available: docs, models")
    none = await bench.call("hf_api", query="zzz")
    assert none.text == "no operation fits zzz; the tags are: docs, models"


async def test_the_document_is_asked_for_once(hub: HubServer, bench: Bench) -> None:
    await bench.call("hf_api", query="tag")
    await bench.call("hf_api", query="docs")
    assert len(hub.asked("/.well-known/openapi.json")) == 1


async def test_the_hubs_own_document(hub: HubServer, bench: Bench) -> None:
    hub.pages.openapi = json.loads((FOLDER / "hf-hub.json").read_text(encoding="utf-8"))
    found = await bench.call("hf_api", query="merge pull request", limit=1)
    assert found.text.startswith(
        "POST /api/{repoType}/{namespace}/{repo}/discussions/{num}/merge: Merge a pull request"
    )
    many = await bench.call("hf_api", query="commit", limit=2)
    assert "more fit less; raise limit or name a tag]" in many.text
    discussion = await bench.call("hf_api", query="create discussion", limit=2)
    assert "body {title: string, description: string, pullRequest?: boolean}" in discussion.text


async def test_a_document_that_is_none_is_not_kept(hub: HubServer, bench: Bench) -> None:
    good = hub.pages.openapi
    hub.pages.openapi = {"paths": []}
    wrong = await bench.call("hf_api", query="tag")
    assert (wrong.ok, "could not be understood" in wrong.text) == (False, True)
    hub.pages.openapi = good
    assert (await bench.call("hf_api", query="tag")).ok
