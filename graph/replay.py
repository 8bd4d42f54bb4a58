"""Running a recorded session through the graph again: the same words in, the recorded answers
from the model, and the first request that differs is named.

By default the tools answer from the recording too, so that nothing is run, written or paid
again. With real tools the results are real, in a folder of one's own.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from configs.settings import Settings
from core.events import ApprovalRequired, AssistantStreamEnd, Event
from graph.options import RunOptions
from graph.session import Session
from graph.transcript.format import Recording
from graph.transcript.recorded_answers import Forgotten, Recorded, Results, Script, ran_in
from graph.transcript.recorded_model import ReplayModel
from tools import builtin_tools

Decide = Callable[[list[dict[str, Any]]], Sequence[dict[str, Any]] | None]

#: No limit of this run ends a recorded turn, and no compaction: the recording holds it whole.
ENDLESS = 1_000_000_000


class ReplayOptions(TypedDict, total=False):
    """How a recording is replayed.

    Attributes:
        real_tools: run the calls; False, the default, answers them from the recording.
        strict: a request that differs ends the turn (`replay_differs`), the default; else it is
            only told. pace: seconds between two pieces of an answer.
        from_recording: tools that answer from the recording also with real tools; by operation,
            what is known of the call: {"effect": fields of it, "cost_micro_usd"}.
        decide: who answers approvals (None for one: they continue waiting, and the replay ends).
            By default recorded tools are decided as the recorded user did, and calls of real
            tools are rejected: a file decides about nothing that runs.
    """

    real_tools: bool
    strict: bool
    pace: float
    from_recording: Mapping[str, Mapping[str, Any]]
    decide: Decide | None


class Replay:
    """A session driven by a recording. `cwd`: where real tools act; else the folder that the
    recording names is what counts.

    Attributes: `session`, to interrupt it or to read its thread.
    """

    def __init__(
        self,
        recording: Recording,
        settings: Settings,
        *,
        cwd: Path,
        options: RunOptions,
        **how: Unpack[ReplayOptions],
    ) -> None:
        real_tools, decide = how.get("real_tools", False), how.get("decide")
        known = builtin_tools()
        for name in ran_in(recording):
            known.setdefault(name, Forgotten(name=name, description="of the recorded session"))
        results = Results(recording, known)
        answered = how.get("from_recording", {}) if real_tools else {n: {} for n in known}
        tools = known | {n: Recorded.of(known[n], results, about) for n, about in answered.items()}
        folder = cwd if real_tools else Path(recording.cwd or cwd)
        self._script = Script(recording)
        self._decide = decide or (results.rejections if real_tools else results.decisions)
        model = options.model or "replay/recording"
        unlimited = settings.model_copy(update={"compact_at": ENDLESS})
        unlimited.keep_below(mode="", max_iterations=None)
        self.session = Session.open(
            unlimited,
            cwd=folder,
            options=replace(options, model=model, max_iterations=ENDLESS),
            models=ReplayModel(
                recording,
                cwd=str(folder),
                strict=how.get("strict", True),
                pace=how.get("pace", 0.0),
            ),
            tools=tools,
        )

    @property
    def opening(self) -> str:
        """The message that opens the first turn."""
        return self._script.turns()[0][-1]

    async def events(self) -> AsyncGenerator[Event, None]:
        """Everything the session tells. A turn that fails, or is left with approvals that
        wait, is the last."""
        async with self.session as session:
            for said in self._script.turns():
                for words in said[:-1]:
                    await session.enqueue(words)
                ended = ""
                async with aclosing(self._turn(said[-1])) as turn:
                    async for event in turn:
                        ended = event.name
                        yield event
                if ended in ("error", "approval_required", "waiting"):
                    break
            yield await session.close()

    async def _turn(self, text: str) -> AsyncGenerator[Event, None]:
        """One turn, over its approvals, to its end."""
        events: AsyncGenerator[Event, None] | None = self.session.send(text)
        while events is not None:
            waiting: list[dict[str, Any]] = []
            async with aclosing(events) as run:
                async for event in run:
                    if isinstance(event, AssistantStreamEnd) and not event.withdrawn:
                        for words in self._script.steering():
                            await self.session.enqueue(words)
                    if isinstance(event, ApprovalRequired):
                        waiting = event.requests
                    yield event
            decisions = self._decide(waiting) if waiting else None
            events = self.session.resume(decisions) if decisions is not None else None
