"""How checkpoints become bytes and objects again: nothing that the store names is imported.

LangGraph's own serializer calls any importable constructor that a row names, so whoever can write
to the store (a shared Postgres, a copied state folder) runs code in whoever opens the thread. Here
the names in a row are only looked up in a table of the types that LangGraph and we store.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NoReturn, Self

import ormsgpack
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from core.errors import StoreError

Build = Callable[[Any], Any]

#: The extension codes that hold [module, name, arguments, ...].
CONSTRUCTORS = (
    jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG,
    jsonplus.EXT_CONSTRUCTOR_POS_ARGS,
    jsonplus.EXT_CONSTRUCTOR_KW_ARGS,
    jsonplus.EXT_PYDANTIC_V2,
)


#: The kind of a value that is compressed; from how many bytes one is. Smaller ones gain less than a
#: page of the database has to spare.
PACKED, LARGE = "msgpack+zlib", 500
#: The window for small values, as a power of two.
WINDOW = 13
#: Bytes of a value that is read at most: a few packed ones may be made to fill all memory.
MOST = 1_000_000_000


class StrictSerializer(JsonPlusSerializer):
    """LangGraph's msgpack format, large values compressed; reading it builds only the types of
    `_builders`. Outputs of commands are most of what a thread takes on disk.

    Anything else in a row (another type, a pickle, the old JSON form) raises StoreError.
    """

    def __init__(self) -> None:
        super().__init__(
            pickle_fallback=False, allowed_msgpack_modules=None, __unpack_ext_hook__=_refuse_all
        )

    def with_msgpack_allowlist(self, extra_allowlist: Iterable[tuple[str, ...] | type]) -> Self:
        """This serializer: LANGGRAPH_STRICT_MSGPACK in the environment adds no types."""
        return self

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        if obj is None or isinstance(obj, bytes | bytearray):
            return super().dumps_typed(obj)
        kind, content = "msgpack", _packed(obj)
        if not LARGE <= len(content) <= MOST:
            return kind, content
        packed = _compressed(content)
        return (PACKED, packed) if len(packed) < len(content) else (kind, content)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        kind, content = data
        if kind == PACKED:
            kind, content = "msgpack", _unpacked(content)
        if kind == "null":
            return None
        if kind == "bytes":
            return content
        if kind != "msgpack":
            raise _foreign(f"data of the kind {kind[:40]!r}")
        return _Reading().whole(content)


def _packed(value: Any) -> bytes:
    return ormsgpack.packb(value, default=_extension, option=jsonplus._option)


def _extension(value: Any) -> Any:
    """What msgpack has no form for, as LangGraph writes it. It tells a call's task from everything
    else last, after two dozen questions, and a step writes one twice."""
    send = _send()
    if type(value) is send and value.timeout is None:
        content = _packed((send.__module__, send.__name__, (value.node, value.arg)))
        return ormsgpack.Ext(jsonplus.EXT_CONSTRUCTOR_POS_ARGS, content)
    return jsonplus._msgpack_default(value)


@cache
def _send() -> Any:
    from langgraph.types import Send

    return Send


def _compressed(content: bytes) -> bytes:
    """At the fastest level: a step waits for it. What fits into a window of 8 kB gets one of that
    size; for the usual one zlib asks for 256 kB each time, which takes longer than its work."""
    if len(content) > 1 << WINDOW:
        return zlib.compress(content, 1)
    compressing = zlib.compressobj(1, zlib.DEFLATED, WINDOW, 6)
    return compressing.compress(content) + compressing.flush()


def _unpacked(content: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(content, MOST)
    except zlib.error as error:
        raise _damaged(error) from None
    if not unpacking.eof:
        raise _damaged("they are cut off, or too many")
    return found


def _refuse_all(code: int, content: bytes) -> NoReturn:
    """In place of LangGraph's hook, which imports: `_Reading` has one of its own."""
    raise _foreign(f"an extension with the code {code}")


class _Reading:
    """One value on its way from bytes. ormsgpack drops what its hook raises, so `refused` keeps
    it."""

    def __init__(self) -> None:
        self.refused: StoreError | None = None

    def whole(self, content: bytes) -> Any:
        try:
            return self._unpacked(content)
        except ormsgpack.MsgpackDecodeError as error:
            raise self.refused or _damaged(error) from None

    def _unpacked(self, content: bytes) -> Any:
        return ormsgpack.unpackb(content, ext_hook=self._build, option=ormsgpack.OPT_NON_STR_KEYS)

    def _build(self, code: int, content: bytes) -> Any:
        if code == jsonplus.EXT_DELTA_SNAPSHOT:
            return _DeltaSnapshot(self._unpacked(content))
        if code not in CONSTRUCTORS:
            self._refuse(f"an extension with the code {code}")
        module, name, arguments = self._unpacked(content)[:3]
        build = _builders().get((module, name))
        if build is None:
            self._refuse(f"{module}.{name}"[:200])
        return build(arguments)

    def _refuse(self, what: str) -> NoReturn:
        self.refused = self.refused or _foreign(what)
        raise self.refused


@cache
def _builders() -> dict[tuple[str, str], Build]:
    """By module and name as LangGraph writes them, what builds the type from its arguments."""
    from langchain_core import messages
    from langgraph.types import Interrupt, Overwrite, Send

    kinds = [
        messages.HumanMessage, messages.AIMessage, messages.SystemMessage, messages.ToolMessage,
        messages.RemoveMessage, messages.ChatMessage, messages.FunctionMessage,
        messages.HumanMessageChunk, messages.AIMessageChunk, messages.SystemMessageChunk,
        messages.ToolMessageChunk, messages.ChatMessageChunk, messages.FunctionMessageChunk,
    ]  # fmt: skip
    built: dict[tuple[str, str], Build] = {
        (kind.__module__, kind.__name__): _of_fields(kind) for kind in kinds
    }
    built[Send.__module__, "Send"] = lambda given: Send(given[0], given[1])
    built[Interrupt.__module__, "Interrupt"] = lambda given: Interrupt(**given)
    built[Overwrite.__module__, "Overwrite"] = lambda given: Overwrite(**given)
    for collection in (set, frozenset, deque):
        built[collection.__module__, collection.__name__] = collection
    return built


def _of_fields(kind: Any) -> Build:
    def build(fields: dict[str, Any]) -> Any:
        try:
            return kind(**fields)
        except ValueError:
            # A field that a newer version checks more strictly: as LangGraph reads it.
            return kind.model_construct(**fields)

    return build


def _damaged(how: object) -> StoreError:
    return StoreError(
        f"cannot read a checkpoint: its bytes are damaged ({how})",
        hint="`ml-agent sessions list` names the other sessions",
    )


def _foreign(what: str) -> StoreError:
    return StoreError(
        f"cannot open this session: its stored state holds {what}, which ML Agent never stores. "
        "It was not loaded",
        hint="Find out who can write to the database. `ml-agent sessions delete` removes the "
        "session",
    )
