"""The keys of the chat, beside those that every shell has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prompt_toolkit.filters import Condition, completion_is_selected, is_searching
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys

if TYPE_CHECKING:
    from cli.chat.terminal.frontend import Terminal


def bindings(terminal: Terminal) -> KeyBindings:
    """The bindings, for `terminal`."""
    keys = KeyBindings()
    one_key = Condition(lambda: terminal.takes_one_key())
    writing = Condition(
        lambda: terminal.screen.question is not None and terminal.screen.question.writing
    )
    picking = Condition(lambda: terminal.picker is not None)
    queue_open = Condition(lambda: terminal.can_edit_queue())

    @keys.add("enter", filter=~is_searching)
    def _enter(event: Any) -> None:
        buffer = event.current_buffer
        if completion_is_selected() and terminal.screen.question is None:
            buffer.complete_state = None  # what was chosen stands in the line; Enter sends it next
            return
        if buffer.text.endswith("\\") and terminal.screen.question is None:
            buffer.delete_before_cursor(1)
            buffer.insert_text("\n")
            return
        terminal.entered(buffer)

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _new_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    def _stop(event: Any) -> None:
        terminal.stopped()

    @keys.add("escape", filter=~is_searching)
    def _escape(event: Any) -> None:
        if event.current_buffer.complete_state:
            event.current_buffer.cancel_completion()
        else:
            terminal.escaped()

    @keys.add("c-d")
    def _end(event: Any) -> None:
        if event.current_buffer.text and terminal.screen.question is None:
            event.current_buffer.delete()
        else:
            terminal.left()

    @keys.add("c-o")
    def _unfold(event: Any) -> None:
        terminal.unfold()

    @keys.add("c-z")
    def _suspend(event: Any) -> None:
        event.app.suspend_to_background()

    @keys.add("up", filter=queue_open & ~is_searching)
    def _edit_queued(event: Any) -> None:
        terminal.edit_queued()

    @keys.add("up", filter=picking)
    @keys.add("c-p", filter=picking)
    def _up(event: Any) -> None:
        assert terminal.picker is not None
        terminal.picker.move(-1)

    @keys.add("down", filter=picking)
    @keys.add("c-n", filter=picking)
    def _down(event: Any) -> None:
        assert terminal.picker is not None
        terminal.picker.move(1)

    @keys.add(Keys.Any, filter=one_key)
    def _key(event: Any) -> None:
        question = terminal.screen.question
        assert question is not None
        if event.data in question.keys:
            terminal.screen.answer(event.data)
        else:
            event.current_buffer.insert_text(event.data)

    # The last that fit win: whoever was writing when a question came up goes on writing.

    @keys.add(Keys.Any, filter=writing)
    @keys.add(Keys.BracketedPaste, filter=writing)
    def _written(event: Any) -> None:
        terminal.write_draft(event.data.replace("\r\n", "\n").replace("\r", "\n"))

    @keys.add("backspace", filter=writing)
    def _taken_back(event: Any) -> None:
        terminal.write_draft("\b")

    @keys.add("enter", filter=writing)
    def _sent(event: Any) -> None:
        terminal.send_draft()

    return keys
