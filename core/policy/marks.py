"""What is dangerous in a call that needs approval, in a few words for the user: from its effect
and, of a shell line, from the programs that the policy finds in it, wrapped ones included.

A help for the eye, never a verdict: what is not marked is not safe.
"""

from collections.abc import Iterable, Sequence

from core.effects import Effect
from core.policy.commands import named_by
from core.policy.paths import inside, is_readable_anywhere, resolved
from core.policy.places import outside_place, places_of
from core.policy.shell import parsed
from core.policy.wrapped import programs

REMOVES, PUBLISHES, NETWORK = "removes", "publishes", "needs the network"
ROOT, LEAVES, NO_SANDBOX = "runs as root", "leaves the folder", "outside the command sandbox"
#: By kind of effect.
KINDS = {"publish": PUBLISHES, "destroy": "removes for good", "spend": "costs money"}
#: By a program and the words that follow it somewhere: `git push`. The first that fits counts.
PROGRAMS: tuple[tuple[str, Sequence[str]], ...] = (
    (ROOT, ("sudo", "doas", "su", "pkexec")),
    (PUBLISHES, (
        "git push", "hf upload", "hf upload-large-folder", "hf repo", "hf jobs",
        "huggingface-cli upload", "docker push", "twine upload", "npm publish", "gh pr",
        "gh release", "uv publish",
    )),
    (REMOVES, (
        "rm", "rmdir", "shred", "unlink", "truncate", "dd", "mkfs", "git clean", "git reset --hard",
        "find -delete", "rsync --delete", "git push --force", "git push -f", "docker rm",
        "docker rmi", "dropdb", "git branch -D", "hf cache",
    )),
    (NETWORK, (
        "curl", "wget", "ssh", "scp", "sftp", "rsync", "pip install", "pip3 install",
        "pip download", "python -m pip", "uv add", "uv sync", "uv pip", "uvx", "npm install",
        "npm ci", "npx", "apt install", "apt-get install", "apt update", "apt-get update",
        "conda install", "git clone", "git fetch", "git pull", "git push", "hf download",
        "huggingface-cli", "docker pull", "hf upload",
    )),
)  # fmt: skip


def marks_of(effect: Effect, cwd: str, state: str = "") -> list[str]:
    """The marks, each once. cwd: the working directory."""
    if effect.command:
        return _of_line(effect, cwd, state)
    found = [KINDS[effect.kind]] if effect.kind in KINDS else []
    paths = [resolved(path, cwd) for path in effect.paths]
    home, reads = resolved(".", cwd), effect.kind == "read"
    if any(not inside(p, home) and not (reads and is_readable_anywhere(p, state)) for p in paths):
        found.append(LEAVES)
    if effect.url:
        found.append(NETWORK)
    return found


def _of_line(effect: Effect, cwd: str, state: str) -> list[str]:
    line = parsed(effect.command)
    commands = list(programs(line))
    found = [mark for mark, known in PROGRAMS if _fits(commands, known)]
    named = named_by(line, (), effect.cwd or cwd)
    folders, home = named.folders, resolved(".", cwd)
    if outside_place(named.writes, folders, home, state, reads=False) or outside_place(
        places_of(named.words), folders, home, state, reads=True
    ):
        found.append(LEAVES)
    if effect.outside_sandbox:
        found.append(NO_SANDBOX)
    return found


def _fits(commands: Iterable[Sequence[str]], known: Sequence[str]) -> bool:
    for words in commands:
        for pattern in known:
            first, *rest = pattern.split()
            if words[0] == first and all(word in words[1:] for word in rest):
                return True
    return False
