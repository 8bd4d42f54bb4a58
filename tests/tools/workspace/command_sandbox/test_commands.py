"""What still works in the sandbox: files, background work, exit codes, folders of all kinds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.settings import Settings
from core.errors import ToolError
from core.store import runs
from tests.tools.bench import sleeper, sleeps, until
from tests.tools.workspace.command_sandbox.conftest import SECRET, Home
from tools.local.wait_for_command import result_of
from tools.workspace.command_sandbox import (
    CommandPlace,
    CommandSandbox,
    find,
    in_words,
    repositories,
)
from tools.workspace.command_sandbox.plan import Planner
from tools.workspace.command_sandbox.sandbox import bubblewrap_try


@pytest.fixture
def seconds() -> Iterator[str]:
    """How long a command sleeps that outlives the test; it is ended here."""
    chosen = sleeper()
    yield chosen
    for folder in Path("/proc").glob("[0-9]*"):
        words = _words(folder)
        if words[:2] == [b"sleep", chosen.encode()]:
            os.kill(int(folder.name), signal.SIGKILL)


def _words(folder: Path) -> list[bytes]:
    try:
        return (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


@pytest.mark.parametrize(
    ("line", "code", "output"),
    [
        ("echo a; echo b >&2", 0, "a\nb\n"),
        ("exit 3", 3, ""),
        ("kill -9 $$", 137, ""),
        ("echo x > f && cat f && rm f", 0, "x\n"),
        ("mkdir -p a/b && mv a c && rmdir c/b c", 0, ""),
        ("f=$(mktemp) && echo t > $f && cat $f && rm $f", 0, "t\n"),
        ("echo x > ~/hf/hub/model && cat ~/hf/hub/model", 0, "x\n"),
        ("echo x > ~/.cache/pip/x && echo x > ~/.cache/uv/x", 0, ""),
        ("echo x > /dev/null; head -c 2 /dev/urandom | wc -c", 0, "2\n"),
        ("echo x > /dev/shm/ml-agent-test; cat /dev/shm/ml-agent-test", 0, "x\n"),
        ("cat; read -r x; echo $?", 0, "1\n"),
        ("ls /proc/self/fd | wc -l", 0, "4\n"),
    ],
)
def test_commands_do_what_they_did(boxed: Home, line: str, code: int, output: str) -> None:
    if boxed.kind == "landlock" and "mktemp" in line:
        # The state directory lies in the temporary folder here: new files only go below.
        line = f"export TMPDIR={boxed.folder}; {line}"
    assert boxed.run(line) == (code, output)
    Path("/dev/shm/ml-agent-test").unlink(missing_ok=True)


def test_processes_share_memory(boxed: Home) -> None:
    program = (
        "from multiprocessing import Pool, shared_memory as s\n"
        "m = s.SharedMemory(create=True, size=10)\n"
        "print(sum(Pool(2).map(abs, [-1, -2]))); m.close(); m.unlink()\n"
    )
    (boxed.folder / "p.py").write_text(program)
    assert boxed.run("python3 p.py") == (0, "3\n")


def test_git_works(boxed: Home) -> None:
    commit = "git -c user.name=a -c user.email=a@b commit -qm x"
    line = f"echo x > f; git add f && {commit} && git checkout -qb other && git log --oneline"
    code, output = boxed.run(line)
    assert code == 0, output
    assert output.endswith(" x\n")


def test_git_works_in_a_worktree_and_below_a_repository(mounted: Home) -> None:
    """The main repository lies outside of the folder: it gets its objects, and not settings."""
    commit = "git -c user.name=a -c user.email=a@b commit -qm"
    assert mounted.run(f"echo x > f; git add f; {commit} x")[0] == 0
    tree = mounted.folder.parent / "tree"
    subprocess.run(["git", "worktree", "add", "-q", str(tree)], cwd=mounted.folder, check=True)
    below = mounted.folder / "sub"
    below.mkdir()
    for folder in (tree, below):
        main, mounted.folder = mounted.folder, folder
        code, output = mounted.run(f"echo y > g && git add g && {commit} y")
        assert code == 0, output
        assert mounted.run("git config core.fsmonitor id")[0] != 0
        mounted.folder = main


@pytest.mark.parametrize("text", ["gitdir: {home}", "gitdir: {home}/x/.git/worktrees/y", "x"])
def test_a_folder_cannot_name_its_repository_freely(mounted: Home, text: str) -> None:
    """A file `.git` of a cloned folder would make any place writable."""
    for made in (mounted.path, mounted.path / "x" / ".git"):
        for name in ("objects", "refs", "worktrees/y"):
            (made / name).mkdir(parents=True, exist_ok=True)
        (made / "HEAD").write_text("ref: x\n")
    subprocess.run(["rm", "-rf", str(mounted.folder / ".git")], check=True)
    (mounted.folder / ".git").write_text(text.format(home=mounted.path) + "\n")
    assert mounted.run("echo x >> ~/.bashrc; echo x > ~/x/.git/HEAD; echo x > ~/new")[0] != 0
    assert (mounted.path / ".bashrc").read_text() == "# mine\n"
    assert (mounted.path / "x/.git/HEAD").read_text() == "ref: x\n"


def test_nested_repositories_are_kept(mounted: Home) -> None:
    for name in ("deps/one", "deps/more/two"):
        subprocess.run(["git", "init", "-q", str(mounted.folder / name)], check=True)
    line = "for d in deps/one deps/more/two; do echo x >> $d/.git/config; mv $d/.git $d/g; done"
    assert mounted.run(line)[0] != 0
    for name in ("deps/one", "deps/more/two"):
        assert "x" not in (mounted.folder / name / ".git/config").read_text().split()


def test_a_submodule_is_kept_without_its_head_too(mounted: Home) -> None:
    """It was no repository any more, and the next command could change its settings."""
    for name in ("sub", "deps/with/slashes"):
        inner = mounted.folder / ".git" / "modules" / name
        subprocess.run(["git", "init", "-q", "--bare", str(inner)], check=True)
        assert mounted.run(f"rm .git/modules/{name}/HEAD; echo x > .git/modules/HEAD")[0] == 0
        for file in ("config", "hooks/post-checkout"):
            assert mounted.run(f"echo x >> .git/modules/{name}/{file}")[0] != 0
    subprocess.run(["git", "init", "-q", "--bare", str(mounted.folder / "x.git")], check=True)
    assert mounted.run("mv x.git/HEAD x.git/H")[0] == 0
    assert mounted.run("echo x >> x.git/config")[0] != 0


def test_what_governs_is_kept_among_many_files(
    mounted: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "ENTRIES", 0)
    (mounted.folder / ".env").write_text(f"{SECRET}\n")
    for file in (".git/config", ".git/hooks/pre-commit", ".ml-agent/config.json"):
        assert mounted.run(f"echo x >> {file}")[0] != 0, file
    assert SECRET not in mounted.run("cat .env", reach="offline")[1]


def test_a_repository_is_kept_when_it_is_not_found_any_more(
    mounted: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(mounted.folder / "deps/one")], check=True)
    planner = Planner(mounted.settings)
    config = str(mounted.folder / "deps/one/.git/config")
    for _ in range(2):
        plan = planner.plan(str(mounted.folder), "network")
        assert [p.access for p in plan.places if p.path == config] == ["read"]
        monkeypatch.setattr(repositories, "FOLDERS", 1)


def test_secret_files_of_the_folder_are_read_only_by_what_the_user_approved(boxed: Home) -> None:
    for name in (".env", "backend/.env", "key.pem"):
        path = boxed.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{SECRET}\n")
    line = "cat .env backend/.env key.pem; grep -r MATERIAL ."
    for reach in ("offline", "read-only"):
        assert SECRET not in boxed.run(line, reach)[1]  # type: ignore[arg-type]
    assert boxed.run(line, "network")[1].count(SECRET) == 6


def test_what_only_reads_writes_nothing(boxed: Home) -> None:
    code, output = boxed.run("touch x; touch /tmp/ml-agent-x; touch ~/hf/x; ls -a", "read-only")
    assert code == 0
    assert output.splitlines()[-3:] == ["..", ".git", ".ml-agent"]
    assert not Path("/tmp/ml-agent-x").exists()


def test_more_places_can_be_made_writable(boxed: Home) -> None:
    more = boxed.path / "data sets"
    more.mkdir()
    assert boxed.run("echo x > ~/'data sets'/y")[0] != 0
    boxed.settings = boxed.settings.model_copy(update={"sandbox_writable": ["~/data sets"]})
    assert boxed.run("echo x > ~/'data sets'/y")[0] == 0


def test_a_commands_own_outputs_are_shown_and_others_are_not(boxed: Home) -> None:
    threads = boxed.settings.state_path() / "threads"
    for thread in ("t", "other"):
        (threads / thread / "results").mkdir(parents=True)
        (threads / thread / "results" / "x.txt").write_text(f"of {thread}\n")
    box = CommandSandbox(boxed.settings, boxed.kind)
    line = f"cat {threads}/*/results/*; echo no > {threads}/t/results/x.txt"
    wrapped = box.wrap(
        ["sh", "-c", line],
        CommandPlace(str(boxed.folder), str(boxed.folder), "network"),
        shown=[str(threads / "t" / "results")],
        status=False,
    )
    done = subprocess.run(wrapped.argv, capture_output=True, text=True, check=False)
    assert "of t" in done.stdout
    assert "of other" not in done.stdout
    assert (threads / "t" / "results" / "x.txt").read_text() == "of t\n"


# --- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with space", "new\nline", 'quo"te', "-dash", "ü", "a'b", "%s\\"])
def test_a_folder_of_any_name(boxed: Home, name: str) -> None:
    boxed.folder = boxed.path / "projects" / name
    boxed.folder.mkdir()
    assert boxed.run('echo x > f && cat f && basename "$PWD"') == (0, f"x\n{name}\n")
    assert boxed.run("echo x >> ~/.bashrc")[0] != 0


def test_a_folder_that_is_a_link(boxed: Home) -> None:
    link = boxed.path / "link"
    link.symlink_to(boxed.folder)
    boxed.folder = link
    assert boxed.run("echo x > f && cat f") == (0, "x\n")
    assert boxed.run("echo x >> ~/.bashrc")[0] != 0


def test_the_folder_is_the_home(mounted: Home) -> None:
    mounted.folder = mounted.path
    assert mounted.run("echo x > new && cat new") == (0, "x\n")
    lines = [
        "cat .ssh/id_rsa .netrc hf/token .aws/credentials",
        "mv .ssh s; mv .aws a; mv .local l; mv hf h; mv .config c; cat */id_rsa */credentials",
        "echo x >> .bashrc; mv .bashrc b; rm .bashrc; ln -sf b .bashrc",
        "cat .local/state/ml-agent/ml-agent.db l/state/ml-agent/ml-agent.db; rm -rf .local",
        "grep -r MATERIAL . | cat",
    ]
    for line in lines * 2:  # what the first round moved, the second would find
        assert SECRET not in mounted.run(line)[1]
    assert (mounted.path / ".bashrc").read_text() == "# mine\n"
    assert SECRET in (mounted.path / ".ssh/id_rsa").read_text()
    assert SECRET in (mounted.path / ".local/state/ml-agent/ml-agent.db").read_text()


def test_the_folder_is_the_root(mounted: Home, tmp_path: Path) -> None:
    mounted.folder = Path("/")
    place = tmp_path / "new"
    assert mounted.run(f"echo x > '{place}' && cat '{place}'") == (0, "x\n")
    line = "cat ~/.ssh/id_rsa ~/hf/token ~/.local/state/ml-agent/*.db; echo x >> ~/.bashrc"
    assert SECRET not in mounted.run(line)[1]
    assert mounted.run("echo x > /etc/ml-agent-escape; echo x > /usr/ml-agent-escape")[0] != 0
    assert (mounted.path / ".bashrc").read_text() == "# mine\n"


def test_the_folder_lies_below_the_state_directory(mounted: Home) -> None:
    """Someone has put both into one folder: what stands next to the way there is hidden."""
    mounted.settings = Settings(state_dir=str(mounted.path / "projects"))
    (mounted.path / "projects" / "ml-agent.db").write_text(SECRET)
    assert mounted.run("echo x > f && cat f") == (0, "x\n")
    assert SECRET not in mounted.run("cat ../ml-agent.db ../*")[1]


def test_a_folder_that_is_hidden_itself(boxed: Home) -> None:
    boxed.folder = boxed.path / ".ssh"
    with pytest.raises(ValueError, match="holds credentials"):
        boxed.wrap("cat id_rsa")


def test_a_database_elsewhere_is_hidden(boxed: Home) -> None:
    file = boxed.write("data/threads.db", SECRET)
    boxed.settings = boxed.settings.model_copy(update={"database_url": f"sqlite:///{file}"})
    assert SECRET not in boxed.run("cat ~/data/*")[1]


# --- processes ------------------------------------------------------------------------------------


def test_background_work_outlives_the_command(boxed: Home, seconds: str) -> None:
    assert boxed.run(f"sleep {seconds} & echo started") == (0, "started\n")
    until(lambda: sleeps(seconds))


def test_killing_ends_all_that_was_started(mounted: Home, seconds: str) -> None:
    """Also what left its process group, which no signal to the group would reach."""
    run = mounted.start(f"setsid sh -c 'trap \"\" TERM; sleep {seconds}; true' & sleep 600")
    until(lambda: sleeps(seconds))
    run.kill("timeout")
    until(lambda: not sleeps(seconds))
    assert (run.state(), run.exit_code(), run.ended()) == ("finished", None, "timeout")


# --- which sandbox --------------------------------------------------------------------------------


def test_a_machine_without_a_sandbox_still_runs_commands(home: Home) -> None:
    home.kind = "no such kind"
    assert home.run("echo x >> ~/.bashrc; echo ok") == (0, "ok\n")
    assert home.started[0].meta().sandbox is None  # type: ignore[union-attr]


def test_required_fails_closed(home: Home) -> None:
    home.kind = "no such kind"
    home.settings = home.settings.model_copy(update={"sandbox_commands": "required"})
    for reach in ("network", "offline", "read-only", "outside"):
        with pytest.raises(ToolError, match="sandbox_commands is required, and no sandbox works"):
            home.wrap("true", reach)  # type: ignore[arg-type]


def test_off_means_off(home: Home) -> None:
    home.settings = home.settings.model_copy(update={"sandbox_commands": "off"})
    assert home.run("echo x >> ~/.bashrc") == (0, "")
    assert in_words(home.settings) == "commands without a sandbox (sandbox_commands is off)"


def test_outside_is_outside(boxed: Home) -> None:
    assert boxed.run("echo x >> ~/.bashrc; cat ~/.ssh/id_rsa", "outside") == (0, f"{SECRET}\n")


def test_a_sandbox_that_breaks_at_the_command_is_named(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It worked when it was tried; the command did not fail, it never ran."""
    program = tmp_path / "bin" / "bwrap"
    program.parent.mkdir()
    broken = 'echo "bwrap: Can\'t mount proc" >&2; exit 1'
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --help ] && exec echo --ro-bind-fd\n'
        f'for w in "$@"; do last=$w; done\n[ "$last" = true ] || {{ {broken}; }}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    home.kind = "bubblewrap"
    find.cache_clear()
    try:
        home.run("echo ran > f")
    finally:
        find.cache_clear()
    result = result_of(home.started[0])
    assert not (home.folder / "f").exists()
    assert (result.ok, result.outcome) == (False, "failed")
    assert result.text.startswith("bwrap: Can't mount proc\n[Cannot run the command: its sandbox")


@pytest.mark.usefixtures("mounted")
def test_what_is_tried_ends_with_the_program_that_tries_it(seconds: str) -> None:
    """Killed at that moment, the program would leave a process for each start."""
    found = find("bubblewrap")
    code = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    tried = [found.program, *found.options, *bubblewrap_try(), "sleep", seconds]
    with subprocess.Popen([sys.executable, "-c", code, *tried]) as process:
        until(lambda: sleeps(seconds))
        process.kill()
    until(lambda: not sleeps(seconds))


def test_without_a_bwrap_of_the_system_the_installed_one_is_used(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tools.workspace.command_sandbox.program import programs

    monkeypatch.setenv("PATH", str(tmp_path))
    assert all(Path(program).is_file() for program in programs())


def test_old_run_directories_are_read(home: Home) -> None:
    folder = home.path / "run"
    folder.mkdir()
    old = '{"command": "true", "cwd": "/", "timeout": null, "started": 1.0, "background": false, '
    (folder / "meta.json").write_text(old + '"host": "h"}')
    meta = runs.Run(folder).meta()
    assert meta is not None
    assert meta.sandbox is None
