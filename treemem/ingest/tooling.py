"""What is told of tools: schemas that texts declare, and a call with its result as a short text without secrets.

The message of a call has its arguments whole. Here they are quoted, the first characters of each, and a value that may
be a secret is not: its name is one of those that hold secrets, or it begins as tokens do (`tools.toml`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ingest.calls import NAME, Call, as_json, rules, told_in
from treemem.ingest.masking import masked, without_secrets
from treemem.storable import check_json, checked_text, cleaned

#: Characters that are quoted of a question or a result, of all arguments, and of one argument.
LONGEST, LONGEST_ARGUMENTS, LONGEST_VALUE = 300, 300, 80
#: Characters of a schema's description and of its parameters as JSON, of a text in which schemas are looked for; where
#: in it they may begin, and how many tools one text declares.
LONGEST_DESCRIPTION, LONGEST_SCHEMA, LONGEST_TEXT, MOST_BEGINNINGS, MOST_DECLARED = 4_000, 50_000, 200_000, 50, 200
_BEGINNING = re.compile(r"[\[{]")
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """What a tool is called, what it does, and its parameters as a JSON schema, empty where none are known."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The schema as a memory says it."""
        names = ", ".join(self.parameters.get("properties") or ())
        return f"{self.name}: {self.description or 'a tool'}" + (f" (parameters: {names})" if names else "")


def checked_schema(given: Any) -> ToolSchema:
    """Return a schema in one of the forms of OpenAI, Anthropic and MCP. Raises InvalidInputError."""
    found = _schema(given)
    if found is None:
        raise InvalidInputError(
            "schema: wanted a dict with 'name' (letters, digits and _.:/-, 128 at most), 'description' and "
            f"'parameters' or 'input_schema', found {shown(given)}"
        )
    check_json(dict(found.parameters), "schema: parameters")
    checked_text(found.text, "schema")
    if len(found.description) > LONGEST_DESCRIPTION:
        raise InvalidInputError(f"schema: wanted a description of {LONGEST_DESCRIPTION:,} characters at most")
    if len(json.dumps(found.parameters)) > LONGEST_SCHEMA:
        raise InvalidInputError(f"schema: wanted parameters of {LONGEST_SCHEMA:,} characters of JSON at most")
    return found


def _schema(given: Any) -> ToolSchema | None:
    """Return what a value says as a schema, None for a value that is none."""
    inner = given.get("function", given) if isinstance(given, Mapping) else None
    if not isinstance(inner, Mapping):
        return None
    name, said = inner.get("name"), inner.get("description")
    parameters = next((inner[n] for n in ("parameters", "input_schema", "inputSchema") if n in inner), None)
    if not isinstance(name, str) or not NAME.fullmatch(name) or (said is None and parameters is None):
        return None
    if not isinstance(said, str | None) or not isinstance(parameters, Mapping | None):
        return None
    properties = (parameters or {}).get("properties")
    if not isinstance(properties, Mapping | None):
        return None
    return ToolSchema(name, said or "", dict(parameters or {}))


def declared_in(text: str) -> dict[str, ToolSchema]:
    """Return the schemas that a text has as JSON, as a system prompt lists the tools, by name."""
    found: dict[str, ToolSchema] = {}
    for value in _json_in(text):
        for each in value if isinstance(value, list) else [value]:
            one = _schema(cleaned(each))
            if one is not None and len(found) < MOST_DECLARED:
                found.setdefault(one.name, one)
    return found


def _json_in(text: str) -> Iterator[Any]:
    """Yield the lists and objects that stand in a text as JSON, none of them within another."""
    if len(text) > LONGEST_TEXT or '"name"' not in text:
        return
    decoder, end = json.JSONDecoder(), 0
    for _ in range(MOST_BEGINNINGS):
        beginning = _BEGINNING.search(text, end)
        if beginning is None:
            return
        try:
            value, end = decoder.raw_decode(text, beginning.start())
        except (ValueError, RecursionError):
            end = beginning.end()
        else:
            yield value


def told(call: Call, question: str | None) -> str:
    """Return a call with its result as the text of a memory."""
    asked = f'Asked: "{quoted(question)}" -> ' if question else ""
    end = "failed" if call.failed else "ok"
    return f"{asked}{call.name}({arguments_of(call)}) -> {end}: {result_of(call)}"


def arguments_of(call: Call) -> str:
    """Return the arguments of a call as they are quoted."""
    said = (f"{name}={_short(_plain(value), LONGEST_VALUE)}" for name, value in masked(call.arguments).items())
    return _short(", ".join(said), LONGEST_ARGUMENTS)


def result_of(call: Call) -> str:
    """Return the result of a call as it is quoted."""
    return quoted(_plain(masked(as_json(call.result)))) if call.result else "no words"


def error_of(call: Call) -> str:
    """Return what kind of error a failed call tells, "failed" where it tells none."""
    names = {str(name).casefold(): value for each in told_in(call.result) for name, value in each.items()}
    error = next((names[name] for name in sorted(rules()["errors"]) if names.get(name)), None)
    if isinstance(error, Mapping):
        error = next((error[name] for name in sorted(rules()["kinds"]) if isinstance(error.get(name), str)), None)
    return _short(without_secrets(error[: 4 * LONGEST]), LONGEST_VALUE) if isinstance(error, str) else "failed"


def types_of(call: Call) -> dict[str, str]:
    """Return the names of a call's arguments with the types of a JSON schema."""
    return {name[:LONGEST_VALUE]: _TYPES.get(type(value), "null") for name, value in [*call.arguments.items()][:50]}


def quoted(text: str) -> str:
    """Return the first characters of a text in one line, without what may be a secret."""
    return _short(" ".join(masked(text)[: 4 * LONGEST].split()), LONGEST)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
