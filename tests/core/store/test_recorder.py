"""What a turn's record and the looks of its calls leave on disk, also after a kill."""

import time
from pathlib import Path

import pytest

from core.store.files.recorder import AT_ONCE, CUT_OFF, Recorder, Turn


@pytest.fixture
def turn(workdir: Path) -> Turn:
    return Turn("t", "before", str(workdir))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "snapshots"


def recorder(home: Path, driven: bool = True) -> Recorder:
    """A process."""
    return Recorder(home, lambda path: False, lambda thread: driven)


def stored(home: Path) -> dict[str, tuple[int, int]]:
    """The files of all records and looks, and what tells one from another."""
    found = [path for path in home.glob("*.turns/*/*") if path.is_file()]
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def names(home: Path, kind: str) -> list[str]:
    return [name for name in stored(home) if name.endswith(kind)]


def test_a_call_that_changes_nothing_leaves_the_record_alone(home: Path, turn: Turn) -> None:
    process = recorder(home)
    process.begin(turn)
    (record,) = names(home, ".json")
    before = stored(home)[record]
    for _ in range(3):
        base = process.enter(turn, None, None)
        assert len(names(home, ".look")) == 1
        look = process.open_look(turn)
        assert look is not None
        assert look.at == pytest.approx(base.at, abs=1e-6), "as late as the call, not as its file"
        process.leave(turn, base, goes_on=False)
        assert stored(home)[record] == before
        assert names(home, ".look") == []
        assert process.open_look(turn) is None
        assert len(stored(home)) == 2, "the file of the look waits for the next one"
        time.sleep(0.01)


def test_a_look_that_is_kept_for_the_next_call_is_this_process_own(
    home: Path, turn: Turn, workdir: Path
) -> None:
    """Another one may have worked on the thread in between, or removed what it left."""
    first, second = recorder(home), recorder(home)
    first.begin(turn)
    first.leave(turn, first.enter(turn, None, None), goes_on=False)
    (workdir / "a").write_text("1")
    second.leave(turn, second.enter(turn, None, None), goes_on=False)
    (workdir / "a").unlink()
    first.enter(turn, None, None)
    look = recorder(home).open_look(turn)
    assert look is not None
    assert [*look.entries] == []
    first.leave(turn, first.enter(turn, None, None), goes_on=False)
    assert len(names(home, ".spare")) == 2
    second.begin(turn)
    assert len(names(home, ".spare")) == 1
    base = first.enter(turn, None, None)
    look = recorder(home).open_look(turn)
    assert look is not None
    assert look.entries == base.entries


def test_a_large_look_does_not_stay(
    home: Path, turn: Turn, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.files.turn_records.MOST_SPARE", 2)
    for number in range(3):
        (workdir / str(number)).touch()
    process = recorder(home)
    process.begin(turn)
    for _ in range(2):
        process.leave(turn, process.enter(turn, None, None), goes_on=False)
        assert len(stored(home)) == 1


def test_a_kill_in_a_later_call_is_seen(home: Path, turn: Turn, workdir: Path) -> None:
    """Calls that changed nothing, something, and a path by its name came before it."""
    process = recorder(home)
    process.begin(turn)
    process.leave(turn, process.enter(turn, None, None), goes_on=False)
    base = process.enter(turn, None, None)
    (workdir / "a").write_text("1")
    process.leave(turn, base, goes_on=False)
    base = process.enter(turn, ["b"], None)
    (workdir / "b").write_text("1")
    process.leave(turn, base, goes_on=False)
    process.leave(turn, process.enter(turn, None, None), goes_on=False)
    process.enter(turn, None, None)
    (workdir / "c").write_text("1")

    after = recorder(home)
    look = after.open_look(turn)
    assert look is not None
    assert sorted(look.entries) == ["a", "b"]
    changes = after.close_cut_off(turn, time.time() + 1, store=True)
    assert changes is not None
    assert sorted(changes.files) == ["a", "b", "c"]
    assert changes.disputed == {}
    assert after.open_look(turn) is None
    assert names(home, ".look") == []


def test_a_kill_after_a_call_is_no_open_call(home: Path, turn: Turn, workdir: Path) -> None:
    for changed in (False, True):
        process = recorder(home)
        process.begin(turn)
        base = process.enter(turn, None, None)
        if changed:
            (workdir / "a").write_text("1")
        process.leave(turn, base, goes_on=False)
        (workdir / "theirs").write_text(str(changed))
        after = recorder(home)
        assert after.open_look(turn) is None
        found = after.close_cut_off(turn, 0.0, store=True)
        assert found is not None
        assert [*found.files] == (["a"] if changed else [])


def test_what_came_after_the_last_command_is_disputed(
    home: Path, turn: Turn, workdir: Path
) -> None:
    recorder(home).begin(turn)
    recorder(home).enter(turn, None, None)
    (workdir / "a").write_text("1")
    changes = recorder(home).close_cut_off(turn, 0.0, store=True)
    assert changes is not None
    assert changes.disputed == {"a": CUT_OFF}


def test_a_look_that_a_kill_left_half_written(home: Path, turn: Turn, workdir: Path) -> None:
    """The call that it was for did not begin."""
    recorder(home).begin(turn)
    recorder(home).enter(turn, None, None)
    (look,) = home.glob("*.turns/*/*.look")
    look.write_bytes(look.read_bytes()[:-3])
    (workdir / "theirs").write_text("1")
    process = recorder(home)
    assert process.open_look(turn) is None
    base = process.enter(turn, None, None)
    (workdir / "a").write_text("1")
    again = recorder(home).open_look(turn)
    assert again is not None
    assert again.entries == base.entries
    process.leave(turn, base, goes_on=False)
    changes = process.records(turn).get(turn.before)
    assert changes is not None
    assert [*changes.files] == ["a"]
    assert changes.disputed == {}


def test_a_half_written_look_goes_when_the_turn_is_closed(home: Path, turn: Turn) -> None:
    recorder(home).begin(turn)
    recorder(home).enter(turn, None, None)
    (look,) = home.glob("*.turns/*/*.look")
    look.write_bytes(b"{")
    assert recorder(home).close_cut_off(turn, 0.0, store=False) is not None
    assert look.exists()
    assert recorder(home).close_cut_off(turn, 0.0, store=True) is not None
    assert not look.exists()


def test_a_call_of_another_thread_counts_while_it_runs(
    home: Path, turn: Turn, workdir: Path
) -> None:
    """Only then, though its record names a look all the time."""
    other = Turn("other", "before", turn.cwd)
    process, theirs = recorder(home), recorder(home)
    process.begin(turn)
    theirs.begin(other)
    theirs.leave(other, theirs.enter(other, None, None), goes_on=False)

    def disputed(name: str) -> dict[str, str]:
        base = process.enter(turn, None, None)
        (workdir / name).write_text("1")
        process.leave(turn, base, goes_on=False)
        found = process.records(turn).get(turn.before)
        assert found is not None
        return found.disputed

    assert disputed("a") == {}
    base = theirs.enter(other, None, None)
    assert disputed("b") == {"b": AT_ONCE}
    theirs.leave(other, base, goes_on=False)
    base = theirs.enter(other, ["c"], None)
    assert disputed("d") == {"b": AT_ONCE}
    assert disputed("c") == {"b": AT_ONCE, "c": AT_ONCE}
    theirs.leave(other, base, goes_on=False)


def test_two_calls_at_once_then_a_kill(home: Path, turn: Turn, workdir: Path) -> None:
    for changed in (False, True):
        process = recorder(home)
        process.begin(turn)
        base = process.enter(turn, None, None)
        if changed:
            (workdir / "first").write_text("1")
        base = process.leave(turn, base, goes_on=True)
        (workdir / f"second-{changed}").write_text("1")
        look = recorder(home).open_look(turn)
        assert look is not None
        assert look.entries == base.entries
        closed = recorder(home).close_cut_off(turn, time.time() + 1, store=True)
        assert closed is not None
        assert closed.disputed == {}
    assert sorted(closed.files) == ["first", "second-False", "second-True"]


def test_a_record_that_was_replaced_is_read_again(home: Path, turn: Turn, workdir: Path) -> None:
    process = recorder(home)
    process.begin(turn)
    process.leave(turn, process.enter(turn, None, None), goes_on=False)
    (record,) = home.glob("*.turns/*/*.json")
    content = record.read_text().replace('"disputed": {}', '"disputed": {"x": "said"}')
    (home / "new").write_text(content)
    (home / "new").replace(record)
    base = process.enter(turn, None, None)
    (workdir / "a").write_text("1")
    process.leave(turn, base, goes_on=False)
    changes = process.records(turn).get(turn.before)
    assert changes is not None
    assert (changes.disputed, [*changes.files]) == ({"x": "said"}, ["a"])
    record.unlink()
    assert process.leave(turn, base, goes_on=False).off == "its record is gone"
