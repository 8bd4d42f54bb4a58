"""What hf_dataset found, in a line for the user: `40 rows · fits DPO · 1 warning`."""

import re

_SIZE = re.compile(r"^\S+(?: .*?)?: ([\d,]+|an unknown number of) rows, (\d+) columns\.")
_FITS = re.compile(r"^Fits as it is: (\w+)", re.MULTILINE)
_CHANGE = re.compile(r"^Fits after a change: (\w+)", re.MULTILINE)
_SHARED = re.compile(r"^(\d+) of (\d+) evaluation rows")
_FOUND = re.compile(r"^([\d,]+) rows of ")


def summary_of(text: str) -> str:
    """Of the result of inspect, overlap or search; "" if it begins otherwise."""
    shared, found = _SHARED.match(text), _FOUND.match(text)
    if shared:
        leaks = "no" if shared[1] == "0" else shared[1]
        return f"{leaks} of {shared[2]} evaluation rows leak"
    if found:
        return f"{found[1]} rows found"
    size = _SIZE.match(text)
    if size is None:
        return ""
    fits, changed = _FITS.findall(text), _CHANGE.findall(text)
    parts = [f"{size[1]} rows", f"fits {', '.join(fits)}" if fits else ""]
    parts.append(f"after a change {', '.join(changed)}" if changed and not fits else "")
    parts.append("fits no method" if not fits and not changed else "")
    warnings = len(re.findall(r"^Warning: ", text, re.MULTILINE))
    parts.append(f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else "")
    return " · ".join(part for part in parts if part)
