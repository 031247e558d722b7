"""JSON Schemas as a reader wants them: without the titles and the nulls that pydantic writes into each."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a model.

    Names are not said twice as titles. A field that may be left out may be null as well; its schema does not say so,
    since a model that reads it needs the words for what matters. Docstrings, which are for readers of code, are left
    out.
    """
    tidied = _tidy(model.model_json_schema(mode="validation"))
    assert isinstance(tidied, dict)
    return tidied


def _tidy(part: Any) -> Any:
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return part
    fields, parts = part.get("properties"), part.get("$defs")
    rest = {name: each for name, each in part.items() if name not in ("title", "properties", "$defs")}
    if fields is not None or "$defs" in part or part.get("additionalProperties") is False:
        rest.pop("description", None)
    if rest.get("default", 0) is None:
        del rest["default"]
    options = [each for each in rest.get("anyOf", ()) if each != {"type": "null"}]
    if len(options) == 1:
        rest = {**options[0], **{name: each for name, each in rest.items() if name != "anyOf"}}
    elif options:
        rest["anyOf"] = options
    tidied = {name: _tidy(each) for name, each in rest.items()}
    if fields is not None:
        tidied["properties"] = {name: _tidy(each) for name, each in fields.items()}
    if parts is not None:
        tidied["$defs"] = {name: _tidy(each) for name, each in parts.items()}
    return tidied
