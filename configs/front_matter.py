"""The head of a Markdown file: YAML between two lines of `---`, as skills and agents have it."""

import re
from dataclasses import dataclass
from typing import Any

#: Bytes of a head, and its levels: beyond it is not read.
LARGEST, DEEPEST = 10_000, 10
HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
#: A key with its value on one line, of a head that is not YAML.
LINE = re.compile(r"^([\w-]+):[ \t]+(.+?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class FrontMatter:
    """facts: the keys of the head, values as text. body: what follows it. problem: what is wrong
    with the head, in words; "": nothing."""

    facts: dict[str, Any]
    body: str
    problem: str = ""

    def line(self, key: str) -> str:
        """A value as one line; "" if it is missing or is not text."""
        value = self.facts.get(key)
        return " ".join(value.split()) if isinstance(value, str) else ""


def front_matter(text: str) -> FrontMatter:
    """`text` taken apart. Many heads hold a colon in an unquoted description, which is not YAML:
    their lines `key: value` count all the same."""
    head = HEAD.match(text)
    if head is None:
        problem = "its front matter has no end (---)" if text.startswith("---") else ""
        return FrontMatter({}, text.strip(), problem)
    body = text[head.end() :].strip()
    if len(head[1]) > LARGEST:
        return FrontMatter({}, body, f"its front matter is longer than {LARGEST:,} characters")
    facts, problem = _facts(head[1])
    if problem:
        facts = {key: value.strip("\"'") for key, value in LINE.findall(head[1])}
    return FrontMatter(facts, body, problem)


def _facts(head: str) -> tuple[dict[str, Any], str]:
    """Values stay text (no dates, no numbers), and an alias, which could grow without end, is
    denied."""
    import yaml

    class Plain(yaml.BaseLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > DEEPEST or self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("an alias, or nested too deep")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    try:
        facts = yaml.load(head, Plain) or {}
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 2}: " if error.problem_mark else ""
        return {}, f"its front matter is not YAML: {where}{error.problem}"
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return {}, f"its front matter is not YAML: {str(error).splitlines()[0][:100]}"
    if not isinstance(facts, dict):
        return {}, "its front matter is not a list of keys"
    return {str(key): value for key, value in facts.items()}, ""
