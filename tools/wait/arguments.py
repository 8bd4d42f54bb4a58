"""The arguments of `wait`, checked as far as that needs no look at the world."""

from typing import Any, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from core.errors import ToolError
from core.units import seconds_of

KINDS = ("job", "process", "command", "at", "after")
#: Seconds between two runs of a command, at least.
OFTEN = 5


class Condition(BaseModel, extra="forbid"):
    job: str = Field("", description="id; until it ends")
    process: str = Field("", description="id; until it ends")
    matches: str = Field("", description="with job, process: or a line of its log fits this regex")
    command: str = Field("", description="until it exits with 0")
    every: str = Field("60s", description="with command")
    at: str = Field("", description="2026-01-31T08:00")
    after: str = Field("", description="30m, 4h")

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind))

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind)]
        if len(given) != 1:
            raise ValueError(f"a condition has one of {', '.join(KINDS)}")
        if self.matches and given[0] not in ("job", "process"):
            raise ValueError("matches goes with job or process")
        return self

    @field_validator("matches")
    @classmethod
    def _compiles(cls, text: str) -> str:
        import regex

        try:
            regex.compile(text)
        except regex.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return text

    @field_validator("every", "after")
    @classmethod
    def _is_duration(cls, text: str) -> str:
        return _checked(text)


class WaitArguments(BaseModel, extra="forbid"):
    until: list[Condition] = Field(min_length=1, max_length=20, description="the first one wakes")
    timeout: str = Field("", description="2h: then it ends anyway")
    note: str = Field("", description="what you do next")

    @field_validator("timeout")
    @classmethod
    def _is_duration(cls, text: str) -> str:
        return _checked(text)

    def commands(self) -> list[str]:
        return [one.command for one in self.until if one.command]


def _checked(text: Any) -> str:
    if text:
        try:
            seconds_of(str(text))
        except ToolError:
            raise ValueError(f"{text!r} is not a duration; write 60s, 30m, 4h or 1d") from None
    return str(text)
