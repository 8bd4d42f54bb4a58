"""How much a model thinks: asked for where it can, and not again where it was refused."""

import pytest

from tests.core.models.asking import ANTHROPIC, BOTH, OPENAI, asking
from tests.stand_ins.model_script import Asked, Reply


def efforts(asked: Asked) -> bool:
    return bool({"reasoning_effort", "thinking", "output_config"} & set(asked.body))


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("stream", [True, False])
async def test_it_is_asked_for(model: str, stream: bool) -> None:
    with asking(lambda asked: Reply("yes" if efforts(asked) else "no")) as a:
        assert (await a.ask(model, effort="high", stream=stream)).message.text == "yes"
        assert (await a.ask(model, stream=stream)).message.text == "no"


async def test_a_model_that_is_known_not_to_think_is_not_asked() -> None:
    with asking(lambda asked: Reply("yes" if efforts(asked) else "no")) as a:
        assert (await a.ask("openai/gpt-4o", effort="high")).message.text == "no"


@pytest.mark.parametrize("model", ["openai/nobody-knows", ANTHROPIC, f"litellm/{ANTHROPIC}"])
async def test_a_refusal_is_tried_once_without(model: str) -> None:
    with asking(lambda asked: Reply(status=400) if efforts(asked) else Reply("fine")) as a:
        assert (await a.ask(model, effort="high")).message.text == "fine"
        assert len(a.server.requests) == 2
        assert "sent without" in a.logs[0]
        # And from then on it is left out at once.
        assert (await a.ask(model, effort="high")).message.text == "fine"
        assert len(a.server.requests) == 3


async def test_a_request_that_is_refused_either_way_is_final() -> None:
    with asking([Reply(status=400), Reply(status=400)]) as a:
        await a.refused(OPENAI, effort="low")
        assert len(a.server.requests) == 2
