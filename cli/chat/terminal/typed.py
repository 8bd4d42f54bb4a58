"""The text in the prompt: hidden characters of a pasted line are shown, and stay what they are."""

from itertools import accumulate

from prompt_toolkit.formatted_text import OneStyleAndTextTuple
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from configs.visible import escape, hidden_places

STYLE = "reverse ansired"


class ShowHidden(Processor):
    """Draws each hidden character as its escape. The text itself is not changed."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        letters = explode_text_fragments(transformation_input.fragments)
        places = hidden_places("".join(letter[1] for letter in letters))
        if not places:
            return Transformation(transformation_input.fragments)
        shown: list[OneStyleAndTextTuple] = [
            (STYLE, escape(letter[1])) if at in places else letter
            for at, letter in enumerate(letters)
        ]
        starts = list(accumulate((len(part[1]) for part in shown), initial=0))

        def to_display(at: int) -> int:
            return starts[min(at, len(shown))] + max(0, at - len(shown))

        def to_source(at: int) -> int:
            return sum(start <= at for start in starts[1:]) + max(0, at - starts[-1])

        return Transformation(list(shown), to_display, to_source)
