"""Events as lines of the terminal: what is over scrolls away, what runs is one live line each."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from cli.chat.terminal.inline import wrapped
from cli.chat.terminal.markdown import Markdown
from cli.chat.terminal.screen import Screen
from cli.shared.render import EventLines, code_of_diff, is_diff, telling
from cli.terminal.rows import Place, Row, painted
from cli.terminal.text import cells, clean, fitting
from configs.visible import inline
from core import events as ev
from core.secrets.redaction import redacted

DIFF_LINES = 40
#: Folded results that Ctrl-O can still show.
KEPT = 50
#: Characters of thinking that are kept for the live line.
THOUGHT = 400


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
        self._diffs: set[str] = set()
        self._folded: deque[list[str]] = deque(maxlen=KEPT)
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
        self.line(f"> {first}" + "".join(f"\n. {line}" for line in more), "1")

    # --- events -------------------------------------------------------------------------------

    def show(self, event: ev.Event) -> None:
        match event:
            case ev.AssistantChunk() if event.kind != "answer":
                self._thought = (self._thought + event.text)[-THOUGHT:]
                self._screen.refresh()
            case ev.AssistantChunk() | ev.AssistantStreamEnd():
                self._thought = ""
            case ev.ToolStateChange():
                self._state(event)
            case ev.ToolOutput():
                self._running.pop(event.id, None)
            case ev.TurnComplete() | ev.Interrupted() | ev.Error():
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
        text = inline(telling(event.tool, event.arguments))
        self.line(f"● {event.tool} {fitting(text, max(20, self._width() - 12))}", "36")
        self._running[event.id] = Running(event.tool, text)

    def log(self, event: ev.ToolLog) -> None:
        if not event.id:
            self.line(f"… {event.text}", "2")
        elif is_diff(event.text):
            self._diffs.add(event.id)
            # The call's line has named the file.
            lines = [t for t in clean(event.text).split("\n") if not t.startswith(("---", "+++"))]
            self.folded(lines, DIFF_LINES, "  ", "")
        else:
            run = self._running.setdefault(event.id, Running(event.tool, ""))
            run.since = run.since or time.monotonic()
            run.log(clean(event.text))
            self._screen.refresh()

    def _state(self, event: ev.ToolStateChange) -> None:
        run = self._running.get(event.id)
        if run is not None and event.state == "running":
            run.since = time.monotonic()
        if event.url:
            self.line(f"  {event.url}", "4")

    def result(self, event: ev.ToolOutput) -> list[str]:
        lines = clean(event.text).rstrip("\n").split("\n")
        # The diff has been shown.
        return lines[:1] if event.ok and event.id in self._diffs else lines

    def folded(self, lines: list[str], most: int, head: str, code: str) -> None:
        """As `EventLines.folded`, the middle left out; without a code the lines are a diff's."""
        indent = "  " if head == "  " else "    "
        is_folded = len(lines) > most + 1
        shown = [*lines[: most - 1], lines[-1]] if is_folded else lines
        width = max(20, self._width() - len(indent) - 1)
        for number, text in enumerate(shown):
            cut = fitting(text, width) if code == "2" else text
            self.line((indent if number else head) + cut, code or code_of_diff(text))
            if is_folded and number == most - 2:
                left = len(lines) - len(shown)
                self.line(f"{indent}… {left} more lines · Ctrl-O shows them", "2")
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
        if not self.since:
            return found
        now = time.monotonic()
        for run in self._running.values():
            if run.since:
                found.append(self._dim(fitting(run.words(now), width)))
        if not found:
            thought = " ".join(clean(self._thought).split())
            words = f"thinking… {thought[-width + 12 :]}" if thought else "working…"
            seconds = f" {now - self.since:.0f} s" if not thought else ""
            found.append(self._dim(fitting(words + seconds, width)))
        return found

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


class Running:
    """A call under way, in one line."""

    def __init__(self, tool: str, words: str) -> None:
        self._head = f"{tool} {words}"
        self._last = ""
        self.since = 0.0

    def log(self, text: str) -> None:
        lines = [line for line in text.split("\n") if line.strip()]
        self._last = lines[-1].strip() if lines else self._last

    def words(self, now: float) -> str:
        time_ = f"{now - self.since:.0f} s"
        head = fitting(self._head, 40)
        return f"… {head} {time_}" + (f" │ {self._last}" if self._last else "")
