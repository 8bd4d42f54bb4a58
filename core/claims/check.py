"""Looks each claim of an answer up in the record."""

import re
from collections.abc import Callable, Iterable

from core.claims.answer import Claim, claims_of
from core.claims.derived import Derived
from core.claims.numbers import BYTES, SCALES, SECONDS, Value, read, readings, singular, with_powers
from core.claims.record import Record, around

#: The source of what the answer itself shows: a count of its list, a difference of its numbers.
ANSWER = "answer"
#: How far "about 40" may be off.
ROUGH = 0.05
#: Characters of a hash that is shortened; without a letter, or with an e, it looks like a number.
SHORT_HASH = 7
#: Claims of one answer that are looked up.
MOST = 500

Found = tuple[Claim, str | None]


def checked(answer: str, record: Record, recent: Iterable[str] = ()) -> list[Found]:
    """Each claim of `answer` with its source, None for those that have none. A claim that comes
    several times is in it once. recent: the results of this turn, whose lines may be counted."""
    sources: dict[str, Found] = {}
    text = with_powers(answer)
    for claim in claims_of(text)[:MOST]:
        key = claim.shown
        if key not in sources or sources[key][1] is None:
            sources[key] = (claim, _source(claim, record))
    if any(source is None for _, source in sources.values()):
        follows = Derived(text, lambda number: _number(number, record) is not None, recent)
        for key, (claim, source) in sources.items():
            if source is None and claim.kind == "number" and follows(claim):
                sources[key] = (claim, ANSWER)
    return list(sources.values())


def _source(claim: Claim, record: Record) -> str | None:
    find: dict[str, Callable[[Claim, Record], str | None]] = {
        "url": _url, "path": _path, "date": _date, "time": _time, "version": _version,
        "hash": _hash, "duration": _duration,
    }  # fmt: skip
    return find.get(claim.kind, _number)(claim, record)


def _number(claim: Claim, record: Record) -> str | None:
    for value in readings(claim.text):
        if source := _value(claim, value, record):
            return source
    # [64,128] is two numbers.
    parts = re.split(r",(?=\d)", claim.text)
    if len(parts) > 1 and claim.before.endswith(("[", "(", "{")):
        found = [_value(claim, read(part), record) for part in parts]
        if all(found):
            return found[-1]
    if claim.text.isalnum() and len(claim.text) >= SHORT_HASH and (source := _hash(claim, record)):
        return source
    # Python 3.11, of python 3.11.4
    name = re.search(r"([\w-]+)[\s`*_=]*$", claim.before)
    if "." not in claim.text or name is None:
        return None
    return record.matching(rf"{re.escape(name[1])}\W{{1,4}}v?{re.escape(claim.text)}\.")


def _value(claim: Claim, value: Value, record: Record) -> str | None:
    unit = singular(claim.unit)
    tries: list[tuple[str, Value]] = [("plain", value)]
    if claim.unit == "%":
        tries.append(("plain", value.scaled(0.01)))
    elif not claim.unit:
        tries.append(("percent", value.scaled(100)))
    if claim.unit in SCALES:
        tries.append(("plain", value.scaled(SCALES[claim.unit])))
    if unit in SECONDS:
        tries.append(("seconds", value.scaled(SECONDS[unit])))
        if SECONDS[unit] != 1:
            tries.append(("plain", value.scaled(SECONDS[unit])))
    for factor in BYTES.get(unit, ()):
        tries.append(("bytes", value.scaled(factor)))
        if factor > 1:
            tries.append(("plain", value.scaled(factor)))
    for which, tried in tries:
        if source := record.number(which, *_bounds(claim, tried)):
            return source
    return None


def _bounds(claim: Claim, value: Value) -> tuple[float, float]:
    if claim.is_rough and re.search(r"0(?:\.0*)?$", claim.text):
        return value.number * (1 - ROUGH), value.number * (1 + ROUGH)
    return around(value)


def _url(claim: Claim, record: Record) -> str | None:
    bare = re.sub(r"^\w+://(?:www\.)?", "", claim.text).rstrip("/")
    short = re.split("[#?]", bare)[0].rstrip("/")
    if source := record.holding(bare) or record.holding(short):
        return source
    # The Hub's, GitHub's and arXiv's results name things by their id.
    host, _, path = short.partition("/")
    if host not in ("huggingface.co", "hf.co", "github.com", "arxiv.org"):
        return None
    id = re.sub(r"^(?:datasets|spaces|models|abs|pdf|papers)/", "", path)
    # Old datasets and models have no owner.
    owned = r"[\w.-]+(?:/[\w.-]+)?" if host.startswith("h") else r"[\w.-]+/[\w.-]+"
    match = re.match(rf"\d{{4}}\.\d{{4,5}}|{owned}$", id)
    return record.holding(match[0]) if match else None


def _path(claim: Claim, record: Record) -> str | None:
    path = re.sub(r"^(?:\./|~/)", "", claim.text).strip("/")
    if source := record.holding(path) or record.holding(claim.text):
        return source
    # A listing names what is in a folder without the folder.
    *folders, name = path.split("/")
    found = [record.holding(part) for part in (*folders, name)]
    return found[-1] if folders and all(found) else None


def _date(claim: Claim, record: Record) -> str | None:
    known, date = record.named("dates"), str(claim.value)
    return known.get(date)


def _time(claim: Claim, record: Record) -> str | None:
    value = claim.value
    assert isinstance(value, tuple)
    for known, source in record.named("times").items():
        if isinstance(known, tuple) and known[: len(value)] == value:
            return source
    first, second, *rest = value
    long = (first * 60 + second) * 60 + (rest[0] if rest else 0)
    short = first * 60 + second
    tries = [long] if rest else [short, long]
    found = [record.number(which, t - 1, t + 1) for which in ("seconds", "plain") for t in tries]
    return next(filter(None, found), None)


def _version(claim: Claim, record: Record) -> str | None:
    return (
        record.holding(claim.text)
        or record.holding(str(claim.value))
        or record.holding(f"v{claim.value}")
    )


def _hash(claim: Claim, record: Record) -> str | None:
    value = claim.text.lower()
    found = [s for known, s in record.named("hashes").items() if str(known).startswith(value)]
    return found[-1] if found else record.holding(value)


def _duration(claim: Claim, record: Record) -> str | None:
    assert isinstance(claim.value, Value)
    low, high = around(claim.value)
    return record.number("seconds", low, high) or record.number("plain", low, high)
