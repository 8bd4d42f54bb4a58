"""The arguments of hf_endpoint."""

from typing import Literal

from pydantic import BaseModel, Field


class EndpointArguments(BaseModel, extra="forbid"):
    operation: Literal[
        "list", "hardware", "deploy", "pause", "resume", "scale_to_zero", "delete",
    ]  # fmt: skip
    name: str = ""
    model: str = Field("", description="deploy: owner/name[@revision]")
    hardware: str = Field("", description="id, from hardware")
    hours: float = Field(0, ge=0, le=720, description="then it is paused: caps the price")
    idle: int = Field(15, ge=0, description="minutes until it scales to zero; 0: never")
    image: str = Field("", description="container")
