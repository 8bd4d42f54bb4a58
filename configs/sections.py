"""The sections of the settings, one model each."""

from typing import Literal

from pydantic import BaseModel, Field


class Budget(BaseModel, extra="forbid"):
    """Caps in USD; null means no cap."""

    turn: float | None = Field(None, ge=0, description="cap of one turn, in USD")
    thread: float | None = Field(None, ge=0, description="cap of one session, in USD")
    day: float | None = Field(None, ge=0, description="cap of one day, in USD")


class Price(BaseModel, extra="forbid"):
    """USD per million tokens."""

    input: float = Field(ge=0, description="USD per million input tokens")
    output: float = Field(ge=0, description="USD per million output tokens")


class Research(BaseModel, extra="forbid"):
    """Limits of one call of `research`."""

    max_iterations: int = Field(60, ge=1, description="max model calls per `research`")
    budget_share: float = Field(
        0.25, gt=0, le=1, description="cap of one `research`, as a share of what the caps leave"
    )


class Notify(BaseModel, extra="forbid"):
    """Where to tell that a user is needed, or that work has ended."""

    slack_webhook_url: str = Field("", description="Slack incoming webhook")
    webhook_url: str = Field("", description="URL that gets each notification as a JSON object")
    on: list[Literal["approval", "error", "done", "job"]] = Field(
        default_factory=lambda: ["approval", "error", "done", "job"],  # type: ignore[arg-type]
        description="events to notify about",
    )


class Web(BaseModel, extra="forbid"):
    """The web chat, `ml-agent web`."""

    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="address of your web chat; notifications then link to the session there",
    )


class SandboxSettings(BaseModel, extra="forbid"):
    """A Hugging Face sandbox in which commands run and files live."""

    flavor: str = Field("", description="hardware of the Hugging Face sandbox; empty: this machine")
    image: str = Field("python:3.12", description="Docker image with /bin/sh")
    idle_timeout: int = Field(
        600, ge=60, description="seconds without use until the Hugging Face sandbox ends"
    )
    folder: str = Field(
        "/workspace",
        pattern=r"^/[^/]",
        description="working directory in the Hugging Face sandbox",
    )
    secrets: list[str] = Field(
        default_factory=list,
        description="names from child_tokens that commands in the Hugging Face sandbox can read",
    )
    keep: bool = Field(
        False, description="keep it after a headless run, until it is idle for idle_timeout"
    )
