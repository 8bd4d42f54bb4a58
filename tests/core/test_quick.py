"""Blocking work is done on the event loop only while it takes little."""

import threading

import pytest

from core.quick import Measured, forbid_quick_work, leave_loop


async def test_work_that_took_little_is_done_on_the_loop_from_then_on() -> None:
    work = Measured(most=60)
    here = threading.get_ident()
    first = await work.run(threading.get_ident)
    assert first != here  # how long it takes is not known yet
    assert await work.run(threading.get_ident) == here


async def test_work_that_took_long_goes_to_a_thread() -> None:
    work = Measured(most=0)
    await work.run(int)
    assert await work.run(threading.get_ident) != threading.get_ident()


async def test_a_loop_that_allows_no_file_work_is_never_held_up() -> None:
    forbid_quick_work()
    work = Measured(most=60)
    await work.run(int)
    assert await work.run(threading.get_ident) != threading.get_ident()


async def test_what_the_work_raises_is_raised_and_its_time_counts() -> None:
    work = Measured(most=60)
    for _ in range(2):  # in a thread, then here
        with pytest.raises(ZeroDivisionError):
            await work.run(divmod, 1, 0)


async def test_work_that_may_take_long_after_all_begins_again_in_a_thread() -> None:
    work, begun = Measured(most=60), list[int]()

    def waits_for_others() -> str:
        begun.append(threading.get_ident())
        leave_loop()
        return "done"

    await work.run(int)
    assert await work.run(waits_for_others) == "done"
    assert len(begun) == 2
    assert begun[0] == threading.get_ident() != begun[1]
