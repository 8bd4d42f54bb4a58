"""Running Spaces of the stand-in Hub: runtime, hardware, secrets, logs.

The Hub's document has secrets and logs; the rest follows what huggingface_hub 2.4 sends and reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_jobs import START, flavor
from tests.stand_ins.service import Answer, Refusal, Request

if TYPE_CHECKING:
    from tests.stand_ins.hub_server import HubServer


@dataclass
class Space:
    """secrets: with their values, which no answer has. done: what was asked of it, in order."""

    stage: str = "RUNNING"
    hardware: str = "cpu-basic"
    secrets: dict[str, str] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(
        default_factory=lambda: {"run": ["Running on local URL"], "build": ["Step 1/4", "pip: no"]}
    )
    done: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        error = {"errorMessage": "build failed"} if self.stage == "BUILD_ERROR" else {}
        return {
            "stage": self.stage, "hardware": {"current": self.hardware, "requested": self.hardware},
            "storage": None, "gcTimeout": 172800, "replicas": {"current": 1, "requested": 1},
            **error,
        }  # fmt: skip


class Spaces:
    """Attributes: spaces: by id, made when first asked for. prices: hardware, by the hour."""

    def __init__(self, hub: HubServer) -> None:
        self._hub = hub
        self.spaces: dict[str, Space] = {}
        self.hardware = [
            {**flavor("cpu-basic", 0), "unitLabel": "hour"},
            {**flavor("t4-small", 400_000, "T4", "16 GB"), "unitLabel": "hour"},
        ]

    def of(self, name: str) -> Space:
        return self.spaces.setdefault(name, Space())

    def answer(self, request: Request) -> Answer | None:
        parts = request.parts
        if request.path == "/api/spaces/hardware":
            return Answer(self.hardware)
        if parts[:2] != ["api", "spaces"] or len(parts) < 5:
            return None
        name, act = "/".join(parts[2:4]), getattr(self, f"_{parts[4]}", None)
        if act is None or ("space", name) not in self._hub.repos:
            return None
        if self._hub.user(request) != parts[2]:
            raise Refusal(errors.NO_TOKEN)
        answer: Answer = act(self.of(name), request)
        return answer

    def _runtime(self, space: Space, request: Request) -> Answer:
        return Answer(space.shown())

    def _hardware(self, space: Space, request: Request) -> Answer:
        space.hardware = request.json()["flavor"]
        space.done.append(f"hardware {space.hardware}")
        return Answer(space.shown())

    def _restart(self, space: Space, request: Request) -> Answer:
        space.stage = "RUNNING"
        space.done.append("restart")
        return Answer(space.shown())

    def _pause(self, space: Space, request: Request) -> Answer:
        space.stage = "PAUSED"
        space.done.append("pause")
        return Answer(space.shown())

    def _secrets(self, space: Space, request: Request) -> Answer:
        if request.method == "GET":
            return Answer({key: {"key": key, "updatedAt": START} for key in space.secrets})
        body = request.json()
        if request.method == "DELETE":
            space.secrets.pop(body["key"], None)
        else:
            space.secrets[body["key"]] = body["value"]
        return Answer(b"", 200)

    def _logs(self, space: Space, request: Request) -> Answer:
        lines = space.logs[request.parts[5]]
        events = (json.dumps({"data": f"{line}\n", "timestamp": START}) for line in lines)
        text = "".join(f"data: {event}\n\n" for event in events)
        return Answer(f"data:\n\n{text}", 200, {"Content-Type": "text/event-stream"})
