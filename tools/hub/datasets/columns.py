"""A column of a dataset: what it holds, judged by its type and by the values that were seen.

Types are those of the library `datasets`, as the viewer gives them in `features`. A type alone
says little: a string may be a class, a chat as JSON, or prose; a Json column may be anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from tools.hub.datasets.chat_column import ROLE_KEYS, SHAREGPT_KEYS, messages

Kind = Literal[
    "text",  # a string
    "label",  # a class label
    "bool", "int", "float", "time",
    "chat",  # messages with role and content
    "sharegpt",  # messages with from and value
    "chat_text",  # either, as JSON in a string
    "texts",  # list of strings
    "tags",  # list of class ids or whole numbers
    "flags",  # list of true and false
    "vector",  # list of floats
    "image", "images", "audio", "video", "pdf",
    "translation",  # {language: text}
    "answers",  # {text, answer_start}, as in SQuAD
    "boxes",  # {bbox, category, ...} of lists
    "record",  # any other object
    "records",  # list of other objects
    "list", "empty", "other",
]  # fmt: skip

#: At most so many different values, each seen twice on average, make a class.
CLASSES, CLASS_LENGTH = 30, 60


@dataclass(frozen=True)
class Column:
    """One column: `type` as the viewer names it, `values` of the sampled rows, None included."""

    name: str
    type: Any
    values: Sequence[Any]

    @cached_property
    def there(self) -> list[Any]:
        """The values that are not missing."""
        return [v for v in self.values if v is not None]

    @cached_property
    def kind(self) -> Kind:
        return _kind(self.type, self.there)

    @cached_property
    def chats(self) -> list[list[dict[str, Any]]]:
        """The values as lists of messages, where they are chats; others are left out."""
        return [m for v in self.there if (m := messages(v)) is not None]

    @cached_property
    def texts(self) -> list[str]:
        return [v for v in self.there if isinstance(v, str)]

    @cached_property
    def classes(self) -> list[Any]:
        """The different values, if they are few enough to be classes; else empty."""
        if self.kind == "label" and isinstance(self.type, Mapping):
            return list(self.type.get("names") or ())
        if self.kind not in ("text", "int", "bool"):
            return []
        found = list(dict.fromkeys(self.there))
        if any(isinstance(v, str) and len(v) > CLASS_LENGTH for v in found):
            return []
        # With few rows no one can tell; a bool has two classes whatever was seen.
        repeated = len(found) * 2 <= len(self.there) or self.kind == "bool"
        return found if len(found) <= CLASSES and repeated else []


def columns_of(
    features: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> list[Column]:
    """Columns from the viewer's `features` and `rows`; cells that it cut are left out."""
    made = []
    for item in features:
        name = str(item["name"])
        values = [
            row["row"].get(name) for row in rows if name not in (row.get("truncated_cells") or ())
        ]
        made.append(Column(name, item["type"], values))
    return made


def type_name(feature: Any) -> str:
    """A column's type in words: `string`, `list of {role: string, content: string}`."""
    if isinstance(feature, list):
        return f"list of {type_name(feature[0])}" if feature else "list"
    if not isinstance(feature, Mapping):
        return str(feature)
    named = feature.get("_type")
    if not isinstance(named, str):
        return "{" + ", ".join(f"{k}: {type_name(v)}" for k, v in feature.items()) + "}"
    if named == "Value":
        return str(feature.get("dtype"))
    if named == "ClassLabel":
        names = [str(n) for n in feature.get("names") or ()]
        more = f", ... {len(names)} in all" if len(names) > 8 else ""
        return f"class label ({', '.join(names[:8])}{more})"
    if "feature" in feature:
        return f"list of {type_name(feature['feature'])}"
    if named == "Audio":
        return f"audio ({feature.get('sampling_rate')} Hz)"
    if named == "Translation":
        return f"translation ({', '.join(feature.get('languages') or ())})"
    return named.lower()


def _kind(feature: Any, there: Sequence[Any]) -> Kind:
    if isinstance(feature, list):
        return _list_kind(feature[0] if feature else None, there)
    if not isinstance(feature, Mapping):
        return "other"
    named = feature.get("_type")
    if not isinstance(named, str):
        return _record_kind(set(feature), there)
    simple: dict[str, Kind] = {
        "ClassLabel": "label", "Image": "image", "Audio": "audio", "Video": "video", "Pdf": "pdf",
        "Translation": "translation", "TranslationVariableLanguages": "translation",
    }  # fmt: skip
    if named in simple:
        return simple[named]
    if "feature" in feature:
        return _list_kind(feature["feature"], there)
    if named == "Json":
        return _json_kind(there)
    return _value_kind(str(feature.get("dtype", "")), there)


def _value_kind(dtype: str, there: Sequence[Any]) -> Kind:
    if "string" in dtype:
        return "chat_text" if _mostly(there, lambda v: messages(v) is not None) else "text"
    for start, kind in (("bool", "bool"), ("int", "int"), ("uint", "int"), ("float", "float"),
                        ("decimal", "float"), ("null", "empty"), ("time", "time"),
                        ("date", "time"), ("duration", "time")):  # fmt: skip
        if dtype.startswith(start):
            return kind  # type: ignore[return-value]
    return "other"


def _list_kind(inner: Any, there: Sequence[Any]) -> Kind:
    named = inner.get("_type") if isinstance(inner, Mapping) else None
    if isinstance(inner, Mapping) and not isinstance(named, str):
        keys = set(inner)
        if "role" in keys and keys & {"content", "tool_calls"}:
            return "chat"
        if keys >= SHAREGPT_KEYS:
            return "sharegpt"
        # A Sequence of objects arrives as an object of lists.
        return "boxes" if "bbox" in keys else "answers" if "answer_start" in keys else "records"
    if named == "Value":
        by_value: dict[Kind, Kind] = {
            "text": "texts", "chat_text": "texts", "int": "tags", "bool": "flags",
            "float": "vector",
        }  # fmt: skip
        return by_value.get(_value_kind(str(inner.get("dtype", "")), ()), "list")
    if named == "Json":
        return _json_kind(there)
    return {"ClassLabel": "tags", "Image": "images"}.get(str(named), "list")  # type: ignore[return-value]


def _record_kind(keys: set[str], there: Sequence[Any]) -> Kind:
    if "bbox" in keys:
        return "boxes"
    if keys >= {"text", "answer_start"}:
        return "answers"
    if keys >= ROLE_KEYS:
        return "chat"
    if keys >= SHAREGPT_KEYS:
        return "sharegpt"
    languages = len(keys) >= 2 and all(len(k.split("_")[0]) in (2, 3) and k.islower() for k in keys)
    texts = _mostly(there, lambda v: all(isinstance(t, str) for t in v.values()))
    return "translation" if languages and texts else "record"


def _json_kind(there: Sequence[Any]) -> Kind:
    if _mostly(there, lambda v: messages(v) is not None):
        first = messages(there[0]) or [{}]
        as_text = isinstance(there[0], str)
        return "chat_text" if as_text else "chat" if "role" in first[0] else "sharegpt"
    if _mostly(there, lambda v: isinstance(v, str)):
        return "text"
    if _mostly(there, lambda v: isinstance(v, Mapping)):
        return _record_kind(set().union(*(v for v in there if isinstance(v, Mapping))), there)
    if _mostly(there, lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v)):
        return "texts"
    return "records" if _mostly(there, lambda v: isinstance(v, list)) else "other"


def _mostly(there: Sequence[Any], holds: Any) -> bool:
    """Whether at least nine in ten of the values are so; of none, nothing is known."""
    return bool(there) and sum(bool(holds(v)) for v in there) >= 0.9 * len(there)
