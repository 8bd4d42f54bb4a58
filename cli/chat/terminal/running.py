"""What runs, as a block of lines that change: a call, a command in the background, a job."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from cli.shared.render import duration
from cli.terminal.text import fitting

#: Lines of output that are shown of what runs alone, and of each where several do.
ALONE, TOGETHER = 3, 1
#: Blocks that are shown at once.
MOST = 6


@dataclass
class Running:
    """Attributes: since: monotonic seconds; 0.0: it has not begun, or waits for approval.
    progress: loss, step and time left of a training."""

    tool: str
    title: str
    since: float = 0.0
    progress: str = ""
    last: deque[str] = field(default_factory=lambda: deque(maxlen=ALONE))

    def log(self, text: str, progress: str = "") -> None:
        self.last.extend(line.strip() for line in text.split("\n") if line.strip())
        self.progress = progress or self.progress


def blocks(found: Sequence[Running], now: float, width: int) -> list[str]:
    """A head for each, and below it the progress of a training, or the last lines of its output."""
    shown: list[str] = []
    most = ALONE if len(found) == 1 else TOGETHER
    for run in found[:MOST]:
        time_ = f" · {duration(now - run.since, exact=False)}"
        head = fitting(f"● {run.tool} {run.title}".rstrip(), width - len(time_))
        shown.append(head + time_)
        lines = list(run.last)
        if run.progress:
            # Of a training the figures tell more than its newest lines.
            lines = [run.progress, *lines[-1:]] if most > 1 else [run.progress]
        shown += [fitting(f"  │ {line}", width) for line in lines[-most:]]
    if len(found) > MOST:
        shown.append(f"  … {len(found) - MOST} more running")
    return shown
