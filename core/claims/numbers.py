"""Numbers as they are written: 93 %, 0.93, .930, 1,234, 1.2k, 4.5 GB, 2 min 31 s, 1.5e-4.

A number is read with the step of its last digit, so that what was rounded can be compared with
what it was rounded from.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

#: Letters behind a number that only say how large it is.
SCALES = {
    "k": 1e3, "K": 1e3, "thousand": 1e3, "M": 1e6, "mln": 1e6, "million": 1e6, "m": 1e6,
    "B": 1e9, "bn": 1e9, "billion": 1e9, "G": 1e9, "T": 1e12, "trillion": 1e12,
}  # fmt: skip
SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "millisecond": 1e-3,
    "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0,
    "hour": 3600.0, "d": 86400.0, "day": 86400.0,
}  # fmt: skip
#: As 1000 and as 1024: the same letters mean both.
BYTES = {
    "B": (1.0,), "byte": (1.0,), "kB": (1e3, 2.0**10), "KB": (1e3, 2.0**10), "KiB": (2.0**10,),
    "MB": (1e6, 2.0**20), "MiB": (2.0**20,), "GB": (1e9, 2.0**30, 1e3 * 2**20), "GiB": (2.0**30,),
    "TB": (1e12, 2.0**40), "TiB": (2.0**40,),
}  # fmt: skip
#: Units that change nothing: right behind a number.
PLAIN = {
    "x",
    "X",
    "pp",
    "pt",
    "pts",
    "px",
    "it",
    "tok",
    "W",
    "Hz",
    "MHz",
    "GHz",
    "kWh",
    "USD",
    "EUR",
}

#: Between groups of three digits: 1,234 or 1 234, with spaces that do not break.
GAPS = r",_'\u00a0\u2009\u202f"
GROUPED = rf"\d{{1,3}}(?:[{GAPS}]\d{{3}})+(?:\.\d+)?"
DIGITS = rf"{GROUPED}|\d+(?:\.\d+)?|\.\d+"
NUMBER = re.compile(rf"(?P<digits>{DIGITS})(?P<power>[eE][+-]?\d{{1,3}}(?!\d))?")
SEPARATOR = re.compile(rf"[{GAPS}]")
#: 3 × 10⁻⁴, 3x10^-4, 3*10**-4
#: The look behind keeps it from trying each digit of a long row of numbers and dots.
_POWER = re.compile(
    r"(?<![\d.])(\d(?:[\d.]*\d)?)\s?[×x·*]\s?10\s?(?:(?:\^|\*\*)\{?([-−+]?\d{1,3})\}?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}))"
)
_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")


@dataclass(frozen=True)
class Value:
    """One reading of a number. step: what one more in its last digit adds."""

    number: float
    step: float

    def scaled(self, factor: float) -> "Value":
        return Value(self.number * factor, self.step * factor)


def with_powers(text: str) -> str:
    """`text` with powers of ten as 3e-4."""
    return _POWER.sub(lambda m: f"{m[1]}e{(m[2] or m[3]).translate(_SUPER)}", text)


@lru_cache(maxsize=4096)
def read(written: str) -> Value:
    """The value of a token that NUMBER matches whole."""
    digits, _, power = written.replace("E", "e").partition("e")
    if not digits.isdecimal():
        digits = SEPARATOR.sub("", digits)
    decimals = len(digits.partition(".")[2])
    factor = 10.0 ** min(int(power), 300) if power else 1.0
    return Value(float(digits) * factor, 10.0**-decimals * factor)


def readings(written: str) -> list[Value]:
    """What a number may mean: 1,234 with a separator of thousands, 0,93 with a decimal comma."""
    if not re.fullmatch(r"\d+,\d+", written):
        return [read(written)]
    found = [read(written.replace(",", "."))]
    return [read(written), *found] if re.fullmatch(r"\d{1,3},\d{3}", written) else found


def significant(written: str) -> int:
    """How many digits count: 0.05 has one, 40 and 0.93 two, 1e-4 one."""
    digits = re.sub(r"\D", "", written.replace("E", "e").partition("e")[0])
    return len(digits.lstrip("0"))


def singular(unit: str) -> str:
    """`seconds` as second, `secs` as sec; units of one letter as they are."""
    return unit[:-1] if len(unit) > 2 and unit.endswith("s") and unit not in SECONDS else unit


_DURATION = re.compile(
    r"(?<![\w.])(?:(?P<h>\d+)\s?h(?:ours?|rs?)?,? ?)?(?:(?P<m>\d+)\s?m(?:in(?:ute)?s?)?,? ?)"
    r"(?:(?P<s>\d+(?:\.\d+)?)\s?s(?:ec(?:ond)?s?)?)?(?!\w)"
)


def durations(text: str) -> Iterator[tuple[Value, int, int]]:
    """(seconds, start, end) of what is written in two units or three: 2 min 31 s, 1h 5m."""
    for match in _DURATION.finditer(text):
        hours, minutes, seconds = match.groups()
        if hours or seconds:
            total = 3600 * float(hours or 0) + 60 * float(minutes) + float(seconds or 0)
            step = read(seconds).step if seconds else 60.0
            yield Value(total, step), match.start(), match.start() + len(match[0].rstrip(", "))
