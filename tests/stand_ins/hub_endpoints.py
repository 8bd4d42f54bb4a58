"""Inference endpoints of the stand-in Hub, below /endpoints/v2: hardware, deployed, paused, gone.

The service's answers have the shape that huggingface_hub 2.4 reads (its tests show one); a request
must have what the library sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_state import person
from tests.stand_ins.service import Answer, Refusal, Request

if TYPE_CHECKING:
    from tests.stand_ins.hub_server import HubServer

MADE = "2026-11-21T08:00:00.263078506Z"
#: Fields of a request to deploy, with the fields below them.
FIELDS = {
    "compute": {"accelerator", "instanceSize", "instanceType", "scaling"},
    "model": {"framework", "repository", "revision", "image"},
    "provider": {"region", "vendor"},
    "name": set(),
    "type": set(),
}


def compute(kind: str, size: str, price: float, gpu: int = 0) -> dict[str, Any]:
    """Hardware as `GET /provider/{namespace}` nests it below a vendor and a region."""
    return {
        "id": f"aws-us-east-1-{kind}-{size}", "accelerator": "gpu" if gpu else "cpu",
        "instanceType": kind, "instanceSize": size, "architecture": kind.replace("-", " ").title(),
        "numAccelerators": 1, "numCpus": 4, "memoryGb": 15.0, "gpuMemoryGb": gpu or None,
        "pricePerHour": price, "status": "available",
        "quota": {"maxAccelerators": 8, "usedAccelerators": 0},
    }  # fmt: skip


class Endpoints:
    """Attributes: made: by name, as the service shows them. bodies: of each request to deploy.
    looks: after so many lists a pending one runs."""

    def __init__(self, hub: HubServer) -> None:
        self._hub = hub
        self.made: dict[str, dict[str, Any]] = {}
        self.bodies: list[dict[str, Any]] = []
        self.hardware = [
            compute("nvidia-l4", "x1", 0.8, 24),
            compute("intel-spr", "x2", 0.067),
            compute("nvidia-a100", "x1", 2.5, 80),
        ]

    def answer(self, request: Request) -> Answer | None:
        parts = request.parts
        if parts[:2] != ["endpoints", "v2"]:
            return None
        user = self._hub.user(request)
        if not user:
            raise Refusal(errors.NO_TOKEN)
        kind, namespace, rest = parts[2], parts[3], parts[4:]
        if namespace != user and namespace not in self._hub.organizations:
            return Answer({"error": "Forbidden"}, 403)
        if kind == "provider":
            region = {"name": "us-east-1", "computes": self.hardware}
            return Answer({"vendors": [{"name": "aws", "regions": [region]}]})
        if not rest:
            deploys = request.method == "POST"
            return self._deployed(namespace, request.json()) if deploys else self._list()
        one = self.made.get(rest[0])
        if one is None:
            return Answer({"error": "Not Found"}, 404)
        return self._changed(one, request.method, rest[1:])

    def _list(self) -> Answer:
        answer = Answer({"items": [dict(one, status=dict(one["status"])) for one in
                                   self.made.values()]})  # fmt: skip
        for one in self.made.values():
            if one["status"]["state"] == "pending":
                self._put(one, "running", "Endpoint is ready")
        return answer

    def _deployed(self, namespace: str, body: dict[str, Any]) -> Answer:
        missing = [name for name in FIELDS if name not in body] + [
            f"{name}.{below}" for name, fields in FIELDS.items()
            for below in fields if below not in body.get(name, {})
        ]  # fmt: skip
        known = {(c["instanceType"], c["instanceSize"]) for c in self.hardware}
        wanted = (body["compute"]["instanceType"], body["compute"]["instanceSize"])
        if missing or wanted not in known or len(body["name"]) > 32:
            return Answer({"error": f"Bad request: {missing or wanted or body['name']}"}, 400)
        if body["name"] in self.made:
            return Answer({"error": f"Endpoint {body['name']} already exists"}, 409)
        self.bodies.append(body)
        who = {"id": person(namespace)["_id"], "name": namespace}
        model = {"task": "text-generation", **body["model"]}
        status = {"createdAt": MADE, "createdBy": who, "updatedAt": MADE, "updatedBy": who,
                  "private": None, "readyReplica": 0, "targetReplica": 1}  # fmt: skip
        self.made[body["name"]] = {**body, "model": model, "status": status,
                                   "healthRoute": "/health"}  # fmt: skip
        self._put(self.made[body["name"]], "pending", "Endpoint waiting to be scheduled")
        return Answer(self.made[body["name"]])

    def _changed(self, one: dict[str, Any], method: str, rest: list[str]) -> Answer:
        if method == "DELETE":
            del self.made[one["name"]]
            return Answer(b"", 200)
        state = one["status"]["state"]
        if rest == ["resume"]:
            if state != "paused":
                return Answer({"error": "Endpoint is already running"}, 400)
            self._put(one, "pending", "Endpoint waiting to be scheduled")
        elif rest == ["pause"]:
            self._put(one, "paused", "Endpoint paused")
        elif rest == ["scale-to-zero"]:
            self._put(one, "scaledToZero", "Endpoint scaled to zero")
        return Answer(one)

    def _put(self, one: dict[str, Any], state: str, message: str) -> None:
        one["status"] |= {"state": state, "message": message}
        if state == "running":
            one["status"]["url"] = (
                f"https://{one['name']}.us-east-1.aws.endpoints.huggingface.cloud"
            )
        else:
            one["status"].pop("url", None)
