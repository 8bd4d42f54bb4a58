"""The Hub's dataset viewer over HTTP: rows and facts of a dataset without downloading it.

Endpoints and shapes: https://huggingface.co/docs/dataset-viewer. huggingface_hub has no calls for
them. A failure is a ViewerError whose text says what to do next
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
ROWS: dict[str, type] = {"features": list, "rows": list}
SHAPES: dict[str, dict[str, type]] = {
    # preview, viewer, search, filter, statistics: what can be asked about a dataset.
    "/is-valid": {"preview": bool, "viewer": bool},
    # splits: [{dataset, config, split}], pending, failed.
    "/splits": {"splits": list},
    # size: {dataset|config, configs, splits: [{num_rows, estimated_num_rows, ...}]}.
    "/size": {"size": dict},
    # dataset_info: description, license, features, ...; by config where none is named.
    "/info": {"dataset_info": dict},
    # rows: [{row_idx, row, truncated_cells}], at most 100; truncated.
    "/first-rows": ROWS,
    # The rows from `offset` on, `length` of them; num_rows_per_page, partial.
    "/rows": {**ROWS, "num_rows_total": int},
    # Those whose string columns hold the words of `query`, or fulfil the SQL condition `where`.
    "/search": {**ROWS, "num_rows_total": int},
    "/filter": {**ROWS, "num_rows_total": int},
    # statistics: [{column_name, column_type, column_statistics}], partial.
    "/statistics": {"statistics": list, "num_examples": int},
    # parquet_files: [{config, split, url, filename, size}], partial.
    "/parquet": {"parquet_files": list},
}


@dataclass(frozen=True)
class Viewer:
    """A client of the viewer that the setting `dataset_viewer_url` names."""

    hub: Hub

    async def get(self, path: str, dataset: str, **params: Any) -> dict[str, Any]:
        """The answer at a path of SHAPES. Raises ViewerError, ToolError."""
        if offline():
            raise ToolError(OFFLINE)
        # The token goes to this address alone: Hugging Face's own, or the person's setting, which
        # a project cannot change. http.get leaves it behind where a redirect leads elsewhere.
        token = await asyncio.to_thread(hub_token)
        reply = await http.get(
            self.hub.settings.dataset_viewer_url.rstrip("/") + path,
            http.GetOptions(log=self.hub.log),
            params={"dataset": dataset, **params},
            headers=bearer(token),
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
