"""Keeps three packages out of the start that langchain-core, langgraph and httpx import at once and
a run does not need.

    langsmith         225 modules, for traces that are off
    langgraph_sdk     the client of a LangGraph server, for one type
    httpx's _main     rich and pygments, for httpx's own command

They cost a quarter of the processor time to the first request, and 20 MiB. Shells replace them:
modules with the few names that are used, which become the real module when another name is used.
Only the command line does this; a program that imports ML Agent gets its usual imports.
"""

import os
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

#: Variables that turn traces on; then langsmith is imported as usual.
_TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2",
            "LANGCHAIN_TRACING")  # fmt: skip
_lock = threading.RLock()


def keep_out() -> None:
    """Put the shells in place of what is not imported yet."""
    # httpx catches the ImportError: it works without its command.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    names: dict[str, dict[str, Any]] = {"langgraph_sdk": {}}
    if not any(os.environ.get(name, "").lower() in ("true", "1") for name in _TRACING):
        names |= _langsmith()
    sys.meta_path.insert(0, _Finder({k: v for k, v in names.items() if k not in sys.modules}))


def _langsmith() -> dict[str, dict[str, Any]]:
    """By module, the names that langchain-core uses while nothing is traced."""
    context = {"get_tracing_context": _no_context, "_set_tracing_context": lambda context: None}
    return {
        "langsmith": {"RunTree": _RunTree, "Client": _Client, **context},
        "langsmith.run_helpers": context,
        "langsmith.utils": {"tracing_is_enabled": lambda ctx=None: False},
        "langsmith.run_trees": {},
        "langsmith.address": {},
    }


def _no_context(context: Any = None) -> dict[str, Any]:
    names = ("parent", "project_name", "address", "tags", "metadata", "enabled", "client",
             "replicas", "distributed_parent_id")  # fmt: skip
    return dict.fromkeys(names)


class _Later(type):
    """A class of langsmith that is loaded when an object of it is made, or asked for."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._real()(*args, **kwargs)

    def __instancecheck__(cls, value: object) -> bool:
        # Without the real class there is no object of it.
        module = sys.modules.get("langsmith.run_trees")
        return not isinstance(module, _Shell) and isinstance(value, cls._real())

    def _real(cls) -> Any:
        _become_real("langsmith")
        return getattr(sys.modules["langsmith"], cls.__name__.removeprefix("_"))


class _RunTree(metaclass=_Later):
    pass


class _Client(metaclass=_Later):
    pass


class _Shell(ModuleType):
    """A module that was not executed yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # what the import system asks for
        _become_real(self.__name__.partition(".")[0])
        with _lock:
            _execute(self)
        return getattr(self, name)


class _Finder(MetaPathFinder, Loader):
    """Finds shells; what it does not know, the others find."""

    def __init__(self, names: dict[str, dict[str, Any]]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in self._names:
            return None
        real = PathFinder.find_spec(name, path)
        if real is None or real.loader is None:
            return None
        spec = ModuleSpec(name, self, origin=real.origin, loader_state=real)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Shell(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._names[module.__name__])


def _become_real(package: str) -> None:
    """Take the names of all shells of `package` away: its real modules must not see them."""
    for module in list(sys.modules.values()):
        if isinstance(module, _Shell) and module.__name__.partition(".")[0] == package:
            for name in [n for n in vars(module) if n in _NAMES]:
                del vars(module)[name]


#: All names that shells have.
_NAMES = {name for names in _langsmith().values() for name in names}


def _execute(module: ModuleType) -> None:
    """Execute the real module in the shell's place; once."""
    if not isinstance(module, _Shell):
        return
    shell = module.__spec__
    assert shell is not None
    real: ModuleSpec = shell.loader_state
    assert real.loader is not None
    module.__class__ = ModuleType  # type: ignore[assignment]
    module.__spec__, module.__loader__ = real, real.loader
    real.loader.exec_module(module)
