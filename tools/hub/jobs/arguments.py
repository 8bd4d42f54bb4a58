"""The arguments of hf_jobs."""

from typing import Literal

from pydantic import BaseModel, Field


class JobsArguments(BaseModel, extra="forbid"):
    operation: Literal[
        "ps", "run", "smoke", "logs", "inspect", "wait", "cancel", "metrics", "hardware",
        "schedule", "schedules", "unschedule", "suspend", "resume",
    ]  # fmt: skip
    id: str = Field("", description="the job's, or the schedule's")
    script: str = Field("", description="Python source, or a local .py file")
    command: str = Field("", description="shell line, without script")
    script_args: list[str] = Field(default_factory=list)
    python: str = Field("", description="version for the script, 3.12")
    dependencies: list[str] = Field(default_factory=list, description="pip packages of the script")
    image: str = ""
    flavor: str = Field("", description="hardware, see operation hardware")
    timeout: str = Field("", description="30m, 4h: required, it caps the price")
    env: dict[str, str] = Field(default_factory=dict)
    secrets: list[str] = Field(default_factory=list, description="names only, HF_TOKEN")
    volumes: list[str] = Field(default_factory=list, description="datasets/owner/name:/data")
    expose: list[int] = Field(default_factory=list, description="ports, as https addresses")
    ssh: bool = False
    network_group: str = Field("", description="jobs of one group reach each other")
    name: str = ""
    steps: int = Field(20, ge=1, le=500, description="smoke: then it ends")
    cents: int = Field(50, ge=1, description="smoke: price cap")
    detach: bool = Field(True, description="return at once; false waits for the end")
    tail: int = Field(50, ge=1, le=5000, description="log lines")
    cron: str = Field("", description="schedule: 0 3 * * *, @daily")
    datasets: list[str] = Field(default_factory=list, description="that it reads, for the check")
    model: str = Field("", description="that it trains or runs, for the check")
    output: str = Field("", description="where the result goes, a Hub repo")
    monitoring: str = Field("", description="trackio, wandb, ...")
