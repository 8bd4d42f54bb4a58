"""The files of turns that are taken back or done again (graph/undo.py), by the records of what
each turn changed."""

from collections.abc import Sequence

from core.durable import ThreadFiles
from core.store import ThreadRow
from core.store.files.entries import Scan
from core.store.files.history import Snapshots
from core.store.files.recorder import Turn
from core.store.files.restore import RestorePlan, Step
from graph.turn_files import last_end


class UndoFiles:
    """The files of one thread's past turns. Both methods return (what was done, or would be; why
    files are not covered, "" if they are)."""

    def __init__(self, snapshots: Snapshots, outputs: ThreadFiles, row: ThreadRow) -> None:
        self._snapshots = snapshots
        self._outputs = outputs
        self._row = row

    async def back(self, befores: Sequence[str], dry_run: bool) -> tuple[RestorePlan, str]:
        """Take back what the turns behind these checkpoints, the newest first, did to files."""
        steps: list[tuple[Turn, Step]] = []
        off = ""
        for before in befores:
            turn = Turn(self._row.id, before, self._row.cwd)
            step, why = await self._step_back(turn, dry_run)
            off = why or off
            if step is not None:
                steps.append((turn, step))
        plan = await self._planned([step for _, step in steps])
        if dry_run or not steps:
            return plan, off
        # Before the files: an undo that is killed half-way is the same one the next time.
        for turn, step in steps:
            await self._snapshots.put_undone(turn, _spared(step, plan))
        plan = await self._snapshots.restore(self._row.cwd, plan)
        for number, (turn, step) in enumerate(steps):
            # The newest is done again last: then nothing needs the folders any more.
            made = plan.made if number == 0 else ()
            await self._snapshots.put_undone(turn, _spared(step, plan), made)
        return plan, off

    async def forth(self, before: str, dry_run: bool, later: str = "") -> tuple[RestorePlan, str]:
        """Do again what undo took back of a turn. `later`: the checkpoint before the turn that can
        be done again after it, "" if there is none."""
        turn = Turn(self._row.id, before, self._row.cwd)
        step, off = await self._step_back(turn, dry_run)
        if step is None:
            return RestorePlan(Scan()), off
        changes = await self._snapshots.changes(turn)
        spared = (changes.spared or ()) if changes is not None else ()
        names = [name for name in step.names() if name not in spared]
        forth = Step(
            {name: step.left_behind.get(name) for name in names},
            {name: step.wanted.get(name) for name in names},
        )
        plan = await self._planned([forth])
        if not dry_run:
            plan = await self._snapshots.restore(self._row.cwd, plan)
            following = Turn(self._row.id, later, self._row.cwd) if later else None
            await self._snapshots.put_redone(turn, plan.made, following)
        return plan, off

    async def _step_back(self, turn: Turn, dry_run: bool) -> tuple[Step | None, str]:
        """What brings a turn's files back; why it does not bring all of them back."""
        ended = await last_end(self._snapshots, self._outputs, turn)
        changes = await self._snapshots.close_cut_off(turn, ended, store=not dry_run)
        if changes is None:
            step = await self._snapshots.of_older_version(turn)
            return step, "" if step else "nothing was kept of the files of this turn"
        wanted = {name: change[0] for name, change in changes.files.items()}
        left = {name: change[1] for name, change in changes.files.items()}
        spared = changes.spared
        done = frozenset(wanted) - frozenset(spared) if spared is not None else frozenset[str]()
        return Step(wanted, left, changes.disputed, done), changes.off

    async def _planned(self, steps: Sequence[Step]) -> RestorePlan:
        if not steps:
            return RestorePlan(Scan())
        return await self._snapshots.plan(self._row.cwd, steps)


def _spared(step: Step, plan: RestorePlan) -> set[str]:
    """What an undo does not touch, and so redo does not either."""
    return {name for name in step.names() if name not in step.touched or name in plan.left}
