"""Private names of huggingface_hub that ML Agent uses: all of them, behind one check.

Its module for sandboxes is experimental: names changed between 1.24 and 2.0 within minor versions.
`missing` compares a release with these tables; `benchmarks/newest_hub.py` asks the newest one.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from core.errors import ToolError

#: A name, and the parameters that it is given by name.
HTTP_NAMES: dict[str, tuple[str, ...]] = {
    "default_client_factory": (),
    "hf_raise_for_status": (),
}
SANDBOX_NAMES: dict[str, tuple[str, ...]] = {
    "SANDBOX_LABEL": (),
    "MODE_LABEL": (),
    "MODE_DEDICATED": (),
    "NONCE_LABEL": (),
    "SANDBOX_SERVER_PORT": (),
    "SANDBOX_MAX_LIFETIME": (),
    "_effective_token": (),
    "_derive_sandbox_token": (),
    "_bootstrap_command": (),
    "_bootstrap_job_spec": (
        "env", "secrets", "volumes", "idle_timeout", "forward_hf_token", "sandbox_token",
    ),
    "_find_server_url": (),
    "_SandboxServer.from_job": ("job", "nonce", "sandbox_token", "api", "max_connections"),
    "_SandboxServer.wait_ready": (),
    "_SandboxServer.close": (),
    "SandboxFiles.PARALLEL_MAX_WORKERS": (),
    "SandboxFiles._read_range": (),
    "Sandbox": ("id", "server", "local_id", "owns_sandbox", "owns_server"),
}  # fmt: skip
MODULES = {"huggingface_hub.utils._http": HTTP_NAMES, "huggingface_hub._sandbox": SANDBOX_NAMES}
#: What to install if a name is missing: the minor version that these tables were read from.
INSTALL = "huggingface_hub>=2.4,<2.5"


def sandbox_library() -> Any:
    """huggingface_hub's module for sandboxes. Raises ToolError if it lacks a name."""
    return _checked("huggingface_hub._sandbox", "sandboxes")


def http_library() -> Any:
    """The module that makes huggingface_hub's HTTP client. Raises ToolError."""
    return _checked("huggingface_hub.utils._http", "requests to the Hub")


def check_method(name: str, parameters: Iterable[str]) -> None:
    """Raises ToolError if the installed release's HfApi lacks a method, or a parameter of it."""
    from huggingface_hub import HfApi, __version__

    method = getattr(HfApi, name, None)
    taken = inspect.signature(method).parameters if method is not None else {}
    lacks = [f"{name}({one})" for one in parameters if one not in taken] if method else [name]
    if lacks:
        raise ToolError(
            f"huggingface_hub {__version__} has no {', '.join(lacks)}. Install a newer release: "
            f"pip install '{INSTALL}'. Nothing was started."
        )


def missing(module: str) -> list[str]:
    """What this release lacks of the names of `module`: `name`, or `name(parameter)`."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        return [module]
    return list(_missing(found, MODULES[module]))


def _missing(module: ModuleType, names: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for name, parameters in names.items():
        value: Any = module
        for part in name.split("."):
            value = getattr(value, part, None)
        if value is None:
            yield name
        elif parameters:
            taken = inspect.signature(value).parameters
            free = any(one.kind is one.VAR_KEYWORD for one in taken.values())
            yield from (f"{name}({p})" for p in parameters if p not in taken and not free)


def _checked(module: str, what: str) -> Any:
    lacks = missing(module)
    if lacks:
        from huggingface_hub import __version__

        raise ToolError(
            f"Cannot use {what}: huggingface_hub {__version__} has no {', '.join(lacks)}. "
            f"Install a release that ML Agent knows: pip install '{INSTALL}'. Nothing was started."
        )
    return importlib.import_module(module)
