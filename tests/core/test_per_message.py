"""What is made of a message is made once, kept while the message is in use, and goes with it."""

import gc
import weakref

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from core.per_message import PerMessage


class _Counted:
    def __init__(self) -> None:
        self.per_message: PerMessage[str] = PerMessage()
        self.made: list[str] = []

    def each(self, messages: list[BaseMessage]) -> list[str]:
        return self.per_message.each(messages, None, self._make)

    def _make(self, message: BaseMessage) -> str:
        self.made.append(message.text)
        return message.text


def test_a_history_that_grows_is_made_once() -> None:
    counted, messages = _Counted(), [HumanMessage(str(n)) for n in range(5)]
    for end in (1, 3, 3, 5, 2, 5):
        assert counted.each([*messages[:end]]) == [str(n) for n in range(end)]
    assert counted.made == ["0", "1", "2", "3", "4"]
    assert counted.each([]) == []


def test_another_message_in_between_is_made() -> None:
    counted, messages = _Counted(), [HumanMessage(str(n)) for n in range(4)]
    counted.each(messages)
    for place in (0, 1, 3):
        messages[place] = AIMessage(f"other {place}")
        assert counted.each([*messages]) == [m.text for m in messages]
        assert counted.made[-1] == f"other {place}"
    assert counted.each([messages[3], messages[0]]) == ["other 3", "other 0"]


def test_an_equal_message_has_the_same() -> None:
    counted = _Counted()
    counted.each([HumanMessage("a", id="1"), *(end := [HumanMessage("b", id="2")])])
    assert counted.each([HumanMessage("a", id="1"), *end]) == ["a", "b"]


def test_a_list_that_is_changed_by_its_reader_changes_nothing() -> None:
    counted, messages = _Counted(), [HumanMessage("a"), HumanMessage("b")]
    counted.each(messages).append("c")
    assert counted.each(messages) == ["a", "b"]


def test_it_keeps_no_history_alive() -> None:
    counted, messages = _Counted(), [HumanMessage(str(n)) for n in range(4)]
    counted.each(messages)
    alive = [weakref.ref(message) for message in messages]
    del messages
    gc.collect()
    assert [ref() for ref in alive] == [None] * 4
