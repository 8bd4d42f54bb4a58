"""No link that is put into a resolved path leads a read or write elsewhere."""

import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from core.store.files.no_links import (
    LinkInPath,
    list_folder,
    opened_folder,
    read_file,
    replace_file,
    status_of,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    whole = Path(os.path.realpath(tmp_path)) / "project"
    (whole / "sub").mkdir(parents=True)
    (whole / "sub" / "file").write_text("ours")
    (whole.parent / "outside").mkdir()
    (whole.parent / "outside" / "file").write_text("secret")
    return whole


def test_what_a_file_is_stays(place: Path) -> None:
    path = place / "sub" / "file"
    path.chmod(0o751)
    replace_file(str(path), b"new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert read_file(str(path)) == b"new"
    assert status_of(str(path)).st_size == 3
    assert list_folder(str(place)) == ["sub"]
    replace_file(str(place / "a" / "b" / "c"), b"made")
    assert (place / "a" / "b" / "c").read_text() == "made"
    assert os.listdir(place / "a" / "b") == ["c"]


def test_the_names_of_a_file_stay_names_of_one_file(place: Path) -> None:
    os.link(place / "sub" / "file", place / "hard")
    replace_file(str(place / "hard"), b"new")
    assert (place / "sub" / "file").read_text() == "new"
    assert os.path.samefile(place / "hard", place / "sub" / "file")


def test_owner_and_attributes_stay(place: Path) -> None:
    path = place / "sub" / "file"
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    with suppress(OSError, AttributeError):
        os.setxattr(path, "user.tag", b"v")
    before = path.stat(), getattr(os, "listxattr", lambda _: [])(path)
    replace_file(str(path), b"new")
    after = path.stat()
    assert (after.st_uid, after.st_gid) == (before[0].st_uid, before[0].st_gid)
    assert getattr(os, "listxattr", lambda _: [])(path) == before[1]
    assert path.read_text() == "new"


def test_a_file_marked_read_only_is_not_changed(place: Path) -> None:
    path = place / "sub" / "file"
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"read-only \(mode 0444\).*chmod u\+w"):
        replace_file(str(path), b"new")
    assert path.read_text() == "ours"


def test_a_mount_point_is_written_in_place(place: Path) -> None:
    path, source = place / "sub" / "file", place / "source"
    source.write_text("a longer text than the new one")
    bound = subprocess.run(["mount", "--bind", source, path], capture_output=True, check=False)
    if bound.returncode != 0:
        pytest.skip("mounting needs root and its rights")
    try:
        replace_file(str(path), b"new")
        assert path.read_text() == source.read_text() == "new"
    finally:
        subprocess.run(["umount", path], check=True)


def test_a_file_in_a_folder_that_takes_no_new_ones(place: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write to every folder")
    folder = place / "sub"
    folder.chmod(0o555)
    try:
        replace_file(str(folder / "file"), b"new")
        assert (folder / "file").read_text() == "new"
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("at", ["sub", "sub/file"])
def test_a_link_is_not_followed(place: Path, at: str) -> None:
    path = place / at
    path.rename(path.with_name("before"))
    path.symlink_to(place.parent / "outside" / ("file" if at.endswith("file") else ""))
    file = str(place / "sub" / "file")
    works: list[Callable[[str], object]] = [read_file, status_of, lambda f: replace_file(f, b"x")]
    for work in works:
        with pytest.raises(LinkInPath):
            work(file)
    if at == "sub":
        with pytest.raises(LinkInPath):
            list_folder(str(place / "sub"))
        with pytest.raises(LinkInPath):
            replace_file(str(place / "sub" / "new" / "file"), b"x")
    assert sorted(os.listdir(place.parent / "outside")) == ["file"]
    assert (place.parent / "outside" / "file").read_text() == "secret"
    assert not [name for name in os.listdir(place / "sub") if name.startswith(".file")]


def test_what_is_no_resolved_path_is_refused(place: Path) -> None:
    for path in ("relative", f"{place}/../project/sub/file", f"{place}/./sub", "/a\0b"):
        with pytest.raises(OSError, match="path"):
            read_file(path)


def test_pipes_and_folders_are_no_files(place: Path) -> None:
    os.mkfifo(place / "pipe")
    for name in ("pipe", "sub"):
        with pytest.raises(OSError, match="not a regular file"):
            read_file(str(place / name))
    with pytest.raises(NotADirectoryError), opened_folder(str(place / "sub" / "file")):
        pass
    with pytest.raises(FileNotFoundError):
        read_file(str(place / "none" / "file"))


@contextmanager
def swapped(place: Path) -> Iterator[None]:
    """While the block runs, `sub` is a folder, then a link to outside, and so on."""
    over = threading.Event()
    kept, link = place / "kept", place / "link"
    link.symlink_to(place.parent / "outside")

    def swap() -> None:
        while not over.is_set():
            for away, there in ((kept, link), (link, kept)):
                with suppress(OSError):
                    os.rename(place / "sub", away)
                with suppress(OSError):
                    os.rename(there, place / "sub")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_no_race_leads_outside(place: Path) -> None:
    file = str(place / "sub" / "file")
    outcomes = {"done": 0, "refused": 0}
    with swapped(place):
        for _ in range(3000):
            try:
                assert read_file(file) in (b"ours", b"new")
                replace_file(file, b"new")
                outcomes["done"] += 1
            except OSError:
                outcomes["refused"] += 1
    assert all(outcomes.values()), outcomes
    assert sorted(os.listdir(place.parent / "outside")) == ["file"]
    assert (place.parent / "outside" / "file").read_text() == "secret"
