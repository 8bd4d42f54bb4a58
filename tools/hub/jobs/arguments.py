"""The arguments of hf_jobs."""

from typing import Literal

from pydantic import BaseModel, Field


class JobsArguments(BaseModel, extra="forbid"):
    operation: Literal[
        "ps", "run", "smoke", "logs", "inspect", "wait", "cancel", "metrics", "hardware",
        "schedule", "schedules", "unschedule", "suspend", "resume", "trigger", "rerun",
    ]  # fmt: skip
    id: str = ""
    script: str = Field("", description="Python source or a .py file")
    command: str = Field("", description="shell line")
    script_args: list[str] = Field(default_factory=list)
    python: str = ""
    dependencies: list[str] = Field(default_factory=list)
    image: str = ""
    flavor: str = ""
    timeout: str = Field("", description="30m, 4h; caps the price")
    env: dict[str, str] = Field(default_factory=dict)
    secrets: list[str] = Field(default_factory=list, description="names")
    volumes: list[str] = Field(
        default_factory=list, description="datasets/owner/name:/data, ./folder:/in"
    )
    expose: list[int] = Field(default_factory=list, description="ports")
    ssh: bool = False
    network_group: str = ""
    network_aliases: list[str] = Field(default_factory=list)
    name: str = ""
    steps: int = Field(20, ge=1, le=500, description="of smoke")
    cents: int = Field(50, ge=1, description="cap of smoke")
    detach: bool = Field(True, description="false: wait for the end")
    tail: int = Field(50, ge=1, le=5000, description="log lines")
    cron: str = Field("", description="0 3 * * *, @daily")
    datasets: list[str] = Field(default_factory=list)
    model: str = ""
    output: str = Field("", description="Hub repo of the result")
    monitoring: str = Field("", description="trackio owner/space, wandb")
