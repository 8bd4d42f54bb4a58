"""A shadow git repository: the files below a folder at a moment, kept outside the folder.

By git's plumbing alone. `git add` would turn a nested repository into a link and lose its files,
and run the filters of .gitattributes. The person's own repository is read for its ignore rules and
otherwise left alone. A snapshot is a tree `{files, meta}`: what git's modes cannot say (0600,
setgid) and what was left out stands in `meta`. All blocking: call it in a thread.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from configs.folders import make_private_folder
from graph.git import git_command, git_environment, run_git

#: Files of a folder above which no snapshot is taken.
MOST_FILES = 50_000
#: Larger files are left out.
LARGEST = 10_000_000
#: A file that changed so shortly before it was read may change again within one tick of the
#: clock, and look the same: it is read anew the next time. Seconds.
RACY = 1.0


@dataclass(frozen=True)
class Entry:
    """A file as it was. kind: git's mode (100644, 100755, 120000 a link). mode: its own bits."""

    kind: str
    blob: str
    mode: int


@dataclass
class Snapshot:
    """id: the tree in the shadow repository; "" where none was taken, and `off` says why.
    left_out: files that are not in it, with the reason."""

    id: str = ""
    off: str = ""
    left_out: dict[str, str] = field(default_factory=dict)


class Shadow:
    """The shadow repository of one folder.

    Args:
        home: where shadow repositories live. folder: what is kept, absolute.
        is_secret: whether an absolute path is known to hold credentials: it is left out.
    """

    def __init__(self, home: Path, folder: str, is_secret: Callable[[str], bool]) -> None:
        self._is_secret = is_secret
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        self.folder = folder
        self._git_dir = home / f"{name}.git"
        self._known_path = home / f"{name}.json"

    def unfit(self) -> str:
        """Why no snapshot can be taken of the folder; "" if one can."""
        here = os.path.realpath(self.folder)
        if shutil.which("git") is None:
            return "there is no git"
        if here == os.path.realpath(os.path.expanduser("~")):
            return "the working directory is the home folder"
        if here == os.path.sep:
            return "the working directory is /"
        return "" if os.path.isdir(here) else "the working directory is gone"

    def take(self, now: float) -> Snapshot:
        """The folder as it is. `now`: epoch seconds, before anything is looked at."""
        off = self.unfit()
        if off:
            return Snapshot(off=off)
        with locked(self._git_dir.parent, fcntl.LOCK_SH):
            return self._taken(now)

    def _taken(self, now: float) -> Snapshot:
        self._create()
        names = list(self._names())
        if len(names) > MOST_FILES:
            return Snapshot(off=f"it holds more than {MOST_FILES:,} files")
        entries, left_out = self._entries(names, now)
        meta = {
            "modes": {n: e.mode for n, e in entries.items() if _unusual(e)},
            "left_out": left_out,
        }
        files = self._tree((f"{e.kind} {e.blob}\t{name}", name) for name, e in entries.items())
        about = (
            self._git(["hash-object", "-w", "--stdin"], json.dumps(meta, sort_keys=True).encode())
            .decode()
            .strip()
        )
        pair = f"040000 tree {files}\tfiles\x00100644 blob {about}\tmeta\x00"
        tree = self._git(["mktree", "-z"], pair.encode()).decode().strip()
        return Snapshot(tree, left_out=left_out)

    def keep(self, name: str, snapshot: str) -> None:
        """Hold a snapshot under a name, so that no clean-up takes it."""
        self._git(["update-ref", f"refs/kept/{name}", snapshot])

    def forget(self, prefixes: Collection[str]) -> None:
        """Let go of what was kept under names whose first part is among these."""
        if not self._git_dir.is_dir():
            return
        gone = [ref for ref in self._refs() if ref.split("/")[2] in prefixes]
        if gone:
            said = "".join(f"delete {ref}\n" for ref in gone)
            self._git(["update-ref", "--stdin"], said.encode())

    def discard(self) -> int:
        """Remove the repository unless it keeps something; its bytes. Only under `alone`. The rest
        is left to `sweep`, which takes longer."""
        if not self._git_dir.is_dir() or self._refs():
            return 0
        # What is known of files goes first: it names blobs that are not there any more.
        self._known_path.unlink(missing_ok=True)
        size = bytes_of(self._git_dir)
        os.replace(self._git_dir, self._git_dir.with_suffix(f".{os.getpid()}.gone"))
        return size

    def _refs(self) -> list[str]:
        return self._git(["for-each-ref", "--format=%(refname)", "refs/kept"]).decode().split()

    def entries(self, snapshot: str) -> dict[str, Entry]:
        """The files of a snapshot by path."""
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

    def left_out(self, snapshot: str) -> dict[str, str]:
        meta = json.loads(self._git(["cat-file", "blob", f"{snapshot}:meta"]))
        found: dict[str, str] = meta["left_out"]
        return found

    def contents(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each blob with its content, one after the other."""
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
                size = int(process.stdout.readline().split()[2])
                content = process.stdout.read(size)
                process.stdout.read(1)
                yield blob, content
            process.stdin.close()

    # --- how ----------------------------------------------------------------------------------

    def _create(self) -> None:
        if (self._git_dir / "HEAD").exists():
            return
        make_private_folder(self._git_dir.parent)
        self._git(["init", "--quiet", "--bare", "--template=", str(self._git_dir)], plain=True)
        self._git(["config", "gc.auto", "0"])

    def _names(self) -> Iterator[str]:
        """Every file that no ignore rule names, those of nested repositories included."""
        waiting = [""]
        seen: set[str] = set()
        while waiting:
            prefix = waiting.pop()
            inner = os.path.join(self.folder, prefix)
            for name in self._listed(inner):
                path = prefix + name
                whole = os.path.join(self.folder, path)
                if path.endswith("/"):
                    waiting.append(path)
                elif os.path.isdir(whole) and not os.path.islink(whole):
                    waiting.append(f"{path}/")  # a submodule
                elif path not in seen:
                    seen.add(path)
                    yield path
                    if len(seen) > MOST_FILES:
                        return

    def _listed(self, inner: str) -> list[str]:
        """Names below `inner`; one with a final slash is a nested repository.

        Inside a repository of the person's it is asked: rules of folders above count, and what it
        tracks is listed whatever a rule says.
        """
        wanted = ["ls-files", "--others", "--exclude-standard", "-z"]
        theirs = ["-C", inner]
        inside = run_git([*theirs, "rev-parse", "--is-inside-work-tree"], check=False)
        ignored = run_git([*theirs, "check-ignore", "."], check=False)
        if inside.strip() == b"true" and not ignored:
            found = run_git([*theirs, *wanted, "--cached"])
        else:
            nothing = str(self._git_dir / "no-index")
            found = self._git(wanted, work_tree=inner, index=nothing)
        return [os.fsdecode(n) for n in dict.fromkeys(found.split(b"\0")) if n]

    def _entries(self, names: Sequence[str], now: float) -> tuple[dict[str, Entry], dict[str, str]]:
        known = self._known()
        entries: dict[str, Entry] = {}
        left_out: dict[str, str] = {}
        fresh: dict[str, os.stat_result] = {}
        remembered: dict[str, list[object]] = {}
        for name in names:
            try:
                status = os.lstat(os.path.join(self.folder, name))
            except OSError:
                continue  # it went away meanwhile
            if self._is_secret(os.path.join(self.folder, name)):
                left_out[name] = "it is known to hold credentials"
            elif stat.S_ISLNK(status.st_mode):
                target = os.fsencode(os.readlink(os.path.join(self.folder, name)))
                blob = self._git(["hash-object", "-w", "--stdin"], target).decode().strip()
                entries[name] = Entry("120000", blob, 0o777)
            elif not stat.S_ISREG(status.st_mode):
                left_out[name] = "it is no regular file"
            elif status.st_size > LARGEST:
                left_out[name] = f"it has {status.st_size:,} bytes"
            elif known.get(name, [None])[0] == _stamp(status):
                blob = str(known[name][1])
                entries[name] = _entry(status, blob)
                remembered[name] = [_stamp(status), blob]
            else:
                fresh[name] = status
        for name, found in self._hashed(fresh).items():
            if found is None:
                left_out[name] = "it cannot be read"
                continue
            entries[name] = _entry(fresh[name], found)
            if _is_settled(fresh[name], now):
                remembered[name] = [_stamp(fresh[name]), found]
        draft = self._known_path.with_suffix(".draft")
        draft.write_text(json.dumps(remembered, ensure_ascii=True))
        os.replace(draft, self._known_path)
        return dict(sorted(entries.items())), left_out

    def _hashed(self, names: Iterable[str]) -> dict[str, str | None]:
        """The blob of each file, stored; None for one that cannot be read."""
        readable: list[str] = []
        found: dict[str, str | None] = {}
        for name in names:
            path = os.path.join(self.folder, name)
            if "\n" in name or name.startswith('"') or not os.access(path, os.R_OK):
                found[name] = self._hashed_alone(path)
            else:
                readable.append(name)
        if readable:
            asked = "\n".join(os.path.join(self.folder, n) for n in readable) + "\n"
            try:
                said = self._git(
                    ["hash-object", "-w", "--no-filters", "--stdin-paths"], os.fsencode(asked)
                )
                found |= dict(zip(readable, said.decode().split(), strict=True))
            except (subprocess.CalledProcessError, ValueError):
                # One of them went away meanwhile: each on its own.
                found |= {n: self._hashed_alone(os.path.join(self.folder, n)) for n in readable}
        return found

    def _hashed_alone(self, path: str) -> str | None:
        try:
            content = Path(path).read_bytes()
        except OSError:
            return None
        return self._git(["hash-object", "-w", "--stdin"], content).decode().strip()

    def _tree(self, lines: Iterable[tuple[str, str]]) -> str:
        index = str(self._git_dir / f"index-{os.getpid()}")
        try:
            given = b"".join(os.fsencode(line) + b"\0" for line, _ in lines)
            if not given:
                return self._git(["mktree"], b"").decode().strip()
            self._git(["update-index", "-z", "--index-info"], given, index=index)
            return self._git(["write-tree"], index=index).decode().strip()
        finally:
            for name in (index, f"{index}.lock"):
                if os.path.exists(name):
                    os.unlink(name)

    def _known(self) -> dict[str, list[object]]:
        try:
            found: dict[str, list[object]] = json.loads(self._known_path.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _git(
        self,
        arguments: Sequence[str],
        given: bytes = b"",
        *,
        work_tree: str = "",
        index: str = "",
        plain: bool = False,
    ) -> bytes:
        extra = {"GIT_DIR": str(self._git_dir)} if not plain else {}
        if work_tree:
            extra["GIT_WORK_TREE"] = work_tree
        if index:
            extra["GIT_INDEX_FILE"] = index
        return run_git(arguments, given, cwd=work_tree or None, extra=extra)


@contextmanager
def locked(home: Path, how: int) -> Iterator[None]:
    """Hold the lock of all shadow repositories while the block runs: shared (LOCK_SH) to take
    snapshots, alone (LOCK_EX) to remove repositories. Raises BlockingIOError with LOCK_NB."""
    make_private_folder(home)
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def sweep(home: Path) -> None:
    """Remove what `discard` put aside, also in a process that was killed before it came to this."""
    for path in home.glob("*.gone"):
        shutil.rmtree(path, ignore_errors=True)


def bytes_of(folder: Path) -> int:
    """What the files below a folder take; 0 where there is none."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_size
    return total


def _stamp(status: os.stat_result) -> str:
    parts = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    return " ".join(map(str, parts))


def _is_settled(status: os.stat_result, now: float) -> bool:
    return max(status.st_mtime, status.st_ctime) < now - RACY


def _entry(status: os.stat_result, blob: str) -> Entry:
    kind = "100755" if status.st_mode & 0o100 else "100644"
    return Entry(kind, blob, stat.S_IMODE(status.st_mode))


def _unusual(entry: Entry) -> bool:
    return entry.kind != "120000" and entry.mode != (0o755 if entry.kind == "100755" else 0o644)
