"""Ways out of the sandbox, each tried for real: what they are after stays whole and unread."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.workspace.command_sandbox.conftest import SECRET, Home
from tools.workspace.command_sandbox.bubblewrap import opened
from tools.workspace.command_sandbox.plan import Planner

READS = [
    "cat ~/.ssh/id_rsa ~/.aws/credentials ~/.netrc ~/hf/token",
    "cd && cat .ssh/id_rsa",
    "ln -s ~/.ssh/id_rsa link; cat link",
    "ln -s ~/.ssh there; cat there/*",
    "ln ~/.ssh/id_rsa hard && cat hard",
    "cat /proc/self/root$HOME/.ssh/id_rsa /proc/1/root$HOME/.ssh/id_rsa",
    "cat /proc/self/cwd/../../.ssh/id_rsa",
    "cat ~/.local/state/ml-agent/ml-agent.db ~/.config/ml-agent/config.json",
    "grep -r MATERIAL ~ 2>/dev/null",
    "umount ~/.ssh; umount -l ~/.aws; cat ~/.ssh/id_rsa ~/.aws/credentials",
    "mkdir m; mount --bind ~ m; cat m/.ssh/id_rsa",
    "mkdir m; mount --rbind / m; umount m$HOME/.ssh; cat m$HOME/.ssh/id_rsa",
    "unshare -Urm sh -c 'umount ~/.ssh; cat ~/.ssh/id_rsa'",
    "unshare -m sh -c 'umount ~/.ssh; cat ~/.ssh/id_rsa'",
    "nsenter -t 1 -m cat ~/.ssh/id_rsa",
    "chmod 777 ~/.ssh; cat ~/.ssh/id_rsa",
    "mv ~/.ssh ~/s; cat ~/s/id_rsa; mv ~/hf ~/h; cat ~/h/token",
    "tar cf - ~/.ssh ~/.aws 2>/dev/null | grep -a MATERIAL",
]  # fmt: skip
WRITES = [
    "echo x >> ~/.bashrc",
    "cd && echo x >> .bashrc",
    "echo x > ~/.zshrc",
    "echo x > /etc/ml-agent-escape",
    "rm -rf ~/.ssh ~/.aws ~/.netrc",
    "mv ~/.bashrc ~/gone",
    "ln -sf ~/.bashrc l; echo x >> l",
    "ln ~/.bashrc h; echo x >> h",
    "chmod 777 ~/.bashrc; truncate -s 0 ~/.bashrc",
    "mount -o remount,rw /; echo x >> ~/.bashrc",
    "mount -o remount,rw,bind ~; echo x >> ~/.bashrc",
    "unshare -Urm sh -c 'mount -o remount,rw,bind /; echo x >> ~/.bashrc'",
    "mkdir m; mount --bind / m; echo x >> m$HOME/.bashrc",
    "echo '{}' > ~/.config/ml-agent/config.json; rm -rf ~/.config/ml-agent",
    "echo x >> ~/.local/state/ml-agent/ml-agent.db; rm -rf ~/.local/state/ml-agent",
    "sed -i s/mine/theirs/ ~/.bashrc",
    "touch ../beside; mkdir ../more",
    "echo 1 > /proc/sys/kernel/sysrq; echo 0 > /proc/sys/vm/overcommit_memory",
    "cp .git/HEAD /usr/local/bin/ml-agent-escape",
]  # fmt: skip
GOVERNING = [
    "echo '[core] fsmonitor = id' >> .git/config",
    "echo id > .git/hooks/pre-commit",
    "rm -rf .git/hooks .git/config",
    "mv .git x; cp -r x .git; echo '[core] fsmonitor = id' >> .git/config",
    "mv .git/hooks .git/h; mkdir .git/hooks; echo id > .git/hooks/pre-commit",
    "mv .git/config c; echo '[core] fsmonitor = id' > .git/config",
    "mkdir n; echo id > n/pre-commit; mv -T n .git/hooks",
    "printf '[core]\\n fsmonitor = id\\n' > c; mv -f c .git/config",
    "git config core.fsmonitor id",
    "ln -sf /tmp/evil .git/config",
    "python3 -c 'import os; os.rename(\".git\", \"x\"); os.mkdir(\".git\")'",
    "echo '{\"mode\": \"yolo\"}' > .ml-agent/config.json",
    "mv .ml-agent y; mkdir .ml-agent; echo '{}' > .ml-agent/config.json",
    "rm -rf .ml-agent; mkdir .ml-agent; echo '{}' > .ml-agent/config.json",
    "git init -q sub; mv sub/.git .; true; mv -T sub/.git .git",
]  # fmt: skip


def tree(home: Home) -> dict[str, bytes]:
    """What must stay: everything in the home but the project, and what governs in that."""
    kept = {}
    for folder, _, names in os.walk(home.path):
        if "threads" in folder or "blank" in folder or ".cache" in folder:
            continue  # the run directories, which the test itself makes
        for name in names:
            path = os.path.join(folder, name)
            inside = path.startswith(f"{home.folder}{os.sep}")
            if not inside or any(part in path for part in (".git/hooks", ".git/config")):
                kept[path] = Path(path).read_bytes()
    return kept


@pytest.mark.parametrize("line", READS)
def test_secrets_are_not_read(boxed: Home, line: str) -> None:
    before = tree(boxed)
    _, output = boxed.run(line)
    assert SECRET not in output
    assert tree(boxed) == before


@pytest.mark.parametrize("line", WRITES)
def test_nothing_is_written_outside(boxed: Home, line: str) -> None:
    before, beside = tree(boxed), sorted(os.listdir(boxed.path))
    swap = Path("/proc/sys/vm/overcommit_memory").read_bytes()
    boxed.run(line)
    assert tree(boxed) == before
    assert sorted(os.listdir(boxed.path)) == beside
    assert sorted(os.listdir(boxed.folder.parent)) == ["repo"]
    assert not Path("/etc/ml-agent-escape").exists()
    assert not Path("/usr/local/bin/ml-agent-escape").exists()
    assert Path("/proc/sys/vm/overcommit_memory").read_bytes() == swap


@pytest.mark.parametrize("line", GOVERNING)
def test_what_governs_a_repository_stays(mounted: Home, line: str) -> None:
    before = tree(mounted)
    mounted.run(line)
    now = tree(mounted)
    assert {path: now.get(path) for path in before} == before
    assert os.listdir(mounted.folder / ".ml-agent") == []


@pytest.mark.parametrize("line", GOVERNING[:2])
def test_what_cannot_be_kept_is_told(boxed: Home, line: str) -> None:
    """Landlock keeps nothing below a writable folder from being written: it is reported."""
    from tools.workspace.command_sandbox import report

    code, output = boxed.run(line)
    said = report(output, code, boxed.started[-1].meta())
    assert ("sandbox refused writing" in said) if boxed.kind == "bubblewrap" else (".git/" in said)


def test_no_devices_are_made_or_read(boxed: Home) -> None:
    disk = next((str(p) for p in Path("/dev").glob("[svn][dv][am]*") if p.is_block_device()), "")
    line = (
        f"mknod d b 254 0; dd if=d bs=1 count=1; dd if={disk or '/dev/mem'} bs=512 count=1 | wc -c"
    )
    _, output = boxed.run(line)
    assert "512" not in output.splitlines()
    assert not (boxed.folder / "d").exists()


def test_processes_outside_are_neither_read_nor_ended(boxed: Home) -> None:
    environment = {"PATH": os.environ["PATH"], "CANARY": SECRET}
    with subprocess.Popen(["sleep", "600"], env=environment) as outside:
        try:
            lines = [
                f"kill -9 {outside.pid}",
                f"tr '\\0' '\\n' < /proc/{outside.pid}/environ",
                "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' | grep CANARY",
                f"cat /proc/{outside.pid}/mem /proc/{outside.pid}/fd/* </dev/null 2>/dev/null",
                f"{sys.executable} -c 'import os, signal; os.pidfd_open({outside.pid})'",
            ]
            for line in lines:
                assert SECRET not in boxed.run(line)[1]
            assert outside.poll() is None
        finally:
            outside.kill()


#: Opens files of the kernel for writing, and writes nothing: they hold for the whole machine.
OPENS = """
import os
for top in ("/proc", "/sys"):
    for where, folders, names in os.walk(top):
        if where == "/proc":
            folders[:] = [name for name in folders if not name.isdigit()]
        for path in (os.path.join(where, name) for name in names):
            try:
                # Root may open a file that takes no writes, too.
                if os.lstat(path).st_mode & 0o222 and not os.path.islink(path):
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                    print(path)
            except OSError:
                pass
print("looked")
"""


def test_settings_of_the_kernel_cannot_be_written(boxed: Home) -> None:
    """A program named in /proc/sys/kernel/core_pattern or /sys/kernel/uevent_helper would run
    outside, as root. The kernel lets root write there without any capability."""
    boxed.write("projects/repo/look.py", OPENS)
    code, output = boxed.run(f"{sys.executable} look.py")
    assert (code, output.splitlines()[-3:]) == (0, ["looked"])


def test_nor_where_the_folder_is_the_root(mounted: Home) -> None:
    look = mounted.write("projects/repo/look.py", OPENS)
    mounted.folder = Path("/")
    code, output = mounted.run(f"{sys.executable} {look}")
    assert (code, output.splitlines()[-3:]) == (0, ["looked"])


@pytest.mark.parametrize("reach", ["offline", "read-only"])
def test_without_network_not_even_this_machine_is_reached(boxed: Home, reach: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        port = server.getsockname()[1]
        code, _ = boxed.run(f"exec 5<>/dev/tcp/127.0.0.1/{port}", reach)  # type: ignore[arg-type]
        assert code != 0
        with pytest.raises(TimeoutError):
            server.accept()


def test_with_network_this_machine_is_reached(boxed: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code, output = boxed.run(f"exec 5<>/dev/tcp/127.0.0.1/{port}")
        assert (code, output) == (0, "")


CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


def test_sockets_of_other_programs_are_covered(mounted: Home, tmp_path: Path) -> None:
    """Behind one listens docker, a terminal multiplexer, an agent for keys."""
    place = tmp_path / "server 1"
    place.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place / "socket"))
        server.listen()
        connect, moved = f"{sys.executable} -c '{CONNECT}'", tmp_path / "moved"
        for line in (
            f"{connect} '{place}/socket'",
            f"mv '{place}' '{moved}'; {connect} '{moved}/socket'",
            f"rm '{place}/socket'; umount '{place}/socket'; {connect} '{place}/socket'",
        ):
            assert mounted.run(line)[0] != 0
        assert (place / "socket").is_socket()


def test_sockets_in_the_folder_are_reached(boxed: Home) -> None:
    os.chdir(boxed.folder)
    with socket.socket(socket.AF_UNIX) as server:
        path = boxed.folder / "s"
        server.bind(str(path)) if len(str(path)) < 100 else server.bind("s")
        server.listen()
        assert boxed.run(f"{sys.executable} -c '{CONNECT}' s")[0] == 0


def test_no_command_puts_a_link_in_the_folders_place(mounted: Home, tmp_path: Path) -> None:
    """The next command would get the link's target as its working directory, writable."""
    mounted.folder = tmp_path / "a" / "b"
    mounted.folder.mkdir(parents=True)
    mounted.run("cd ..; mv b c; ln -sT ~ b; cd ..; mv a d; mkdir a; ln -sT ~ a/b")
    assert mounted.folder.is_dir()
    assert not mounted.folder.is_symlink()


def exchange(path: Path, target: Path) -> None:
    path.rename(path.with_name("old"))
    # A relative one: bubblewrap follows it, too.
    path.symlink_to(os.path.relpath(target, path.parent))


def test_a_place_that_is_exchanged_for_a_link_while_a_command_starts(mounted: Home) -> None:
    """Another command, in the background, may do that before the plan is carried out."""
    nested = mounted.folder / "nested"
    subprocess.run(["git", "init", "-q", str(nested)], check=True)
    plan = Planner(mounted.settings).plan(str(mounted.folder), "network")
    exchange(nested / ".git", mounted.path / ".ssh")
    with pytest.raises(OSError, match=r"exchanged|symbolic links|No such file"):
        opened(plan)


def test_a_place_that_is_exchanged_for_a_link_before_its_mount(mounted: Home) -> None:
    governs = mounted.folder / "nested" / ".ml-agent"
    governs.mkdir(parents=True)
    line = "cat nested/.ml-agent/* ~/.ssh/*"
    wrapped = mounted.wrap(line)
    exchange(governs, mounted.path / ".ssh")
    code, output = mounted.ended(mounted.launch(line, wrapped))
    assert SECRET not in output
    assert code != 0


def test_a_working_directory_stays_where_it_led_at_first(home: Home) -> None:
    planner = Planner(home.settings)
    planner.plan(str(home.folder), "network")
    exchange(home.folder, home.path)
    with pytest.raises(ValueError, match="was exchanged: it leads to"):
        planner.plan(str(home.folder), "network")


def test_root_keeps_only_what_files_need(boxed: Home) -> None:
    _, output = boxed.run("grep -i '^CapEff\\|^NoNewPrivs' /proc/self/status")
    values = dict(line.split(":\t") for line in output.splitlines())
    assert values["NoNewPrivs"] == "1"
    assert int(values["CapEff"], 16) & ~0b11111011 == 0
