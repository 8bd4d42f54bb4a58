"""Jobs of the stand-in Hub: submitted, running, ended; their logs; and those that repeat.

A job runs for as many looks at it as `looks` says, then ends as `ends` says. A test that needs to
decide itself sets `looks` high and calls `end`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.stand_ins import hub_errors as errors
from tests.stand_ins.hub_state import person
from tests.stand_ins.service import Answer, Refusal, Request

if TYPE_CHECKING:
    from tests.stand_ins.hub_server import HubServer
    from tests.stand_ins.sandbox_server import SandboxServer

START, END = "2026-11-21T08:00:00.000Z", "2026-11-21T08:10:00.000Z"


def flavor(name: str, micro_usd: int, gpu: str = "", vram: str = "") -> dict[str, Any]:
    """As samples of `GET /api/jobs/hardware` show it; the price is for a minute."""
    accelerator = {"type": "gpu", "model": gpu, "quantity": "1", "vram": vram,
                   "manufacturer": "Nvidia"} if gpu else None  # fmt: skip
    return {
        "name": name, "prettyName": name.title(), "cpu": "4 vCPU", "ram": "15 GB",
        "ephemeralStorage": "50 GB", "accelerator": accelerator,
        "unitCostMicroUSD": micro_usd, "unitCostUSD": micro_usd / 1e6, "unitLabel": "minute",
    }  # fmt: skip


@dataclass
class Job:
    """body: what was submitted. log: its lines. looks: how often it is still seen at work."""

    id: str
    namespace: str
    body: dict[str, Any]
    looks: int
    ends: str
    log: list[str] = field(default_factory=list)
    stage: str = "SCHEDULING"
    message: str | None = None
    seconds: int = 600
    #: Where its exposed port is reached.
    url: str = ""
    #: What made it, if it was not submitted: a job or a schedule.
    initiator: dict[str, str] | None = None

    def shown(self) -> dict[str, Any]:
        ended = self.stage not in ("SCHEDULING", "RUNNING")
        who = person(self.namespace)
        owner = {
            "id": who["_id"],
            "name": who["name"],
            "type": "user",
            "avatarUrl": who["avatarUrl"],
        }
        times = {} if self.stage == "SCHEDULING" else {"startedAt": START}
        exposed = {"exposeUrls": [self.url]} if self.url else {}
        if self.body.get("ssh"):
            exposed["sshUrl"] = f"ssh://{self.id}@ssh.hf.jobs"
        secrets = sorted(self.body.get("secrets") or {})
        return {
            "id": self.id,
            "type": "job",
            "createdAt": START,
            **times,
            **({"finishedAt": END} if ended else {}),
            "durations": {"schedulingSecs": 1, "runningSecs": self.seconds if times else 0},
            "dockerImage": self.body.get("dockerImage", ""),
            "environment": self.body.get("environment") or {},
            "command": self.body.get("command") or [],
            "arguments": [],
            "flavor": self.body["flavor"],
            "labels": self.body.get("labels") or {},
            "createdBy": {"id": who["_id"], "name": who["name"]},
            "owner": owner,
            "status": {"stage": self.stage, "message": self.message, **exposed},
            **({"secrets": secrets} if secrets else {}),
            **({"initiator": self.initiator} if self.initiator else {}),
            **({"timeout": longest} if (longest := self.body.get("timeoutSeconds")) else {}),
        }


class Jobs:
    """Attributes: jobs, schedules: by id. hardware: flavors. looks, ends, log: of the next job;
    smoke_log: of one that stops after some steps."""

    def __init__(self, hub: HubServer) -> None:
        self._hub = hub
        self.jobs: dict[str, Job] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.hardware = [
            flavor("cpu-basic", 167),
            flavor("t4-small", 6667, "T4", "16 GB"),
            flavor("a10g-large", 25000, "A10G", "24 GB"),
            flavor("a100-large", 41667, "A100", "80 GB"),
        ]
        self.looks, self.ends, self.log = 1, "COMPLETED", ["hello"]
        self.smoke_log: list[str] = []
        self.page = 1000
        #: Told of a job that exposes a port, and of its end; gives its address.
        self.sandboxes: SandboxServer | None = None

    def end(self, stage: str = "COMPLETED", message: str | None = None, seconds: int = 600) -> None:
        """End every job that runs."""
        for job in self.jobs.values():
            if job.stage in ("SCHEDULING", "RUNNING"):
                job.stage, job.message, job.seconds = stage, message, seconds
                if job.url and self.sandboxes:
                    self.sandboxes.ended(job)

    def answer(self, request: Request) -> Answer | None:
        parts = request.parts
        if request.path == "/api/jobs/hardware":
            return Answer(self.hardware)
        if parts[:2] == ["api", "jobs"] and len(parts) > 2:
            return self._jobs(request, parts[2], parts[3:])
        if parts[:2] == ["api", "scheduled-jobs"] and len(parts) > 2:
            return self._scheduled(request, parts[2], parts[3:])
        return None

    def _jobs(self, request: Request, namespace: str, rest: list[str]) -> Answer:
        self._check(request, namespace)
        if not rest and request.method == "POST":
            return self._submitted(namespace, request.json())
        if not rest:
            wanted = request.queries("label")
            found = [job for job in self.jobs.values() if job.namespace == namespace]
            found = [job for job in found if all(_has(job, label) for label in wanted)]
            return self._hub.page(request, [job.shown() for job in reversed(found)], self.page)
        job = self.jobs.get(rest[0])
        if job is None or job.namespace != namespace:
            return Answer({"error": "Job not found"}, 404)
        if rest[1:] == ["duplicate"]:
            return self._made_from("duplicated-job", job.id, namespace, job.body)
        if rest[1:] == ["cancel"]:
            job.stage = "CANCELED"
            if job.url and self.sandboxes:
                self.sandboxes.ended(job)
        elif rest[1:] == ["logs"]:
            return self._logs(job, int(request.query.get("tail", 10**9)))
        elif rest[1:] == ["metrics"]:
            return _events([{
                "cpu_usage_pct": 12, "memory_used_bytes": 10**9, "memory_total_bytes": 15 * 10**9,
                "gpus": {"a": {"utilization": 97, "memory_used_bytes": 2 * 10**10,
                               "memory_total_bytes": 24 * 10**9}},
            }])  # fmt: skip
        else:
            self._look(job)
        return Answer(job.shown())

    def _submitted(self, namespace: str, body: dict[str, Any]) -> Answer:
        if body["flavor"] not in {one["name"] for one in self.hardware}:
            return Answer({"error": f"unknown flavor {body['flavor']}"}, 400)
        number = f"{len(self.jobs) + 1:024x}"
        stops = "ML_AGENT_SMOKE_STEPS" in str(body.get("command"))
        log = self.smoke_log if stops and self.smoke_log else self.log
        job = Job(number, namespace, body, self.looks, self.ends, list(log))
        if body.get("expose") and self.sandboxes:
            job.url = self.sandboxes.begun(job)
        self.jobs[number] = job
        return Answer(job.shown())

    def _made_from(self, kind: str, source: str, namespace: str, body: dict[str, Any]) -> Answer:
        answer = self._submitted(namespace, body)
        job = next(reversed(self.jobs.values()))
        job.initiator = {"type": kind, "id": source}
        return Answer(job.shown()) if answer.status == 200 else answer

    def _look(self, job: Job) -> None:
        if job.stage == "SCHEDULING":
            job.stage = "RUNNING"
        elif job.url:
            return  # a sandbox does not end by being looked at
        elif job.stage == "RUNNING":
            job.looks -= 1
            if job.looks <= 0:
                job.stage = job.ends

    def _logs(self, job: Job, tail: int) -> Answer:
        if job.stage == "SCHEDULING":
            return _events([])
        lines = ["===== Job started at 2026-11-21 08:00:00 =====", *job.log]
        return _events([{"timestamp": START, "data": line} for line in lines[-tail:]])

    def _scheduled(self, request: Request, namespace: str, rest: list[str]) -> Answer:
        self._check(request, namespace)
        if not rest and request.method == "POST":
            body = request.json()
            number = f"5{len(self.schedules) + 1:023x}"
            spec = {k: v for k, v in body["jobSpec"].items() if k not in ("secrets", "attempts")}
            spec["timeout"] = spec.pop("timeoutSeconds", None) or 3600
            who = person(namespace)
            owner = {"id": who["_id"], "name": namespace, "type": "user",
                     "avatarUrl": who["avatarUrl"]}  # fmt: skip
            self.schedules[number] = {
                "id": number, "type": "scheduled-job", "createdAt": START, "jobSpec": spec,
                "schedule": body["schedule"], "suspend": False, "concurrency": False,
                "status": {"lastJob": None, "nextJobRunAt": END}, "owner": owner,
            }  # fmt: skip
            return Answer(self.schedules[number])
        if not rest:
            return Answer(list(self.schedules.values()))
        if rest[0] not in self.schedules:
            return Answer({"error": "Scheduled job not found"}, 404)
        if request.method == "POST" and rest[1:] in (["suspend"], ["resume"]):
            self.schedules[rest[0]]["suspend"] = rest[1] == "suspend"
            return Answer(b"", 200)
        if request.method == "POST" and rest[1:] == ["run"]:
            spec = self.schedules[rest[0]]["jobSpec"]
            body = {**spec, "timeoutSeconds": spec["timeout"]}
            return self._made_from("scheduled-job", rest[0], namespace, body)
        if request.method == "DELETE":
            del self.schedules[rest[0]]
            return Answer(b"", 200)
        return Answer(self.schedules[rest[0]])

    def _check(self, request: Request, namespace: str) -> None:
        user = self._hub.user(request)
        if not user:
            raise Refusal(errors.NO_TOKEN)
        if namespace != user and namespace not in self._hub.organizations:
            raise Refusal(Answer({"error": "You cannot run jobs in this namespace"}, 403))


def _has(job: Job, label: str) -> bool:
    name, _, value = label.partition("=")
    return (job.body.get("labels") or {}).get(name) == value


def _events(found: list[dict[str, Any]]) -> Answer:
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in found)
    return Answer(f": keep-alive\n\n{text}", 200, {"Content-Type": "text/event-stream"})


def secret_values(job: Job) -> str:
    """All that was submitted next to the secrets, as one text to look for secrets in."""
    return re.sub(r"\s+", " ", json.dumps({k: v for k, v in job.body.items() if k != "secrets"}))
