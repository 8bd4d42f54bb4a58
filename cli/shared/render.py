"""Events as lines of text: shared by the headless run and the chat."""

import shutil
import time
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from cli.terminal.cleaning import StreamCleaner
from cli.terminal.rows import Place, Row, painted
from cli.terminal.writer import Painter, write, write_styled
from configs.visible import inline
from core import events as ev

#: The checklist's marks, as core/history.py has them; importing it here would cost LangChain.
MARKS = {"completed": "[x]", "in_progress": "[>]", "pending": "[ ]"}
#: Lines of a result that are shown; failures are shown in full up to FAILURE_LINES.
RESULT_LINES = 3
FAILURE_LINES = 20
WIDTH = 160


class EventPrinter:
    """Writes what happens, a line each, to `stream`.

    Args:
        answer: where the answer's text goes as it comes; None: nowhere.
    """

    def __init__(self, stream: TextIO, answer: Callable[[str], None] | None = None) -> None:
        self._stream = stream
        self._answer = answer
        self._pieces = StreamCleaner()
        self._streamed = False
        self._logged: set[str] = set()
        self._newest = ""

    def show(self, event: ev.Event) -> None:
        """One event. Those that only a program needs show nothing."""
        match event:
            case ev.AssistantChunk(kind="answer"):
                self._streamed = True
                self._say(self._pieces.feed(event.text))
            case ev.AssistantStreamEnd():
                rest = self._pieces.end()
                if self._streamed:
                    self._say(rest + "\n")
                if event.withdrawn and self._streamed:
                    self.line("[the answer above is withdrawn: it was cut off]", "33")
                if event.withdrawn:
                    self._streamed = False
            case ev.AssistantMessage():
                if not self._streamed:
                    self._say(event.text + "\n")
                self._streamed = False
            case ev.ToolCall():
                self._call(event)
            case ev.ToolLog():
                self._logged.add(event.id)
                for text in event.text.split("\n"):
                    self.line(f"  {text}" if event.id else f"… {text}", "2")
            case ev.ToolOutput():
                self._output(event)
            case ev.Compacted():
                self.line(_compacted(event.tokens_before, event.tokens_after), "2")
            case _:
                pass

    def line(self, text: str, code: str = "") -> None:
        """A line of ours."""
        write(f"{text}\n", self._stream, code)

    def place(self, most: int, how: str) -> Place:
        """Where rows of at most `most` lines go. how: says how to see the rest."""
        width = shutil.get_terminal_size().columns if self._stream.isatty() else None
        return Place(width, most, how, self._stream.encoding or "utf-8")

    def rows(self, rows: Iterable[Row], code: Callable[[Row], str] = lambda row: "") -> None:
        """Rows of what is decided or listed; `code`: the colour of each."""
        for row in rows:
            write_styled(painted(row, Painter(self._stream), code(row)) + "\n", self._stream)

    def _call(self, event: ev.ToolCall) -> None:
        self._newest = event.id
        items = event.arguments.get("items") if event.tool == "plan" else None
        if not isinstance(items, list):
            said = inline(telling(event.tool, event.arguments))
            self.line(f"● {event.tool} {said}", "36")
            return
        self.line("● plan", "36")
        for item in items:
            mark = MARKS.get(item.get("status", ""), "[?]") if isinstance(item, dict) else "[?]"
            text = item.get("text", "") if isinstance(item, dict) else item
            self.line(f"  {mark} {text}")

    def _output(self, event: ev.ToolOutput) -> None:
        if event.ok and event.tool == "plan":
            return  # the checklist has been shown
        lines = event.text.split("\n")
        most = RESULT_LINES if event.ok else FAILURE_LINES
        if event.ok and event.id in self._logged:
            # What it logged has been shown: how it ended is at the end, or at the start.
            lines = lines[-1:] if lines[-1].startswith("[") else lines[:1]
        shown = lines if len(lines) <= most else [*lines[: most - 1], lines[-1]]
        mark = "└" if event.ok else "✗"
        if event.id != self._newest:
            mark += f" {event.tool}:"
        for number, text in enumerate(shown):
            head = mark if number == 0 else " "
            self.line(f"  {head} {text[:WIDTH]}", "2" if event.ok else "31")
        if len(shown) < len(lines):
            self.line(f"    [{len(lines) - len(shown)} more lines]", "2")

    def _say(self, text: str) -> None:
        if self._answer is not None:
            self._answer(text)


def told_word(tool: str, arguments: dict[str, Any]) -> str:
    """What matters of a call: the path, the command, the operation."""
    for key in ("command", "pattern", "path", "operation", "question", "query", "url"):
        if key in arguments:
            extra = f" {arguments['id']}" if key == "operation" and arguments.get("id") else ""
            return str(arguments[key]) + extra
    return ", ".join(f"{k}={v!r}" for k, v in arguments.items())


def telling(tool: str, arguments: dict[str, Any]) -> str:
    """The same in a line. What is being decided is shown whole: cli/shared/request_text.py."""
    first, *more = told_word(tool, arguments).split("\n")
    cut = first[:WIDTH] + ("…" if len(first) > WIDTH else "")
    return cut + (f" [+{len(more)} lines]" if more else "")


def closing(done: ev.TurnComplete) -> str:
    """Iterations, tokens with the share that came from the provider's cache, cost and time of a
    whole turn."""
    usage = done.usage
    asked, cached = usage.get("input", 0), usage.get("cached", 0)
    share = f" ({100 * cached / asked:.0f} % cached)" if cached and asked else ""
    count = f"{done.iterations} iteration{'' if done.iterations == 1 else 's'}"
    tokens = f"{asked:,} in{share}, {usage.get('output', 0):,} out"
    since = f" since {when(done.since)}" if done.since else ""
    return f"{count} · {tokens} · {money(done.cost_micro_usd)} · {duration(done.seconds)}{since}"


def duration(seconds: float) -> str:
    """Wall time: 2.9 s, 1 min 31 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
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
    return "cost unknown" if micro_usd is None else f"${micro_usd / 1_000_000:.4f}"
