"""Writes docs/tools.md: every tool, its arguments, and a real answer of each of its operations.

    uv run python -m docs.print_tools [FILE]

Tools, journal and HTTP requests are real; what they ask is on this machine (docs/tool_data.py).
What another run would change (ports, paths, times) has a steady word in its place. Run it after a
change to a tool's words; to show one more call, add it to docs/tool_calls.py.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from configs.settings import Settings
from core import history
from core.store import ThreadRow, open_store
from core.tool import AgentTool, ToolContext
from core.volatile import steady
from docs import tool_data
from docs.tool_calls import CALLS, Call
from graph.report import report_of
from nodes.services import build_services
from nodes.validate import validated
from tests.stand_ins.github_server import GithubServer
from tests.stand_ins.hub_server import HubServer
from tests.stand_ins.trackio_server import TrackioServer
from tests.stand_ins.viewer_server import ViewerServer
from tests.tools.bench import THREAD, Bench
from tests.tools.web.sites import PUBLIC, Site
from tools.web import public_only

TARGET = Path(__file__).with_name("tools.md")
#: The user's folder, and the blog that is fetched, as the page shows them.
WORK, BLOG = "/home/ann/project", "https://blog.example.org"
#: Tools whose answers hold durations of this machine.
TIMED = ("bash", "experiment", "process")
GPU = "#!/bin/sh\necho 'NVIDIA GeForce RTX 4090, 24564, 23900'\n"
HEAD = """\
# The tools

`uv run python -m docs.print_tools` writes this page; `tests/test_docs.py` compares it with
the real answers. The paragraph under a name is the description that the model reads. Each call is
followed by its exact answer, from stand-ins of the services. If a call needs approval in the mode
`ask`, the approval that you see is between the two.
"""


class Made(Bench):
    """A bench that tells, too, what a user would be asked."""

    async def asked(self, call: Call) -> str:
        """What a user sees before a call that publishes, spends or destroys; empty for others."""
        made = history.Call(call.id or "call_x", call.tool, call.arguments)
        tool, given = validated(made, self.services.tools)
        run = ToolContext(
            made.id, call.tool, THREAD, str(self.cwd), self.services, self.events.append, _no_note
        )
        effect = await tool.foresee(given, run)
        if effect.kind not in ("publish", "spend", "destroy"):
            return ""
        return f"{effect.kind}: {effect.preview}"


async def _no_note(evidence: dict[str, Any]) -> None:
    raise AssertionError("a preview has no effect")


def environment(home: Path) -> None:
    """A home of its own with keys of the stand-ins, and a GPU to plan for."""
    for name in [n for n in os.environ if n.startswith(("HF_", "GITHUB_", "GH_", "ML_AGENT_"))]:
        del os.environ[name]
    (home / "bin").mkdir()
    gpu = home / "bin" / "nvidia-smi"
    gpu.write_text(GPU)
    gpu.chmod(0o755)
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    os.environ.update(HOME=str(home), HF_HOME=str(home / "hf"), PATH=path, LC_ALL="C.UTF-8")
    os.environ.update(HF_TOKEN="hf_ann", GITHUB_TOKEN="ghp_ann")


async def lookup(host: str, port: int) -> list[str]:
    """Every name leads to the one site that there is."""
    return [PUBLIC]


async def sections(folder: Path) -> dict[str, list[str]]:
    """What each tool's calls show, by tool."""
    work = folder / "work"
    work.mkdir()
    tool_data.folder(work)
    public_only.lookup, public_only.allowed = lookup, lambda address: str(address) == PUBLIC
    with ExitStack() as stack:
        hub = stack.enter_context(HubServer())
        viewer = stack.enter_context(ViewerServer(tool_data.viewer()))
        github = stack.enter_context(GithubServer())
        site = stack.enter_context(Site())
        trackio = stack.enter_context(TrackioServer())
        tool_data.hub(hub)
        tool_data.trackio(trackio, hub)
        tool_data.github(github)
        tool_data.site(site)
        blog = f"http://blog.example.org:{site.port}"
        words = {
            str(work): WORK,
            str(folder): "/home/ann",
            f"{hub.url}/": "https://huggingface.co/",
            hub.url: "https://huggingface.co",
            blog: BLOG,
            trackio.url: "https://ann-trackio.hf.space",
        }
        settings = Settings(
            state_dir=str(folder / "state"),
            model_name="openai/stand-in",
            hub_url=hub.url,
            dataset_viewer_url=viewer.url,
            endpoints_url=f"{hub.url}/endpoints/v2",
            arxiv_url=f"{hub.url}/arxiv",
            ar5iv_url=f"{hub.url}/ar5iv",
            semantic_scholar_url=f"{hub.url}/s2",
            github_url=github.url,
            web_search_url=f"{site.url}/search",
        )
        store = await open_store(settings)
        shown: dict[str, list[str]] = {}
        try:
            services = build_services(settings, store)
            row = ThreadRow(THREAD, str(work), "host", "title", "openai/stand-in", "auto")
            services.report = lambda call: report_of(store, row, call)
            bench = Made(services, work)
            for call in CALLS:
                sent = _put(call.arguments, {BLOG: blog})
                asked = await bench.asked(Call(call.tool, sent, call.id))
                result = await bench.call(call.tool, call_id=call.id, **sent)
                text = result.text if result.ok else f"(failed) {result.text}"
                parts = [
                    f"```json\n{json.dumps(call.arguments, ensure_ascii=False)}\n```",
                    *([f"The approval:\n\n{_block(_clean(asked, words))}"] if asked else []),
                    _block(_clean(text, words, call.tool in TIMED)),
                ]
                shown.setdefault(call.tool, []).append("\n\n".join(parts))
        finally:
            await store.close()
        differing = [*hub.violations, *viewer.violations, *github.violations, *site.violations]
        assert not differing, differing
    return {name: [*shown.get(name, [])] for name in bench.services.tools} | {
        "": [_about(tool) for tool in bench.services.tools.values()]
    }


def _put(value: Any, words: dict[str, str]) -> Any:
    """`value` with words replaced in its texts."""
    text = json.dumps(value)
    for old, new in words.items():
        text = text.replace(old, new)
    return json.loads(text)


def _clean(text: str, words: dict[str, str], timed: bool = False) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    # The mark around a stranger's words follows from an address with a port.
    for mark in re.findall(r"\[([0-9a-f]{12}): from here on", text):
        text = text.replace(mark, "MARK")
    return steady(text) if timed else text


def _block(text: str) -> str:
    """A fenced block that no fence in the text can end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def _about(tool: AgentTool) -> str:
    """A tool's paragraph and the table of its arguments."""
    schema = tool.args_schema.model_json_schema()
    required = schema.get("required", [])
    rows = ["| argument | type | default | what |", "| --- | --- | --- | --- |"]
    for name, one in schema["properties"].items():
        default = "required" if name in required else f"`{json.dumps(one.get('default', []))}`"
        if "default" not in one and name not in required:
            default = ""
        what = one.get("description", "").replace("|", "\\|")
        rows.append(f"| `{name}` | {_type(one, schema)} | {default} | {what} |")
    table = "\n".join(rows)
    return f"## {tool.name}\n\n{tool.description}\n\n{table}"


def _type(one: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in one:
        return _type(schema["$defs"][one["$ref"].rsplit("/", 1)[1]], schema)
    if "enum" in one:
        return ", ".join(f"`{json.dumps(value)}`" for value in one["enum"])
    if one.get("type") == "array":
        return f"list of {_type(one['items'], schema)}"
    if one.get("type") == "object" and "properties" in one:
        return (
            "{" + ", ".join(f"{n}: {_type(o, schema)}" for n, o in one["properties"].items()) + "}"
        )
    least, most = one.get("minimum"), one.get("maximum")
    if least is not None and most is not None:
        return f"{one['type']}, {least} to {most}"
    return str(one.get("type", "any")) + (f", at least {least}" if least is not None else "")


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        environment(folder)
        made = asyncio.run(sections(folder))
    about = made.pop("")
    parts = [HEAD]
    for paragraph, calls in zip(about, made.values(), strict=True):
        parts += [f"\n{paragraph}\n", *(f"\n{call}\n" for call in calls)]
    target.write_text("".join(parts), encoding="utf-8")
    print(f"{target.name}: {len(CALLS)} calls of {len(made)} tools")


if __name__ == "__main__":
    main()
