"""The Hub's dataset viewer over HTTP: rows and facts of a dataset without downloading it.

Endpoints and shapes: https://huggingface.co/docs/dataset-viewer. huggingface_hub has no calls for
them. Every method is one GET; a failure is a ViewerError whose text says what to do next
(tools/hub/datasets/viewer_errors.py).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import http
from core.errors import ToolError
from core.hub.connection import Hub, bearer, hub_token, offline
from core.hub.errors import OFFLINE
from tools.hub.datasets.viewer_errors import ViewerError, refusal

#: Rows that one request gives at most.
PAGE = 100

#: The code of an answer that is longer than what is read.
TOO_LONG = "TooLong"

#: What an answer must hold to be one; anything else came from another server.
SHAPES: dict[str, dict[str, type]] = {
    "/is-valid": {"preview": bool, "viewer": bool},
    "/splits": {"splits": list},
    "/size": {"size": dict},
    "/info": {"dataset_info": dict},
    "/first-rows": {"features": list, "rows": list},
    "/rows": {"features": list, "rows": list, "num_rows_total": int},
    "/search": {"features": list, "rows": list, "num_rows_total": int},
    "/filter": {"features": list, "rows": list, "num_rows_total": int},
    "/statistics": {"statistics": list, "num_examples": int},
    "/parquet": {"parquet_files": list},
}


@dataclass(frozen=True)
class Viewer:
    """A client of the viewer that the setting `dataset_viewer_url` names."""

    hub: Hub

    async def is_valid(self, dataset: str) -> dict[str, Any]:
        """{preview, viewer, search, filter, statistics}: what can be asked about it."""
        return await self._get("/is-valid", dataset)

    async def splits(self, dataset: str, config: str | None = None) -> dict[str, Any]:
        """{splits: [{dataset, config, split}], pending, failed}."""
        return await self._get("/splits", dataset, config=config)

    async def size(self, dataset: str, config: str | None = None) -> dict[str, Any]:
        """{size: {dataset|config, configs, splits: [{num_rows, estimated_num_rows, ...}]}}."""
        return await self._get("/size", dataset, config=config)

    async def info(self, dataset: str, config: str | None = None) -> dict[str, Any]:
        """{dataset_info: description, license, features, ...; by config where none is named}."""
        return await self._get("/info", dataset, config=config)

    async def first_rows(self, dataset: str, config: str, split: str) -> dict[str, Any]:
        """{features, rows: [{row_idx, row, truncated_cells}], truncated}; at most 100 rows."""
        return await self._get("/first-rows", dataset, config=config, split=split)

    async def rows(
        self, dataset: str, config: str, split: str, offset: int = 0, length: int = PAGE
    ) -> dict[str, Any]:
        """{features, rows, num_rows_total, num_rows_per_page, partial}."""
        slice_ = {"offset": offset, "length": length}
        return await self._get("/rows", dataset, config=config, split=split, **slice_)

    async def search(
        self, dataset: str, config: str, split: str, query: str, offset: int = 0, length: int = PAGE
    ) -> dict[str, Any]:
        """Rows whose string columns hold the words of `query`; shape of `rows`."""
        asked = {"query": query, "offset": offset, "length": length}
        return await self._get("/search", dataset, config=config, split=split, **asked)

    async def filter(
        self, dataset: str, config: str, split: str, where: str, offset: int = 0, length: int = PAGE
    ) -> dict[str, Any]:
        """Rows for which the SQL condition `where` holds; shape of `rows`."""
        asked = {"where": where, "offset": offset, "length": length}
        return await self._get("/filter", dataset, config=config, split=split, **asked)

    async def statistics(self, dataset: str, config: str, split: str) -> dict[str, Any]:
        """{num_examples, statistics: [{column_name, column_type, column_statistics}], partial}."""
        return await self._get("/statistics", dataset, config=config, split=split)

    async def parquet(self, dataset: str, config: str | None = None) -> dict[str, Any]:
        """{parquet_files: [{config, split, url, filename, size}], partial}."""
        return await self._get("/parquet", dataset, config=config)

    async def _get(self, path: str, dataset: str, **params: Any) -> dict[str, Any]:
        if offline():
            raise ToolError(OFFLINE)
        # The token goes to this address alone: Hugging Face's own, or the person's setting, which
        # a project cannot change. http.get leaves it behind where a redirect leads elsewhere.
        token = await asyncio.to_thread(hub_token)
        reply = await http.get(
            self.hub.settings.dataset_viewer_url.rstrip("/") + path,
            params={"dataset": dataset, **params},
            headers=bearer(token),
            most=http.MOST,
            log=self.hub.log,
        )
        if not reply.ok:
            raise await refusal(self.hub, reply, dataset, bool(token))
        return _checked(path, reply)


def _checked(path: str, reply: http.Reply) -> dict[str, Any]:
    if reply.cut:
        said = f"{reply.url} answered with more than {http.MOST:,} bytes"
        raise ViewerError(said, reply.status, TOO_LONG)
    try:
        body = reply.json()
    except ToolError as error:
        raise ViewerError(f"{error}; is dataset_viewer_url right?", reply.status) from None
    wrong = [
        key
        for key, kind in SHAPES[path].items()
        if not isinstance(body, Mapping) or not isinstance(body.get(key), kind)
    ]
    if wrong:
        what = f"{reply.url} answered without a proper {wrong[0]!r}"
        raise ViewerError(f"{what}; is dataset_viewer_url right?", reply.status)
    return dict(body)
