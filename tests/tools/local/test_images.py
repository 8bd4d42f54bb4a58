"""Pictures: read by their content, shrunk, and shown to models that see."""

import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from configs.settings import Settings
from core.parsing.images import kind_of, prepared
from core.parsing.pictures import BYTES, SIDE
from core.store import open_store
from nodes.services import build_services
from tests.graph.driving import driven
from tests.stand_ins.model_script import Call, Reply
from tests.tools.bench import Bench


def picture(kind: str, size: tuple[int, int] = (4, 3), **options: Any) -> bytes:
    target = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(target, kind, **options)
    return target.getvalue()


@pytest.fixture
async def seeing(settings: Settings, workdir: Path) -> AsyncIterator[Bench]:
    able = settings.model_copy(update={"vision": True})
    async with await open_store(able) as store:
        yield Bench(build_services(able, store), workdir)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_what_a_picture_is_follows_from_its_content(kind: str, seeing: Bench) -> None:
    seeing.file("plot.dat", picture(kind))
    result = await seeing.call("read", path="plot.dat")
    assert result.text.startswith(f"plot.dat: {kind.lower()}, 4×3 pixels")
    (shown,) = result.images
    assert shown["mime_type"] == f"image/{kind.lower()}"
    assert base64.b64decode(shown["base64"]) == (seeing.cwd / "plot.dat").read_bytes()


async def test_a_large_one_is_shrunk(seeing: Bench) -> None:
    seeing.file("big.png", picture("PNG", (3000, 1500), compress_level=1))
    result = await seeing.call("read", path="big.png")
    assert "3000×1500 pixels" in result.text
    assert f"shown at {SIDE}×784" in result.text
    content = base64.b64decode(result.images[0]["base64"])
    assert len(content) <= BYTES
    assert Image.open(io.BytesIO(content)).size == (SIDE, 784)


async def test_of_an_animation_the_first_picture() -> None:
    frames = [Image.new("RGB", (5, 5), (n * 90, 0, 0)) for n in range(3)]
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:])
    told, shown = await prepared("a.gif", target.getvalue())
    assert told.endswith("the first picture of it")
    assert kind_of(base64.b64decode(shown["base64"])) == "image/png"


@pytest.mark.parametrize(
    "content", [picture("PNG")[:60], b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\0" * 9]
)
async def test_a_broken_one_is_one_line(content: bytes, seeing: Bench) -> None:
    seeing.file("x.png", content)
    result = await seeing.call("read", path="x.png")
    assert (result.ok, result.images) == (False, [])
    assert "x.png is not a picture that can be read" in result.text
    assert "\n" not in result.text


async def test_a_model_that_does_not_see_is_told(bench: Bench) -> None:
    bench.file("x.png", picture("PNG"))
    result = await bench.call("read", path="x.png")
    assert (result.ok, result.images) == (True, [])
    assert "cannot see pictures" in result.text


async def test_a_turn_with_a_picture_and_then_a_blind_model(
    settings: Settings, workdir: Path
) -> None:
    (workdir / "x.png").write_bytes(picture("PNG"))
    sent = base64.b64encode((workdir / "x.png").read_bytes()).decode()
    script = [Reply(calls=[Call("read", {"path": "x.png"})]), Reply("a plot")]
    able = settings.model_copy(update={"vision": True})
    async with driven(script, able, workdir) as driver:
        assert (await driver.send("look")).text == "a plot"
        assert json.dumps(driver.server.bodies[-1]).count(sent) == 1
        thread = driver.session.thread.id
    async with driven([Reply("gone")], settings, workdir, thread=thread) as driver:
        assert (await driver.send("again")).text == "gone"
        said = json.dumps(driver.server.bodies[-1])
        assert sent not in said
        assert "[a picture, left out]" in said
