"""What the user saw of an attempt."""

from core.events import AssistantChunk, AssistantStreamEnd, Emit
from core.models.wire.thinking import Piece


class Shown:
    """What the user saw of an attempt: a failed one must be taken back."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._any = False

    def piece(self, piece: Piece) -> None:
        if piece.void:
            # What was shown as the answer was thinking.
            self.withdraw()
        if piece.text:
            self._any = True
            self._emit(AssistantChunk(text=piece.text, kind=piece.kind))

    def withdraw(self) -> None:
        if self._any:
            self._emit(AssistantStreamEnd(finish_reason="error", withdrawn=True))
