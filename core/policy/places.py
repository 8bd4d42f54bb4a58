"""The places that a command's words name, and where they lead."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from stat import S_ISREG

from configs.real_path import is_there
from core.policy.paths import inside, is_protected, is_readable_anywhere, is_secret, named, resolved
from core.policy.secret_files import is_secret_name

URL = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]*://")
#: Behind one, a word may name a place.
SEPARATOR = re.compile("[=:,@<]")
#: The command's own folder and root, under names that mean others where it is judged.
OWN_PROCESS = re.compile(r"/+proc/+(?:[^/]+/+)+?(cwd|root)(?=/|$)")
#: In more folders a line is not followed.
MOST_FOLDERS = 32
#: More entries of a folder are not looked at.
MOST_ENTRIES = 20_000


def folders_of(commands: Iterable[Sequence[str]], start: str) -> list[str]:
    """Every folder in which a part of the line may run: each `cd` may have happened or not."""
    found = [resolved(".", start)]
    for words in commands:
        if not words or words[0] not in ("cd", "pushd"):
            continue
        target = next((word for word in words[1:] if not word.startswith("-")), "~")
        for folder in list(found):
            there = resolved(target, folder)
            if there not in found and len(found) < MOST_FOLDERS:
                found.append(there)
    return found


def parts_of(word: str) -> Iterator[str]:
    """The parts of a word that may name a place: `x`, `--file=x`, `-fx`, `host:x`, `@x`, `<x`."""
    if not word.startswith("-"):
        yield word
    elif not word.startswith("--") and len(word) > 2:
        yield word[2:]
        start = re.search(r"[~/]", word)
        if start is not None:
            yield word[start.start() :]
    pieces = SEPARATOR.split(word)
    if len(pieces) > 1:
        yield from (word[at.end() :] for at in SEPARATOR.finditer(word))
        yield from (piece for piece in pieces if not piece.startswith("-"))


def places_of(words: Iterable[str]) -> Iterator[str]:
    """The parts of all words that may name a place; addresses of the web name none."""
    for word in words:
        if "://" in word and (URL.match(word) or URL.match(word.partition("=")[2])):
            continue
        for part in parts_of(word):
            if not part:
                continue
            yield part.removeprefix("file://") if part.startswith("file:/") else part
            if part.startswith("/") and OWN_PROCESS.match(part):
                yield OWN_PROCESS.sub(lambda found: "." if found[1] == "cwd" else "/.", part)


def exists(place: str, folder: str) -> bool:
    """Whether there is something of that name, be it a link that leads nowhere."""
    try:
        return is_there(named(place, folder))
    except ValueError:
        return False


def secret_place(place: str, folder: str) -> bool:
    """Whether `place` is known to hold credentials, by its name or where it leads."""
    return any(is_secret(path) for path in {named(place, folder), resolved(place, folder)})


def protected_place(place: str, folder: str, state: str) -> bool:
    """Whether `place` governs ml-agent or runs later, by its name or where it leads."""
    forms = {named(place, folder), resolved(place, folder)}
    return any(is_protected(path, state) for path in forms)


def outside_place(
    places: Iterable[str], folders: Sequence[str], home: str, state: str, *, reads: bool
) -> str | None:
    """The first of `places` that leads out of the working directory `home`, in any of `folders`.

    Args:
        reads: they are only read, so temporary files, packages and caches count as inside.
    """
    for place in places:
        has_form = "/" in place or place.startswith("~") or place in (".", "..")
        for folder in folders:
            if not has_form and not exists(place, folder):
                continue
            path = resolved(place, folder)
            if not inside(path, home) and not (reads and is_readable_anywhere(path, state)):
                return place
    return None


def is_regular(place: str, folder: str) -> bool:
    """Whether a redirection to or from `place` opens a file: devices, pipes and the shell's own
    network names are none. What does not exist yet becomes one."""
    path = resolved(place, folder)
    if inside(path, "/dev") or inside(path, "/proc"):
        return False
    try:
        return S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False


def unusual_place(places: Iterable[str], folders: Sequence[str]) -> str | None:
    """The first of `places` that is there and neither a file nor a folder: a device, a pipe."""
    for place in places:
        for folder in folders:
            path = resolved(place, folder)
            if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
                return place
    return None


def special_below(folder: str, home: str, *, hidden: bool = True) -> str | None:
    """What a program that reads all of `folder` must not meet: a file with secrets, or a link that
    leads out of `home`. The folder itself if it is too large to look.

    Args:
        hidden: hidden names are looked at too.
    """
    count = 0
    for where, names, files in os.walk(folder):
        if not hidden:
            names[:] = [name for name in names if not name.startswith(".")]
            files = [name for name in files if not name.startswith(".")]
        count += len(names) + len(files)
        if count > MOST_ENTRIES:
            return folder
        for name in (*files, *names):
            place = os.path.join(where, name)
            if is_secret_name(name) or (os.path.islink(place) and _astray(place, home)):
                return os.path.relpath(place, folder)
    return None


def _astray(link: str, home: str) -> bool:
    target = resolved(link, home)
    return is_secret(target) or not inside(target, home)
