"""An experiment in words: a trial in a line, and what the model reads about all of them."""

from collections.abc import Sequence

from core.experiments.record import KEPT, Experiment, Trial, best_of

#: Trials without a keep after which the model is told so.
PLATEAU = 5
#: Trials and dead ends that the memory names, and characters of a hypothesis in it.
LAST, DEAD_ENDS, HYPOTHESIS = 5, 8, 90
#: Bytes of the memory: fewer than 600 tokens, in Chinese, too (measured with cl100k).
MEMORY = 1_450
FAILED = ("discard", "crash", "timeout", "void")


def number(value: float | None) -> str:
    return "no value" if value is None else f"{value:.6g}"


def short(text: str, most: int = HYPOTHESIS) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def trial_line(trial: Trial) -> str:
    """Number, verdict, value and hypothesis."""
    hypothesis = short(trial.hypothesis) if trial.parent is not None else "the folder at first"
    return f"{trial.number} {trial.verdict} {number(trial.value)}: {hypothesis}"


def same_idea(hypothesis: str, other: str) -> bool:
    """Whether two hypotheses say the same, case, order and punctuation aside."""
    return _words(hypothesis) == _words(other) != frozenset()


def _words(text: str) -> frozenset[str]:
    kept = "".join(c if c.isalnum() or c in "._-" else " " for c in text.casefold())
    return frozenset(word.strip("._-") for word in kept.split()) - {"", "a", "an", "the"}


def tried_before(hypothesis: str, trials: Sequence[Trial]) -> Trial | None:
    """The newest trial of the same idea that was discarded."""
    return next(
        (
            one
            for one in reversed(trials)
            if one.verdict == "discard" and same_idea(one.hypothesis, hypothesis)
        ),
        None,
    )


def since_keep(trials: Sequence[Trial]) -> int:
    """Trials with a verdict since the newest that was kept."""
    best = best_of(trials)
    after = best.number if best else -1
    return sum(one.number > after and one.verdict in FAILED for one in trials)


def where_folder_is(experiment: Experiment, trials: Sequence[Trial]) -> str:
    place = experiment.place
    if place.to:
        return f"the folder is being restored to {_named(place.to, trials)}"
    return f"the folder is at {_named(place.at, trials)}" if place.at else ""


def _named(snapshot: str, trials: Sequence[Trial]) -> str:
    found = [one for one in trials if one.snapshot == snapshot]
    found = [one for one in found if one.verdict in KEPT] or found
    return f"trial {found[-1].number}" if found else f"snapshot {snapshot[:12]}"


def memory(experiment: Experiment, trials: Sequence[Trial]) -> str:
    """What the model should know of the experiment at the start of a turn and after a compaction.
    It follows from the rows alone: the same rows give the same bytes."""
    judge, best = experiment.judge, best_of(trials)
    head = [
        f"The experiment of this thread, from its record: {judge.metric} ({judge.direction}) by "
        f"`{short(judge.command, 120)}`, {len(trials)} trials.",
        f"Now {where_folder_is(experiment, trials)}.",
    ]
    if best is not None:
        head.append(f"Best: {trial_line(best)}")
    if (count := since_keep(trials)) >= PLATEAU:
        head.append(f"Plateau: nothing kept in {count} trials. Try something of another kind.")
    head += [f"Still measured: {trial_line(one)}" for one in trials if one.verdict == "running"]
    last = [trial_line(one) for one in trials[-LAST:] if one.verdict != "running"]
    dead = [one for one in trials[:-LAST] if one.verdict in FAILED][-DEAD_ENDS:]
    notes = [short(one.note) for one in trials if one.note] + [short(n) for n in experiment.notes]
    sections = (
        ("Last trials:", last),
        ("Notes:", notes[-LAST:]),
        ("Dead ends before:", [f"{one.number} {short(one.hypothesis)}" for one in reversed(dead)]),
    )
    lines = _within(head, MEMORY)
    for title, found in sections:
        room = MEMORY - _size([*lines, title])
        fitting = _within(found, room)
        lines += [title, *fitting] if fitting else []
    return "\n".join(lines)


def _within(lines: Sequence[str], room: int) -> list[str]:
    """The first lines that fit into so many bytes."""
    kept: list[str] = []
    for line in lines:
        if _size([*kept, line]) > room:
            break
        kept.append(line)
    return kept


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)


def beside(trial: Trial) -> str:
    """What else ran while a trial was measured; it may have slowed it down."""
    others = trial.progress.get("others", 0)
    what = "sub-agent" if others == 1 else "sub-agents"
    return f", while {others} other {what} worked" if others else ""
