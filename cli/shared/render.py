"""Events as lines of text: shared by the headless run and the chat."""

import re
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TextIO

from cli.terminal.cleaning import StreamCleaner
from cli.terminal.rows import Place, Row, painted
from cli.terminal.writer import Painter, write, write_styled
from configs.visible import inline
from core import events as ev
from core.titles import title_of
from core.units import dollars

#: What the model reads of a rejected call (nodes/permitted.py).
REJECTED = re.compile(r"The user rejected this call(?:: (.*)|\.)", re.DOTALL)
#: The checklist's marks, as core/history.py has them; importing it here would cost LangChain.
MARKS = {"completed": "[x]", "in_progress": "[>]", "pending": "[ ]"}
WIDTH = 160
#: Characters of a call's name before its result.
NAME = 60
#: Lines of a new file's diff, its head included.
NEW_FILE_LINES = 13
#: Parts of an answer that its footnote names.
FOOTNOTE = 12
PASSED = "[exit code 0]"
#: Tools whose results are told by their end.
BY_THE_END = ("bash", "process", "hf_jobs")


class Lines(Protocol):
    """Where lines of ours go."""

    def line(self, text: str, code: str = "") -> None:
        """A line, or several, in the colour `code` (SGR)."""

    def place(self, most: int, how: str) -> Place:
        """Where rows of at most `most` lines go. how: says how to see the rest."""

    def rows(self, rows: Iterable[Row], code: Callable[[Row], str] = ...) -> None:
        """Rows of what is decided or listed; `code`: the colour of each."""


class EventLines(ABC):
    """Events in lines; a terminal says how a line, an answer and a long result look."""

    #: Lines of a result that are shown; failures are shown in full up to `failure_lines`.
    result_lines, failure_lines = 3, 20

    def __init__(self) -> None:
        self.streamed = False
        #: The call whose line was the last one that was written.
        self.newest = ""
        #: The plan as it was told last.
        self.plan: list[Any] = []
        self._titles: dict[str, str] = {}

    @abstractmethod
    def line(self, text: str, code: str = "") -> None: ...

    @abstractmethod
    def answer(self, text: str) -> None:
        """A piece of the answer's text."""

    @abstractmethod
    def end_answer(self) -> None: ...

    @abstractmethod
    def log(self, event: ev.ToolLog) -> None: ...

    @abstractmethod
    def folded(self, lines: list[str], most: int, head: str, code: str) -> None:
        """`lines`, of which `most` are shown; `head` is before the first."""

    @abstractmethod
    def result(self, event: ev.ToolOutput) -> list[str]:
        """The lines of a result that were not shown before."""

    def call(self, event: ev.ToolCall) -> None:
        words = inline(telling(event.tool, event.arguments, event.title))
        self._titles[event.id] = f"{event.tool} {words}"
        self.line(f"● {self._titles[event.id]}", "36")

    def shown_plan(self, event: ev.ToolCall) -> None:
        """A plan: the first one whole, then how far it is."""
        items = event.arguments["items"]
        whole, self.plan = not self.plan, items
        self.line(f"● plan {inline(event.title)}".rstrip(), "36")
        if whole or not event.title:
            for item in items:
                self.line(*checked(item))

    def show(self, event: ev.Event) -> None:
        """One event. Those that only a program needs show nothing."""
        match event:
            case ev.AssistantChunk(kind="answer"):
                self.streamed = True
                self.answer(event.text)
            case ev.AssistantStreamEnd():
                if self.streamed:
                    self.end_answer()
                if event.withdrawn and self.streamed:
                    self.line("[the answer above is withdrawn: it was cut off]", "33")
                if event.withdrawn:
                    self.streamed = False
            case ev.AssistantMessage():
                if not self.streamed:
                    self.answer(event.text)
                    self.end_answer()
                self.streamed = False
            case ev.ToolCall():
                self.newest = event.id
                is_plan = event.tool == "plan" and isinstance(event.arguments.get("items"), list)
                (self.shown_plan if is_plan else self.call)(event)
            case ev.ToolLog():
                self.log(event)
            case ev.ToolOutput() if not (event.ok and event.tool == "plan"):
                self.output(event)
            case ev.Compacted():
                self.line(_compacted(event.tokens_before, event.tokens_after), "2")
            case _:
                pass

    def output(self, event: ev.ToolOutput) -> None:
        """What came of a call; named, unless its call is the line above."""
        mark = "└" if event.ok else "✗"
        if event.id != self.newest:
            title = self._titles.get(event.id, event.tool)
            mark += f" {title if len(title) <= NAME else title[: NAME - 1] + '…'}:"
        self.newest = ""
        lines = [event.summary] if event.summary else self.result(event)
        if (rejected := REJECTED.match(event.text)) and not event.ok:
            lines = f"rejected ({rejected[1]})".split("\n") if rejected[1] else ["rejected"]
        most = self.result_lines if event.ok else self.failure_lines
        self.folded(lines, most, f"  {mark} ", "2" if event.ok else "31")


class EventPrinter(EventLines):
    """Writes what happens, a line each, to `stream`.

    Args:
        say: where the answer's text goes as it comes; None: nowhere.
    """

    def __init__(self, stream: TextIO, say: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._stream = stream
        self._say = say or (lambda text: None)
        self._pieces = StreamCleaner()
        self._logged: set[str] = set()

    def line(self, text: str, code: str = "") -> None:
        write(f"{text}\n", self._stream, code)

    def place(self, most: int, how: str) -> Place:
        """As `Lines.place`."""
        width = shutil.get_terminal_size().columns if self._stream.isatty() else None
        return Place(width, most, how, self._stream.encoding or "utf-8")

    def rows(self, rows: Iterable[Row], code: Callable[[Row], str] = lambda row: "") -> None:
        """As `Lines.rows`."""
        for row in rows:
            write_styled(painted(row, Painter(self._stream), code(row)) + "\n", self._stream)

    def answer(self, text: str) -> None:
        self._say(self._pieces.feed(text))

    def end_answer(self) -> None:
        self._say(self._pieces.end() + "\n")

    def log(self, event: ev.ToolLog) -> None:
        self._logged.add(event.id)
        lines = event.text.split("\n")
        if "\n@@ -0,0 " in event.text and len(lines) > NEW_FILE_LINES:
            left = len(lines) - NEW_FILE_LINES
            lines = [*lines[:NEW_FILE_LINES], f"[{left} more line{'' if left == 1 else 's'}]"]
        for text in lines:
            self.line(f"  {text}" if event.id else f"… {text}", "2")

    def result(self, event: ev.ToolOutput) -> list[str]:
        lines = event.text.split("\n")
        if event.id in self._logged:
            # What it logged has been shown: how it ended is at the end, or at the start.
            return lines[-1:] if lines[-1].startswith("[") else lines[:1]
        return lines

    def folded(self, lines: list[str], most: int, head: str, code: str) -> None:
        shown = lines if len(lines) <= most else [*lines[: most - 1], lines[-1]]
        for number, text in enumerate(shown):
            text = text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
            self.line(f"{'    ' if number else head}{text}", code)
        if len(shown) < len(lines):
            self.line(f"    [{len(lines) - len(shown)} more lines]", "2")


def checked(item: Any) -> tuple[str, str]:
    """An item of the plan, and its colour."""
    known = item if isinstance(item, dict) else {"text": item}
    status = known.get("status", "")
    code = {"completed": "2", "in_progress": "1"}.get(status, "")
    return f"  {MARKS.get(status, '[?]')} {known.get('text', '')}", code


def is_diff(text: str) -> bool:
    return text.startswith(("--- ", "diff --git")) and "\n@@ " in text


def code_of_diff(line: str) -> str:
    """The colour of a line of a diff."""
    if line.startswith(("+++", "---")):
        return "1"
    return {"+": "32", "-": "31", "@": "36"}.get(line[:1], "")


def telling(tool: str, arguments: dict[str, Any], title: str = "") -> str:
    """A call in a line. What is being decided is shown whole: cli/shared/request_text.py. `title`:
    the tool's own words, where the event has them."""
    first, *more = (title or title_of(arguments)).split("\n")
    cut = first[:WIDTH] + ("…" if len(first) > WIDTH else "")
    return cut + (f" [+{len(more)} line{'' if len(more) == 1 else 's'}]" if more else "")


def closing(figures: Mapping[str, Any], since: float = 0.0) -> str:
    """Iterations, tokens with the share that came from the provider's cache, cost, what the caps
    leave and time of a whole turn; `figures`: those of `Session.summary`."""
    usage = figures["usage"]
    asked, cached = usage.get("input", 0), usage.get("cached", 0)
    share = f" ({100 * cached / asked:.0f} % cached)" if cached and asked else ""
    left = figures.get("left_micro_usd")
    parts = [
        f"{figures['iterations']} iteration{'' if figures['iterations'] == 1 else 's'}",
        f"{asked:,} in{share}, {usage.get('output', 0):,} out",
        money(figures["cost_micro_usd"]),
        "" if left is None else f"{money(left)} left",
        duration(figures["seconds"]) + (f" since {when(since)}" if since else ""),
    ]
    return " · ".join(part for part in parts if part)


def footnote(claims: Iterable[Mapping[str, Any]]) -> str:
    """What of an answer has no source in its session; "" if all has."""
    missing = [inline(str(claim["text"])) for claim in claims if claim["call"] is None]
    if not missing:
        return ""
    more = f" and {len(missing) - FOOTNOTE} more" if len(missing) > FOOTNOTE else ""
    return f"no source in this session: {', '.join(missing[:FOOTNOTE])}{more}"


def duration(seconds: float, *, exact: bool = True) -> str:
    """Wall time: 2.9 s, 1 min 31 s, 2 h 5 min. `exact`: with tenths of a second."""
    if seconds < 60:
        return f"{seconds:.1f} s" if exact else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def when(moment: float) -> str:
    """A time of this day, or of another one with its date."""
    then = time.localtime(moment)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", then)


def _compacted(before: int, after: int) -> str:
    """What a compaction did to the messages."""
    if after >= before:
        return f"nothing to compact: the messages have {before:,} tokens"
    return f"compacted: {before:,} → {after:,} tokens"


def money(micro_usd: int | None) -> str:
    """`$1.80`; four digits below a cent."""
    return "cost unknown" if micro_usd is None else dollars(micro_usd)
