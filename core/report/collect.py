"""Collects the report of a session from its record.

It names no id, time or duration: the report of a run that was killed and resumed is that of one
that was not.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from core.claims.history import claims_in
from core.experiments.metrics import read_lines
from core.experiments.record import Experiment, Trial
from core.history import Call, calls_of, is_note, is_summary, outcome_of, said_by_person
from core.secrets.redaction import redacted, redacted_in

SCHEMA_VERSION = 1
_SEED = re.compile(
    r"(?:--|\b)((?:\w+[._])?(?:manual_seed|set_seed|seed_everything|random_state|seed))\b"
    r"\s*(?:=\s*|\(\s*|\s)(\d{1,10})\b"
)
_LOADS = re.compile(
    r"\b(load_dataset|from_pretrained|snapshot_download|hf_hub_download|pipeline)\(\s*[^)]{0,200}?"
    r"[\"']([\w.-]+(?:/[\w.-]+)?)[\"']([^)]{0,300})"
)
_REVISION = re.compile(r"\brevision\s*=\s*[\"']([\w./-]+)[\"']")
#: Arguments that name something on the Hub, and of which kind it is.
_NAMED = {"dataset": "dataset", "model": "model", "base_model": "model", "repo": "repository"}
#: How a result ends that tells an exit code.
_EXIT = re.compile(r"^\[exit code (-?\d+)", re.M)
#: Characters of a command, a decision, an answer.
LONG = 2_000

Report = dict[str, Any]


def collect(
    messages: Sequence[AnyMessage],
    facts: Mapping[str, Mapping[str, Any]],
    *,
    folder: str,
    model: str,
    cost: Mapping[str, Any],
    experiment: tuple[Experiment, Sequence[Trial]] | None = None,
) -> Report:
    """The report as plain data.

    Args:
        messages: the whole history. facts: what a command depended on (facts.py), by its call.
        folder: the working directory, which is `.` in the report. cost: micro-USD and tokens.
    """
    results = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
    calls = [call for m in messages if isinstance(m, AIMessage) for call in calls_of(m)]
    commands = [_command(call, results.get(call.id), facts) for call in calls if _runs(call)]
    numbers = {c["call"]: n for n, c in enumerate(commands, 1)}
    texts = _scripts(calls)
    report = {
        "schema_version": SCHEMA_VERSION,
        "model": model,
        "tasks": [said_by_person(m) for m in messages if _is_task(m)],
        "data": _from_hub(calls, texts),
        "commands": [{k: v for k, v in c.items() if k not in ("call", "facts")} for c in commands],
        **_environment(commands),
        "seeds": _seeds([*texts, *(c["command"] for c in commands)]),
        "metrics": {str(n): c["metrics"] for n, c in enumerate(commands, 1) if c["metrics"]},
        "decisions": _decisions(calls, results),
        "experiment": _experiment(*experiment) if experiment else None,
        "cost": dict(cost),
        "claims": _claims(messages, numbers),
    }
    shown: Report = _in_folder(redacted_in(report), folder)
    return shown


def _is_task(message: AnyMessage) -> bool:
    return isinstance(message, HumanMessage) and not is_note(message) and not is_summary(message)


def _runs(call: Call) -> bool:
    return call.name in ("bash", "hf_jobs") and isinstance(call.args, dict)


def _command(
    call: Call, result: ToolMessage | None, facts: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    text = result.text if result is not None else ""
    code = _EXIT.search(text)
    command = call.args.get("command") or call.args.get("script") or call.args.get("operation", "")
    return {
        "call": call.id,
        "tool": call.name,
        "command": str(command)[:LONG],
        "outcome": (outcome_of(result) if result is not None else "") or "unknown",
        "exit_code": int(code[1]) if code else None,
        "files": dict(facts.get(call.id, {}).get("files", {})),
        "metrics": {name: values[-1] for name, values in read_lines(text.splitlines()).items()},
        "facts": facts.get(call.id, {}),
    }


def _environment(commands: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the newest command whose environment is known, and how many others there were."""
    known = [c["facts"] for c in commands if c["facts"]]
    newest = known[-1] if known else {}
    return {
        "python": newest.get("python", ""),
        "packages": list(newest.get("packages", ())),
        "packages_changed": len({tuple(each.get("packages", ())) for each in known}) > 1,
        "hardware": dict(newest.get("hardware", {})),
    }


def _scripts(calls: Sequence[Call]) -> list[str]:
    """What the model wrote into Python files."""
    written = (c for c in calls if c.name in ("write", "edit") and isinstance(c.args, dict))
    return [
        str(c.args.get("content") or c.args.get("new") or "")
        for c in written
        if str(c.args.get("path", "")).endswith((".py", ".ipynb", ".sh"))
    ]


def _seeds(texts: Sequence[str]) -> list[str]:
    found = {f"{name} = {int(value)}" for text in texts for name, value in _SEED.findall(text)}
    return sorted(found)


def _from_hub(calls: Sequence[Call], texts: Sequence[str]) -> list[dict[str, str]]:
    """Datasets, models and repositories, with the revision that was named; "" for the newest."""
    found: dict[tuple[str, str], str] = {}
    for call in calls:
        if not call.name.startswith("hf_") or not isinstance(call.args, dict):
            continue
        for key, kind in _NAMED.items():
            if name := call.args.get(key):
                found[kind, str(name)] = str(call.args.get("revision") or "")
    for text in texts:
        for function, name, rest in _LOADS.findall(text):
            kind = "dataset" if function == "load_dataset" else "model"
            revision = _REVISION.search(rest)
            found[kind, name] = revision[1] if revision else ""
    return [{"kind": k, "name": n, "revision": r} for (k, n), r in sorted(found.items())]


def _decisions(calls: Sequence[Call], results: Mapping[str, ToolMessage]) -> list[dict[str, str]]:
    """What the user decided, in words: rejections, and answers to questions."""
    found = []
    for call in calls:
        result = results.get(call.id)
        if result is None:
            continue
        outcome = outcome_of(result)
        if call.name == "ask_user":
            asked = str(call.args.get("question", ""))
            found.append({"about": asked, "decision": "answer", "words": result.text[:LONG]})
        elif outcome == "rejected":
            about = str(call.args.get("command") or call.args.get("path") or call.name)
            found.append({"about": about[:LONG], "decision": outcome, "words": result.text[:LONG]})
    return found


def _experiment(experiment: Experiment, trials: Sequence[Trial]) -> dict[str, Any]:
    judge = experiment.judge
    return {
        "metric": judge.metric,
        "direction": judge.direction,
        "command": judge.command,
        "frozen": list(judge.frozen),
        # The rest is about files that are not frozen (tools/experiment/surroundings.py).
        "judge_sha256": experiment.digest.partition(" ")[0],
        "repeats": judge.repeats,
        "notes": list(experiment.notes),
        "trials": [
            {
                "number": t.number, "parent": t.parent, "hypothesis": t.hypothesis,
                "verdict": t.verdict, "value": t.value, "rule": t.rule, "files": list(t.files),
                "note": t.note,
            }
            for t in trials
            if t.verdict != "running"
        ],
    }  # fmt: skip


def _claims(messages: Sequence[AnyMessage], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """The last answer's, with the number of the command that each is from."""
    answers = [m for m in messages if isinstance(m, AIMessage) and not m.tool_calls]
    found = claims_in(answers[-1:])
    return [
        {
            "text": claim["text"],
            "source": "none" if claim["call"] is None else _source(claim["call"], numbers),
        }
        for claim in found
    ]


def _source(call: str, numbers: Mapping[str, int]) -> str:
    if call in numbers:
        return f"command {numbers[call]}"
    return call if call in ("user", "answer") else "another call"


def _in_folder(value: Any, folder: str) -> Any:
    """`value` with `.` in place of the working directory."""
    if isinstance(value, str):
        return redacted(value).replace(folder, ".") if folder else value
    if isinstance(value, list):
        return [_in_folder(each, folder) for each in value]
    if isinstance(value, dict):
        return {_in_folder(key, folder): _in_folder(each, folder) for key, each in value.items()}
    return value
