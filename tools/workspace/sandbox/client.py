"""A Hugging Face sandbox with huggingface_hub's own client: made, found again, reached.

`Sandbox.create` and `Sandbox.connect` take no address of the Hub, wait in one piece, and refuse a
sandbox that still starts. So the same steps are taken here one by one, with the library's parts:
what its job runs and is given, the token that follows from the label, the HTTP client, `Sandbox`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from configs.settings import Settings
from core.credentials import variable
from core.errors import ToolError
from core.hub.connection import Hub
from core.hub.jobs import ENDED, job_of
from core.hub.library import sandbox_library

if TYPE_CHECKING:
    from huggingface_hub import HfApi, JobInfo, Sandbox

#: The label by which a thread's sandbox is found again; its value is the thread's id.
LABEL = "ml-agent-sandbox"
#: Seconds that a sandbox may take to start; hardware with GPUs may have to be waited for.
START = 600.0


@dataclass(frozen=True)
class Box:
    """A sandbox that answers. started: epoch seconds from which it is paid, 0.0 where that is not
    known."""

    id: str
    namespace: str
    flavor: str
    url: str
    started: float
    sandbox: Sandbox


def spec_of(api: HfApi, settings: Settings, flavor: str, thread: str) -> dict[str, Any]:
    """What `run_job` takes for a thread's sandbox, namespace excluded. Raises ToolError."""
    from core.secrets.child_environment import QUIET

    library, chosen = sandbox_library(), settings.sandbox
    token, nonce = library._effective_token(api), token_hex(16)
    command, env, secrets, volumes = library._bootstrap_job_spec(
        api,
        token,
        env=dict(QUIET),
        secrets=_secrets(settings, token),
        volumes=None,
        idle_timeout=chosen.idle_timeout,
        forward_hf_token=False,
        sandbox_token=library._derive_sandbox_token(token, nonce),
    )
    return {
        "image": chosen.image,
        "command": command,
        "env": env,
        "secrets": secrets,
        "volumes": volumes,
        "flavor": flavor,
        "timeout": library.SANDBOX_MAX_LIFETIME,
        "attempts": 1,
        "name": f"ml-agent-{thread}"[:60],
        "labels": {
            LABEL: thread,
            library.SANDBOX_LABEL: "1",
            library.MODE_LABEL: library.MODE_DEDICATED,
            library.NONCE_LABEL: nonce,
        },
        "expose": [library.SANDBOX_SERVER_PORT],
    }


def _secrets(settings: Settings, token: str) -> dict[str, str]:
    """Credentials that the settings name for the sandbox; none that commands may not see here."""
    found = {}
    for name in settings.sandbox.secrets:
        if name not in settings.child_tokens:
            raise ToolError(f"sandbox.secrets: {name} is not among child_tokens")
        value = token if name == "HF_TOKEN" else variable(name)
        if not value:
            raise ToolError(f"sandbox.secrets: {name} is not set on this machine")
        found[name] = value
    return found


def alive(api: HfApi, namespace: str, thread: str = "") -> list[JobInfo]:
    """The sandboxes that ml-agent made and that live or start, the oldest first; with `thread`,
    those of that thread."""
    # A release that lacks names of ours must still find and end what costs money.
    labels = {LABEL: thread} if thread else {"hf-sandbox": "1"}
    found = []
    for job in api.list_jobs(labels=labels, namespace=namespace):
        ours = (job.labels or {}).get(LABEL)
        # A server that does not filter must not hand us someone else's.
        if ours and ours == (thread or ours) and str(job.status.stage) not in ENDED:
            found.append(job)
    return sorted(found, key=lambda job: job.created_at.timestamp() if job.created_at else 0.0)


async def end_job(hub: Hub, job_id: str, namespace: str, *, cancel: bool) -> float:
    """How many seconds a sandbox ran; `cancel`: it is ended first. Raises ToolError."""

    def finish(api: HfApi) -> JobInfo:
        if cancel:
            api.cancel_job(job_id=job_id, namespace=namespace)
        return api.inspect_job(job_id=job_id, namespace=namespace)

    return job_of(await hub.ask(finish, again=False)).seconds or 0.0


def bootstrap() -> str:
    """The hash of what a sandbox's job runs, by this release. Raises ToolError."""
    return _hash(sandbox_library()._bootstrap_command())


def _hash(command: Sequence[str]) -> str:
    return sha256("\0".join(command).encode()).hexdigest()


def _check_origin(job: JobInfo, made: str) -> None:
    """Whoever may run jobs in the namespace may copy a label: the token goes to no other job.
    Raises ToolError."""
    runs = _hash(list(job.command or ()))
    if job.labels and sandbox_library().NONCE_LABEL in job.labels and runs == (made or bootstrap()):
        return
    end = f"It may cost money until it ends: `hf jobs cancel {job.id}` ends it."
    if made:
        raise ToolError(
            f"Cannot use job {job.id}: it has the label of a sandbox, but does not run what this "
            f"thread's sandbox was made with. {end}"
        )
    raise ToolError(
        f"Cannot use job {job.id}: it has the label of a sandbox, but another version of "
        f"huggingface_hub made it, or it is not a sandbox. {end}"
    )


def connected(api: HfApi, job: JobInfo, made: str) -> Box:
    """The sandbox of a job, once it answers. `made`: `bootstrap()` when it was made; empty: not
    known. Raises ToolError, SandboxError."""
    library = sandbox_library()
    _check_origin(job, made)
    nonce, url = (job.labels or {})[library.NONCE_LABEL], library._find_server_url(job)
    # The address has to be that job's own, and as safe as the Hub's.
    where, hub = urlsplit(url), urlsplit(api.endpoint)
    own = f"{job.id}--{library.SANDBOX_SERVER_PORT}."
    if where.scheme != "https" and (where.scheme, where.hostname) != (hub.scheme, hub.hostname):
        raise ToolError(f"the sandbox's address {url} is not safe")
    if not (where.hostname or "").startswith(own.lower()) and where.hostname != hub.hostname:
        raise ToolError(f"the sandbox's address {url} is another's")
    server = library._SandboxServer.from_job(
        job=job,
        nonce=nonce,
        sandbox_token=library._derive_sandbox_token(library._effective_token(api), nonce),
        api=api,
        max_connections=library.SandboxFiles.PARALLEL_MAX_WORKERS + 2,
    )
    try:
        server.wait_ready(START)
    except BaseException:
        server.close()
        raise
    started = job.started_at or job.created_at
    return Box(
        id=job.id,
        namespace=job.owner.name,
        flavor=str(getattr(job.flavor, "value", job.flavor) or ""),
        url=job.url,
        started=started.timestamp() if started else 0.0,
        sandbox=library.Sandbox(
            id=job.id, server=server, local_id=None, owns_sandbox=False, owns_server=True
        ),
    )


async def connected_to(hub: Hub, job: JobInfo, folder: str, made: str) -> Box:
    """Once it answers; the working directory is made. `made`: as in `connected`. Raises
    ToolError."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import SandboxError

    def connect(api: HfApi) -> Box:
        box = connected(api, job, made)
        box.sandbox.files.mkdir(folder)
        return box

    try:
        return await hub.ask(connect, again=False)
    except (SandboxError, HTTPError) as error:
        raise ToolError(f"the sandbox did not start: {error}") from error


async def submitted(
    hub: Hub,
    submit: Callable[[HfApi], JobInfo],
    alive: Callable[[], Awaitable[list[JobInfo]]],
    pauses: Sequence[float],
) -> JobInfo:
    """The job that `submit` makes, asked for once. After an error it may be there all the same:
    `alive` looks for it after each pause, in seconds. Raises ToolError if none was made."""
    try:
        return await hub.ask(submit, again=False)
    except ToolError:
        for pause in pauses:
            await asyncio.sleep(pause)
            try:
                found = await alive()
            except ToolError:
                continue
            if found:
                return found[0]
        raise
