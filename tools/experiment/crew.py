"""The sub-agents of one `branch`, each with a hypothesis and a copy of the folder."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.instructions import trial_prompt
from configs.real_path import real_path
from core.errors import AgentError, StoreError, ToolError
from core.events import Event, ToolLog
from core.experiments.record import Trial
from core.experiments.words import short, trial_line
from core.policy.paths import inside
from core.store.files.folder_copy import check_room, copy_folder, remove_copy
from core.subagent import Subagent, Turnstile
from core.tool import ToolContext, ToolResult
from core.training import Training
from tools.experiment.trials import Lab, Work

TASK = """Hypothesis: {hypothesis}

The experiment measures {metric} ({direction}) by `{command}`, which is run for you after you end. \
You start from trial {parent}. Frozen: {frozen}."""
#: Characters of a sub-agent's last words that are kept.
NOTE = 500
#: Tools that belong to the thread alone.
NOT_INSIDE = ("experiment", "wait")


@dataclass(frozen=True)
class Crew:
    """The sub-agents of one call. parent: the trial that all of them start from."""

    lab: Lab
    parent: Trial
    hypotheses: Sequence[str]

    @property
    def call(self) -> str:
        return self.lab.ctx.call_id

    async def folders(self) -> list[str]:
        """A copy for each, with the files of the parent; those that are there stay as they are."""
        lab, count = self.lab, len(self.hypotheses)
        folder, where = lab.experiment.folder, copies_of(lab.ctx)
        roots = [where / f"{self.call}-{n}" for n in range(count)]
        missing = [root for root in roots if not root.exists()]
        if missing:
            state = Path(real_path(str(lab.ctx.services.settings.state_path())))
            await asyncio.to_thread(check_room, folder, state, len(missing))
            lab.ctx.log(f"copies the folder, {len(missing)} times")

        def copied(root: Path) -> str:
            return copy_folder(folder, root, lambda copy: self._to_parent(copy))

        return [await asyncio.to_thread(copied, root) for root in roots]

    def _to_parent(self, copy: str) -> None:
        left = self.lab.snapshots.of_copy(copy).restore(self.parent.snapshot)
        if left:
            name, reason = next(iter(left.items()))
            raise ToolError(
                f"Cannot copy the files of trial {self.parent.number}: {name}: {reason}"
            )

    async def work(self, folders: Sequence[str]) -> list["asyncio.Task[ToolResult]"]:
        """The sub-agents at work, which begin in their order."""
        queue, tasks = None, []
        for n, folder in enumerate(folders):
            queue = Turnstile(queue)
            tasks.append(asyncio.ensure_future(self._one(n, folder, queue)))
        return tasks

    async def _one(self, n: int, folder: str, queue: Turnstile) -> ToolResult:
        ctx, judge = self.lab.ctx, self.lab.experiment.judge
        assert ctx.run_subagent is not None
        task = TASK.format(
            hypothesis=self.hypotheses[n], metric=judge.metric, direction=judge.direction,
            command=judge.command, parent=trial_line(self.parent),
            frozen=", ".join(judge.frozen) or "nothing",
        )  # fmt: skip

        def emit(event: Event) -> None:
            if isinstance(event, ToolLog):
                event = replace(event, id=ctx.call_id, text=f"{n + 1}: {event.text}")
            ctx.emit(event)

        inner = replace(ctx, call_id=f"{self.call}/{n}", cwd=folder, emit=emit, training=Training())
        try:
            return await ctx.run_subagent(inner, task, self._subagent(queue))
        except StoreError:
            raise
        except AgentError as error:
            return ToolResult(f"It failed: {error.message}", ok=False, outcome="failed")
        finally:
            queue.passed()  # also if it failed before it began

    def _subagent(self, queue: Turnstile) -> Subagent:
        context, services = self.lab.ctx.context, self.lab.ctx.services
        assert context is not None
        tools = {
            name: tool
            for name, tool in services.tools.items()
            if (tool.looks_up or tool.in_backend)
            and not tool.is_subagent
            and name not in NOT_INSIDE
        }
        return Subagent(
            trial_prompt(), tools, services.settings.research.max_iterations,
            1 / (len(self.hypotheses) + 1), context.model or services.settings.model_name,
            context.mode, self.lab.experiment.folder, queue,
        )  # fmt: skip

    async def trial(self, n: int, folder: str, said: ToolResult, others: int) -> Trial:
        """The trial of a sub-agent that has ended."""
        await _end_commands(self.lab.ctx, folder)
        note = short(said.text, NOTE)
        work = Work(f"{self.call}/{n}", folder, note, said.cost_micro_usd or 0, said.tokens, others)
        return await self.lab.begun(self.hypotheses[n], self.parent, work)


def remove_copies(ctx: ToolContext, call: str) -> None:
    """Remove the copies of a call."""
    for root in copies_of(ctx).glob(f"{call}-*"):
        remove_copy(root)


def remove_left_copies(ctx: ToolContext, trials: Sequence[Trial]) -> None:
    """Remove the copies that calls before this one left, unless a trial is measured there."""
    needed = {one.progress.get("copy", "") for one in trials if one.verdict == "running"}
    for root in copies_of(ctx).glob("*"):
        is_used = any(inside(place, str(root)) for place in needed)
        if not is_used and not root.name.startswith(f"{ctx.call_id}-"):
            remove_copy(root)


def has_begun(ctx: ToolContext) -> bool:
    """Whether an earlier process began this call."""
    return next(copies_of(ctx).glob(f"{ctx.call_id}-*"), None) is not None


def copies_of(ctx: ToolContext) -> Path:
    return Path(real_path(str(ctx.services.outputs.copies(ctx.thread))))


async def _end_commands(ctx: ToolContext, folder: str) -> None:
    """End what a sub-agent left running in its copy: it could write while that is judged."""
    for command in await ctx.services.backend.commands(ctx.thread):
        meta = await asyncio.to_thread(command.meta)
        if meta is None or not inside(real_path(meta.cwd), folder):
            continue
        if await asyncio.to_thread(command.state) == "alive":
            await asyncio.to_thread(command.kill, "interrupted")
