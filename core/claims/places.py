"""What is in a text besides numbers and can be looked up: URLs, paths, dates, times, versions and
hashes. Each is cut out, so that its digits are not taken for numbers."""

import re
from collections.abc import Iterator

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY, _YEAR = r"(?P<d>\d{1,2})(?:st|nd|rd|th|\.)?", r"(?P<y>(?:19|20)\d\d)(?!\d)"
_MONTH = r"(?P<w>" + "|".join(MONTHS) + r")[a-z]*\.?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\d.])(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)",
        rf"(?<![\d.]){_DAY}[ -]{_MONTH},?[ -]{_YEAR}",
        rf"\b{_MONTH} {_DAY},? {_YEAR}",
        rf"\b{_MONTH} {_DAY}(?![.,]?\d|\w)",
        rf"(?<![\d.]){_DAY} {_MONTH}(?!\w)",
        rf"(?<![\d.])(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/{_YEAR}",
    )
)
_TIME = re.compile(r"(?<![\d:.])(\d{1,3}):([0-5]\d)(?::([0-5]\d)(?:[.,]\d+)?)?(?![\d:])(?:Z\b)?")
_VERSION = re.compile(
    r"(?<![\w.])v?(\d+(?:\.\d+){2,}(?:[-.+]?[A-Za-z]\w*)*|\d+\.\d+(?:rc|a|b|dev)\d+)(?!\w)|"
    r"(?<![\w.])v(\d+(?:\.\d+)*)(?!\w)"
)
_UUID = "-".join(rf"[0-9a-f]{{{count}}}" for count in (8, 4, 4, 4, 12))
_HASH = re.compile(rf"(?<![\w-])(?:{_UUID}|[0-9a-f]{{7,64}})(?![\w-])", re.IGNORECASE)
URL = re.compile(r"(?:https?|hf|s3|gs|ftp)://[^\s<>\"'`|\\^{}\[\]]+")
#: Names that end so are files in any place.
_FILE = (
    "py|ipynb|jsonl?|csv|tsv|parquet|txt|md|ya?ml|toml|sh|log|pth?|bin|safetensors|ckpt|onnx|gguf|"
    "png|jpe?g|svg|pdf|html|zip|gz|tar|cfg|ini|h5|npz|npy|pkl|arrow|db|sqlite|cpp|rs|go|ts|tex"
)
_PATH = re.compile(
    rf"(?<![\w@:/.\-~])(?:(?:~|\.{{1,2}})?/(?:[\w.@+=-]+/)*[\w.@+=-]+/?|"
    rf"(?:[\w.@+=-]+/)*[\w@+=-][\w.@+=-]*\.(?:{_FILE}))(?![\w@+=/-])"
)
_TICKED = re.compile(r"`((?:[\w.@+=-]+/)+[\w.@+=-]*)`")
_MIME = ("text/", "application/", "image/", "audio/", "video/", "and/", "n/")


def blank(text: str, start: int, end: int) -> str:
    """`text` with spaces in that place, line ends kept."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def trimmed_url(url: str) -> str:
    """Without the punctuation of the sentence that it is in."""
    url = url.rstrip(".,;:!?*_~")
    while url.endswith(")") and url.count("(") < url.count(")"):
        url = url[:-1].rstrip(".,;:!?*_")
    return url


def urls(text: str) -> Iterator[tuple[str, int]]:
    for match in URL.finditer(text):
        yield trimmed_url(match[0]), match.start()


def paths(text: str) -> Iterator[tuple[str, int]]:
    """Paths as written, with where they begin. `text` has no URLs any more."""
    taken: set[int] = set()
    for pattern, group in ((_TICKED, 1), (_PATH, 0)):
        for match in pattern.finditer(text):
            found, start = match[group].rstrip("."), match.start(group)
            if start not in taken and _is_path(found):
                taken.add(start)
                yield found, start


def _is_path(found: str) -> bool:
    """No /command, text/plain, 3/4 or name with a dot in front and nothing else."""
    named = found.strip("/")
    if found.startswith(_MIME) or re.fullmatch(r"[\d./]*\w{0,2}", found):
        return False
    if "/" not in named and "." not in named[1:]:
        return False
    return bool(re.search(r"[A-Za-z]", found))


def dates(text: str) -> Iterator[tuple[str, int, int]]:
    """(the date as --MM-DD or YYYY-MM-DD, start, end)."""
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            if parts.get("a"):
                first, second = int(parts["a"]), int(parts["b"])
                month, day = (first, second) if first <= 12 else (second, first)
            else:
                month = MONTHS.index(parts["w"].lower()) + 1 if parts.get("w") else int(parts["m"])
                day = int(parts["d"])
            if 1 <= month <= 12 and 1 <= day <= 31:
                year = parts.get("y") or ""
                yield f"{year}-{month:02d}-{day:02d}", match.start(), match.end()


def times(text: str) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """((14, 5) or (14, 5, 33), start, end)."""
    for match in _TIME.finditer(text):
        yield tuple(int(part) for part in match.groups() if part), match.start(), match.end()


def versions(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _VERSION.finditer(text):
        yield (match[1] or match[2]), match.start(), match.end()


def hashes(text: str) -> Iterator[tuple[str, int, int]]:
    """Only those with letters and digits: all digits are a number, all letters may be a word."""
    for match in _HASH.finditer(text):
        found = match[0].lower()
        is_mixed = any(c.isdigit() for c in found) and any(c.isalpha() for c in found)
        if is_mixed and not re.fullmatch(r"\d+e\d+", found):
            yield found, match.start(), match.end()
