"""Local folders as volumes: `./data:/data`. Their files go to the private bucket
owner/jobs-artifacts, below a name that follows from the call: after a crash they get to the same
place, and no later call changes what a running job reads.

huggingface_hub's sync_job_volume would upload all that a folder holds; this takes what hf_repo's
upload takes: nothing that holds a secret.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ToolError
from core.units import size
from tools.hub.repo.files import Files, files_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi

BUCKET = "jobs-artifacts"
_LOCAL = re.compile(r"(?P<source>[.~/][^:]*):(?P<mount>/[^:]*)(?::(?P<mode>ro|rw))?")


@dataclass(frozen=True)
class Folder:
    """A local folder and where the job sees it."""

    source: str
    mount: str
    read_only: bool

    @classmethod
    def of(cls, text: str) -> Folder | None:
        found = _LOCAL.fullmatch(text.strip())
        if found is None:
            return None
        return cls(found["source"], found["mount"], found["mode"] != "rw")


def folders_in(texts: list[str]) -> list[Folder]:
    return [folder for text in texts if (folder := Folder.of(text))]


async def look_through(folders: list[Folder], cwd: str) -> list[Files]:
    """What each one holds. Raises ToolError for what must not leave this machine."""
    return [await asyncio.to_thread(files_of, one.source, "", cwd) for one in folders]


def line_of(folder: Folder, files: Files) -> str:
    """For the approval: how much leaves this machine, and what stays."""
    left = "".join(f"; left out, {why}: {len(names)}" for why, names in files.left_out.items())
    count = len(files.contents)
    return f"uploads {folder.source} ({count} files, {size(files.size)}) to a private bucket{left}"


def upload(api: HfApi, namespace: str, name: str, found: list[tuple[Folder, Files]]) -> list[Any]:
    """The volumes, once their files are in the bucket. Raises ToolError."""
    from huggingface_hub import Volume

    bucket = f"{namespace}/{BUCKET}"
    api.create_bucket(bucket, private=True, exist_ok=True)
    if not api.bucket_info(bucket).private:
        raise ToolError(f"Cannot upload a folder: the bucket {bucket} is public. Make it private.")
    volumes = []
    for number, (folder, files) in enumerate(found):
        inner = f"{name}/{number}"
        files.check_unchanged()
        added: list[Any] = [(held, f"{inner}/{path}") for path, held in files.contents.items()]
        api.batch_bucket_files(bucket, add=added)
        volumes.append(
            Volume(type="bucket", source=bucket, mount_path=folder.mount, path=inner,
                   read_only=folder.read_only)
        )  # fmt: skip
    return volumes
