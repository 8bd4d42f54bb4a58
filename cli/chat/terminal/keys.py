"""The keys of the chat, next to those that every shell has."""

from typing import Any

from prompt_toolkit.filters import Condition, completion_is_selected, has_completions, is_searching
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys

from cli.chat.terminal.actions import Actions


def bindings(actions: Actions) -> KeyBindings:
    """The bindings, for `actions`."""
    screen, typing, always = actions.screen, ~is_searching, Condition(lambda: True)
    one_key = Condition(actions.takes_one_key)
    writing = Condition(lambda: screen.question is not None and screen.question.writing)
    idle = typing & Condition(actions.is_idle)
    picking = Condition(lambda: actions.picker is not None)
    table: tuple[tuple[tuple[str, ...], Any, Any], ...] = (
        (("enter",), typing, lambda event: _enter(actions, event.current_buffer)),
        (("escape", "enter"), always, lambda event: event.current_buffer.insert_text("\n")),
        (("c-j",), always, lambda event: event.current_buffer.insert_text("\n")),
        (("c-c",), always, lambda event: actions.stopped()),
        (("escape",), typing, lambda event: _escape(actions, event.current_buffer)),
        (("c-d",), always, lambda event: _end(actions, event.current_buffer)),
        (("escape", "escape"), idle, lambda event: actions.command("/rewind")),
        (("s-tab",), ~has_completions & typing, lambda event: actions.command("/mode next")),
        (("c-t",), always, lambda event: actions.command("/plan")),
        (("?",), idle, lambda event: actions.command("/help")),
        (("c-o",), always, lambda event: actions.shown.unfold()),
        (("c-z",), always, lambda event: event.app.suspend_to_background()),
        (("up",), Condition(actions.can_edit_queue) & typing, lambda _: actions.edit_queued()),
        (("up",), picking, lambda event: actions.move(-1)),
        (("c-p",), picking, lambda event: actions.move(-1)),
        (("down",), picking, lambda event: actions.move(1)),
        (("c-n",), picking, lambda event: actions.move(1)),
        ((Keys.Any,), one_key, lambda event: _key(actions, event)),
        # The last that fit win: a user who was writing when a question came up continues writing.
        ((Keys.Any,), writing, lambda event: actions.write_draft(event.data)),
        ((Keys.BracketedPaste,), writing, lambda event: actions.write_draft(event.data)),
        (("backspace",), writing, lambda event: actions.write_draft("\b")),
        (("enter",), writing, lambda event: actions.send_draft()),
    )
    keys = KeyBindings()
    for sequence, holds, handler in table:
        keys.add(*sequence, filter=holds)(handler)
    return keys


def _enter(actions: Actions, buffer: Any) -> None:
    asks = actions.screen.question is not None
    if completion_is_selected() and not asks:
        buffer.complete_state = None  # what was chosen is in the line; Enter sends it next
    elif buffer.text.endswith("\\") and not asks:
        buffer.delete_before_cursor(1)
        buffer.insert_text("\n")
    else:
        actions.entered(buffer)


def _escape(actions: Actions, buffer: Any) -> None:
    if buffer.complete_state:
        buffer.cancel_completion()
    else:
        actions.escaped()


def _end(actions: Actions, buffer: Any) -> None:
    if buffer.text and actions.screen.question is None:
        buffer.delete()
    else:
        actions.left()


def _key(actions: Actions, event: Any) -> None:
    question = actions.screen.question
    assert question is not None
    if event.data in question.asked.more:
        question.begun, question.text = f"{event.data} ", question.asked.more[event.data]
    elif event.data in question.asked.keys:
        actions.screen.answer(event.data)
    else:
        event.current_buffer.insert_text(event.data)
