"""What looks wrong in a table before anyone trains on it: warnings, each with what to do."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tools.hub.datasets.chat_column import chat_facts, content, messages
from tools.hub.datasets.columns import Column
from tools.hub.datasets.preferences import CHOSEN, REJECTED, repeated_prompts
from tools.hub.datasets.table import CHATS, COMPLETION, Fit, plain

#: Shares of the sampled rows from which a fault is told.
FEW, SOME = 0.01, 0.05
#: An answer of so many characters that is in its prompt is not a coincidence.
LONG = 20


def doubts(columns: Sequence[Column], fits: Sequence[Fit]) -> list[str]:
    by_name = {c.name: c for c in columns}
    used = {name for fit in fits for name in fit.columns}
    found = [told for column in columns for told in _of_column(column, column.name in used)]
    found += [told for c in columns if c.kind in CHATS and c.chats for told in _of_chats(c)]
    found += _of_rows(columns)
    seen: set[tuple[str, ...]] = set()
    for fit in fits:
        if fit.columns not in seen:
            seen.add(fit.columns)
            found += _of_method(fit, by_name)
    return list(dict.fromkeys(found))


def _of_column(column: Column, used: bool) -> Iterator[str]:
    there, count = column.there, len(column.values)
    if count and not there:
        yield f"{column.name} is null in every sampled row"
    elif len(there) > 1 and column.kind not in ("image", "audio", "video", "label"):
        values = {json.dumps(v, default=str, sort_keys=True) for v in there}
        if used and len(values) == 1 and len(there) == count:
            yield f"{column.name} has the same value in every sampled row: it teaches nothing"
    empty = sum(not t.strip() for t in column.texts)
    if empty and empty < len(column.texts):
        yield f"{column.name} is an empty string in {empty / count:.0%} of the sampled rows"
    missing = count - len(there)
    if there and missing >= FEW * count and missing:
        yield f"{column.name} is null in {missing / count:.0%} of the sampled rows"
    if column.kind == "label" and -1 in there:
        yield f"{column.name} is -1, without a label, in sampled rows: a test split kept secret?"
    if column.classes and column.kind != "bool" and len(there) >= 50:
        name, most = Counter(there).most_common(1)[0]
        if most / len(there) >= 0.9:
            yield f"{column.name} is {name!r} in {most / len(there):.0%}: accuracy will mislead"


def _of_chats(column: Column) -> Iterator[str]:
    facts = chat_facts(column.chats)
    share = {k: n / facts.chats for k, n in vars(facts).items() if isinstance(n, int)}
    name = column.name
    if facts.sharegpt:
        yield (
            f"{name} uses ShareGPT's from/value: TRL expects role/content. Map human to user, gpt "
            "to assistant: [{'role': R[m['from']], 'content': m['value']} for m in chat]"
        )
    if facts.unknown_roles:
        listed = ", ".join(repr(role) for role in facts.unknown_roles[:6])
        yield (
            f"{name} has roles that chat templates do not know: {listed}; map them to system, "
            "user, assistant or tool"
        )
    if 0 < share["unanswered"] < 0.5:
        yield f"{name}: {share['unanswered']:.0%} of the chats do not end with the assistant"
    if share["assistant_first"] >= FEW and plain(name) not in (*COMPLETION, *CHOSEN, *REJECTED):
        yield (
            f"{name}: {share['assistant_first']:.0%} of the chats begin with the assistant; many "
            "templates refuse that"
        )
    if share["repeated"] >= FEW:
        yield (
            f"{name}: {share['repeated']:.0%} of the chats have two turns of one role in a row; "
            "many templates refuse that"
        )
    if _calls_as_text(column):
        yield (
            f"{name}: the arguments of tool calls are JSON text; many templates want objects "
            "(json.loads)"
        )
    if share["late_system"] >= FEW:
        yield f"{name}: a system message comes later than first in {share['late_system']:.0%}"
    if share["empty"] >= FEW:
        yield f"{name}: {share['empty']:.0%} of the chats have a message without content"
    lost = len(column.there) - facts.chats
    if lost:
        yield f"{name}: {lost} of {len(column.there)} values are not a chat (empty or malformed)"


def _calls_as_text(column: Column) -> bool:
    calls = (c for chat in column.chats for m in chat for c in m.get("tool_calls") or ())
    return any(
        isinstance(c, dict) and isinstance((c.get("function") or {}).get("arguments"), str)
        for c in calls
    )


def _of_rows(columns: Sequence[Column]) -> Iterator[str]:
    usable = [c.values for c in columns if c.kind not in ("image", "audio", "video", "images")]
    if not usable or len({len(v) for v in usable}) != 1 or len(usable) < len(columns):
        return
    rows = [json.dumps(row, default=str) for row in zip(*usable, strict=True)]
    repeated = len(rows) - len(set(rows))
    if rows and repeated >= max(1, FEW * len(rows)):
        yield f"{repeated} of {len(rows)} sampled rows are exact duplicates of another"


def _of_method(fit: Fit, columns: dict[str, Column]) -> Iterator[str]:
    used = [columns[name] for name in fit.columns if name in columns]
    if fit.method == "DPO" and len(used) == 3:
        yield from _of_preference(used[0], used[1], used[2])
    elif fit.method in ("DPO", "DPO (implicit prompt)", "reward model"):
        yield from _same(used[0], used[1])
    elif fit.method.startswith(("SFT (prompt", "GRPO (verif", "KTO", "text classification")):
        answer = used[1] if fit.method == "KTO" else used[-1]
        share = leaked(used[0], answer)
        if share >= SOME:
            yield (
                f"in {share:.0%} of the sampled rows {answer.name} is word for word in "
                f"{used[0].name}: a leak, unless the task is to quote"
            )


def _of_preference(prompt: Column, chosen: Column, rejected: Column) -> Iterator[str]:
    share = repeated_prompts(prompt, chosen)
    if share >= SOME:
        yield (
            f"{chosen.name} repeats {prompt.name} in {share:.0%} of the sampled rows: TRL would "
            f"show it twice; cut it off, or drop {prompt.name}"
        )
    yield from _same(chosen, rejected)


def _same(chosen: Column, rejected: Column) -> Iterator[str]:
    pairs = [(a, b) for a, b in zip(chosen.values, rejected.values, strict=False) if a is not None]
    same = sum(a == b for a, b in pairs)
    if pairs and same >= max(1, FEW * len(pairs)):
        share = same / len(pairs)
        yield f"{chosen.name} and {rejected.name} are the same in {share:.0%}: drop those rows"


def leaked(prompt: Column, answer: Column) -> float:
    """Share of rows whose prompt holds the answer: a long one anywhere, a short one behind
    "answer:" at the end."""
    rows, hits = 0, 0
    for asked, said in zip(prompt.values, answer.values, strict=False):
        if asked is None or said is None:
            continue
        rows += 1
        question, text = _text(asked), _text(said)
        if len(text) >= LONG:
            hits += text in question
        elif text:
            tail = rf"(?:answer|solution|label)\W{{0,4}}(?:is\W{{0,3}})?{re.escape(text)}\W*$"
            hits += re.search(tail, question) is not None
    return hits / rows if rows else 0.0


def _text(value: object) -> str:
    chat = messages(value)
    text = " ".join(content(m) for m in chat) if chat else str(value)
    return " ".join(text.lower().split())
