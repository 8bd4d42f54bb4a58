"""`ml-agent goal`: work until a command succeeds; show, pause, resume and clear a goal."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cli.headless import headless
from cli.shared.bootstrap import headless_cap, settings_for
from cli.shared.command import HELP, prints, tell, thread_argument, with_store
from cli.shared.options import Duration, Options
from cli.terminal.who_decides import by_a_person
from cli.terminal.writer import note
from core.errors import UsageError
from core.secrets.redaction import redacted_in

if TYPE_CHECKING:
    from core.store import Store
    from core.store.goals import GoalRow

#: Turns of a goal without --max-turns; sessions of the folder that are looked through for one.
TURNS, LOOKED = 50, 200
cost = click.option(
    "--max-cost", type=click.FloatRange(0), metavar="USD", help="Maximum cost of all turns, in USD"
)
time = click.option(
    "--max-time", type=Duration(), metavar="DURATION",
    help="Maximum time since the goal was set, waits included",
)  # fmt: skip
patience = click.option(
    "--patience", type=Duration(), metavar="DURATION",
    help="Time to wait for a quota or credit that is used up",
)  # fmt: skip
turns = click.option("--max-turns", type=click.IntRange(1), help=f"Max turns (default {TURNS})")
detach = click.option("--detach", is_flag=True, help="Exit when a turn waits (code 6), do not stay")


class TextOrCommand(click.Group):
    """A group whose first word is a command, or else the text of a goal."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = (*self.commands, *HELP["help_option_names"])
        return super().parse_args(ctx, args if not args or args[0] in known else ["set", *args])


@click.group(cls=TextOrCommand, context_settings=HELP)
def goal() -> None:
    """Work until a command succeeds: ml-agent goal "TEXT" --until CMD.

    After each turn CMD runs. Its exit code is the verdict: 0 means that the goal is reached. By
    setting a goal you approve its check. Without an ID, a command uses the newest session of this
    folder that has a goal.
    """


@goal.command("set")
@click.argument("text", metavar="TEXT")
@click.option("--until", "check", metavar="CMD", required=True, help="The check: a shell command")
@cost
@time
@turns
@patience
@click.option(
    "--check-time", type=Duration(), metavar="DURATION", default=600.0,
    help="Maximum time of one check (default 10m)",
)  # fmt: skip
@click.option(
    "--protect", multiple=True, metavar="PATH",
    help="Further file or folder that the check uses and no turn may change",
)  # fmt: skip
@detach
@prints
def set_(options: Options, text: str, check: str, **given: Any) -> int:
    """Set the goal of a session and pursue it. With -r or -c: of an existing session."""
    from core.store.goals import Terms

    by_a_person("set a goal", terminal=False)
    protect, check_time = given["protect"], given["check_time"]
    options = options_for_goal(options, given)
    terms = Terms(
        invocation="",
        max_cost=round(headless_cap(options, settings_for(options)) * 1e6),
        max_time=options.max_time,
        max_turns=given["max_turns"] or TURNS,
        check_time=check_time,
    )

    async def begin(session: Any) -> None:
        await session.set_goal(text, check, terms, protect)

    return headless(replace(options, max_time=None), None, begin=begin)


@goal.command()
@thread_argument
@prints
@with_store
async def show(store: "Store", options: Options, thread: str | None) -> int:
    """Show a goal, its state and what is left of its caps."""
    import time

    from core.store.goals import goal_line, goal_of, left_words

    row = await _chosen(store, options, thread)
    status = store.standing(await store.threads.resolve(row.thread))
    spent = (await store.ledger.spent("invocation", row.terms.invocation)).amount
    told = redacted_in({"thread": row.thread, **goal_of(row, status, spent)})
    lines = [f"{row.thread}  {goal_line(told)}", f"until: {told['until']}",
             f"left: {left_words(row, spent, time.time())}"]  # fmt: skip
    lines += [f"protected: {path}" for path in row.terms.files]
    lines += [f"tried: {one}" for one in redacted_in(list(row.progress.tried))]
    return tell(options, told, [*lines, *told["last_check"].splitlines()])


@goal.command()
@thread_argument
@prints
@with_store
async def pause(store: "Store", options: Options, thread: str | None) -> int:
    """Pause a goal. A turn under way ends as usual; no other one begins."""
    by_a_person("pause a goal", terminal=False)
    row = await _chosen(store, options, thread)
    if row.state != "active":
        raise UsageError(f"Cannot pause the goal: it is {row.state}.", "ml-agent goal show")
    await store.goals.change(row.thread, "paused", "you paused it")
    return tell(options, {"thread": row.thread, "state": "paused"}, ())


@goal.command()
@thread_argument
@cost
@time
@turns
@detach
@prints
def resume(options: Options, thread: str | None, **given: Any) -> int:
    """Continue a goal. The caps given here replace the old ones; the files of the check are
    approved as they are now."""
    import asyncio

    by_a_person("resume a goal", terminal=False)
    row = asyncio.run(_find(options, thread=thread))
    spent = {"max_cost": given["max_cost"] and round(given["max_cost"] * 1e6)}
    caps = {**spent, "max_time": given["max_time"], "max_turns": given["max_turns"]}
    kept = {name: value for name, value in caps.items() if value is not None}
    was = float(row.terms.run.get("patience") or 0.0)
    options = options_for_goal(options, given)
    options = replace(
        options, resume=row.thread, go_on=False, max_time=None, patience=options.patience or was
    )

    async def begin(session: Any) -> None:
        await session.resume_goal(**kept)

    return headless(options, None, begin=begin)


@goal.command()
@thread_argument
@prints
@with_store
async def clear(store: "Store", options: Options, thread: str | None) -> int:
    """Remove a goal; the session stays."""
    by_a_person("clear a goal", terminal=False)
    row = await _chosen(store, options, thread)
    await store.goals.clear(row.thread)
    if options.output != "json":
        note(f"session {row.thread} has no goal any more")
    return tell(options, {"thread": row.thread, "state": None}, ())


def options_for_goal(options: Options, given: dict[str, Any]) -> Options:
    """The options of the run, those behind the command over those before it."""
    chosen = {name: given.get(name) for name in ("max_cost", "max_time", "patience", "detach")}
    return replace(options, **{name: value for name, value in chosen.items() if value})


@with_store
async def _find(store: "Store", options: Options, thread: str | None) -> Any:
    return await _chosen(store, options, thread)


async def _chosen(store: "Store", options: Options, thread: str | None) -> "GoalRow":
    """Raises NoSuchThread, UsageError: no goal."""
    if thread:
        return await store.goals.needed((await store.threads.resolve(thread)).id)
    rows = await store.threads.list(str(options.folder), LOOKED)
    found = await store.goals.of([row.id for row in rows])
    for row in rows:
        if row.id in found:
            return found[row.id]
    raise UsageError(
        f"no session in {options.folder} has a goal", 'ml-agent goal "..." --until CMD'
    )
