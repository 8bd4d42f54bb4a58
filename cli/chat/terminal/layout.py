"""How the parts of the screen are laid out, and their colours."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, has_completions
from prompt_toolkit.formatted_text import OneStyleAndTextTuple
from prompt_toolkit.layout import HSplit, Layout, Window
from prompt_toolkit.layout.containers import ConditionalContainer, VerticalAlign
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import (
    ConditionalProcessor,
    PasswordProcessor,
    Processor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import SearchToolbar

from configs.visible import escape, hidden_places

#: How an escape in the prompt looks.
HIDDEN = "reverse ansired"
#: Lines of the prompt that are shown at once.
INPUT_LINES = 10
STYLE = Style.from_dict(
    {
        "status": "noreverse ansibrightblack",
        "prompt": "bold",
        "completion-menu": "noreverse bg:default",
        "completion-menu.completion": "noreverse bg:default fg:default",
        "completion-menu.completion.current": "reverse",
        "completion-menu.meta.completion": "bg:default fg:ansibrightblack",
        "completion-menu.meta.completion.current": "bg:default fg:ansibrightblack bold",
        "scrollbar.background": "bg:default",
        "scrollbar.button": "reverse",
    }
)


class ShowHidden(Processor):
    """Draws each hidden character as its escape. The text itself is not changed."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        letters = explode_text_fragments(transformation_input.fragments)
        places = hidden_places("".join(letter[1] for letter in letters))
        if not places:
            return Transformation(transformation_input.fragments)
        shown: list[OneStyleAndTextTuple] = [
            (HIDDEN, escape(letter[1])) if at in places else letter
            for at, letter in enumerate(letters)
        ]
        starts = list(accumulate((len(part[1]) for part in shown), initial=0))

        def to_display(at: int) -> int:
            return starts[min(at, len(shown))] + max(0, at - len(shown))

        def to_source(at: int) -> int:
            return sum(start <= at for start in starts[1:]) + max(0, at - starts[-1])

        return Transformation(list(shown), to_display, to_source)


@dataclass(frozen=True)
class Parts:
    """What the window shows. prefix: what is before a line of the prompt."""

    buffer: Buffer
    live: Callable[[], Any]
    is_live: Callable[[], bool]
    status: Callable[[], Any]
    prefix: Callable[[int, int], Any]
    is_secret: Callable[[], bool]
    rows: Callable[[], int]


def layout(parts: Parts) -> Layout:
    """The window: what is live, the prompt with its completions, the search, the status line."""
    search = SearchToolbar()
    prompt = Window(
        BufferControl(
            parts.buffer,
            search_buffer_control=search.control,
            preview_search=True,
            input_processors=[
                ShowHidden(),
                ConditionalProcessor(PasswordProcessor(), Condition(parts.is_secret)),
            ],
        ),
        get_line_prefix=parts.prefix,
        wrap_lines=True,
        height=lambda: Dimension(min=1, max=INPUT_LINES),
        dont_extend_height=True,
    )
    status = Window(
        FormattedTextControl(parts.status), height=1, style="class:status", wrap_lines=False
    )
    root = HSplit(
        [
            ConditionalContainer(
                Window(
                    FormattedTextControl(parts.live),
                    dont_extend_height=True,
                    wrap_lines=False,
                    height=lambda: Dimension(max=max(3, parts.rows() - 6)),
                ),
                Condition(parts.is_live),
            ),
            prompt,
            ConditionalContainer(CompletionsMenu(max_height=8), has_completions),
            search,
            status,
        ],
        align=VerticalAlign.TOP,
    )
    return Layout(root, focused_element=prompt)
