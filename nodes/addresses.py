"""The addresses that a thread's user and its searches named."""

from collections.abc import Iterable, Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from core.attached import without_attached
from core.history import calls_of, is_note, is_summary, said_by_person
from core.policy.hosts import Known, addresses_in


def known_addresses(
    messages: Sequence[AnyMessage], hosts: Iterable[str], *, inside: bool = False
) -> Known:
    """What the messages name.

    Args:
        hosts: those of the settings. inside: in a sub-agent, whose task is the model's words.
    """
    found_hosts, urls = set(hosts), set[str]()
    searches = {
        call.id
        for message in messages
        if isinstance(message, AIMessage)
        for call in calls_of(message)
        if call.name == "web" and call.args.get("operation") == "search"
    }
    for message in messages:
        if isinstance(message, HumanMessage) and not inside and _is_users(message):
            named = addresses_in(without_attached(said_by_person(message)))
            found_hosts |= named.hosts
            urls |= named.urls
        elif isinstance(message, ToolMessage) and message.tool_call_id in searches:
            # A result's own line. What is in its text is a stranger's.
            lines = [line for line in message.text.splitlines() if line.startswith("http")]
            urls |= addresses_in("\n".join(lines)).urls
    return Known(frozenset(found_hosts), frozenset(urls))


def _is_users(message: HumanMessage) -> bool:
    """Neither a note or summary of ours, nor what is said of another machine."""
    return not (is_note(message) or is_summary(message) or str(message.id).startswith("moved-"))
