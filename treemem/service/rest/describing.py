"""The description of the API (OpenAPI 3.1): made of the models that check requests and answers, with examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from treemem.schemas.moved import EXPORTED, Export, Import, Imported
from treemem.service.rest import requests
from treemem.service.rest.answering import LONGEST_USER
from treemem.service.rest.answers import Envelope, Ranked
from treemem.service.rest.examples import ANSWERS, QUESTIONS
from treemem.service.rest.gate import IMPORT, UPLOAD
from treemem.service.rest.moving import EXPORT

#: Requests of the routes that stand in no table.
_OTHERS: dict[str, type[BaseModel]] = {
    "/rerank": requests.Rerank,
    "/extract/memory": requests.ExtractMemory,
    "/chat": requests.Chat,
    UPLOAD: requests.AddFiles,
    EXPORT: Export,
}
_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_TEXT = {"type": "string"}
_USER = {**_TEXT, "minLength": 1, "maxLength": LONGEST_USER}
_BYTES = {"type": "string", "format": "binary"}
#: Routes without a key.
_OPEN = ("/health", "/ready")


class Asked(Protocol):
    """A route of one of the tables."""

    @property
    def path(self) -> str: ...

    @property
    def request(self) -> type[BaseModel]: ...


class Answered(Asked, Protocol):
    """A route whose answer has a model."""

    @property
    def answer(self) -> type[BaseModel]: ...


def described(api: FastAPI, routes: Sequence[Asked], verbs: Sequence[Answered]) -> None:
    """Let an application describe itself, once it has all its routes."""
    asked = {route.path: route.request for route in (*routes, *verbs)} | _OTHERS
    answers: dict[str, type[BaseModel]] = {verb.path: verb.answer for verb in verbs}
    answers[IMPORT] = Imported

    def description() -> dict[str, Any]:
        if not api.openapi_schema:
            api.openapi_schema = _made(api, asked, answers)
        return api.openapi_schema

    api.openapi = description  # type: ignore[method-assign]


def _made(api: FastAPI, asked: dict[str, type[BaseModel]], answers: dict[str, type[BaseModel]]) -> dict[str, Any]:
    made: dict[str, Any] = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes
    )
    models: dict[type[BaseModel], None] = dict.fromkeys([*asked.values(), *answers.values(), Envelope, Ranked])
    refs, defs = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    names = {long: _name(long) for long in defs["$defs"]}
    schemas = {model: _renamed(refs[model, "validation"], names) for model in models}
    made["components"] = {
        "schemas": {
            names[long]: {**_renamed(schema, names), "title": names[long]} for long, schema in defs["$defs"].items()
        },
        "securitySchemes": {
            "key": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Token`, a blank, and a key of the service.",
            }
        },
    }
    made["security"] = [{"key": []}]
    for path, methods in made["paths"].items():
        for operation in methods.values():
            if path in _OPEN:
                operation["security"] = []
            operation["responses"] = {
                "200": _good(path, answers, schemas),
                "4XX": _wrong("The request is refused; `code` says why.", schemas),
                "5XX": _wrong("It cannot be done now, or a mistake of the service's; `code` says which.", schemas),
            }
            model = asked.get(path)
            if model is not None:
                _body(operation, path, schemas[model])
            if path.startswith("/v1/"):
                operation["tags"] = ["treemem"]
                _add_parameter(operation, "user_id", _USER, "Whose view it is; the whole project wants admin.")
            else:
                operation["tags"] = ["service" if path in _OPEN else "memos"]
    upload = made["paths"][UPLOAD]["post"]
    form = {"type": "object", "properties": {"file": {"type": "array", "items": _BYTES}}, "required": ["file"]}
    upload["requestBody"]["content"]["multipart/form-data"] = {"schema": form}
    _add_parameter(upload, "knowledgebase_id", _TEXT, "Of a form: the knowledge base.")
    _add_parameter(upload, "type", _TEXT, "Of a form: document.")
    loading = made["paths"][IMPORT]["post"]
    loading["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
    for name, field in Import.model_json_schema()["properties"].items():
        some = [each for each in field.get("anyOf", ()) if each.get("type") != "null"]
        schema = some[0] if some else {k: v for k, v in field.items() if k not in ("title", "description")}
        _add_parameter(loading, name, schema, field.get("description", "Why; kept with the operation."))
    return made


def _name(long: str) -> str:
    """Return what a model is called in the description: its class, and of two of one name which one is asked with."""
    module, _, short = long.rpartition("__")
    return f"{short}Request" if module.endswith("requests") else short


def _renamed(part: Any, names: dict[str, str]) -> Any:
    """Return a schema whose references have these names."""
    if isinstance(part, list):
        return [_renamed(each, names) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _REF.format(model=names[value.rpartition("/")[2]])
        if key == "$ref" and isinstance(value, str)
        else _renamed(value, names)
        for key, value in part.items()
    }


def _good(path: str, answers: dict[str, type[BaseModel]], schemas: dict[type[BaseModel], Any]) -> dict[str, Any]:
    """Return what a request that is done is answered."""
    if path == EXPORT:
        medias = [media.partition(";")[0] for _, media in EXPORTED.values()]
        kinds = {media: {"schema": {} if media == _JSON else _BYTES} for media in medias}
        return {"description": "The file.", "content": kinds}
    schema = schemas[Envelope]
    if path in answers:
        fields = {"code": {"type": "integer"}, "message": _TEXT, "data": schemas[answers[path]], "request_id": _TEXT}
        schema = {"type": "object", "properties": fields, "required": list(fields)}
    elif path == "/rerank":
        schema = schemas[Ranked]
    shown = {"schema": schema}
    if path in ANSWERS:
        told = {"code": 0, "message": "ok", "data": ANSWERS[path], "request_id": "0b1e"}
        shown["example"] = ANSWERS[path] if path == "/rerank" else told
    content = {_JSON: shown}
    if path == "/chat":
        content["text/event-stream"] = {"schema": _TEXT}
    return {"description": "Done.", "content": content}


def _wrong(description: str, schemas: dict[type[BaseModel], Any]) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schemas[Envelope]}}}


def _body(operation: dict[str, Any], path: str, schema: Any) -> None:
    shown = {"schema": schema} | ({"example": QUESTIONS[path]} if path in QUESTIONS else {})
    operation["requestBody"] = {"required": True, "content": {_JSON: shown}}


def _add_parameter(operation: dict[str, Any], name: str, schema: Any, description: str) -> None:
    told = {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
    operation.setdefault("parameters", []).append(told)
