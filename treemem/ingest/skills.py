"""SKILL.md: how a skill is written down, as one Markdown file with what it is called and what it is for in front.

    ---
    name: descale
    description: Descale the espresso machine.
    ---

    1. Fill the tank with citric acid.
    2. Let half of it run through.

    ## Examples

    - The machine in the kitchen on the second floor.

Steps are the items of numbered lists; examples are the items, paragraphs and code below a heading "Examples". All else
is kept as it stands, since the text itself is what is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from treemem.checks import shown
from treemem.errors import ConfigError, InvalidInputError
from treemem.ingest.markdown import parser
from treemem.storable import checked_text

#: Characters that a name, a description, what stands in front, and a whole skill have at most.
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_FRONT, LONGEST = 200, 4_000, 20_000, 400_000
_FENCE = "---"


@dataclass(frozen=True, slots=True)
class SkillText:
    """A skill as it is written: `text` is the whole of it, the others are what it says there."""

    name: str
    description: str
    steps: tuple[str, ...]
    examples: tuple[str, ...]
    text: str


def read_skill(text: str, where: str = "skill") -> SkillText:
    """Return what a SKILL.md says. Raises InvalidInputError, and ConfigError where PyYAML is missing."""
    checked_text(text, where)
    if len(text) > LONGEST:
        raise InvalidInputError(f"{where}: {len(text):,} characters; a skill has at most {LONGEST:,}")
    front, body = _parts(text, where)
    said = _front(front, where)
    return _made(said.get("name"), said.get("description"), body, text, where)


def written(name: str, description: str, steps: Sequence[str], examples: Sequence[str] = ()) -> SkillText:
    """Return a skill as a text made of its parts. Raises InvalidInputError."""
    lines = [_FENCE, f"name: {_quoted(name)}", f"description: {_quoted(description)}", _FENCE, ""]
    lines += [f"{number}. {_one_line(step, 'steps')}" for number, step in enumerate(steps, 1)]
    if examples:
        lines += ["", "## Examples", "", *(f"- {_one_line(each, 'examples')}" for each in examples)]
    text = "\n".join(lines) + "\n"
    _, body = _parts(text, "skill")
    made = _made(name, description, body, text, "skill")
    for field, given, read in (("steps", steps, made.steps), ("examples", examples, made.examples)):
        wanted = tuple(_one_line(each, field) for each in given)
        if wanted != read:
            wrong = next((w for w, r in zip_longest(wanted, read) if w != r), None)
            raise InvalidInputError(
                f"{field}: {shown(wrong)} reads as Markdown of another kind (a list, a heading); begin it with a word"
            )
    return made


#: What YAML takes for a line's end or does not take at all, beside the controls that JSON escapes.
_NOT_OF_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _quoted(value: Any) -> str:
    """Return a text in double quotes, as JSON and YAML both read it."""
    if not isinstance(value, str):
        return json.dumps(None)
    return _NOT_OF_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _made(name: Any, description: Any, body: str, text: str, where: str) -> SkillText:
    for field, value, most in (("name", name, LONGEST_NAME), ("description", description, LONGEST_DESCRIPTION)):
        if not isinstance(value, str) or not value.strip() or len(value) > most:
            raise InvalidInputError(
                f"{where}: wanted a {field} of 1 to {most:,} characters in front of the text, found {shown(value)}"
            )
        checked_text(value, field)
    if len(name.splitlines()) > 1:
        raise InvalidInputError(f"{where}: wanted a name on one line, found {shown(name)}")
    steps, examples = _listed(body)
    return SkillText(name.strip(), description.strip(), steps, examples, text)


def _parts(text: str, where: str) -> tuple[str, str]:
    """Return what stands between the two lines of dashes at the beginning, and what comes after them."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].rstrip() != _FENCE:
        raise InvalidInputError(f"{where}: wanted '---' on the first line, then name and description, then '---'")
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == _FENCE), None)
    if end is None:
        raise InvalidInputError(f"{where}: what stands in front of the text has no end; wanted a second line '---'")
    front = "".join(lines[1:end])
    if len(front) > LONGEST_FRONT:
        raise InvalidInputError(f"{where}: {len(front):,} characters stand in front of the text; at most 20,000 fit")
    return front, "".join(lines[end + 1 :])


def _front(front: str, where: str) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise ConfigError("a SKILL.md is read with PyYAML; pip install 'treemem[yaml]'") from error
    try:
        said = yaml.safe_load(front)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f" at line {mark.line + 2}"
        raise InvalidInputError(f"{where}: what stands in front of the text is no YAML{place}") from error
    if not isinstance(said, dict):
        raise InvalidInputError(f"{where}: wanted name and description in front of the text, found {shown(said)}")
    return said


def _one_line(value: Any, field: str) -> str:
    """Return a step or an example as it stands in a list."""
    text = " ".join(checked_text(value, field).split())
    if not text:
        raise InvalidInputError(f"{field}: wanted texts, found {shown(value)}")
    return text


def _listed(body: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the steps and the examples of a body."""
    steps: list[str] = []
    examples: list[str] = []
    tokens = parser().parse(body)
    of_examples = False
    numbered: list[bool] = []
    for place, token in enumerate(tokens):
        if token.type in ("ordered_list_open", "bullet_list_open"):
            numbered.append(token.type == "ordered_list_open")
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            numbered.pop()
        elif token.type == "heading_open":
            of_examples = tokens[place + 1].content.casefold().strip(" :").startswith("example")
        elif token.type in ("fence", "code_block") and of_examples:
            examples.append(token.content.rstrip("\n"))
        elif token.type == "inline" and tokens[place - 1].type == "paragraph_open":
            said = " ".join(token.content.split())
            if of_examples:
                examples.append(said)
            elif numbered and numbered[0]:  # what stands below a step belongs to it
                if len(numbered) == 1 and tokens[place - 2].type == "list_item_open":
                    steps.append(said)
                elif steps:
                    steps[-1] += f" {said}"
    return tuple(filter(None, steps)), tuple(filter(None, examples))
