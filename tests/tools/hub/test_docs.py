"""hf_docs against the stand-in Hub."""

import os
import time
from pathlib import Path

import pytest

from tests.stand_ins.hub_server import HubServer
from tests.tools.bench import Bench

PAGE = """# SFT Trainer

Supervised fine-tuning.

```python
# no heading
```

## Usage[[trl.SFTTrainer]]

Give it a model.

### Packing

Short rows together.

## Dataset format

Messages.
"""


@pytest.fixture
def docs(hub: HubServer) -> HubServer:
    hub.pages.docs = {
        "/docs/trl/sft_trainer": PAGE,
        "/docs/trl/llms.txt": "# TRL",
        "/docs/peft/lora": "# LoRA\n\nLow-rank adapters. " + "A long text. " * 200,
    }
    hub.pages.products = [
        {"id": "trl", "url": "https://huggingface.co/docs/trl", "category": "Training"},
        {"id": "peft", "url": "https://huggingface.co/docs/peft"},
    ]
    return hub


async def test_search(docs: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_docs", operation="search", query="fine-tuning adapters")
    first, second = found.text.split("\n\n")
    assert first.startswith("trl | SFT Trainer\nhttps://huggingface.co/docs/trl/sft_trainer\n# SFT")
    assert len(second) < 900
    assert "embeddings" not in found.text
    assert "0.123" not in found.text
    assert docs.requests[-1].query == {"q": "fine-tuning adapters", "limit": "8"}


async def test_search_in_a_product(docs: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_docs", operation="search", query="adapters", product="trl")
    assert found.text == "nothing in the documentation fits adapters; try other words"
    wrong = await bench.call("hf_docs", operation="search", query="adapters", product="tlr")
    assert (wrong.ok, wrong.text) == (False, "there is no product tlr; available: trl, peft")
    assert "query" in (await bench.call("hf_docs", operation="search")).text


async def test_list(docs: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_docs", operation="list")
    assert found.text.splitlines() == [
        "peft | https://huggingface.co/docs/peft",
        "trl | Training | https://huggingface.co/docs/trl",
    ]
    docs.pages.docs["/docs/trl/llms.txt"] = "- [SFT](https://huggingface.co/docs/trl/sft_trainer)"
    pages = await bench.call("hf_docs", operation="list", product="trl")
    assert pages.text.startswith("- [SFT]")
    docs.pages.html["/docs/peft"] = (
        '<a href="/docs/peft/other">x</a><nav><a href="/docs/peft/index">PEFT</a>'
        '<a href="/docs/peft/lora">\n LoRA </a><a href="/docs/peft/lora">LoRA</a></nav>'
    )
    menu = await bench.call("hf_docs", operation="list", product="peft")
    assert menu.text.splitlines() == ["PEFT | /docs/peft/index", "LoRA | /docs/peft/lora"]
    none = await bench.call("hf_docs", operation="list", product="nope")
    assert (none.ok, "list without a product" in none.text) == (False, True)
    assert not (await bench.call("hf_docs", operation="list", product="../x")).ok


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co/docs/trl/sft_trainer",
        "https://huggingface.co/docs/trl/sft_trainer.md",
        "/docs/trl/sft_trainer",
        "trl/sft_trainer",
        "docs/trl/sft_trainer/",
    ],
)
async def test_read(docs: HubServer, bench: Bench, url: str) -> None:
    assert (await bench.call("hf_docs", operation="read", url=url)).text == PAGE
    assert docs.requests[-1].path == "/docs/trl/sft_trainer.md"


@pytest.mark.parametrize(
    ("anchor", "first", "last"),
    [
        ("usage", "## Usage", "Short rows together."),
        ("trl.SFTTrainer", "## Usage", "Short rows together."),
        ("packing", "### Packing", "Short rows together."),
        ("dataset-format", "## Dataset format", "Messages."),
    ],
)
async def test_read_a_section(
    docs: HubServer, bench: Bench, anchor: str, first: str, last: str
) -> None:
    found = await bench.call("hf_docs", operation="read", url=f"trl/sft_trainer#{anchor}")
    assert found.text.startswith(first)
    assert found.text.endswith(last)


async def test_a_section_that_is_not_there(docs: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_docs", operation="read", url="trl/sft_trainer#nothing")
    assert found.text == f"[no section #nothing was found: this is the whole page]\n{PAGE}"


async def test_a_page_is_asked_for_once_a_day(docs: HubServer, bench: Bench) -> None:
    for _ in range(2):
        await bench.call("hf_docs", operation="read", url="trl/sft_trainer")
    assert len(docs.asked("/docs/trl/sft_trainer.md")) == 1
    docs.pages.docs["/docs/trl/sft_trainer"] = "new"
    for kept in Path(os.environ["HF_HOME"]).rglob("*.txt"):
        os.utime(kept, (time.time() - 90_000,) * 2)
    assert (await bench.call("hf_docs", operation="read", url="trl/sft_trainer")).text == "new"


async def test_offline_what_was_read_once_is_there(
    docs: HubServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.call("hf_docs", operation="read", url="trl/sft_trainer")
    for kept in Path(os.environ["HF_HOME"]).rglob("*.txt"):
        os.utime(kept, (time.time() - 90_000,) * 2)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert (await bench.call("hf_docs", operation="read", url="trl/sft_trainer")).text == PAGE
    other = await bench.call("hf_docs", operation="read", url="peft/lora")
    assert (other.ok, "HF_HUB_OFFLINE" in other.text) == (False, True)


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/docs/trl/x", "", "../etc", "trl/../../x", "trl/a b"]
)
async def test_only_pages_of_the_hub(docs: HubServer, bench: Bench, url: str) -> None:
    asked = len(docs.requests)
    assert not (await bench.call("hf_docs", operation="read", url=url)).ok
    assert len(docs.requests) == asked


async def test_a_page_that_is_not_there(docs: HubServer, bench: Bench) -> None:
    found = await bench.call("hf_docs", operation="read", url="trl/nope")
    assert found.text == "there is no page /docs/trl/nope; search finds pages, list a product's"
