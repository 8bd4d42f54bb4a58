"""ask_hooks: the PreToolUse hooks of an answer's calls, before the user is asked and anything runs.

A hook can refuse a call, ask for the user's approval, or answer the question that the mode asks.
What policy denies, or asks about for another reason, stays as it is.
"""

import asyncio
from typing import Any

from langgraph.runtime import Runtime

from core.history import Call, pending_calls
from core.hooks.names import input_of, names_of
from core.hooks.run import HookAnswer, hooks_for
from core.policy.marks import marks_of
from core.state import AgentState, Verdict
from core.tool import AgentContext
from nodes.hooks import CUT_OFF, hooked, keep_transcript, tool_facts
from nodes.step import Step
from nodes.tell_call import title_of_call
from nodes.validate import validated

#: Effects whose question a hook may answer: no money, nothing published, nothing that is lost.
ALLOWED = ("read", "write", "execute")


def mark_hooked(verdicts: dict[str, Verdict], calls: list[Call], step: Step) -> dict[str, Verdict]:
    """`verdicts`, with a mark on those of calls whose hooks have to be asked first."""
    groups = step.services.settings.hooks.get("PreToolUse", [])
    for call in calls if groups else []:
        verdict = verdicts[call.id]
        if verdict["action"] in ("run", "ask") and hooks_for(
            groups, names_of(call.name, call.args)
        ):
            verdicts[call.id] = {**verdict, "hook": True}
    return verdicts


def hooked_calls(state: AgentState) -> list[Call]:
    """The calls whose hooks have to be asked."""
    verdicts = state.get("verdicts", {})
    if not any(verdict.get("hook") for verdict in verdicts.values()):
        return []
    calls = pending_calls(state.get("messages", []))
    return [call for call in calls if call.id in verdicts and verdicts[call.id].get("hook")]


async def ask_hooks(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    step = await Step.of(runtime)
    calls, verdicts = hooked_calls(state), dict(state["verdicts"])
    await keep_transcript(step, state["messages"])
    answers = await asyncio.gather(*(_answer(step, call) for call in calls))
    for call, answer in zip(calls, answers, strict=True):
        verdicts[call.id] = _judged(step, call, verdicts[call.id], answer)
    return {"verdicts": verdicts}


async def _answer(step: Step, call: Call) -> HookAnswer:
    names = names_of(call.name, call.args)
    facts = tool_facts(call, input_of(call.name, call.args, step.cwd))
    return await hooked(step, "PreToolUse", call.id, facts, names=names)


def _judged(step: Step, call: Call, verdict: Verdict, answer: HookAnswer) -> Verdict:
    """The verdict after the hooks: never looser than policy's own where that denies."""
    found: Verdict = {**verdict}
    found.pop("hook", None)
    if answer.context:
        found["hook_context"] = "\n\n".join(answer.context)
    inside = step.services.inside is not None
    if answer.blocked or answer.is_unknown or answer.stop:
        reason = answer.blocked or answer.stop or f"{CUT_OFF}; call it again if it is still needed"
        return _refused(found, reason)
    if answer.decision == "ask" and found["action"] == "run":
        if inside:
            return _refused(found, "a hook asks for approval, and no one can approve it here")
        return _asked(step, call, found, answer)
    asked_by_mode = found["action"] == "ask" and found["rule"].startswith("mode:")
    costs = "price_micro_usd" in found or found.get("sandbox")
    if answer.decision == "allow" and asked_by_mode and found["effect"] in ALLOWED and not costs:
        return {**found, "action": "run", "rule": "hook"}
    return found


def _refused(verdict: Verdict, reason: str) -> Verdict:
    preview = verdict.get("preview", "")
    return {**verdict, "action": "deny", "rule": "hook", "reason": reason, "preview": preview}


def _asked(step: Step, call: Call, verdict: Verdict, answer: HookAnswer) -> Verdict:
    tool, arguments = validated(call, step.services.tools)
    cwd = step.services.backend.folder(step.cwd) if tool.in_backend else step.cwd
    effect = tool.effect(arguments, cwd)
    return {
        **verdict,
        "action": "ask",
        "rule": "hook",
        "reason": answer.messages[-1] if answer.messages else "a hook asks for your approval",
        "preview": effect.preview,
        "title": title_of_call(call, step.services.tools),
        "marks": marks_of(effect, cwd, str(step.services.settings.state_path())),
    }
