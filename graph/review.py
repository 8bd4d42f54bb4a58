"""The message of a review: what is asked for, and the changes that it is about.

The changes are in the message. To see them itself, the model would have to run git, and the policy
lets git show only files that are named and there.
"""

import subprocess
from pathlib import Path

from configs.instructions import review_prompt
from configs.visible import visible
from core.errors import UsageError
from core.git import run_git
from core.policy.paths import is_secret
from core.policy.repository import git_problem
from core.secrets.redaction import redacted

#: Changed files that are named; characters of their diff; seconds that git may take.
MOST_NAMED, MOST_SHOWN, GIT_SECONDS = 200, 60_000, 20.0
#: No program of the repository's shows a file.
PLAIN = ("--relative", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
OTHERS = "/review BASE compares with a branch or commit, /review FILE ... reviews files"


def review_message(folder: Path, words: str) -> str:
    """`words`: files, or a git revision and what the user says of it. Raises UsageError."""
    named = words.split()
    if named and all((folder / name).exists() for name in named):
        what = f"These, as they are: {', '.join(map(visible, named))}"
    else:
        what = _changes(folder, *named[:1])
    more = f"\n\n{' '.join(named[1:])}" if len(named) > 1 else ""
    typed = f"/review {words}".strip()
    return f"{typed}\n\n{review_prompt()}\n\n# What to review\n\n{what}{more}"


def _changes(folder: Path, base: str = "") -> str:
    """What has changed since `base`, or is not committed."""
    if not _git(folder, "rev-parse", "--is-inside-work-tree"):
        raise UsageError(
            f"{folder} is not in a git repository, so there are no changes to review",
            "/review FILE ... reviews files",
        )
    start = _git(folder, "rev-parse", "--verify", "--quiet", f"{base or 'HEAD'}^{{commit}}")
    if base and not start:
        said = f"Cannot review against {visible(base)}: it is not a file and not a git revision"
        raise UsageError(said, OTHERS)
    if base:  # commits of the base alone are not under review
        start = _git(folder, "merge-base", start, "HEAD") or start
    start = start or _git(folder, "hash-object", "-t", "tree", "--stdin")  # no commit yet
    top = _git(folder, "rev-parse", "--show-toplevel") or str(folder)
    problem = git_problem(["git", "diff", "--numstat", start], str(folder), top)
    if problem:
        raise UsageError(f"Cannot look at the changes: {problem}", "/review FILE ... reviews files")
    counted = _git(folder, "diff", "--numstat", "-z", *PLAIN, start).split("\0")
    changed = [line.split("\t", 2) for line in counted if line.count("\t") > 1]
    new = _git(folder, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    lines = [f"- {visible(name)} (+{more} -{less})" for more, less, name in changed]
    lines += [f"- {visible(name)} (new, not in git yet: read it)" for name in new if name]
    if not lines:
        what = f"no changes since {visible(base)}" if base else "no uncommitted changes"
        raise UsageError(f"nothing to review: {what}", OTHERS)
    lines[MOST_NAMED:] = [f"- [{len(lines) - MOST_NAMED} more]"] if len(lines) > MOST_NAMED else []
    since = f"All changes since {visible(base)} ({start[:12]})" if base else "What is not committed"
    listed = "\n".join(lines)
    shown = _shown(folder, start, [name for _, _, name in changed])
    return f"{since}, in {visible(folder)}:\n\n{listed}{shown}"


def _shown(folder: Path, start: str, names: list[str]) -> str:
    """The diff of these files, without those that hold credentials."""
    wanted = [name for name in names if not is_secret(str(folder / name))]
    if not wanted:
        return ""
    literal = [f":(literal){name}" for name in wanted[:MOST_NAMED]]
    diff = redacted(_git(folder, "diff", *PLAIN, start, "--", *literal))
    more = len(diff) - MOST_SHOWN
    rest = f"\n[... {more:,} characters more: read the files]" if more > 0 else ""
    return f"\n\n<diff>\n{diff[:MOST_SHOWN]}{rest}\n</diff>"


def _git(folder: Path, *arguments: str) -> str:
    """What git prints; "" if it fails."""
    try:
        said = run_git(arguments, cwd=str(folder), timeout=GIT_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.decode("utf-8", "replace").strip()
