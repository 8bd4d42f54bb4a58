"""Hooks: which commands an event starts, how they run, and what their answers say.

The format is Claude Code's: JSON on stdin; exit code 2 blocks, with stderr as the reason; any other
failure is a warning; JSON on stdout says more. Nothing here knows a thread or the policy.
"""

import asyncio
import json
import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from subprocess import PIPE
from typing import Any

from configs.hooks import Hook, HookGroup
from core.process import Process
from core.secrets.child_environment import child_environment
from core.text import encodable

#: Seconds that a hook may take if it does not say; at the end of a session.
TIMEOUT, LAST_TIMEOUT = 60.0, 10.0
#: Characters of an answer that are used, and bytes that are read of it.
MOST, MOST_READ = 10_000, 200_000
#: A matcher of these characters is a name or a list of names; any other is a regular expression.
NAMES = re.compile(r"[\w\-, |]*")
#: Decisions, the strictest first.
STRICTNESS = ("deny", "ask", "allow")


@dataclass
class HookAnswer:
    """What the hooks of one event said, all together.

    Attributes:
        blocked: why the event must not happen; "": it may. decision: deny, ask or allow, about a
            tool call. context: for the model. messages: for the user. stop: why the turn ends.
        is_unknown: they were cut off, and do not run again.
    """

    blocked: str = ""
    decision: str = ""
    context: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    stop: str = ""
    is_unknown: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def join(self, other: "HookAnswer") -> None:
        """Let `other` count, too; the stricter decision wins."""
        said = {self.decision, other.decision}
        self.decision = next((word for word in STRICTNESS if word in said), "")
        self.blocked = "\n".join(filter(None, (self.blocked, other.blocked)))
        self.stop = self.stop or other.stop
        self.context += other.context
        self.messages += other.messages


def hooks_for(groups: Sequence[HookGroup], names: Iterable[str]) -> list[Hook]:
    """The commands of the groups that fit one of `names`, each command once."""
    names = list(names)
    fitting = [hook for group in groups if fits(group.matcher, names) for hook in group.hooks]
    runnable = [hook for hook in fitting if hook.type == "command" and hook.command.strip()]
    return list({hook.command: hook for hook in runnable}.values())


def fits(matcher: str, names: Iterable[str]) -> bool:
    """Whether a matcher fits a name. An event without names takes any matcher."""
    names = list(names)
    if matcher in ("", "*") or not names:
        return True
    if NAMES.fullmatch(matcher):
        return bool({word.strip() for word in re.split(r"[|,]", matcher)} & set(names))
    try:
        return any(re.search(matcher, name) for name in names)
    except re.error:
        return False


async def run_hooks(
    hooks: Sequence[Hook], payload: Mapping[str, Any], environment: Mapping[str, str]
) -> HookAnswer:
    """Run all of them at once; what they said together."""
    answer = HookAnswer()
    for one in await asyncio.gather(*(_run(hook, payload, environment) for hook in hooks)):
        answer.join(one)
    return answer


def hook_environment(cwd: str, also: Sequence[str]) -> dict[str, str]:
    """What a hook sees: what a command without credentials sees, and the project's folder."""
    return {**child_environment((), also=also), "CLAUDE_PROJECT_DIR": cwd}


async def _run(
    hook: Hook, payload: Mapping[str, Any], environment: Mapping[str, str]
) -> HookAnswer:
    event = str(payload["hook_event_name"])
    seconds = hook.timeout or (LAST_TIMEOUT if event == "SessionEnd" else TIMEOUT)
    named = f"hook {event} ({_short(hook.command)})"
    said: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}

    def read(descriptor: int, data: bytes) -> None:
        said[descriptor] += data[: MOST_READ - len(said[descriptor])]

    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), PIPE)
    try:
        process = await Process.start(
            hook.command, read, cwd=payload["cwd"], env=environment, **pipes
        )
    except (OSError, ValueError) as error:
        return HookAnswer(messages=[f"{named} did not start: {error}"])
    try:
        async with asyncio.timeout(seconds):
            process.feed(json.dumps(payload).encode())
            code = await process.wait()
    except TimeoutError:
        return HookAnswer(messages=[f"{named} was ended after {seconds:g} seconds"])
    finally:
        if not process.has_ended:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await process.drain()
    out, err = (encodable(said[number].decode("utf-8", "replace")) for number in (1, 2))
    return read_answer(payload, code, (out, err), named)


def read_answer(
    payload: Mapping[str, Any], code: int, output: tuple[str, str], named: str
) -> HookAnswer:
    """What one hook said. `output`: its stdout and stderr. `named`: the hook in a message."""
    out, err = (text.strip() for text in output)
    event = payload["hook_event_name"]
    if code == 2:
        return HookAnswer(blocked=err[:MOST] or f"{named} blocked it")
    if code:
        said = f": {_short(err)}" if err else ""
        return HookAnswer(messages=[f"{named} failed with exit code {code}{said}"])
    if not out.startswith("{"):
        tells = event in ("UserPromptSubmit", "SessionStart") and out
        return HookAnswer(context=[out[:MOST]] if tells else [])
    try:
        data = json.loads(out)
    except (ValueError, RecursionError):
        return HookAnswer(messages=[f"{named} printed what is not JSON"])
    return _answer_of(data, payload, named)


def _answer_of(data: dict[str, Any], payload: Mapping[str, Any], named: str) -> HookAnswer:
    inner = data.get("hookSpecificOutput")
    specific: dict[str, Any] = inner if isinstance(inner, dict) else {}
    answer = HookAnswer()
    reason = _text(specific.get("permissionDecisionReason") or data.get("reason"))
    decision = specific.get("permissionDecision") or data.get("permissionDecision")
    word = {"approve": "allow", "block": "deny"}.get(str(data.get("decision")), "")
    if payload["hook_event_name"] == "PreToolUse":
        answer.decision = str(decision) if decision in STRICTNESS else word
        changed = specific.get("updatedInput")
        given = payload["tool_input"]
        if isinstance(changed, dict) and any(given.get(k) != changed[k] for k in changed):
            # What was judged is what runs: the model has to ask for the other call itself.
            wanted = json.dumps(changed, ensure_ascii=False)
            answer.decision, reason = "deny", f"{reason}\ncall it with {wanted}".strip()
        if answer.decision == "deny":
            answer.blocked = reason or f"{named} denied it"
        elif answer.decision == "ask":
            answer.messages += [reason] if reason else []
    elif word == "deny":
        answer.blocked = reason or f"{named} blocked it"
    context = specific.get("additionalContext") or data.get("additionalContext")
    answer.context += [_text(context)] if context else []
    answer.messages += [_text(data["systemMessage"])] if data.get("systemMessage") else []
    if data.get("continue") is False:
        answer.stop = _text(data.get("stopReason")) or f"{named} ended the turn"
    return answer


def _text(value: Any) -> str:
    return encodable(value)[:MOST] if isinstance(value, str) else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"
