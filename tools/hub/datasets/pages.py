"""Reading a split through the viewer: which config and split, and rows from all over it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import ToolError
from tools.hub.datasets.viewer import PAGE, TOO_LONG, Viewer, ViewerError

#: Pages that are asked for at the same time.
AT_ONCE = 4


@dataclass(frozen=True)
class Place:
    """One split: `splits` are all of the dataset, as (config, split)."""

    dataset: str
    config: str
    split: str
    splits: tuple[tuple[str, str], ...]

    @property
    def split_params(self) -> dict[str, str]:
        """It, as parameters of the viewer."""
        return {"dataset": self.dataset, "config": self.config, "split": self.split}

    def __str__(self) -> str:
        return f"{self.dataset} ({self.config}, {self.split})"


async def place(
    viewer: Viewer,
    dataset: str,
    config: str = "",
    split: str = "",
    prefer: Sequence[str] = ("train",),
) -> Place:
    """The split that is intended; where none is named, the first of `prefer` that is there.

    Raises ToolError with the names there are.
    """
    body = await viewer.get("/splits", dataset)
    found = tuple((str(s["config"]), str(s["split"])) for s in body["splits"])
    if not found:
        raise ToolError(f"{dataset} has no split that the dataset viewer could read{_failed(body)}")
    configs = list(dict.fromkeys(c for c, _ in found))
    if config and config not in configs:
        raise ToolError(f"{dataset} has no config {config!r}; available: {', '.join(configs)}")
    config = config or ("default" if "default" in configs else configs[0])
    splits = [s for c, s in found if c == config]
    if split and split not in splits:
        raise ToolError(
            f"{dataset} has no split {split!r} in config {config}; available: {', '.join(splits)}"
        )
    chosen = split or next((s for s in prefer if s in splits), splits[0])
    return Place(dataset, config, chosen, found)


def _failed(body: Mapping[str, Any]) -> str:
    failed = [str(f.get("error", {}).get("error", "")) for f in body.get("failed") or ()]
    if failed:
        return f": {' '.join(failed[0].split())[:300]}"
    return " yet: it is still being prepared, ask again later" if body.get("pending") else ""


@dataclass(frozen=True)
class Page:
    """Some rows as the viewer gives them.

    Attributes:
        total: rows of the split; -1: unknown. partial: the viewer has only so many of it.
    """

    rows: list[dict[str, Any]]
    features: list[dict[str, Any]]
    total: int
    partial: bool = False


async def pages(
    viewer: Viewer, where: Place, wanted: int, deadline: float = float("inf")
) -> AsyncIterator[Page]:
    """About `wanted` rows in pages: all of the split, or pages spread evenly over it.

    Stops at `deadline` (time.monotonic): what came until then has been given.
    """
    first = await _page(viewer, where, 0, min(wanted, PAGE))
    yield first
    offsets = spread(first.total, wanted)[1:]
    for i in range(0, len(offsets), AT_ONCE):
        left = deadline - time.monotonic()
        if left <= 0:
            return
        asked = [_page(viewer, where, offset) for offset in offsets[i : i + AT_ONCE]]
        try:
            # A page that is slow must not hold the call past its time.
            async with asyncio.timeout(None if left == float("inf") else left):
                found = await asyncio.gather(*asked)
        except TimeoutError:
            return
        for page in found:
            yield page


def spread(total: int, wanted: int) -> list[int]:
    """Offsets of the pages to read: all, or as many as `wanted` needs, evenly from start to end."""
    if total <= wanted:
        return list(range(0, max(total, 1), PAGE))
    count = max(1, -(-wanted // PAGE))
    if count == 1:
        return [0]
    return [round(k * (total - PAGE) / (count - 1)) for k in range(count)]


async def _page(viewer: Viewer, where: Place, offset: int, length: int = PAGE) -> Page:
    try:
        body = await viewer.get("/rows", **where.split_params, offset=offset, length=length)
    except ViewerError as error:
        if error.code != TOO_LONG or length == 1:
            raise
        # Rows of megabytes: some of them say more than none.
        return await _page(viewer, where, offset, max(1, length // 10))
    total, partial = int(body["num_rows_total"]), bool(body.get("partial"))
    return Page(body["rows"], body["features"], total, partial)
