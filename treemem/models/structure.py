"""Structured answers: the schema as servers take it, and an answer read as a value of its model."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from treemem.models.thoughts import without_thoughts

M = TypeVar("M", bound=BaseModel)
#: What strict mode refuses at some server or other. It is told in words then; the answer is checked here in any case.
_IN_WORDS = (
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
#: What strict mode has no word for.
_UNKNOWN = frozenset({"patternProperties", "prefixItems", "not", "if", "then", "else", "dependentSchemas", "contains"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What an answer is to look like: the name of its model, its JSON schema, and that of strict mode if it has one."""

    name: str
    schema: dict[str, Any]
    strict: dict[str, Any] | None

    @classmethod
    def of(cls, answer: type[BaseModel]) -> Shape:
        schema = answer.model_json_schema()
        name = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in answer.__name__)[:64]
        return cls(name, schema, strict_schema(schema))

    def in_words(self) -> str:
        """Return what a model is told that is not sent the schema in a field of its own."""
        told = json.dumps(self.schema, ensure_ascii=False)
        return f"Answer with one JSON object that fits this JSON schema:\n{told}"


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a schema as strict mode takes it, None where it cannot be said there (a dict with free keys, say).

    Every object has all of its properties and no others; references stand alone; `oneOf` is `anyOf`; bounds are told in
    the description.
    """
    root = copy.deepcopy(dict(schema))
    try:
        made = _strict(root, root, 0)
    except (_Free, RecursionError):
        return None
    return made if made.get("type") == "object" else None


class _Free(Exception):
    """The schema allows what strict mode cannot say."""


def _strict(part: Any, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(part, dict) or depth > 100 or part.keys() & _UNKNOWN:
        raise _Free
    if "$ref" in part and len(part) > 1:  # a reference with a description beside it is written out
        part = {**_referred(part["$ref"], root), **{name: value for name, value in part.items() if name != "$ref"}}
    if len(part.get("allOf", ())) == 1:
        part = {**part["allOf"][0], **{name: value for name, value in part.items() if name != "allOf"}}
    if "allOf" in part:
        raise _Free
    made = {name: value for name, value in part.items() if name not in ("default", "discriminator", "title")}
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if not made.keys() - {"description"}:
        raise _Free  # anything at all
    bounds = [f"{name} {json.dumps(made.pop(name))}" for name in _IN_WORDS if name in made]
    if bounds:
        made["description"] = "; ".join([*filter(None, [made.get("description")]), *bounds])
    if made.get("type") == "object" or "properties" in made:
        if made.get("additionalProperties", False) is not False or "properties" not in made:
            raise _Free
        made["properties"] = {name: _strict(each, root, depth + 1) for name, each in made["properties"].items()}
        made |= {"type": "object", "required": list(made["properties"]), "additionalProperties": False}
    if made.get("type") == "array" and "items" not in made:
        raise _Free
    if "items" in made:
        made["items"] = _strict(made["items"], root, depth + 1)
    if "anyOf" in made:
        made["anyOf"] = [_strict(each, root, depth + 1) for each in made["anyOf"]]
    if "$defs" in made:
        made["$defs"] = {name: _strict(each, root, depth + 1) for name, each in made["$defs"].items()}
    return made


def _referred(reference: str, root: Mapping[str, Any]) -> dict[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def validated(text: str, answer: type[M]) -> M:
    """Return an answer's JSON as a value; thoughts and code fences around it are passed over, a schema is no answer.

    Raises ValueError (a ValidationError is one) that says what is wrong.
    """
    bare = without_thoughts(text)
    if bare.startswith("```"):
        bare = bare.strip("`").removeprefix("json").strip()
    if not bare:
        raise ValueError("the answer is empty" + (", but for thoughts" if text.strip() else ""))
    try:
        data = json.loads(bare)
        json.dumps(data, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("the answer is nested too deep") from error
    except UnicodeEncodeError as error:
        raise ValueError("the answer holds half a character (a lone surrogate)") from error
    if isinstance(data, dict) and {"properties", "type"} <= data.keys() and "properties" not in answer.model_fields:
        raise ValueError("the schema came back instead of an answer")
    return answer.model_validate(data)


def short(error: Exception) -> str:
    """Return what was wrong in one line of at most 300 characters."""
    if isinstance(error, ValidationError):
        parts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3]]
        return "; ".join(parts)[:300]
    return f"{type(error).__name__}: {error}"[:300]
