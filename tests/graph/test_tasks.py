"""Tasks with a name: /init, /review, skills, the user's own commands."""

import subprocess
from pathlib import Path

import pytest

from configs.layers import shipped_permissions
from configs.settings import Permissions, Settings
from core.errors import UsageError
from graph.tasks import named_task, review_task
from tests.graph.driving import driven
from tests.stand_ins.model_script import Call, Reply


def git(folder: Path, *arguments: str) -> str:
    named = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(named, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(workdir: Path) -> Path:
    git(workdir, "init", "-q", "-b", "main")
    (workdir / "train.py").write_text("lr = 1e-4\n")
    git(workdir, "add", "-A")
    git(workdir, "commit", "-qm", "one")
    return workdir


def test_what_is_under_review(repository: Path) -> None:
    (repository / "train.py").write_text("lr = 1\nseed = 0\n")
    (repository / "new.py").write_text("x\n")
    told = review_task(repository, "").message
    assert told.startswith("/review\n")
    assert "- train.py (+2 -1)\n- new.py (new" in told
    assert "\n-lr = 1e-4\n+lr = 1\n" in told
    assert review_task(repository, "").mode == "read-only"


def test_a_base_means_what_both_have_in_common(repository: Path) -> None:
    start = git(repository, "rev-parse", "HEAD")[:12]
    git(repository, "checkout", "-qb", "mine")
    (repository / "mine.py").write_text("x\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "two")
    git(repository, "checkout", "-q", "main")
    (repository / "theirs.py").write_text("x\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "three")
    git(repository, "checkout", "-q", "mine")
    (repository / "train.py").write_text("lr = 3\n")
    told = review_task(repository, "main look at the seeds").message
    assert f"since main ({start})" in told
    assert "- mine.py (+1 -0)\n- train.py (+1 -1)" in told
    assert "theirs.py" not in told
    assert told.endswith("look at the seeds")


def test_before_the_first_commit_and_in_a_folder_of_the_repository(workdir: Path) -> None:
    git(workdir, "init", "-q")
    (workdir / "part").mkdir()
    (workdir / "part" / "a b.py").write_text("x\n")
    assert "- a b.py (new" in review_task(workdir / "part", "").message
    git(workdir, "add", "-A")
    assert "- a b.py (+1 -0)" in review_task(workdir / "part", "").message


@pytest.mark.parametrize(
    ("words", "said"),
    [("", "nothing to review: no uncommitted changes"), ("mian", "Cannot review against mian")],
)
def test_nothing_to_review_is_said(repository: Path, words: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        review_task(repository, words)
    assert "/review BASE" in raised.value.hint


def test_without_a_repository_files_are_reviewed(workdir: Path) -> None:
    with pytest.raises(UsageError, match="not in a git repository") as raised:
        review_task(workdir, "")
    assert raised.value.hint == "/review FILE ... reviews files"
    (workdir / "a.py").write_text("x\n")
    assert "These, as they are: a.py" in review_task(workdir, "a.py").message


def test_git_that_could_start_programs_is_not_run(repository: Path) -> None:
    git(repository, "config", "filter.x.clean", "touch ran; cat")
    (repository / ".gitattributes").write_text("*.py filter=x\n")
    (repository / "train.py").write_text("lr = 2\n")
    with pytest.raises(UsageError, match="Cannot look at the changes"):
        review_task(repository, "")
    assert not (repository / "ran").exists()


def test_no_secret_is_sent(repository: Path) -> None:
    (repository / ".env").write_text("A=1\n")
    git(repository, "add", "-A")
    (repository / ".env").write_text("A=hunter2hunter2\n")
    (repository / "train.py").write_text("token = 'hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh'\n")
    told = review_task(repository, "").message
    assert "- .env (+1 -0)" in told
    assert "hunter2" not in told
    assert "hf_AbCd" not in told


async def test_a_review_changes_nothing(settings: Settings, repository: Path) -> None:
    (repository / "train.py").write_text("lr = 1\n")
    calls = [
        Call("bash", {"command": "git diff HEAD -- train.py"}),
        Call("write", {"path": "fixed.py", "content": "x"}),
        Call("bash", {"command": "touch made"}),
    ]
    replies = [Reply(calls=calls), Reply("`high train.py:1` lr")]
    shipped = settings.model_copy(update={"permissions": Permissions(**shipped_permissions())})
    async with driven(replies, shipped, repository, mode="yolo") as driver:
        task = named_task("/review", repository)
        assert task is not None
        async with driver.session.held_to(task.mode):
            last = await driver.send(task.message)
        assert (last.name, last.status) == ("turn_complete", "done")
        diff, *denied = driver.outputs()
        assert "+lr = 1" in diff
        assert ["read-only" in text for text in denied] == [True, True]
        assert not (repository / "fixed.py").exists()
        assert not (repository / "made").exists()
        assert driver.session.thread.mode == "yolo"
        assert driver.session.thread.title == "/review"


def test_skills_and_own_commands_are_tasks_too(workdir: Path) -> None:
    skill = Path.home() / ".agents/skills/clean/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: clean\ndescription: cleans\n---\nText\n")
    own = Path.home() / ".config/ml-agent/commands/ship.md"
    own.parent.mkdir(parents=True)
    own.write_text("---\ndescription: ship it\n---\nShip $ARGUMENTS now.\n")
    told = named_task("/skill clean the data", workdir)
    assert told is not None
    assert str(skill) in told.message
    assert told.message.endswith("the data")
    shipped = named_task("/ship v2", workdir)
    assert shipped is not None
    assert shipped.message == "Ship v2 now."
    with pytest.raises(UsageError, match="there is no skill dirty"):
        named_task("/skill dirty x", workdir)
    (own.parent / "review.md").write_text("Look at $ARGUMENTS.")
    reviewed = named_task("/review a.py", workdir)
    assert reviewed is not None
    assert (reviewed.message, reviewed.mode) == ("Look at a.py.", None)
    assert named_task("/cost", workdir) is None
    assert named_task("/etc/hosts explain", workdir) is None
