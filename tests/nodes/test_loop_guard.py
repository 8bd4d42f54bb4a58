"""The loop guard's rules, as tables: what is a loop, and what only looks like one."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from core.history import note
from core.state import OURS, LoopGuard, Verdict
from nodes.doom_check import caught
from nodes.loop_guard import Loop, find_loop

Step = str | tuple[str, str] | tuple[str, str, str]


def history(*steps: Step, asked: str) -> list[AnyMessage]:
    """A task, finished steps as (call, result, "failed" where it failed), and a newest answer with
    the call `asked`."""
    messages: list[AnyMessage] = [HumanMessage("task")]
    for number, step in enumerate(steps):
        call, result, *failed = step if isinstance(step, tuple) else (step, f"result of {step}")
        messages.append(_answer(call, f"c{number}"))
        messages.append(_result(result, f"c{number}", bool(failed)))
    return [*messages, _answer(asked, "new")]


def _answer(call: str, call_id: str) -> AIMessage:
    """`call`: a command; `name:{json}`-like calls are made by `called`."""
    return AIMessage("", tool_calls=[{"name": "bash", "args": {"command": call}, "id": call_id}])


def _result(text: str, call_id: str, failed: bool = False) -> ToolMessage:
    kept = {OURS: {"outcome": "failed" if failed else "done"}}
    status = "error" if failed else "success"
    return ToolMessage(text, tool_call_id=call_id, status=status, additional_kwargs=kept)


def called(*steps: tuple[str, dict[str, Any], str], asked: dict[str, Any]) -> list[AnyMessage]:
    """As `history`, with any tool: (tool, arguments, failure)."""
    messages: list[AnyMessage] = [HumanMessage("task")]
    for number, (name, args, failure) in enumerate(steps):
        call = {"name": name, "args": args, "id": f"c{number}"}
        messages += [AIMessage("", tool_calls=[call]), _result(failure, f"c{number}", True)]
    newest = {"name": steps[-1][0], "args": asked, "id": "new"}
    return [*messages, AIMessage("", tool_calls=[newest])]


CUDA = "CUDA out of memory\n[exit code 1]"
MISSING = "No module named 'x'\n[exit code 1]"
TMP = "cannot open /tmp/tmp{}/a.bin"

LOOPS: dict[str, list[AnyMessage]] = {
    "one call": history("a", "a", "a", asked="a"),
    "one call, after other work": history("x", "a", "a", "a", asked="a"),
    "two steps": history("a", "b", "a", "b", asked="a"),
    "two steps, after other work": history("x", "a", "b", "a", "b", asked="a"),
    "three steps": history("a", "b", "c", "a", "b", "c", asked="a"),
    "four steps": history(*"abcdabcd", asked="a"),
    "five steps": history(*"abcdeabcde", asked="a"),
    "clock times differ": history(
        ("date", "12:00:01 ok"), ("date", "12:00:02 ok"), ("date", "12:00:09 ok"), asked="date"
    ),
    "dates differ": history(
        *[("log", f"2026-11-21T07:4{n}:00Z nothing new") for n in range(3)], asked="log"
    ),
    "durations differ": history(
        *[("pytest", f"1 failed in {n}.3s") for n in (2, 3, 4)], asked="pytest"
    ),
    "milliseconds differ": history(*[("q", f"done, {n} ms") for n in (2, 31, 4)], asked="q"),
    "temporary paths differ": history(*[("run", TMP.format(n)) for n in "xyz"], asked="run"),
    "process ids differ": history(
        *[("serve", f"address in use, pid {n}") for n in (71, 72, 90)], asked="serve"
    ),
    "addresses differ": history(
        *[("show", f"<object at 0x7f{n}0e4b{n}a10>") for n in "1ab"], asked="show"
    ),
    "saved results' files differ": history(
        *[("cat", f"[cut; all of it: results/call_{n * 24}.txt]") for n in "abc"], asked="cat"
    ),
    "a cycle with clock times": history(
        ("a", "at 10:00:00"), ("b", "x"), ("a", "at 10:00:05"), ("b", "x"), asked="a"
    ),
    "the same failure, other spaces": history(
        ("python x.py", MISSING, "failed"),
        ("python  x.py", MISSING, "failed"),
        ("python x.py ", MISSING, "failed"),
        asked="python   x.py",
    ),
    "the same failure, other quotes": history(
        ("ls 'a'", "no a", "failed"), ('ls "a"', "no a", "failed"), ("ls a", "no a", "failed"),
        asked="ls 'a'",
    ),
    "the same failure, a comment": history(
        *[(f"make # try {n}", "no rule", "failed") for n in range(3)], asked="make # once more"
    ),
    "the same failure, the folder at hand": history(
        ("sh a.sh", MISSING, "failed"), ("sh ./a.sh", MISSING, "failed"),
        ("sh a.sh 2>&1", MISSING, "failed"), asked="sh ./a.sh 2>&1",
    ),
    "the same failure, after work that went well": history(
        "x", "y", ("a b", "no", "failed"), ("a  b", "no", "failed"), ("a 'b'", "no", "failed"),
        asked="a b",
    ),
    "the same failure, another timeout": called(
        *[("bash", {"command": "curl u", "timeout": n}, "refused") for n in (5, 10, 20)],
        asked={"command": "curl u", "timeout": 40},
    ),
    "the same refusal": called(
        *[("write", {"path": "a", "content": f"x{s}"}, "Refused") for s in ("", " ", "  ")],
        asked={"path": "a", "content": "x"},
    ),
}  # fmt: skip

NO_LOOPS: dict[str, list[AnyMessage]] = {
    "nothing yet": history(asked="a"),
    "once": history("a", asked="a"),
    "twice": history("a", "a", asked="a"),
    "something else now": history("a", "a", "a", asked="b"),
    "a and b and a": history("a", "b", "a", asked="b"),
    "a cycle that is left": history("a", "b", "a", "b", asked="c"),
    "six steps": history(*"abcdefabcdef", asked="a"),
    "a poll whose result changes": history(
        ("poll", "10 %"), ("poll", "20 %"), ("poll", "30 %"), asked="poll"
    ),
    "a log that differs in a loss": history(
        *[("tail log", f"step {n}00 loss 0.{9 - n}1") for n in range(3)], asked="tail log"
    ),
    "a log that differs in a step": history(
        *[("tail log", f"12:00:0{n} step {n}") for n in range(3)], asked="tail log"
    ),
    "a count that grows": history(*[("wc -l f", f"{n} f") for n in (7, 8, 9)], asked="wc -l f"),
    "a status that changes": history(
        ("squeue", "PD"), ("squeue", "PD"), ("squeue", "R"), asked="squeue"
    ),
    "a cycle of edit and test, with results": history(
        ("a", "1"), ("b", "x"), ("a", "2"), ("b", "x"), asked="a"
    ),
    "an other edit, then the same test": history("e1", "t", "e2", "t", "e3", "t", asked="e4"),
    "failures with another batch size": history(
        *[(f"train --batch {n}", CUDA, "failed") for n in (32, 16, 8)], asked="train --batch 4"
    ),
    "failures with another file": history(
        *[(f"cat {n}.txt", "no such file", "failed") for n in "abc"], asked="cat d.txt"
    ),
    "other failures": history(
        ("a b", "no x", "failed"), ("a  b", "no y", "failed"), ("a b ", "no z", "failed"),
        asked="a b",
    ),
    "failures, and one that went well": history(
        ("a b", "no", "failed"), ("a  b", "ok"), ("a b ", "no", "failed"), asked="a 'b'"
    ),
    "the same command in other words, that goes well": history(
        ("ls a", "x"), ("ls  a", "x"), ("ls 'a'", "x"), asked="ls a "
    ),
    "two failures": history(("a", "no", "failed"), ("a ", "no", "failed"), asked="a"),
    "an edit that is tried with another text": called(
        *[("edit", {"path": "f", "old": f"line {n}", "new": "x"}, "not found") for n in "abc"],
        asked={"path": "f", "old": "line d", "new": "x"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("messages", LOOPS.values(), ids=LOOPS.keys())
def test_a_loop_is_found(messages: list[AnyMessage]) -> None:
    assert find_loop(messages)


@pytest.mark.parametrize("messages", NO_LOOPS.values(), ids=NO_LOOPS.keys())
def test_what_only_looks_like_a_loop_is_none(messages: list[AnyMessage]) -> None:
    assert find_loop(messages) is None


BAD = "Not run: read: path: field required"


def verdicts(action: str) -> dict[str, Verdict]:
    return {"new": {"action": action}}  # type: ignore[dict-item, typeddict-item]


@pytest.mark.parametrize(
    ("steps", "action", "loops"),
    [
        ([("read", {"p": n}, BAD) for n in range(3)], "invalid", True),
        ([("read", {"p": n}, BAD) for n in range(3)], "run", False),
        ([("read", {"p": n}, BAD) for n in range(2)], "invalid", False),
        ([("ls", {"p": 1}, BAD), ("read", {}, BAD), ("read", {"p": 1}, BAD)], "invalid", False),
        ([("read", {"path": n}, "no such file") for n in "abc"], "invalid", False),
        (
            [("write", {"n": n}, "Not run: the answer was cut at the limit") for n in "abc"],
            "invalid",
            False,
        ),
    ],
)  # fmt: skip
def test_calls_that_can_never_run(
    steps: list[tuple[str, dict[str, Any], str]], action: str, loops: bool
) -> None:
    messages = called(*steps, asked={"other": 1})
    assert bool(find_loop(messages, verdicts(action))) is loops


def streak(messages: list[AnyMessage]) -> str:
    loop = find_loop(messages)
    assert isinstance(loop, Loop)
    return loop.streak


def test_a_cycle_has_one_signature_wherever_it_is_caught() -> None:
    first = streak(history("a", "b", "a", "b", asked="a"))
    assert first == streak(history("b", "a", "b", "a", asked="b"))
    assert first != streak(history("a", "c", "a", "c", asked="a"))


def test_steps_that_the_guard_held_back_do_not_hide_the_loop() -> None:
    messages = history("a", "a", "a", asked="a")
    held = ToolMessage("not run", tool_call_id="new", additional_kwargs={OURS: {"held_back": True}})
    again = [*messages, held, _answer("a", "newer")]
    assert streak(again) == streak(messages)


def test_a_new_message_of_the_person_starts_afresh_and_a_note_does_not() -> None:
    messages = history("a", "a", "a", asked="a")
    assert find_loop([*messages[:-1], HumanMessage("again, please"), messages[-1]]) is None
    assert find_loop([*messages[:-1], note("go on", "n"), messages[-1]])


def test_an_answer_without_calls_is_no_loop() -> None:
    assert find_loop([*history("a", "a", "a", asked="a")[:-1], AIMessage("done")]) is None


def test_several_calls_in_one_answer_are_one_step() -> None:
    both = [{"name": "bash", "args": {"command": c}, "id": c} for c in "ab"]

    def step(second: str) -> list[AnyMessage]:
        return [AIMessage("", tool_calls=both), _result("1", "a"), _result(second, "b")]

    newest = AIMessage("", tool_calls=both)
    assert find_loop([HumanMessage("t"), *step("2"), *step("2"), *step("2"), newest])
    assert find_loop([HumanMessage("t"), *step("2"), *step("2"), *step("3"), newest]) is None


def test_the_second_catch_of_a_streak_counts_and_that_of_another_turn_does_not() -> None:
    first = caught(LoopGuard(), "s", 1)
    assert (first["catches"], first["total"]) == (1, 1)
    assert caught(first, "s", 1)["catches"] == 2
    assert (caught(first, "t", 1)["catches"], caught(first, "t", 1)["total"]) == (1, 2)
    assert caught(first, "s", 2) == {"streak": "s", "catches": 1, "total": 1, "turn": 2}
