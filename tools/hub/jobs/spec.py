"""What a job is to run: a script sent inline, or a command, with its environment."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import re
import shlex
from typing import TYPE_CHECKING, Any

from core.credentials import check_local_file
from core.errors import ToolError
from core.hub.leaving_secrets import secrets_of
from core.hub.library import check_method
from core.policy.paths import resolved
from core.secrets.credential_names import is_credential_name
from core.secrets.leaving import credential_in_text
from core.secrets.values import secrets_of as secrets_of_value
from core.store.files.no_links import read_file
from core.tool import ToolContext
from core.units import seconds_of
from tools.hub.jobs.arguments import JobsArguments
from tools.hub.jobs.folders import Folder
from tools.hub.jobs.smoke import LONGEST, wrapped
from tools.hub.jobs.tracking import tracking

if TYPE_CHECKING:
    from huggingface_hub import Volume


#: Images, where none is named: for Python scripts, and for commands.
SCRIPT_IMAGE, COMMAND_IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm", "python:3.12"
#: Where a job unpacks its script.
SCRIPT = "/tmp/job/script.py"
#: Bytes of a packed script: the kernel's limit of one argument is 128 KiB.
MOST_SCRIPT = 96_000
#: The label by which a job is found again; its value follows from the call's id.
LABEL = "ml-agent-call"
#: Arguments of a job that only `run` takes.
NETWORK = ("ssh", "network_group", "network_aliases")
_VOLUME = re.compile(
    r"(?:hf://)?(?P<type>models|datasets|spaces|buckets)/(?P<source>[^/:]+/[^/:@]+)"
    r"(?:@(?P<revision>[^/:]+))?(?:/(?P<path>[^:]+))?:(?P<mount>/[^:]*)(?::(?P<mode>ro|rw))?"
)


def label_of(call_id: str) -> str:
    """The same for the same call in whichever process; tells nothing of it."""
    return hashlib.sha256(call_id.encode()).hexdigest()[:32]


def names_file(script: str) -> bool:
    """Whether `script` names a local file; else it is the source itself."""
    return "\n" not in script and script.strip().endswith(".py")


def read_script(script: str, cwd: str) -> str:
    """The source itself, or that of the local file which `script` names. Raises ToolError."""
    if not names_file(script):
        return script
    check_local_file("script")
    path = resolved(script.strip(), cwd)
    try:
        return read_file(path).decode("utf-8")
    except OSError as error:
        raise ToolError(f"script: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ToolError(f"script: {path} is not UTF-8 text") from None


def command_of(arguments: JobsArguments, source: str) -> list[str]:
    """The job's command. A script travels in it: nothing is uploaded for it anywhere."""
    if not source:
        return ["bash", "-c", arguments.command]
    packed = base64.b64encode(gzip.compress(source.encode(), mtime=0)).decode()
    if len(packed) > MOST_SCRIPT:
        raise ToolError(
            "script: it is too long to be sent inline; upload it with hf_repo, mount the "
            "repository with volumes and run it with command"
        )
    needed = f" --python {shlex.quote(arguments.python)}" if arguments.python else ""
    needed += "".join(f" --with {shlex.quote(name)}" for name in arguments.dependencies)
    given = "".join(f" {shlex.quote(one)}" for one in arguments.script_args)
    # The script is $0: no quoting can break it.
    unpack = f'mkdir -p /tmp/job && printf %s "$0" | base64 -d | gunzip > {SCRIPT}'
    return ["bash", "-c", f"{unpack} && exec uv run{needed} {SCRIPT}{given}", packed]


def image_of(arguments: JobsArguments) -> str:
    return arguments.image or (SCRIPT_IMAGE if arguments.script else COMMAND_IMAGE)


def check_credentials(arguments: JobsArguments, source: str) -> None:
    """Raises ToolError if a credential stands where the Hub shows it: all but `secrets` is stored
    in clear, for everyone who may see the job."""
    hint = "name it in secrets; the user allows names with the setting job_secrets"
    for name, value in arguments.env.items():
        if is_credential_name(name) and secrets_of_value(name, value):
            raise ToolError(f"env: {name} holds a credential: {hint}")
    texts = {
        "script": source,
        "command": arguments.command,
        "env": "\n".join(f"{name}={value}" for name, value in arguments.env.items()),
        "dependencies": "\n".join(arguments.dependencies),
        "arguments": "\n".join(
            [arguments.image, arguments.name, *arguments.volumes, *arguments.script_args]
        ),
    }
    for where, text in texts.items():
        found = credential_in_text(text)
        if found:
            raise ToolError(f"{where}: it holds {found}: take it out, and {hint}")


def volumes_of(texts: list[str]) -> list[Volume] | None:
    """`datasets/owner/name:/data`, `buckets/owner/name/sub:/out:rw`; local folders are left to
    folders.py. Raises ToolError."""
    from huggingface_hub import Volume

    found = []
    for text in texts:
        if Folder.of(text):
            continue
        match = _VOLUME.fullmatch(text.strip())
        if match is None:
            raise ToolError(
                f"volumes: {text!r} is none; write datasets/owner/name:/data, "
                "buckets/owner/name:/out or ./folder:/data"
            )
        values: dict[str, Any] = {
            "type": match["type"].removesuffix("s"),
            "source": match["source"],
            "mount_path": match["mount"],
        }
        if match["revision"]:
            values["revision"] = match["revision"]
        if match["path"]:
            values["path"] = match["path"]
        if match["mode"]:
            values["read_only"] = match["mode"] == "ro"
        found.append(Volume(**values))
    return found or None


async def spec_of(arguments: JobsArguments, ctx: ToolContext) -> dict[str, Any]:
    """What `run_job` takes, namespace excluded. Raises ToolError that names the argument."""
    smoke = arguments.operation == "smoke"
    if not arguments.flavor or not (arguments.timeout or smoke):
        raise ToolError(f"{arguments.operation} needs flavor and timeout")
    if bool(arguments.script) == bool(arguments.command):
        raise ToolError("run takes script or command, one of them")
    source = await asyncio.to_thread(read_script, arguments.script, ctx.cwd)
    await asyncio.to_thread(check_credentials, arguments, source)
    labels = {LABEL: label_of(ctx.call_id), "ml-agent-thread": ctx.thread}
    spec: dict[str, Any] = {
        "image": image_of(arguments),
        "command": command_of(arguments, source),
        "flavor": arguments.flavor,
        "timeout": seconds_of(arguments.timeout) if arguments.timeout else LONGEST,
        "attempts": 1,  # attempts × time limit would be the real ceiling
        "labels": labels,
        "env": {**await tracking(arguments, ctx), **arguments.env} or None,
        "secrets": await asyncio.to_thread(secrets_of, arguments.secrets, ctx.services.settings)
        or None,
        "volumes": await asyncio.to_thread(volumes_of, arguments.volumes),
    }
    if arguments.name:
        spec["name"] = arguments.name
    if arguments.expose:
        spec["expose"] = arguments.expose
    more = {name: value for name in NETWORK if (value := getattr(arguments, name))}
    if more and arguments.operation != "run":
        raise ToolError(f"{arguments.operation} does not take {', '.join(more)}")
    if arguments.network_aliases and not arguments.network_group:
        raise ToolError("network_aliases needs network_group, the network that they are names in")
    spec |= more
    if smoke:
        spec["command"] = wrapped(spec["command"], arguments.steps)
    method = "create_scheduled_job" if arguments.operation == "schedule" else "run_job"
    await asyncio.to_thread(check_method, method, spec)
    return spec
