"""Which addresses are asked about: the model's own ideas, and those that can carry much."""

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from configs.settings import Permissions
from core.attached import OUTPUT, STANDARD_INPUT, attached
from core.effects import Effect
from core.history import note
from core.policy.decide import Situation, decide
from core.policy.hosts import Known, addresses_in, host_of, with_question
from core.policy.propose import proposed
from core.policy.rules import Rules, rules_of
from core.state import OURS
from nodes.addresses import known_addresses

MODES = ("ask", "auto", "read-only", "yolo")
RUNS, UNKNOWN, CARRIES = (
    ["run", "run", "run", "run"],
    ["ask", "run", "deny", "run"],
    ["ask", "ask", "deny", "run"],
)
KNOWN = Known(
    frozenset({"named.example", "*.below.example"}),
    frozenset({"https://found.example/a/page?id=1"}),
)


def actions(url: str, known: Known = KNOWN) -> list[str]:
    effect = with_question(Effect("read", url=url), known)
    return [decide("web", effect, ["fetch", url], Situation(mode, "/w")).action for mode in MODES]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://named.example/any/path?q=word", RUNS),
        ("named.example/any", RUNS),
        ("http://www.Named.Example:8080/x", RUNS),
        ("https://a.below.example/x", RUNS),
        ("https://below.example/x", UNKNOWN),
        ("https://evil-below.example/x", UNKNOWN),
        ("https://found.example/a/page?id=1", RUNS),
        ("https://found.example/a/page?id=1#section", RUNS),
        ("https://found.example/a/page?id=2", UNKNOWN),
        ("https://found.example/", UNKNOWN),
        ("https://arxiv.org/abs/2305.18290", RUNS),
        ("https://huggingface.co/docs/trl/sft_trainer#usage", RUNS),
        ("https://github.com/o/r/blob/2492123e0c7b6e51d2492123e0c7b6e51d249212/a.py", RUNS),
        ("https://evil.example/", UNKNOWN),
        ("https://github.com.evil.example/", UNKNOWN),
        ("https://evilgithub.com/", UNKNOWN),
        ("https://github.com@evil.example/", UNKNOWN),
        (r"https://evil.example\@github.com/", UNKNOWN),
        ("https://evil.example/github.com", UNKNOWN),
        ("https://evil.example#github.com", UNKNOWN),
        ("https://sub.named.example/", UNKNOWN),
        # What can carry much is asked about in auto, too.
        ("https://evil.example/?d=" + "a-b-" * 60, CARRIES),
        ("https://evil.example/" + "word/" * 50, CARRIES),
        ("https://evil.example/c2VjcmV0IGtleSBvZiB0aGUgdXNlcg0Kc2VjcmV0", CARRIES),
        ("https://evil.example/?d=736563726574206b6579206f662074686520", CARRIES),
        ("https://evil.example/%73%65%63%72%65%74%20%6b%65%79%20", CARRIES),
        ("https://c2VjcmV0IGtleSBvZiB0aGUgdXNlcg0Kc2VjcmV0.evil.example/", CARRIES),
        ("https://named.example/?d=" + "a-b-" * 60, CARRIES),
        ("https://huggingface.co/?d=" + "a-b-" * 60, CARRIES),
    ],
)
def test_addresses(url: str, expected: list[str]) -> None:
    assert actions(url) == expected


def test_an_effect_that_nobody_looked_at_is_asked_about() -> None:
    effect = Effect("read", url="https://named.example/")
    here = Situation("ask", "/w")
    assert decide("web", effect, ["fetch", effect.url], here).action == "ask"


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("read https://a.example/x, please.", {"a.example"}),
        ("see (http://b.example/y) and <https://c.example>", {"b.example", "c.example"}),
        ("docs.foo.com has it, and www.bar.org/x", {"docs.foo.com", "bar.org"}),
        ("run train.py, then deploy.sh and README.md", set()),
        ("mail me@foo.com, look at src/foo.com", set()),
        ("foo.com.evil", set()),
        (r"https://evil.example\@github.com", {"evil.example"}),
    ],
)
def test_hosts_that_a_text_names(text: str, hosts: set[str]) -> None:
    assert addresses_in(text).hosts == hosts


def test_a_host_is_read_as_the_request_reads_it() -> None:
    assert host_of("https://A.example:1/x") == "a.example"
    # No one knows which host these name; none is asked (tools/web/public_only.py).
    for odd in ("https://user:pw@a.example/", r"https://a.example\@github.com/", "https://"):
        assert host_of(odd) == ""


def called(operation: str, id: str) -> AIMessage:
    arguments = {"operation": operation, "query": "x", "url": "https://model.example/"}
    return AIMessage("", tool_calls=[{"name": "web", "args": arguments, "id": id}])


def test_whose_words_count() -> None:
    """The user's own, and a search result's address; not the folder's, a page's or the model's."""
    messages: list[AnyMessage] = [
        HumanMessage(
            "branch https://branch.example/\n\nread https://user.example/a",
            additional_kwargs={OURS: {"text": "read https://user.example/a"}},
        ),
        note("see https://note.example/", "n"),
        HumanMessage("s https://sum.example/", additional_kwargs={OURS: {"summary": True}}),
        HumanMessage("moved from https://moved.example/", id="moved-t-1-h"),
        called("search", "c1"),
        ToolMessage(
            "Title of https://title.example/\nhttps://result.example/p\nsays https://text.example/",
            tool_call_id="c1",
        ),
        called("fetch", "c2"),
        ToolMessage("https://page.example/", tool_call_id="c2"),
        AIMessage("I will read https://answer.example/"),
    ]
    known = known_addresses(messages, ["docs.example"])
    assert known.hosts == {"user.example", "docs.example"}
    assert known.urls == {"https://user.example/a", "https://result.example/p"}
    # A sub-agent's task is the words of a model.
    inside = known_addresses(messages, ["docs.example"], inside=True)
    assert (inside.hosts, inside.urls) == ({"docs.example"}, {"https://result.example/p"})


@pytest.mark.parametrize("text", ["https://data.io/x", "</standard_input> data.com", "data.io"])
@pytest.mark.parametrize("mark", [STANDARD_INPUT, OUTPUT])
def test_what_is_piped_in_names_nothing(mark: str, text: str) -> None:
    message = f"read https://user.example/a\n\n{attached(mark, text)}\n\nand other.example.org"
    known = known_addresses([HumanMessage(message)], [])
    assert known.hosts == {"user.example", "other.example.org"}
    assert known.urls == {"https://user.example/a"}


def test_always_allows_the_host_alone() -> None:
    url = "https://evil.example/a"
    rule = proposed("web", {"operation": "fetch", "url": url}, Rules())
    assert rule == "web(fetch 'https://evil.example/*' *)"
    bare = {"operation": "fetch", "url": "evil.example/a"}
    assert proposed("web", bare, Rules(), effect=Effect("read", url="evil.example/a")) == ""
    here = Situation("ask", "/w", rules_of(Permissions(), allow=[rule]))
    for asked, action in (
        (url, "run"),
        ("https://evil.example/b?c", "run"),
        ("https://evil.example.other/", "ask"),
        ("https://evil.example@other/", "ask"),
    ):
        for words in (["fetch", asked], ["fetch", asked, "2000"]):
            assert decide("web", Effect("read", url=asked), words, here).action == action
