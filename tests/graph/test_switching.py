"""Another model in the middle: by choice, or because the first is unavailable."""

from pathlib import Path

import pytest

from configs.settings import Settings
from core.model_errors import NotAuthenticated, UnknownModel
from tests.graph.driving import driven
from tests.stand_ins.model_script import Asked, Call, Reply
from tests.stand_ins.model_server import ModelServer

ANTHROPIC = "anthropic/claude-stand-in"
OPENAI = "openai/stand-in"


def look(asked: Asked) -> Reply:
    if asked.step < 2:
        calls = [Call("bash", {"command": f"echo {asked.step}{n}"}) for n in "ab"]
        return Reply("I look", thinking="let me see", calls=calls)
    return Reply(f"seen by {asked.model}", thinking="done")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (OPENAI, ANTHROPIC),
        (ANTHROPIC, OPENAI),
        # From our own wire to LiteLLM and back.
        (OPENAI, f"litellm/{OPENAI}"),
        (f"litellm/{ANTHROPIC}", ANTHROPIC),
        (ANTHROPIC, f"litellm/{OPENAI}"),
    ],
)
async def test_a_thread_goes_on_with_another_model(
    settings: Settings, workdir: Path, first: str, second: str
) -> None:
    """The stand-in refuses what either provider would refuse: foreign ids, orphaned results."""
    given = settings.model_copy(update={"model_name": first})
    async with driven(look, given, workdir, mode="yolo") as driver:
        for model in (first, second, first):
            assert model.rpartition("/")[2] in await driver.session.switch(model)
            ended = await driver.send("look again")
            assert ended.text == f"seen by {model.rpartition('/')[2]}"
            assert driver.session.thread.model == model
        thread = driver.session.thread.id
    async with driven(look, given, workdir, thread=thread, mode="yolo") as driver:
        assert driver.session.thread.model == first
        assert (await driver.send("and again")).name == "turn_complete"


async def test_what_cannot_be_switched_to(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven([Reply("x")], settings, workdir) as driver:
        for model, error in (
            ("nothing", UnknownModel),
            ("replay/demo", UnknownModel),
            ("groq/llama", NotAuthenticated),
        ):
            with pytest.raises(error):
                await driver.session.switch(model)
        assert driver.session.thread.model == OPENAI


@pytest.mark.parametrize("status", [503, 500, 401, 402, 404])
async def test_the_fallback_takes_over_for_the_turn(
    settings: Settings, workdir: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = True

    def choose(asked: Asked) -> Reply:
        if asked.format == "openai" and broken:
            return Reply(status=status, retry_after="0")
        return look(asked)

    async def at_once(seconds: float) -> None:
        pass

    given = settings.model_copy(update={"fallback_model": ANTHROPIC})
    async with driven(choose, given, workdir, mode="yolo") as driver:
        monkeypatch.setattr(driver.session._services.models, "_sleep", at_once)
        ended = await driver.send("look")
        assert ended.text == "seen by claude-stand-in"
        told = [e.text for e in driver.named("tool_log") if "replaces it" in e.text]
        # Once: the rest of the turn goes to the fallback at once.
        assert len(told) == 1
        broken = False
        assert (await driver.send("look")).text == "seen by stand-in"


async def test_both_fail(settings: Settings, workdir: Path) -> None:
    given = settings.model_copy(update={"fallback_model": ANTHROPIC})
    async with driven(lambda asked: Reply(status=401), given, workdir) as driver:
        ended = await driver.send("look")
        assert (ended.name, ended.kind) == ("error", "not_authenticated")
        assert "and the fallback: " in ended.message


async def test_a_refused_request_goes_to_no_other_model(settings: Settings, workdir: Path) -> None:
    given = settings.model_copy(update={"fallback_model": ANTHROPIC})
    async with driven(lambda asked: Reply(status=400), given, workdir) as driver:
        assert (await driver.send("look")).kind == "request_refused"
        assert len(driver.server.bodies) == 1


async def test_a_fallback_without_a_key_is_said_at_the_start(
    settings: Settings, workdir: Path
) -> None:
    given = settings.model_copy(update={"fallback_model": "groq/llama"})
    with pytest.raises(NotAuthenticated, match="groq/llama"):
        async with driven([Reply("x")], given, workdir):
            pass


async def test_what_the_context_holds(settings: Settings, workdir: Path) -> None:
    async with driven(look, settings, workdir, mode="yolo") as driver:
        before = await driver.session.context_use()
        await driver.send("look")
        after = await driver.session.context_use()
        assert before.messages == 0 < after.messages
        assert (before.fixed, before.window, before.threshold) == (after.fixed, 200_000, 170_000)
        assert set(after.tools) == set(driver.session._services.tools)


async def test_an_assumed_window_is_told_once_per_model(settings: Settings, workdir: Path) -> None:
    """Not once a turn, not once a session; and also of a model that is chosen later."""
    given = settings.model_copy(update={"context_window": None})
    thread = None
    for expected in (2, 0):
        async with driven(lambda asked: Reply("x"), given, workdir, thread=thread) as driver:
            for model in (OPENAI, "openai/other", OPENAI):
                await driver.session.switch(model)
                await driver.send("hello")
            told = [e.text for e in driver.named("tool_log") if "context window" in e.text]
            assert len(told) == expected
            assert all("config set context_window TOKENS" in text for text in told)
            thread = driver.session.thread.id


async def test_a_small_window_is_told_with_what_makes_it_larger(
    settings: Settings, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings.model_copy(update={"context_window": None, "model_name": "vllm/m"})
    with ModelServer(lambda asked: Reply("x"), models=[{"id": "m", "max_model_len": 20_000}]) as s:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", s.openai_base)
        async with driven([], given, workdir) as driver:
            for _ in range(2):
                assert (await driver.send("hello")).name == "turn_complete"
            told = [e.text for e in driver.named("tool_log")]
    assert len(told) == 1
    assert "is small, 20,000 tokens" in told[0]
    assert "vllm serve --max-model-len TOKENS" in told[0]
