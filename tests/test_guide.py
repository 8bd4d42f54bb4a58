"""README.md and docs/: tables as the code has them, links that lead somewhere, shell that runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from docs import print_guide
from tests.cli.program import ROOT, controlling_terminal, take

PAGES = [
    *(ROOT / name for name in ("README.md", "AGENTS.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MARK = "<!-- runs offline -->"
RUNNABLE = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(rf"{MARK}\n\n```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("name", print_guide.TABLES)
def test_the_tables_are_the_codes(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    made = print_guide.with_tables(name, page)
    assert made == page, "run: uv run python -m docs.print_guide"


def test_no_words_are_left_over(tmp_path: Path) -> None:
    """Each name of the code has words (else a table fails), and each word its name."""
    from cli.chat.slash_commands import all_commands

    named = {name for path, _ in print_guide.all_commands() for name in (path, path.split()[0])}
    assert set(print_guide.COMMANDS) == named
    assert set(print_guide.EVENT_WORDS) == set(print_guide.EVENTS)
    assert set(print_guide.TOOLS) == set(print_guide.builtin_tools())
    options = {one.opts[-1] for one in print_guide.cli.params}
    assert set(print_guide.OPTIONS) == options
    assert set(print_guide.SLASH) == {f"/{name}" for name in all_commands(tmp_path)}


def test_the_readme_is_two_screens() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 10_000


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target}"


def test_every_page_of_the_guide_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(([^)#\s]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    pages = {page.relative_to(ROOT).as_posix() for page in PAGES if page.parent != ROOT}
    assert pages <= linked


@pytest.mark.parametrize("block", RUNNABLE)
def test_a_shell_block_runs_offline(block: str, tmp_path: Path) -> None:
    """As written, in an empty folder; `ml-agent` and `uv run` are those of this checkout."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, line in {
        "ml-agent": f'exec "{sys.executable}" -m cli.main "$@"',
        "uv": '[ "$1" = run ] && shift && exec "$@"',
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(tools), str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": "sk-secret-stand-in",
        "ML_AGENT_STATE_DIR": str(tmp_path / "state"),
        "TMPDIR": str(tmp_path),
    }
    script = block.replace("/tmp/", f"{tmp_path}/")
    with controlling_terminal() as terminal:
        done = subprocess.run(
            ["bash", "-m", "-eu", "-c", script], cwd=work, env=environment, text=True,
            capture_output=True, timeout=120, start_new_session=True,
            preexec_fn=partial(take, terminal),
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_quick_start_of_the_retired_program(tmp_path: Path) -> None:
    """Its .env, comments included, gives the three keys, and its commands are ours."""
    from configs.dotenv import keys_of_folder

    page = (ROOT / "docs/migrating-from-ml-intern.md").read_text(encoding="utf-8")
    start, keys = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    assert start.split("\n") == ["uv sync", "uv tool install -e .", "ml-agent", ""]
    (tmp_path / ".env").write_text(keys)
    assert keys_of_folder(tmp_path) == {
        "ANTHROPIC_API_KEY": "<your-anthropic-api-key>",
        "HF_TOKEN": "<your-hugging-face-token>",
        "GITHUB_TOKEN": "<github-personal-access-token>",
    }
    readme = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (same,) = [block for block in readme if block.startswith("ANTHROPIC_API_KEY=")]
    (tmp_path / ".env").write_text(same)
    assert set(keys_of_folder(tmp_path)) == {"ANTHROPIC_API_KEY", "HF_TOKEN", "GITHUB_TOKEN"}
    assert 'ml-agent = "cli.main:main"' in (ROOT / "pyproject.toml").read_text()
