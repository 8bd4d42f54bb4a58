"""The arguments of hf_eval."""

from typing import Literal

from pydantic import BaseModel, Field


class EvalArguments(BaseModel, extra="forbid"):
    operation: Literal["results", "local", "job", "publish"]
    model: str = Field(min_length=1, description="owner/name")
    base: str = Field("", description="default: the card's")
    harness: Literal["lm-eval", "lighteval", "inspect-ai"] = "lm-eval"
    tasks: list[str] = Field(default_factory=list, description="gsm8k; or name=dataset")
    train: list[str] = Field(default_factory=list, description="data sets; default: the card's")
    chat: bool = Field(False, description="lm-eval: chat template")
    limit: int = Field(0, ge=0, description="samples a task")
    flavor: str = ""
    timeout: str = ""
    source: str = Field("", description="of results: job id or folder")
