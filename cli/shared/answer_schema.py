"""`--output-schema`: a final answer that must be JSON of a given schema."""

import json
import re
from pathlib import Path
from typing import Any

import click

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL)
ASK = (
    "Your final answer must be one JSON value that matches this JSON schema, without any other "
    "text:\n"
)
MEND = (
    "Your final answer does not match the JSON schema: {problem}\n"
    "Answer again with the JSON value alone. Do not repeat the work.\n"
)


class AnswerSchema:
    """A JSON schema for the final answer."""

    def __init__(self, file: str) -> None:
        """Raises UsageError: `file` cannot be read, or holds no schema."""
        import jsonschema

        try:
            self._schema = json.loads(Path(file).expanduser().read_text(encoding="utf-8"))
            made = jsonschema.validators.validator_for(self._schema)
            made.check_schema(self._schema)
        except OSError as error:
            raise _problem(file, error.strerror or "it cannot be read") from None
        except ValueError as error:  # not UTF-8, not JSON
            raise _problem(file, f"not JSON: {error}") from None
        except (jsonschema.SchemaError, AttributeError, TypeError) as error:
            said = getattr(error, "message", "it is not an object")
            raise _problem(file, f"not a JSON schema: {said}") from None
        self._validator = made(self._schema)

    def asking(self, task: str) -> str:
        """`task`, with what the answer must look like."""
        return f"{task}\n\n{ASK}{json.dumps(self._schema)}"

    def asking_again(self, problem: str) -> str:
        return f"{MEND.format(problem=problem)}{json.dumps(self._schema)}"

    def read(self, text: str) -> tuple[Any, str]:
        """(the answer's value, "") or (None, what is wrong with it)."""
        fences = _FENCE.findall(text)
        body = fences[0] if len(fences) == 1 else text
        try:
            value = json.loads(body)
        except ValueError as error:
            return None, f"it is not JSON ({error})"
        for wrong in sorted(self._validator.iter_errors(value), key=lambda e: list(e.path)):
            return None, f"{wrong.json_path}: {wrong.message[:300]}"
        return value, ""


def _problem(file: str, why: str) -> click.UsageError:
    return click.UsageError(f"Cannot use the schema {file}: {why}")
