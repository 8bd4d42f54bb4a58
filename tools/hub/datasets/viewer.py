"""The Hub's dataset viewer over HTTP: rows and facts of a dataset without downloading it.

Endpoints and shapes: https://huggingface.co/docs/dataset-viewer. huggingface_hub has no calls for
them. A failure is a ViewerError whose text says what to do next: a status, a header X-Error-Code
and a body {error, cause_message?}. The viewer tells gated, private and missing datasets apart for
no one, so the Hub is asked which of them it is.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import http
from core.credentials import hub_token
from core.errors import ToolError
from core.http import Reply, wanted_pause
from core.hub.connection import Hub, bearer, offline
from core.hub.errors import OFFLINE
from core.hub.refusals import Repo, log_in
from core.refusals import DATASET_VIEWER, sentence

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
#: What a code of the viewer means; the document and the server spell some differently.
CODES = {
    "ResponseNotReady": "NotReady",
    "ResponseNotReadyError": "NotReady",
    "SearchFeatureNotAvailable": "NotSearchable",
    "SearchFeatureNotAvailableError": "NotSearchable",
}
NO_ACCESS = ("ExternalUnauthenticatedError", "ExternalAuthenticatedError")


class ViewerError(ToolError):
    """A refusal of the viewer: `status` of HTTP, `code` its X-Error-Code."""

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Viewer:
    """A client of the viewer that the setting `dataset_viewer_url` names."""

    hub: Hub

    async def get(self, path: str, dataset: str, **params: Any) -> dict[str, Any]:
        """The answer at a path of SHAPES. Raises ViewerError, ToolError."""
        if offline():
            raise ToolError(OFFLINE)
        # The token goes to this address alone: Hugging Face's own, or the user's setting, which
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


def _checked(path: str, reply: Reply) -> dict[str, Any]:
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


async def refusal(hub: Hub, reply: Reply, dataset: str, has_token: bool) -> ViewerError:
    """The error for an answer that is none. `dataset`: what was asked about."""
    code = reply.headers.get("x-error-code", "")
    said, cause = _body(reply)
    if code in NO_ACCESS or (reply.status == 401 and not code):
        return ViewerError(await why_no_access(hub, dataset), reply.status, code)
    pause = wanted_pause(reply.headers)
    name = CODES.get(code, "")
    if reply.status in (404, 429):
        name = ""
    elif not name and cause and reply.status >= 500 and reply.status != 501:
        name = "Cause"
    text = sentence(
        DATASET_VIEWER,
        reply.status,
        name,
        dataset=dataset,
        said=said,
        cause=cause,
        when=f"; the limit resets in {pause:.0f} s" if pause is not None else "",
        hint="" if has_token else "; with a Hub token (HF_TOKEN) the limit is higher",
    )
    return ViewerError(text, reply.status, code)


def _body(reply: Reply) -> tuple[str, str]:
    """(what it says, the cause beneath) in a line each, whatever the body is."""
    try:
        body = reply.json()
    except ToolError:
        body = None
    if not isinstance(body, dict):
        return _line(reply.text) or "no explanation", ""
    return _line(str(body.get("error", ""))) or "no explanation", _line(
        str(body.get("cause_message", "") or "")
    )


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line[:300] + ("..." if len(line) > 300 else "")


async def why_no_access(hub: Hub, dataset: str) -> str:
    """Gated, private or missing: what the Hub says of a dataset, and of names that are near."""
    about = Repo(dataset, "dataset")
    try:
        info = await hub.ask(lambda api: api.dataset_info(dataset), about)
    except ToolError as error:
        return f"the dataset viewer cannot serve {dataset}. {error}"
    page = f"{hub.url}/{about.page}"
    if info.gated:
        return (
            f"{dataset} is gated: the user must ask for access at {page}, and {log_in()}; "
            "then try again"
        )
    if info.private:
        return (
            f"{dataset} is private, and the dataset viewer serves private datasets only of PRO "
            "and Team accounts: load it with a script"
        )
    return f"{dataset} exists ({page}), but the dataset viewer has no data for it yet"
