"""A shadow git repository: the content that files of a folder had, kept outside the folder.

By git's plumbing alone: `git add` would run the filters of .gitattributes. The user's own
repository is read for its ignore rules and otherwise left alone. Which turn changed which file
is in records next to it (turn_records.py). Trees `{files, meta}` are of older versions, and are
only read. All blocking: call it in a thread.
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from urllib.parse import quote

from configs.folders import make_private_folder
from configs.real_path import real_path
from core.git import git_command, git_environment, run_git
from core.quick import leave_loop
from core.store.files.entries import Entry


class Shadow:
    """The shadow repository of one folder.

    Args:
        home: where shadow repositories live. folder: what is kept, absolute.
    """

    def __init__(self, home: Path, folder: str) -> None:
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        self.folder = folder
        self._git_dir = home / f"{name}.git"
        #: Which content each file had, by its stamp.
        self.known_path = home / f"{name}.json"
        self._turns = home / f"{name}.turns"

    def turns_of(self, thread: str) -> str:
        """Where a thread's records are."""
        return f"{self._turns}/{quote(thread, safe='')}"

    def all_turns(self) -> list[str]:
        """The folders of records, one per thread."""
        with suppress(OSError), os.scandir(self._turns) as found:
            return [entry.path for entry in found if entry.is_dir()]
        return []

    def unfit(self) -> str:
        """Why nothing can be kept of the folder; "" if it can."""
        if not _has_git(os.environ.get("PATH")):
            return "git is not installed"
        here = _leads_to(self.folder)
        if here is None or not stat.S_ISDIR(here.st_mode):
            return "the working directory is gone"
        for place, name in ((os.path.expanduser("~"), "the home folder"), (os.sep, os.sep)):
            other = _leads_to(place)
            if other is not None and os.path.samestat(here, other):
                return f"the working directory is {name}"
        return ""

    def in_use(self) -> AbstractContextManager[None]:
        """No clean-up removes the repository while the block runs."""
        return locked(self._git_dir.parent, fcntl.LOCK_SH)

    def create(self) -> tuple[int, ...]:
        """Make the repository unless there is one; what tells it from one that was removed."""
        head = f"{self._git_dir}/HEAD"
        status = status_of(head)
        if status is None:
            make_private_folder(self._git_dir.parent)
            self._git(["init", "--quiet", "--bare", "--template=", str(self._git_dir)], plain=True)
            self._git(["config", "gc.auto", "0"])
            status = os.stat(head)
        return status.st_dev, status.st_ino, status.st_mtime_ns

    def put(self, content: bytes) -> str:
        """Store `content`; its blob."""
        return self._git(["hash-object", "-w", "--stdin"], content).decode().strip()

    def keep(self, thread: str, blob: str) -> None:
        """Let a blob stay as long as the thread does: see `forget`."""
        self._git(["update-ref", f"refs/kept/{thread}/{blob}", blob])

    def put_files(self, paths: Iterable[str]) -> list[str]:
        """Store files as they are, without filters; their blobs. No path may hold a line end."""
        asked = os.fsencode("\n".join(paths) + "\n")
        said = self._git(["hash-object", "-w", "--no-filters", "--stdin-paths"], asked)
        return said.decode().split()

    def ignored(self, prefix: str) -> list[str]:
        """What git ignores below `prefix` of the folder, relative to it; folders end in a slash.

        Inside a repository of the user's it is asked: rules of folders above count, and what it
        tracks is not ignored whatever a rule says.
        """
        wanted = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"]
        return [os.fsdecode(name) for name in self._asked(prefix, wanted).split(b"\0") if name]

    def excludes(self, folders: Iterable[str]) -> bool:
        """Whether the rules name each of these folders itself: then all that is ever in it is
        ignored, too."""
        names = [os.fsencode(folder.rstrip("/")) for folder in folders]
        wanted = ["check-ignore", "--no-index", "-z", "--stdin"]
        # It ends with 1 if it names none.
        said = self._asked("", wanted, b"\0".join(names), check=False)
        return set(names) <= set(said.split(b"\0"))

    def _asked(
        self, prefix: str, wanted: Sequence[str], given: bytes = b"", *, check: bool = True
    ) -> bytes:
        inner = os.path.join(self.folder, prefix)
        found = _said_in(inner, wanted, given, check=check)
        if found is None:
            found = self._git(wanted, given, work_tree=inner, check=check)
        return found

    def rule_files(self) -> dict[str, os.stat_result | None]:
        """What says which files are ignored, next to the .gitignore files of the folder; None of
        what is not there."""
        found: dict[str, os.stat_result | None] = {}
        above = self.folder.rstrip("/")
        while True:
            git = f"{above}/.git"
            found[git] = is_there = status_of(git)
            for path in (f"{git}/info/exclude", f"{git}/config"):
                found[path] = status_of(path) if is_there else None
            if is_there or not above:
                return found
            above = above.rpartition("/")[0]
            found[f"{above}/.gitignore"] = status_of(f"{above}/.gitignore")

    def forget(self, threads: Collection[str]) -> None:
        """Let go of what was kept of threads."""
        for thread in threads:
            shutil.rmtree(self.turns_of(thread), ignore_errors=True)
        with suppress(OSError):
            self._turns.rmdir()
        if not self._git_dir.is_dir():
            return
        gone = [ref for ref in self._refs() if ref.split("/")[2] in threads]
        if gone:
            said = "".join(f"delete {ref}\n" for ref in gone)
            self._git(["update-ref", "--stdin"], said.encode())

    def discard(self) -> int:
        """Remove the repository unless it keeps something; its bytes. Only under `alone`. The rest
        is left to `sweep`, which takes longer."""
        if not self._git_dir.is_dir() or self.all_turns() or self._refs():
            return 0
        # What is known of files goes first: it names blobs that are not there any more.
        self.known_path.unlink(missing_ok=True)
        size = bytes_of(self._git_dir)
        os.replace(self._git_dir, self._git_dir.with_suffix(f".{os.getpid()}.gone"))
        return size

    def _refs(self) -> list[str]:
        return self._git(["for-each-ref", "--format=%(refname)", "refs/kept"]).decode().split()

    def entries(self, snapshot: str) -> dict[str, Entry]:
        """The files of a tree of an older version, by path."""
        meta = json.loads(self._git(["cat-file", "blob", f"{snapshot}:meta"]))
        listed = self._git(["ls-tree", "-r", "-z", f"{snapshot}:files"])
        found: dict[str, Entry] = {}
        for line in listed.split(b"\0"):
            if not line:
                continue
            about, _, raw = line.partition(b"\t")
            kind, _, blob = about.decode().split()
            name = os.fsdecode(raw)
            usual = 0o755 if kind == "100755" else 0o644
            found[name] = Entry(kind, blob, meta["modes"].get(name, usual))
        return found

    def contents(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each blob with its content, one after the other; None for one that is not there."""
        with subprocess.Popen(
            git_command(["cat-file", "--batch"]),
            env=git_environment({"GIT_DIR": str(self._git_dir)}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for blob in blobs:
                process.stdin.write(blob.encode() + b"\n")
                process.stdin.flush()
                said = process.stdout.readline().split()
                if len(said) < 3:
                    yield blob, None
                    continue
                size = int(said[2])
                content = process.stdout.read(size)
                process.stdout.read(1)
                yield blob, content
            process.stdin.close()

    # --- how ----------------------------------------------------------------------------------

    def _git(
        self,
        arguments: Sequence[str],
        given: bytes = b"",
        *,
        work_tree: str = "",
        plain: bool = False,
        check: bool = True,
    ) -> bytes:
        leave_loop()
        extra = {"GIT_DIR": str(self._git_dir)} if not plain else {}
        if work_tree:
            extra["GIT_WORK_TREE"] = work_tree
            extra["GIT_INDEX_FILE"] = str(self._git_dir / "no-index")
        return run_git(arguments, given, cwd=work_tree or None, extra=extra, check=check)


@cache
def _has_git(path: str | None) -> bool:
    """Asked at every look: each folder of PATH costs a call of the system."""
    return shutil.which("git", path=path) is not None


def _leads_to(path: str) -> os.stat_result | None:
    """None: it leads nowhere."""
    try:
        return os.stat(path)
    except OSError:
        return None


def status_of(path: str) -> os.stat_result | None:
    """None: nothing is there."""
    try:
        return os.lstat(path)
    except OSError:
        return None


@contextmanager
def locked(home: Path, how: int) -> Iterator[None]:
    """Hold the lock of all shadow repositories while the block runs: shared (LOCK_SH) to take
    snapshots, alone (LOCK_EX) to remove repositories. Raises BlockingIOError with LOCK_NB."""
    lock, how_opened = f"{home}/lock", os.O_RDWR | os.O_CREAT
    try:
        descriptor = os.open(lock, how_opened, 0o600)
    except FileNotFoundError:
        make_private_folder(home)
        descriptor = os.open(lock, how_opened, 0o600)
    try:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if how & fcntl.LOCK_NB:
                raise
            # A task of this very loop may hold it.
            leave_loop()
            fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def sweep(home: Path) -> None:
    """Remove what `discard` put aside, also in a process that was killed before it came to this."""
    for path in home.glob("*.gone"):
        shutil.rmtree(path, ignore_errors=True)


def bytes_of(folder: Path) -> int:
    """What the files below a folder take; 0 if there is none."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_size
    return total


def _said_in(folder: str, arguments: Sequence[str], given: bytes, *, check: bool) -> bytes | None:
    """What git says in the user's repository around `folder`; None without one that can be used,
    or where it ignores the folder."""
    above = real_path(folder)
    inner = above
    while not os.path.lexists(os.path.join(above, ".git")):
        if above == os.path.dirname(above):
            return None
        above = os.path.dirname(above)
    theirs = ["-C", inner]
    if above != inner and run_git([*theirs, "check-ignore", "."], check=False):
        return None
    try:
        return run_git([*theirs, *arguments], given, check=check)
    except subprocess.CalledProcessError:
        return None
