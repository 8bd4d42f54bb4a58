"""Pages of the Hub that anyone may read, kept on disk for a day, next to huggingface_hub's own."""

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from configs.folders import make_private_folder, write_atomically
from core.errors import ToolError
from core.hub.connection import Hub, offline

#: Seconds after which a page is asked for again.
FRESH = 24 * 3600


async def cached(hub: Hub, kind: str, name: str, fetch: Callable[[], Awaitable[str]]) -> str:
    """The text of `name`, fetched if there is none of today. Offline an older one will do."""
    file = await asyncio.to_thread(_file, hub.url, kind, name)
    kept, age = await asyncio.to_thread(_kept, file)
    if kept is not None and age < FRESH:
        return kept
    if kept is not None and offline():
        return kept
    text = await fetch()
    await asyncio.to_thread(_keep, file, text)
    return text


def _file(hub: str, kind: str, name: str) -> Path:
    from huggingface_hub import cached_assets_path, constants

    # huggingface_hub looks at the environment when it is imported only.
    home = os.environ.get("HF_HOME")
    folder = os.environ.get("HF_ASSETS_CACHE") or (home and os.path.join(home, "assets"))
    try:
        make_private_folder(Path(folder or constants.HF_ASSETS_CACHE))
        kept = cached_assets_path(
            "ml-agent", urlsplit(hub).netloc or "hub", kind, assets_dir=folder or None
        )
    except OSError as error:
        raise ToolError(f"the cache folder cannot be made: {error}; HF_HOME moves it") from None
    return kept / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.txt"


def _kept(file: Path) -> tuple[str | None, float]:
    try:
        return file.read_text(encoding="utf-8"), time.time() - file.stat().st_mtime
    except (OSError, UnicodeDecodeError):
        return None, 0.0


def _keep(file: Path, text: str) -> None:
    # A cache that cannot be written is none; the page was read all the same.
    with suppress(OSError):
        write_atomically(file, text)
