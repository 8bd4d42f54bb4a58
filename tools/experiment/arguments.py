"""The arguments of `experiment`, checked as far as that needs no look at the world."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

#: Hypotheses of one `branch`: each has a sub-agent and a copy of the folder.
AT_ONCE = 8
#: By operation, what it needs.
NEEDS = {
    "define": ("metric", "command"),
    "run": ("hypothesis",),
    "branch": ("hypotheses",),
    "note": ("text",),
    "list": (),
}


class ExperimentArguments(BaseModel, extra="forbid"):
    operation: Literal["define", "run", "branch", "note", "list"]
    metric: str = Field("", description="in `METRIC name=1.5`, or file.json:key")
    direction: Literal["min", "max"] = "min"
    command: str = ""
    frozen: list[str] = []
    repeats: int = Field(3, ge=1)
    max_time: int = Field(600, ge=1, description="seconds")
    hypothesis: str = ""
    hypotheses: list[str] = Field([], max_length=AT_ONCE)
    parent: int = Field(-1, description="trial; default: current")
    again: bool = False
    text: str = ""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        missing = [name for name in NEEDS[self.operation] if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.operation} needs {' and '.join(missing)}")
        return self
