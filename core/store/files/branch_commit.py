"""A snapshot as a commit on a new git branch: neither the working tree nor the index is touched.

The snapshot's files are laid out in a temporary folder that git takes for the working tree, with a
separate index, so that git's rules for line ends hold. Filters are not run: such files stay as
they are in HEAD. Blocking.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from configs.folders import make_private_folder
from core.errors import UsageError
from core.git import git_environment, run_git
from core.store.files.entries import LEFT_OUT, LINK
from core.store.files.folder_snapshots import FolderSnapshots

#: Seconds for one call of git.
PATIENCE = 120.0
LARGE = "it is too large to keep, or holds credentials"
FILTERED = "git runs a filter for it"
NESTED = "it belongs to another git repository"


def commit_on_branch(
    snapshots: FolderSnapshots, snapshot: str, branch: str, message: str
) -> tuple[str, dict[str, str]]:
    """(the commit, the paths that are not in it as in the snapshot, with the reason). The commit
    follows HEAD; files of HEAD outside the folder are in it.

    Raises UsageError: no repository, no such name, it exists, git refuses.
    """
    git = _Git(snapshots.folder)
    git.check_name(branch)
    scan = snapshots.load(snapshot)
    left_out = [name for name, entry in scan.entries.items() if entry.kind == LEFT_OUT]
    left = dict.fromkeys([f"{git.prefix}{name}" for name in left_out], LARGE)
    with tempfile.TemporaryDirectory(prefix="ml-agent-branch-") as temporary:
        git.use(Path(temporary))
        head = git.head()
        if head:
            git.run("read-tree", head)
        known = git.staged()
        modules = [name for name, mode in known.items() if mode == "160000"]
        names = git.lay_out(snapshots, snapshot)
        left |= dict.fromkeys(_below(names, [*modules, *git.nested(names)]), NESTED)
        left |= dict.fromkeys(git.filtered([n for n in names if n not in left]), FILTERED)
        git.put([name for name in names if name not in left])
        kept = {*names, *left, *modules, *git.sparse()}
        start = len(git.prefix)
        gone = [n for n in known if n.startswith(git.prefix) and n not in kept]
        git.drop([name for name in gone if scan.covers(name[start:])])
        tree = git.run("write-tree")
        parent = ["-p", head] if head else []
        commit = git.run("commit-tree", tree, *parent, given=message)
        git.create(branch, commit)
    return commit, left


def _below(names: Iterable[str], folders: Sequence[str]) -> list[str]:
    inside = tuple(f"{folder}/" for folder in folders)
    return [name for name in names if name.startswith(inside)]


class _Git:
    """The user's repository around a folder. prefix: the folder's path in it, "" or with a final
    slash."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._extra: dict[str, str] = {}
        try:
            told = self._said(["rev-parse", "--absolute-git-dir", "--show-prefix"]).split("\n")
            inside = self._said(["rev-parse", "--is-inside-work-tree"])
        except UsageError as error:
            hint = "git init there, or promote without --branch"
            raise UsageError(f"Cannot make a branch: {error.message}.", hint) from None
        if inside.strip() != "true":
            raise UsageError(f"Cannot make a branch: {folder} is in no git working tree.")
        self._git_dir, self.prefix = told[0], told[1]
        self._work = Path(folder)

    def use(self, temporary: Path) -> None:
        """From here on git works on a separate index and working tree."""
        self._work = temporary / "tree"
        make_private_folder(self._work / self.prefix)
        self._extra = {
            "GIT_DIR": self._git_dir,
            "GIT_WORK_TREE": str(self._work),
            "GIT_INDEX_FILE": str(temporary / "index"),
            **_user_settings(self._folder),
        }

    def check_name(self, branch: str) -> None:
        bad = f"Cannot make the branch {branch!r}"
        # `@{-1}` is the name of another branch, and is printed as that.
        said = self._said(["check-ref-format", "--branch", branch], check=False)
        if not branch or said != branch:
            raise UsageError(f"{bad}: git does not take that name.")
        listed = self._said(["for-each-ref", "--format=%(refname)", f"refs/heads/{branch}"])
        if f"refs/heads/{branch}" in listed.split("\n"):
            raise UsageError(f"{bad}: it exists.", "choose another name, or git branch -d")

    def head(self) -> str:
        """The commit that is checked out; "" before the first."""
        return self._said(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], check=False)

    def staged(self) -> dict[str, str]:
        """Mode by path, as in HEAD."""
        lines = self._listed("ls-files", "--stage", "-z")
        return {line.partition("\t")[2]: line[:6] for line in lines}

    def sparse(self) -> set[str]:
        """What is not checked out by the user's choice."""
        extra = {"GIT_DIR": self._git_dir}
        said = self._said(["ls-files", "-t", "-z", "--full-name"], extra=extra)
        return {line[2:] for line in said.split("\0") if line.startswith("S ")}

    def lay_out(self, snapshots: FolderSnapshots, snapshot: str) -> list[str]:
        """Write the snapshot's files; their paths in the repository."""
        names = []
        for name, entry, content in snapshots.files(snapshot):
            path = self._work / self.prefix / name
            make_private_folder(path.parent)
            if entry.kind == LINK:
                os.symlink(os.fsdecode(content), path)
            else:
                path.write_bytes(content)
                path.chmod(0o755 if entry.kind == "100755" else 0o644)
            names.append(f"{self.prefix}{name}")
        return names

    def nested(self, names: Iterable[str]) -> set[str]:
        """The folders above these that are git repositories themselves."""
        start = len(self.prefix)
        above = {p.as_posix() for name in names for p in Path(name[start:]).parents}
        found = {p for p in above - {"."} if os.path.lexists(os.path.join(self._folder, p, ".git"))}
        return {f"{self.prefix}{p}" for p in found}

    def filtered(self, names: Sequence[str]) -> list[str]:
        given = "\0".join([*names, ""])
        said = self._listed("check-attr", "--stdin", "-z", "filter", given=given if names else "")
        triples = zip(said[::3], said[2::3], strict=True)
        return [name for name, value in triples if value not in ("unspecified", "unset")]

    def put(self, names: Sequence[str]) -> None:
        given = "".join(f"{name}\0" for name in names)
        self.run("update-index", "--add", "--replace", "-z", "--stdin", given=given)

    def drop(self, names: Sequence[str]) -> None:
        given = "".join(f"{name}\0" for name in names)
        self.run("update-index", "--force-remove", "-z", "--stdin", given=given)

    def create(self, branch: str, commit: str) -> None:
        """Atomic: a branch of that name that came up meanwhile is not moved."""
        self.run("update-ref", "-m", "promoted", f"refs/heads/{branch}", commit, "0" * len(commit))

    # --- how ----------------------------------------------------------------------------------

    def run(self, *arguments: str, given: str = "") -> str:
        return self._said(arguments, given)

    def _listed(self, *arguments: str, given: str = "") -> list[str]:
        said = self._said(arguments, given)
        return [line for line in said.split("\0") if line]

    def _said(
        self,
        arguments: Sequence[str],
        given: str = "",
        *,
        extra: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> str:
        """What git prints, without its last line end. Raises UsageError with its reason."""
        cwd = str(self._work) if self._extra else self._folder
        try:
            said = run_git(
                arguments, os.fsencode(given), cwd=cwd, check=check, timeout=PATIENCE,
                extra=self._extra if extra is None else extra,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
            why = next((one for one in lines if one.startswith(("fatal: ", "error: "))), "failed")
            text = why.removeprefix("fatal: ").removeprefix("error: ")
            raise UsageError(f"git {arguments[0]}: {text}") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(f"git {arguments[0]}: {error}") from None
        return os.fsdecode(said).removesuffix("\n")


#: Of the user's own settings, which `run_git` leaves out, what a commit depends on.
_SETTINGS = r"^(user\.(name|email)|core\.(autocrlf|eol))$"


def _user_settings(folder: str) -> dict[str, str]:
    """Variables that say who commits, and how lines end. Raises UsageError: it is not known who."""
    environment = git_environment()
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        del environment[name]
    # Reading settings starts no program.
    done = subprocess.run(
        ["git", "config", "-z", "--get-regexp", _SETTINGS],
        cwd=folder, env=environment, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    pairs = (one.partition("\n")[::2] for one in os.fsdecode(done.stdout).split("\0") if one)
    found = dict(pairs)
    name, email = (
        os.environ.get(f"GIT_COMMITTER_{one.upper()}") or found.pop(f"user.{one}", "")
        for one in ("name", "email")
    )
    if not name or not email:
        why = "Cannot commit: git does not know your name and address"
        raise UsageError(f"{why}.", "git config --global user.name and user.email set them")
    variables = {"GIT_CONFIG_COUNT": str(len(found))}
    for n, (key, value) in enumerate(found.items()):
        variables |= {f"GIT_CONFIG_KEY_{n}": key, f"GIT_CONFIG_VALUE_{n}": value}
    for role in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email}
    return variables
