"""Whether git may read a repository without asking.

git runs what a repository's own settings name: filters, monitors, diff drivers. So only a
repository whose settings hold nothing but what is listed here is judged. And git shows files
that it keeps, whatever their names are: where contents are shown, no file with secrets may be
among them.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from configs.folder_files import LARGEST, Unreadable, read_regular
from core.policy.git_store import GITLINK, entries_of, store_problem
from core.policy.paths import inside, resolved
from core.policy.secret_files import is_secret_name

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


def git_problem(words: Sequence[str], folder: str, home: str) -> str:
    """What stands against a reading git command in `folder`; "" if nothing does.

    Args:
        words: of the command, its options being known. home: the working directory.
    """
    verb, rest = words[1], list(words[2:])
    git = _git_folder(folder)
    if isinstance(git, str):
        # There, `git diff` compares any two places.
        return git or ("not in a git repository" if verb == "diff" else "")
    if not inside(resolved(str(git[0].parent), folder), home):
        return "the repository is not inside the working directory"
    why = store_problem(*git, home) or _settings_problem(git[1] / "config") or _hook_problem(git[1])
    if why:
        return why
    revisions, paths = _operands(rest)
    if any(":" in word for word in (*revisions, *paths)):
        return "git reads what is behind a colon from its store"
    files = [word for word in revisions if os.path.isfile(os.path.join(folder, word))]
    revisions = [word for word in revisions if word not in files]
    if verb == "show" and not all(map(HEAD.fullmatch, revisions)):
        return "git show may show any object: name HEAD, HEAD~1, ..."
    shows = _shows_contents(verb, rest)
    if shows and not _names_files(verb, rest, revisions, [*files, *paths], folder):
        return "git shows contents of what it keeps: name files"
    files += paths
    if verb in ("status", "diff"):
        return _index_problem(git[2], str(Path(git[0]).parent), shows and not files)
    return ""


def _operands(rest: Sequence[str]) -> tuple[list[str], list[str]]:
    """(the words before `--`, those behind it), without options."""
    at = rest.index("--") if "--" in rest else len(rest)
    return [word for word in rest[:at] if not word.startswith("-")], list(rest[at + 1 :])


def _names_files(
    verb: str, rest: Sequence[str], revisions: Sequence[str], files: Sequence[str], folder: str
) -> bool:
    """Whether contents are shown of files alone that are there, or of changes against the index."""
    if not all(os.path.isfile(os.path.join(folder, file)) for file in files):
        return False
    for revision in revisions:
        # A folder, or a file that was removed, may be meant as well.
        known = os.path.lexists(os.path.join(folder, revision))
        if known or not all(map(REVISION.fullmatch, _ends(revision))):
            return False
    plain = verb == "diff" and not revisions and not {"--cached", "--staged"} & set(rest)
    return bool(files) or plain


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
    """What is in `.git`, be it a folder or a file that names one."""
    own = git
    try:
        if git.is_file():
            first = _text(git).strip()
            own = Path(os.path.join(git.parent, first.removeprefix("gitdir:").strip()))
        shared = own / "commondir"
        common = own
        if os.path.lexists(shared):
            common = own / _text(shared).strip()
        head = "" if (own / "HEAD").is_symlink() else _text(own / "HEAD")
        # With another HEAD, git would continue to the folders above.
        if _looks_like_git(own, common) and HEAD_FILE.fullmatch(head):
            return git, common, own
    except (OSError, Unreadable, UnicodeDecodeError):
        pass
    return "the repository cannot be read"


def _text(file: Path) -> str:
    return read_regular(file, LARGEST).decode("utf-8")


def _settings_problem(config: Path) -> str:
    """The first setting that is not known to be harmless."""
    try:
        text = _text(config)
    except FileNotFoundError:
        return ""
    except (OSError, Unreadable, UnicodeDecodeError):
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


def _index_problem(own: Path, top: str, contents: bool) -> str:
    """A nested repository that git would enter, or a file with secrets that it would show."""
    entries = entries_of(own / "index")
    if entries is None:
        return "the repository's index cannot be judged"
    for mode, name in entries:
        if mode == GITLINK and os.path.lexists(os.path.join(top, name, ".git")):
            return f"{name} is a separate repository"
        if contents and is_secret_name(name):
            return f"git keeps {name}, which is known to hold credentials"
    return ""
