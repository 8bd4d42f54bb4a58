"""Sockets of other programs are found at each command, also those that were mounted meanwhile."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.workspace.command_sandbox import sockets
from tools.workspace.command_sandbox.sockets import Mounts, sockets_outside

ROOT = Path(__file__).parents[4]
#: In mounts of its own: what is found before, while and after `s` is mounted on `here`; then with
#: another process in between, as a fork would be.
MOUNTING = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from tools.workspace.command_sandbox.sockets import Mounts
mounts = Mounts()
print(mounts.sockets(), flush=True)
for words in (["mount", "--bind", "s", sys.argv[2]], ["umount", sys.argv[2]]):
    subprocess.run(words, check=True)
    print(mounts.sockets(), mounts.sockets(), flush=True)
"""


@pytest.mark.parametrize("name", [b"here", b"a b\\040\n", "caf\u00e9".encode(), b"\xff"])
def test_a_socket_that_is_mounted_is_seen_at_once(tmp_path: Path, name: bytes) -> None:
    """The table of mounts is read again only when the kernel says that it changed."""
    unshare = [shutil.which("unshare") or "", "-rm"]
    if not unshare[0] or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("no mounts of one's own here")
    here = tmp_path / os.fsdecode(name)
    here.touch()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        done = subprocess.run(
            [*unshare, sys.executable, "-c", MOUNTING, str(ROOT), str(here)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.splitlines() == ["[]", f"{[str(here)]} {[str(here)]}", "[] []"]


def test_mounts_that_cannot_be_looked_at_are_looked_at_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing changes in the table when such a place becomes readable."""
    table, place = tmp_path / "mountinfo", tmp_path / "closed"
    table.write_text(f"1 1 0:1 / {place} rw - x x rw\n")
    monkeypatch.setattr(sockets, "MOUNTS", str(table))
    mounts = Mounts()
    assert mounts.sockets() == []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        assert mounts.sockets() == [str(place)]


def test_bound_and_named_sockets_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bound, named = tmp_path / "with space", tmp_path / "n"
    monkeypatch.setenv("SOME_ADDRESS", f"unix:path={named},guid=1")
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
        one.bind(str(bound))
        other.bind(str(named))
        monkeypatch.setattr(sockets, "UNIX", str(tmp_path / "unix"))
        line = "0000: 00000002 00000000 00010000 0001 01 123"
        (tmp_path / "unix").write_text(f"Num Path\n{line} {bound}\n{line} @/abstract\n{line}\n")
        assert {str(bound), str(named)} <= set(sockets_outside(""))
        assert sockets_outside(str(tmp_path)) == sorted(
            set(sockets_outside("")) - {str(bound), str(named)}
        )
