"""The Hub's dataset viewer on 127.0.0.1, over rows that a test gives; able to misbehave.

    data = {"org/name": {"default": {"train": Split([{"text": "a"}, {"text": "b"}])}}}
    with ViewerServer(data) as server:
        server.misbehave("/rows", "rate_limited", times=2)
        ...  # Settings(dataset_viewer_url=server.url)
    assert not server.violations

Requests and answers are held to the viewer's OpenAPI document (tests/stand_ins/contract.py):
what differs is kept in `violations`. The document is loosened where its own examples break it:
one of its `oneOf`s fits several types (a string is a value and JSON), and `dtype` lists names with
explanations ("float64 (alias double)"). It knows neither 400 nor 429, which the service sends
(libs/libapi/src/libapi/exceptions.py, and the Hub's rate limits).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.stand_ins.contract import FOLDER, Contract
from tests.stand_ins.viewer_data import Split

__all__ = ["Split", "ViewerServer"]

Trouble = Literal[
    "rate_limited", "rate_limited_long", "server_error", "unexpected", "not_ready",
    "not_ready_as_sent", "streaming", "malformed", "other_shape", "slow", "hang_up", "blocked",
    "not_searchable", "none",
]  # fmt: skip

MISSING = (
    "The dataset does not exist, or is not accessible without authentication (private or gated). "
    "Please check the spelling of the dataset name or retry with authentication."
)
BUSY = "The server is busier than usual and the response is not ready yet. Please retry later."
BROKEN = {
    "error": "Cannot load the dataset split (in streaming mode) to extract the first rows.",
    "cause_exception": "FileNotFoundError",
    "cause_message": "https://example.org/data.tgz",
    "cause_traceback": ["Traceback (most recent call last):\n"],
}


@cache
def contract() -> Contract:
    def loosened(value: Any) -> Any:
        if isinstance(value, list):
            return [loosened(one) for one in value]
        if isinstance(value, dict):
            return {("anyOf" if k == "oneOf" else k): loosened(v) for k, v in value.items()}
        return value

    document = loosened(json.loads((FOLDER / "dataset-viewer.json").read_text(encoding="utf-8")))
    document["components"]["schemas"]["ValueFeature"]["properties"]["dtype"] = {"type": "string"}
    return Contract(document)


@dataclass
class Asked:
    """A request as it came: path, parameters, lower-case header names."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


@dataclass
class ViewerServer:
    """The server, started by `with` on its own thread.

    Attributes:
        data: splits by dataset, config and split.
        gated: datasets that only `token` opens; all others are open.
        capabilities: what /is-valid says of a dataset, if it is not "everything".
        retry_after: sent with troubles that pass, so that tests need not wait.
    """

    data: Mapping[str, Mapping[str, Mapping[str, Split]]] = field(default_factory=dict)
    gated: tuple[str, ...] = ()
    token: str = "hf_reader"
    capabilities: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    retry_after: str = "0"
    asked: list[Asked] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._troubles: dict[str, list[Trouble]] = {}
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (_Handler,), {"of": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> ViewerServer:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def misbehave(self, path: str, trouble: Trouble, times: int = 1) -> None:
        """The next `times` requests of `path` meet this trouble; "none" lets them through."""
        self._troubles.setdefault(path, []).extend([trouble] * times)

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        waiting = self._troubles.get(asked.path, [])
        if waiting:
            made = self._trouble(waiting.pop(0))
            if made is not None:
                return made
        try:
            return Answer(200, self._body(asked))
        except Refused as refused:
            return refused.answer

    def _trouble(self, kind: Trouble) -> Answer | None:
        soon = {"Retry-After": self.retry_after}
        match kind:
            case "rate_limited":
                return Answer(429, {"error": "too many"}, {"RateLimit": '"api";r=0;t=0'})
            case "rate_limited_long":
                return Answer(429, {"error": "too many"}, {"RateLimit": '"api";r=0;t=280'})
            case "server_error":
                return Answer(500, "Internal Server Error.", soon)
            case "unexpected":
                return _error(500, "UnexpectedError", "Unexpected error.", soon)
            case "not_ready":
                return _error(500, "ResponseNotReadyError", BUSY, soon)
            case "not_ready_as_sent":
                # The document says ResponseNotReadyError, the service's code sends this.
                return _error(500, "ResponseNotReady", BUSY, soon)
            case "streaming":
                return Answer(500, BROKEN, {"X-Error-Code": "StreamingRowsError", **soon})
            case "not_searchable":
                code = "SearchFeatureNotAvailableError"
                return _error(400, code, "The split does not support search.")
            case "blocked":
                said = "The parquet conversion has been disabled for this dataset for now."
                return _error(501, "DatasetInBlockListError", said)
            case "malformed":
                return Answer(200, '{"rows": [')
            case "other_shape":
                return Answer(200, ["not", "the", "viewer"])
            case "hang_up":
                raise ConnectionAbortedError
            case "slow":
                self._stopping.wait(1)
        return None

    def _body(self, asked: Asked) -> Any:
        p = asked.params
        for name in ("dataset", *(() if asked.path in _WHOLE else ("config", "split"))):
            if not p.get(name):
                said = f"Parameter '{name}' is required"
                raise Refused(_error(422, "MissingRequiredParameter", said))
        dataset = p["dataset"]
        bearer = asked.headers.get("authorization", "")
        hidden = dataset in self.gated and bearer != f"Bearer {self.token}"
        if dataset not in self.data or hidden:
            if bearer:
                raise Refused(_error(404, "ExternalAuthenticatedError", MISSING))
            raise Refused(_error(401, "ExternalUnauthenticatedError", MISSING))
        configs = self.data[dataset]
        if "config" in p and p["config"] not in configs:
            raise Refused(_error(404, "ResponseNotFound", "Not found."))
        if asked.path in _WHOLE:
            chosen = {c: s for c, s in configs.items() if p.get("config") in (None, c)}
            return _WHOLE[asked.path](self, dataset, chosen, p)
        if p["split"] not in configs[p["config"]]:
            raise Refused(_error(404, "ResponseNotFound", "Not found."))
        return _of_split(asked.path, configs[p["config"]][p["split"]], p)

    def _is_valid(self, dataset: str, configs: Any, p: Any) -> Any:
        everything = dict.fromkeys(("preview", "viewer", "search", "filter", "statistics"), True)
        return {**everything, **self.capabilities.get(dataset, {})}

    def _splits(self, dataset: str, configs: Any, p: Any) -> Any:
        found = [
            {"dataset": dataset, "config": c, "split": s}
            for c, splits in configs.items()
            for s in splits
        ]
        return {"splits": found, **({} if "config" in p else {"pending": [], "failed": []})}

    def _size(self, dataset: str, configs: Any, p: Any) -> Any:
        splits = [
            {**_sizes(len(x.rows)), "dataset": dataset, "config": c, "split": s,
             "num_columns": len(x.types())}
            for c, found in configs.items()
            for s, x in found.items()
        ]  # fmt: skip
        whole = {**_sizes(sum(s["num_rows"] for s in splits)), "num_bytes_original_files": 1}
        by_config = [
            {**whole, "dataset": dataset, "config": c, "num_columns": 1,
             "num_rows": sum(s["num_rows"] for s in splits if s["config"] == c)}
            for c in configs
        ]  # fmt: skip
        if "config" in p:
            return {"size": {"config": by_config[0], "splits": splits}, "partial": False}
        size = {"dataset": {**whole, "dataset": dataset}, "configs": by_config, "splits": splits}
        return {"size": size, "pending": [], "failed": [], "partial": False}

    def _info(self, dataset: str, configs: Any, p: Any) -> Any:
        infos = {
            c: {"description": f"{dataset}, {c}", "license": "mit", "config_name": c}
            for c in configs
        }
        info: Any = infos[p["config"]] if "config" in p else infos
        return {"dataset_info": info, "partial": False}

    def _parquet(self, dataset: str, configs: Any, p: Any) -> Any:
        files = [
            {"dataset": dataset, "config": c, "split": s, "filename": "0000.parquet", "size": 9,
             "url": f"{self.url}/{dataset}/{c}/{s}/0000.parquet"}
            for c, splits in configs.items()
            for s in splits
        ]  # fmt: skip
        return {"parquet_files": files, "partial": False}


_WHOLE: dict[str, Callable[[ViewerServer, str, Any, dict[str, str]], Any]] = {
    "/is-valid": ViewerServer._is_valid,
    "/splits": ViewerServer._splits,
    "/size": ViewerServer._size,
    "/info": ViewerServer._info,
    "/parquet": ViewerServer._parquet,
}


def _of_split(path: str, split: Split, p: dict[str, str]) -> Any:
    if path == "/statistics":
        return {
            "num_examples": len(split.rows),
            "statistics": split.statistics(),
            "partial": split.partial,
        }
    if path == "/first-rows":
        shown = split.items(range(len(split.rows))[:100], cut=True)
        return {
            "dataset": p["dataset"], "config": p["config"], "split": p["split"],
            "features": split.feature_items(), "rows": shown,
            "truncated": len(split.rows) > 100 or bool(split.truncated),
        }  # fmt: skip
    indices = list(range(len(split.rows)))
    if path == "/search":
        indices = split.found(_required(p, "query"))
    elif path == "/filter":
        try:
            indices = split.filtered(_required(p, "where"))
        except sqlite3.Error:
            said = "A query parameter is invalid"
            raise Refused(_error(422, "InvalidParameter", said)) from None
    offset, length = int(p.get("offset", 0)), int(p.get("length", 100))
    if length > 100:
        said = "Parameter 'length' must not be greater than 100"
        raise Refused(_error(422, "InvalidParameter", said))
    return {
        "features": split.feature_items(),
        "rows": split.items(indices[offset : offset + length]),
        "num_rows_total": len(indices),
        "num_rows_per_page": 100,
        "partial": split.partial,
    }


def _required(p: dict[str, str], name: str) -> str:
    if not p.get(name):
        said = f"Parameter '{name}' is required"
        raise Refused(_error(422, "MissingRequiredParameter", said))
    return p[name]


def _sizes(rows: int) -> dict[str, Any]:
    return {
        "num_bytes_parquet_files": 10 * rows, "num_bytes_memory": 20 * rows,
        "num_rows": rows, "estimated_num_rows": None,
    }  # fmt: skip


def _error(status: int, code: str, said: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"error": said}, {"X-Error-Code": code, **(headers or {})})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: ViewerServer

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the tests read `asked`."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        headers = {k.lower(): v for k, v in self.headers.items()}
        asked = Asked(url.path, dict(parse_qsl(url.query, keep_blank_values=True)), headers)
        self.of.asked.append(asked)
        known = contract().has("GET", self.path)
        problems = contract().request_problems("GET", self.path)
        if not known:
            problems = [f"GET {url.path}: there is no such operation"]
        try:
            answer = self.of.answer(asked) if known else Answer(404, {"error": "Not found."})
        except ConnectionAbortedError:
            self.close_connection = True
            return
        if not isinstance(answer.body, str) and answer.body != ["not", "the", "viewer"]:
            problems += contract().response_problems("GET", self.path, answer.status, answer.body)
        self.of.violations += problems
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        text = isinstance(answer.body, str)
        raw = answer.body.encode() if text else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        kind = "text/plain" if text and answer.status != 200 else "application/json"
        fixed = {"Content-Type": kind, "Cache-Control": "no-cache"}
        fixed |= {"Access-Control-Allow-Origin": "*", "Content-Length": str(len(raw))}
        for name, value in {**fixed, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
