"""A Space of Trackio 0.43 on 127.0.0.1: the answers of POST /api/NAME, as the real server sends
them (NaN is null, alerts come newest first, an unknown project has no runs)."""

from typing import Any

from tests.stand_ins.service import Answer, Request, Service

TIME = "2026-11-21T08:01:17.585396+00:00"


class TrackioServer(Service):
    """Attributes: logs, alerts: of the one run of `project`."""

    def __init__(self, project: str = "sft") -> None:
        super().__init__()
        self.project = project
        self.logs: list[dict[str, Any]] = []
        self.alerts: list[dict[str, Any]] = []

    def log(self, step: int, **values: Any) -> None:
        self.logs.append({**values, "note": "x", "done": False, "timestamp": TIME, "step": step})

    def alert(self, title: str, text: str, level: str, step: int) -> None:
        told = {"timestamp": TIME, "run": "run-1", "title": title, "text": text}
        self.alerts.insert(0, {**told, "level": level, "step": step})

    def answer(self, request: Request) -> Answer:
        name, given = request.parts[-1], request.json().get("kwargs", {})
        run = {"id": "f092d8aa5eca406a947981d538d881b5", "name": "run-1", "created_at": TIME}
        here = given.get("project") == self.project
        known = {"get_runs_for_project": [run], "get_logs": self.logs, "get_alerts": self.alerts}
        if request.parts[0] != "api" or name not in known:
            return Answer({"error": f"Unknown API: {name}"}, 404)
        return Answer({"data": known[name] if here else []})
