"""Buckets of the stand-in Hub: details, files, copies. What is uploaded goes to Xet's own storage,
which is no part of the stand-in: it refuses the token for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_jobs import START
from tests.stand_ins.service import Answer, Refusal, Request

if TYPE_CHECKING:
    from tests.stand_ins.hub_server import HubServer


@dataclass
class Bucket:
    """files: by path, (size, hash, when)."""

    name: str
    files: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def shown(self, path: str) -> dict[str, Any]:
        size, digest, at = self.files[path]
        return {"type": "file", "path": path, "size": size, "xetHash": digest, "mtime": at,
                "uploadedAt": at}  # fmt: skip


class Buckets:
    def __init__(self, hub: HubServer) -> None:
        self._hub = hub
        self.buckets: dict[str, Bucket] = {}

    def add(self, name: str, **sizes: int) -> Bucket:
        """sizes: of the files, by name."""
        files = {path: (size, f"{n:064x}", START) for n, (path, size) in enumerate(sizes.items())}
        self.buckets[name] = Bucket(name, files)
        return self.buckets[name]

    def answer(self, request: Request) -> Answer | None:
        parts = request.parts
        if parts[:2] != ["api", "buckets"] or len(parts) < 4:
            return None
        bucket = self.buckets.get("/".join(parts[2:4]))
        if self._hub.user(request) != parts[2]:
            raise Refusal(errors.NO_TOKEN)
        if bucket is None:
            return errors.not_found()
        rest, path = parts[4:5], "/".join(parts[5:])
        if not rest:
            total = sum(size for size, *_ in bucket.files.values())
            return Answer({"id": bucket.name, "author": parts[2], "private": True,
                           "createdAt": START, "updatedAt": START, "size": total,
                           "totalFiles": len(bucket.files), "repoType": "bucket",
                           "cdnRegions": []})  # fmt: skip
        if rest == ["tree"]:
            return Answer([bucket.shown(p) for p in bucket.files if p.startswith(path)])
        if rest == ["paths-info"]:
            return Answer([bucket.shown(p) for p in request.json()["paths"] if p in bucket.files])
        if rest == ["batch"]:
            return self._batch(bucket, request)
        return None

    def _batch(self, bucket: Bucket, request: Request) -> Answer:
        lines = [json.loads(line) for line in request.body.splitlines() if line.strip()]
        known = {d: size for b in self.buckets.values() for size, d, _ in b.files.values()}
        for line in lines:
            digest = line["xetHash"]
            bucket.files[line["path"]] = (known[digest], digest, START)
        done = len(lines)
        return Answer({"success": True, "processed": done, "succeeded": done, "failed": []})
