"""`--output-schema` and `--image`: an answer that programs read, and pictures with a task."""

import json
from pathlib import Path

import click
import pytest
from PIL import Image

from cli.shared.answer_schema import AnswerSchema
from cli.shared.attached_images import read_images
from tests.cli.program import complaints, program
from tests.stand_ins.model_script import Asked, Reply

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "score": {"type": "number"}},
    "required": ["name", "score"],
}


def schema(folder: Path, content: object = SCHEMA) -> str:
    file = folder / "schema.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def answer(asked: Asked) -> Reply:
    """Prose first; JSON when asked again, unless the task is hopeless."""
    first = "does not match the JSON schema" not in asked.user
    hopeless = any("hopeless" in turn.text for turn in asked.turns)
    return Reply("I think it is a." if first or hopeless else '{"name": "a", "score": 3}')


def test_an_answer_is_mended_once_or_the_run_fails(tmp_path: Path) -> None:
    with program(tmp_path, answer) as run:
        file = schema(tmp_path)
        done = run.task("evaluate it", "--output-schema", file, "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["status"]) == (0, "done")
        assert told["output"] == {"name": "a", "score": 3}
        # Both answers cost.
        assert (told["iterations"], told["usage"]["output"]) == (2, 40)
        assert "asking once more" in done.stderr
        assert '"required": ["name", "score"]' in str(run.server.bodies[0]["messages"])

        plain = run.task("evaluate it", "--output-schema", file)
        assert (plain.returncode, plain.stdout) == (0, '{"name": "a", "score": 3}\n')

        failed = run.task("a hopeless case", "--output-schema", file)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert "does not match the schema: it is not JSON" in complaints(failed)[0]
        assert len(run.server.bodies) == 6


def test_a_picture_goes_with_the_task(tmp_path: Path) -> None:
    with program(tmp_path, [Reply("a cat")]) as run:
        Image.new("RGB", (8, 8)).save(run.work / "plot.png")
        blind = run.task("what is it?", "--image", "plot.png")
        assert (blind.returncode, blind.stdout) == (2, "")
        assert "does not take pictures" in complaints(blind)[0]
        seen = run.task("what is it?", "--image", "plot.png", env={"ML_AGENT_VISION": "true"})
        assert (seen.returncode, seen.stdout) == (0, "a cat\n")
        (asked,) = (m for m in run.server.bodies[0]["messages"] if m["role"] == "user")
        path = asked["content"].partition("Attached picture: ")[2].splitlines()[0]
        assert Path(path).read_bytes() == (run.work / "plot.png").read_bytes()


@pytest.mark.parametrize(
    ("text", "value", "wrong"),
    [
        ('{"name": "a", "score": 3}', {"name": "a", "score": 3}, ""),
        ('Here:\n```json\n{"name": "a", "score": 3}\n```\n', {"name": "a", "score": 3}, ""),
        ('{"name": "a"}', None, "'score' is a required property"),
        ('{"name": "a", "score": "b"}', None, "$.score: 'b' is not of type 'number'"),
        ("```\n1\n```\n```\n2\n```", None, "not JSON"),
        ("", None, "not JSON"),
    ],
)
def test_what_an_answer_is(text: str, value: object, wrong: str, tmp_path: Path) -> None:
    found, problem = AnswerSchema(schema(tmp_path)).read(text)
    assert found == value
    assert wrong in problem
    assert bool(problem) == bool(wrong)


@pytest.mark.parametrize("content", ["", "[", '{"type": "nope"}', "[1]", "7", '{"type": 3}'])
def test_what_is_no_schema(content: str, tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="Cannot use the schema"):
        AnswerSchema(schema(tmp_path, content))


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    for name, words in [("a.png", "not a PNG"), ("b.png", "No such file"), (".", "directory")]:
        with pytest.raises(click.UsageError, match=words):
            read_images([name], tmp_path)
