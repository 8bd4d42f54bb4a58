"""hf_search against the stand-in Hub."""

from tests.stand_ins.hub_server import HubServer
from tests.tools.bench import Bench


async def test_models(hub: HubServer, bench: Bench) -> None:
    hub.add(
        "Qwen/Qwen3-8B",
        downloads=1_234_567,
        likes=890,
        pipeline_tag="text-generation",
        tags=["license:apache-2.0", "text-generation"],
        safetensors={"parameters": {"BF16": 8_190_735_360}, "total": 8_190_735_360},
    )
    hub.add("Qwen/Qwen3-gated", gated="manual", downloads=5, likes=0, tags=[])
    found = await bench.call("hf_search", operation="models", query="qwen3", sort="downloads")
    first, second = found.text.splitlines()
    assert first.startswith(
        "Qwen/Qwen3-8B | text-generation | 8.2B parameters | license apache-2.0 | "
        "1.2M downloads | 890 likes | updated 2026-"
    )
    assert second.startswith("Qwen/Qwen3-gated | 5 downloads | 0 likes | gated (manual)")
    request = hub.requests[-1]
    assert (request.query["search"], request.query["sort"]) == ("qwen3", "downloads")
    assert "safetensors" in request.queries("expand")


async def test_filters_must_all_fit(hub: HubServer, bench: Bench) -> None:
    hub.add("a/x", tags=["gguf", "license:mit"])
    hub.add("a/y", tags=["gguf"])
    hub.add("b/x", tags=["gguf", "license:mit"])
    found = await bench.call(
        "hf_search", operation="models", author="a", filters=["gguf", "license:mit"]
    )
    assert found.text.startswith("a/x | license mit | 0 downloads")
    assert len(found.text.splitlines()) == 1


async def test_datasets(hub: HubServer, bench: Bench) -> None:
    tags = ["size_categories:1K<n<10K", "license:cc-by-4.0"]
    hub.add("ann/chat", "dataset", tags=tags, downloads=1500, likes=2)
    found = await bench.call("hf_search", operation="datasets", query="chat")
    assert found.text.startswith("ann/chat | 1K<n<10K rows | license cc-by-4.0 | 1.5k downloads")


async def test_spaces_by_what_they_do(hub: HubServer, bench: Bench) -> None:
    hub.add("ann/background-removal", "space", about="Takes the background away", likes=7)
    found = await bench.call("hf_search", operation="spaces", query="background removal tool")
    assert found.text == (
        "ann/background-removal | Takes the background away | gradio | RUNNING | 7 likes"
    )
    assert hub.requests[-1].path == "/api/spaces/semantic-search"


async def test_spaces_of_an_author(hub: HubServer, bench: Bench) -> None:
    hub.add("ann/demo", "space", likes=7, sdk="docker")
    found = await bench.call("hf_search", operation="spaces", author="ann", sort="likes")
    assert found.text.startswith("ann/demo | docker | 7 likes")
    refused = await bench.call("hf_search", operation="spaces", sort="downloads")
    assert (refused.ok, "no downloads" in refused.text) == (False, True)


async def test_pages_are_followed_as_far_as_needed(hub: HubServer, bench: Bench) -> None:
    for n in range(7):
        hub.add(f"ann/m{n}")
    hub.list_page = 2
    every = await bench.call("hf_search", operation="models", limit=7)
    assert len(every.text.splitlines()) == 7
    hub.requests.clear()
    some = await bench.call("hf_search", operation="models", limit=3)
    assert some.text.splitlines()[3:] == [
        "[there are more: raise limit, or narrow it with query, author or filters]"
    ]
    assert len(hub.requests) == 2


async def test_nothing_fits(hub: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_search", operation="datasets", query="zzz", filters=["a"])
    assert (found.ok, found.text) == (True, "no datasets fit zzz, a")
