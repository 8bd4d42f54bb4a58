"""Events as lines of the terminal: what is over scrolls away, what runs is one live line each."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from cli.chat.terminal.inline import wrapped
from cli.chat.terminal.markdown import Markdown
from cli.chat.terminal.running import Running, blocks
from cli.chat.terminal.screen import Screen
from cli.shared.render import (
    BY_THE_END,
    PASSED,
    EventLines,
    code_of_diff,
    duration,
    is_diff,
    telling,
)
from cli.terminal.rows import Place, Row, painted
from cli.terminal.text import cells, clean, fitting
from configs.visible import inline
from core import events as ev
from core.secrets.redaction import redacted

DIFF_LINES, NEW_FILE_LINES = 40, 10
#: Lines of a message that are shown when it was sent.
SAID_LINES = 12
#: Folded results that Ctrl-O can still show.
KEPT = 50
#: Characters of thinking that are kept: the live line shows its end, Ctrl-O all of it.
THOUGHT, LIVE_THOUGHT = 20_000, 400


class Shown(EventLines):
    """Shows a session on `screen`."""

    result_lines, failure_lines = 4, 40

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen
        self.paint = screen.paint
        self._markdown = Markdown(lambda line: screen.write(line + "\n"), self._width, self.paint)
        self._thought = ""
        self._running: dict[str, Running] = {}
        #: Calls whose line is above already; the others' come with their results.
        self._announced: set[str] = set()
        #: Told the number of each message that joins a turn.
        self.joined: Callable[[int], None] = lambda number: None
        #: What runs in the background: set by who looks.
        self.background: list[Running] = []
        self._diffs: set[str] = set()
        self._folded: deque[list[str]] = deque(maxlen=KEPT)
        #: Of a command the last lines are shown, of anything else the first ones.
        self._by_the_end = False
        #: Whether the last turn ended in an error.
        self.failed = False
        #: Since when a turn runs, and not the user is asked; 0: none does.
        self.since = 0.0
        screen.before_frame = self._markdown.advance

    def refresh(self) -> None:
        self._screen.refresh()

    def _width(self) -> int:
        return self._screen.columns

    # --- lines --------------------------------------------------------------------------------

    def line(self, text: str, code: str = "") -> None:
        """A line of ours, or several."""
        width = max(20, self._width() - 1)
        for part in clean(text).split("\n"):
            for row in _broken(part, width):
                self._screen.write(self.paint.marks(self.paint(row, code)) + "\n")

    def place(self, most: int, how: str) -> Place:
        """As `Lines.place`."""
        return Place(self._width() - 1, most, how, self.paint.encoding)

    def rows(self, rows: Iterable[Row], code: Callable[[Row], str] = lambda row: "") -> None:
        """As `Lines.rows`."""
        for row in rows:
            self._screen.write(self.paint.marks(painted(row, self.paint, code(row))) + "\n")

    def complain(self, message: str, hint: str = "") -> None:
        """What went wrong, and what to do."""
        self.line(redacted(f"{message}" + (f" ({hint})" if hint else "")), "31")

    def said(self, text: str) -> None:
        """What the user said."""
        first, *more = text.split("\n")
        self._screen.write("\n")
        if len(more) >= SAID_LINES:
            more = [*more[:2], f"[{len(more) - 2} more lines]"]
        self.line(f"> {first}" + "".join(f"\n  {line}" for line in more), "1")

    # --- events -------------------------------------------------------------------------------

    def show(self, event: ev.Event) -> None:
        match event:
            case ev.AssistantChunk() if event.kind != "answer":
                self._thought = (self._thought + event.text)[-THOUGHT:]
                self._screen.refresh()
            case ev.AssistantChunk() | ev.AssistantStreamEnd():
                if self._thought:
                    self._folded.append(clean(self._thought).strip().split("\n"))
                self._thought = ""
            case ev.ToolStateChange():
                self._state(event)
            case ev.Processing():
                self.failed = False
                self.joined(event.number)
            case ev.ToolOutput():
                self._announce(event.id)
                self._running.pop(event.id, None)
            case ev.TurnComplete() | ev.Interrupted() | ev.Error():
                self.failed = event.name == "error"
                for call in list(self._running):
                    self._announce(call)
                self._running.clear()
            case _:
                pass
        super().show(event)

    def answer(self, text: str) -> None:
        self._markdown.feed(text)
        self._screen.refresh()

    def end_answer(self) -> None:
        self._markdown.end()

    def call(self, event: ev.ToolCall) -> None:
        """Live until its result is there. Then both are written together, also of calls that ran
        at the same time."""
        title = inline(telling(event.tool, event.arguments, event.title))
        self._running[event.id] = Running(event.tool, title)
        self._screen.refresh()

    def _announce(self, call: str) -> None:
        """The line of a call, once."""
        run = self._running.get(call)
        if run is not None and call not in self._announced:
            self._announced.add(call)
            self.newest = call
            self._titles[call] = f"{run.tool} {run.title}"
            self.line(f"● {run.tool} {fitting(run.title, max(20, self._width() - 12))}", "36")

    def log(self, event: ev.ToolLog) -> None:
        if not event.id:
            self.line(f"… {event.text}", "2")
        elif is_diff(event.text):
            self._diffs.add(event.id)
            self._announce(event.id)
            # The call's line has named the file.
            is_new = "\n@@ -0,0 " in event.text
            heads = ("---", "+++", "@@ -0,0 ") if is_new else ("---", "+++")
            lines = [t for t in clean(event.text).split("\n") if not t.startswith(heads)]
            self.folded(lines, NEW_FILE_LINES if is_new else DIFF_LINES, "  ", "")
        else:
            run = self._running.setdefault(event.id, Running(event.tool, ""))
            run.since = run.since or time.monotonic()
            run.log(clean(event.text), event.progress)
            self._screen.refresh()

    def _state(self, event: ev.ToolStateChange) -> None:
        run = self._running.get(event.id)
        if run is not None and event.state == "running":
            run.since = time.monotonic()
        if event.url:
            self._announce(event.id)
            self.line(f"  {event.url}", "4")

    def result(self, event: ev.ToolOutput) -> list[str]:
        lines = clean(event.text).rstrip("\n").split("\n")
        if len(lines) > 1 and lines[-1] == PASSED:
            lines.pop()
        # The diff has been shown.
        return lines[:1] if event.ok and event.id in self._diffs else lines

    def output(self, event: ev.ToolOutput) -> None:
        if event.summary:
            self._folded.append(self.result(event))
        self._by_the_end = event.ok and event.tool in BY_THE_END
        super().output(event)
        self._by_the_end = False

    def folded(self, lines: list[str], most: int, head: str, code: str) -> None:
        """As `EventLines.folded`, the middle left out; without a code the lines are a diff's."""
        indent = "  " if head == "  " else "    "
        is_folded = len(lines) > most + 1
        gap = 0 if self._by_the_end else most - 1
        shown = [*lines[:gap], *lines[len(lines) - most + gap :]] if is_folded else lines
        hint = f"… {len(lines) - len(shown)} more lines · Ctrl-O shows them"
        width = max(20, self._width() - len(indent) - 1)
        if is_folded and not gap:
            self.line(head + hint, "2")
            head = indent
        for number, text in enumerate(shown):
            cut = fitting(text, width) if code == "2" else text
            self.line((indent if number else head) + cut, code or code_of_diff(text))
            if is_folded and number == gap - 1:
                self.line(indent + hint, "2")
        if is_folded or any(fitting(text, width) != text for text in shown):
            self._folded.append(lines)

    def unfold(self) -> None:
        """Show the newest folded result in full; the next time the one before."""
        if not self._folded:
            self.line("no folded results", "2")
            return
        lines = self._folded.pop()
        self.line("─" * min(40, self._width() - 1), "2")
        for text in lines:
            self.line(text)
        self.line("─" * min(40, self._width() - 1), "2")

    # --- what is live -------------------------------------------------------------------------

    def began(self) -> None:
        self.since = time.monotonic()

    def ended(self) -> None:
        """The turn is over, or asks: nothing is live. What was asked about runs next, and its call
        is not told again."""
        self._markdown.end()
        for run in self._running.values():
            run.since = 0.0
        self._thought, self.streamed, self.since = "", False, 0.0
        self._screen.refresh()

    def live(self) -> list[str]:
        """The lines above the prompt that still change."""
        width = self._width() - 1
        found = [self.paint.marks(text) for text in self._markdown.live]
        now = time.monotonic()
        if not self.since:
            return found + self._blocks(self.background, now, width)
        answering = bool(found)
        running = [run for run in self._running.values() if run.since]
        found += self._blocks([*running, *self.background], now, width)
        if not answering and not running:
            thought = " ".join(clean(self._thought[-LIVE_THOUGHT:]).split())
            words = f"thinking… {thought[-width + 12 :]}" if thought else "working…"
            seconds = "" if thought else f" {duration(now - self.since, exact=False)}"
            found.append(self._dim(fitting(words + seconds, width)))
        return found + self._plan_line(width)

    def _blocks(self, running: list[Running], now: float, width: int) -> list[str]:
        return [self._dim(text) for text in blocks(running, now, width)]

    def _plan_line(self, width: int) -> list[str]:
        """How far the plan is: one line that changes."""
        known = [item for item in self.plan if isinstance(item, dict)]
        open_ = [item for item in known if item.get("status") != "completed"]
        if not open_:
            return []
        now = [item for item in open_ if item.get("status") == "in_progress"] or open_
        words = f"plan {len(known) - len(open_)}/{len(known)} · {clean(str(now[0].get('text')))}"
        return [self._dim(fitting(words, width))]

    def _dim(self, text: str) -> str:
        return self.paint.marks(self.paint(text, "2"))


def _broken(text: str, width: int) -> list[str]:
    """A line in those that fit, the further ones as far in as the first, and a little more."""
    if cells(text) <= width:
        return [text]
    indent = min(len(text) - len(text.lstrip()), width // 3)
    rows = wrapped([(text[indent:], "")], width - indent - 2)
    joined = ["".join(piece for piece, _ in row).rstrip() for row in rows]
    return [" " * (indent + (2 if number else 0)) + row for number, row in enumerate(joined)]
