"""What a model in memory says of itself: stand-ins derive from it and answer."""

from typing import Any


class ModelInMemory:
    """All but `answer` of `core.model.ModelClient`: a window that is large enough, no price."""

    async def ready(self, model: str) -> None: ...

    def window(self, model: str) -> int:
        return 200_000

    def window_is_known(self, model: str) -> bool:
        return True

    def sees(self, model: str) -> bool:
        return False

    def price(self, model: str) -> tuple[float, float]:
        return 0.0, 0.0

    def count_tokens(self, messages: Any, tools: Any = ()) -> int:
        return 100
