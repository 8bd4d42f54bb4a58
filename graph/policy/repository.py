"""Whether git may read a repository without asking.

git runs what a repository's own settings name: filters, monitors, diff drivers. So only a
repository whose settings hold nothing but what is listed here is judged. And git shows files
that it keeps, whatever their names are: where contents are shown, no file with secrets may be
among them.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path

from graph.policy.paths import inside, resolved
from graph.policy.secret_files import is_secret_name

SECTION = re.compile(r'\[([A-Za-z0-9-]+)(?:\s+"[^"\\]*")?\]')
KEY = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=[^\\]*)?")
#: Settings that run nothing and lead nowhere, by section; "*": all of the section's.
HARMLESS_SETTINGS = {
    "core": "repositoryformatversion filemode bare logallrefupdates ignorecase precomposeunicode "
    "symlinks autocrlf eol safecrlf abbrev quotepath compression",
    "remote": "url fetch pushurl tagopt prune",
    "submodule": "url active",
    "lfs": "repositoryformatversion access",
    "user": "name email",
    "branch": "*", "color": "*", "advice": "*", "init": "*", "pull": "*", "push": "*",
}  # fmt: skip
#: Output without the contents of files.
SUMMARIES = frozenset(
    {"--stat", "--shortstat", "--numstat", "--summary", "--name-only", "--name-status", "--quiet",
     "--no-patch", "-s"}
)  # fmt: skip
CONTENTS = re.compile(r"-[A-Za-z0-9]*[pU]|--(patch|unified|word-diff)")
REVISION = re.compile(r"(?![0-9a-f]{4,64}$)[A-Za-z0-9_@][A-Za-z0-9_./@-]*(~\d+)?")
HEAD = re.compile(r"(HEAD|@)(~\d+)?")
HEAD_FILE = re.compile(r"(ref: refs/\S+|[0-9a-f]{40})\n?")
#: A larger index is not read.
LARGEST_INDEX = 5_000_000
GITLINK = 0o160000


def git_problem(words: Sequence[str], folder: str, home: str) -> str:
    """What stands against a reading git command in `folder`; "" if nothing does.

    Args:
        words: of the command, its options being known. home: the working directory.
    """
    verb, rest = words[1], list(words[2:])
    git = _git_folder(folder)
    if isinstance(git, str):
        # There, `git diff` compares any two places.
        return git or ("there is no repository" if verb == "diff" else "")
    if not inside(resolved(str(git[0].parent), folder), home):
        return "the repository is not inside the working directory"
    why = _settings_problem(git[1] / "config") or _hook_problem(git[1])
    if why:
        return why
    operands, files = _operands(rest, folder)
    if any(":" in operand for operand in operands):
        return "git reads what is behind a colon from its store"
    if verb == "show" and not all(HEAD.fullmatch(operand) for operand in operands):
        return "git show may show any object: name HEAD, HEAD~1, ..."
    shows = _shows_contents(verb, rest)
    if shows and not all(REVISION.fullmatch(part) for o in operands for part in _ends(o)):
        return "git shows contents of what it keeps: name files"
    staged = "--cached" in rest or "--staged" in rest
    if shows and not files and (verb != "diff" or operands or staged):
        return "git shows contents of what it keeps: name files"
    if verb in ("status", "diff"):
        return _index_problem(git[1], git[2], str(Path(git[0]).parent), shows and not files)
    return ""


def _operands(rest: Sequence[str], folder: str) -> tuple[list[str], list[str]]:
    """(other operands, files that are there)."""
    words = [word for word in rest if word != "--" and not word.startswith("-")]
    files = [word for word in words if os.path.isfile(os.path.join(folder, word))]
    return [word for word in words if word not in files], files


def _ends(operand: str) -> list[str]:
    """`a..b` as its ends."""
    return [part for part in re.split(r"\.\.\.?", operand) if part]


def _shows_contents(verb: str, rest: Sequence[str]) -> bool:
    if any(map(CONTENTS.match, rest)):
        return True
    return verb in ("diff", "show") and not any(w.partition("=")[0] in SUMMARIES for w in rest)


def _git_folder(folder: str) -> tuple[Path, Path, Path] | str:
    """(`.git`, the folder with the settings, the one with the index), or why there is none: ""
    if git finds no repository either."""
    for place in (Path(folder), *Path(folder).parents):
        git = place / ".git"
        if git.is_dir() and not _looks_like_git(git, git):
            continue  # git passes over it too
        if os.path.lexists(git):
            return _leading(git)
        if _looks_like_git(place, place):
            return "a repository without a working tree is here"
    return ""


def _looks_like_git(own: Path, common: Path) -> bool:
    return (
        os.path.lexists(own / "HEAD")
        and (common / "objects").is_dir()
        and (common / "refs").is_dir()
    )


def _leading(git: Path) -> tuple[Path, Path, Path] | str:
    """What stands in `.git`, be it a folder or a file that names one."""
    own = git
    try:
        if git.is_file():
            first = git.read_text(encoding="utf-8")[:4096].strip()
            own = Path(os.path.join(git.parent, first.removeprefix("gitdir:").strip()))
        shared = own / "commondir"
        common = own
        if shared.is_file():
            common = own / shared.read_text(encoding="utf-8")[:4096].strip()
        head = "" if (own / "HEAD").is_symlink() else (own / "HEAD").read_text(encoding="utf-8")
        # With another HEAD, git would go on to the folders above.
        if _looks_like_git(own, common) and HEAD_FILE.fullmatch(head):
            return git, common, own
    except (OSError, UnicodeDecodeError):
        pass
    return "the repository cannot be read"


def _settings_problem(config: Path) -> str:
    """The first setting that is not known to be harmless."""
    try:
        text = config.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        return "the repository's settings cannot be read"
    allowed: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip("\r").strip(" \t")
        if not line or line[0] in "#;":
            continue
        section, key = SECTION.fullmatch(line), KEY.fullmatch(line)
        if section is not None and section[1].lower() in HARMLESS_SETTINGS:
            allowed = HARMLESS_SETTINGS[section[1].lower()].split()
        elif key is None or not allowed or (key[1].lower() not in allowed and allowed != ["*"]):
            return f"the repository's settings hold {line[:60]!a}"
    return ""


def _hook_problem(common: Path) -> str:
    """git runs this one when it has looked at the files; the others belong to what changes."""
    hook = common / "hooks" / "post-index-change"
    return "the repository has a hook for what reads it" if os.path.lexists(hook) else ""


def _index_problem(common: Path, own: Path, top: str, contents: bool) -> str:
    """A nested repository that git would enter, or a file with secrets that it would show."""
    entries = _entries(own / "index")
    if entries is None:
        return "the repository's index cannot be judged"
    for mode, name in entries:
        if mode == GITLINK and os.path.lexists(os.path.join(top, name, ".git")):
            return f"{name} is a repository of its own"
        if contents and is_secret_name(name):
            return f"git keeps {name}, which is known to hold credentials"
    return ""


def _entries(index: Path) -> list[tuple[int, str]] | None:
    """The modes and names of an index of version 2 or 3; None for another or a broken one."""
    try:
        if index.stat().st_size > LARGEST_INDEX:
            return None
        data = index.read_bytes()
    except FileNotFoundError:
        return []
    except OSError:
        return None
    if data[:4] != b"DIRC" or len(data) < 12:
        return None
    version, count = struct.unpack(">II", data[4:12])
    if version not in (2, 3):
        return None
    found, at = [], 12
    for _ in range(count):
        if at + 62 > len(data):
            return None
        mode, flags = struct.unpack(">I", data[at + 24 : at + 28])[0], data[at + 60]
        start = at + (64 if flags & 0x40 else 62)
        end = data.find(b"\0", start)
        if end < 0:
            return None
        found.append((mode & 0o170000, os.fsdecode(data[start:end])))
        at += (end - at + 8) // 8 * 8
    # A part of the entries may stand in another file, or folders stand for what is in them.
    while at + 8 <= len(data) - 20:
        if data[at : at + 4] in (b"link", b"sdir"):
            return None
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return found
