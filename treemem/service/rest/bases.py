"""Knowledge bases and their files: a base is a cube beside the project's, a file is a document in it.

The id of a file begins with that of its base, so that it is found without naming the base. It is made of the file's
name and bytes: a client that tries again after a lost answer gets the same file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from pathlib import PurePath
from typing import Any

from treemem.errors import InvalidInputError
from treemem.records import DocumentRecord
from treemem.service.rest import requests
from treemem.service.rest.codes import (
    BASE64,
    FILE_FORMAT,
    FILE_TYPE,
    LARGE_FILE,
    LARGE_FILES,
    MANY_FILES,
    NO_MEMORY,
    UNSUPPORTED,
    Refusal,
)
from treemem.service.rest.projects import Project

#: Bounds of one call, in files and bytes.
MOST_FILES, LARGEST_FILE, LARGEST_CALL = 20, 100 * 1024 * 1024, 300 * 1024 * 1024
SUFFIXES = (".pdf", ".docx", ".doc", ".txt", ".json", ".md", ".xml")
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,")
#: Where a file's size is kept.
_SIZE = "document_bytes"


def create_base(project: Project, body: requests.CreateBase) -> dict[str, Any]:
    """Make a knowledge base."""
    base_id = f"base-{uuid.uuid4().hex}"
    info = {"description": body.knowledgebase_description}
    project.registry.add({"id": base_id, "memory": body.knowledgebase_name, "info": info})
    return {"id": base_id}


def delete_base(project: Project, body: requests.OneBase) -> dict[str, Any]:
    """Take a knowledge base from the project: it is not searched, nor listed, any more."""
    project.base(body.knowledgebase_id)
    project.registry.delete(body.knowledgebase_id)
    return {"success": True}


def add_files(project: Project, body: requests.AddFiles) -> list[dict[str, Any]]:
    """Add files that are in the request, in base64."""
    return add_named(
        project, body.knowledgebase_id, [(f.name or "document.txt", f.type, _decoded(f.content)) for f in body.file]
    )


def add_named(project: Project, base_id: str, files: list[tuple[str, str, bytes]]) -> list[dict[str, Any]]:
    """Add files by name, type and bytes; all are looked at before the first is added."""
    base = project.base(base_id)
    if len(files) > MOST_FILES:
        raise Refusal(MANY_FILES, f"file: wanted at most {MOST_FILES}, found {len(files)}")
    if sum(len(raw) for _, _, raw in files) > LARGEST_CALL:
        raise Refusal(LARGE_FILES, f"file: wanted at most {LARGEST_CALL} bytes together")
    for name, kind, raw in files:
        if kind == "skill":
            raise Refusal(UNSUPPORTED, "type: skills are not supported by this service; wanted document")
        if kind != "document":
            raise Refusal(FILE_TYPE, "type: wanted document")
        if len(raw) > LARGEST_FILE:
            raise Refusal(LARGE_FILE, f"file: wanted at most {LARGEST_FILE} bytes")
        if PurePath(name).suffix.lower() not in SUFFIXES:
            raise Refusal(FILE_FORMAT, f"file: wanted a name that ends in one of {', '.join(SUFFIXES)}")
    answers = []
    for name, _, raw in files:
        digest = hashlib.sha256(name.encode("utf-8", "replace") + b"\0" + raw).hexdigest()
        file_id = f"{base_id}.{digest[:24]}"
        document = {"id": file_id, "name": name, "content": raw, "title": name}
        try:
            base.add_documents(document, tags=["mode:fine", "multimodal:file"], info={_SIZE: len(raw)})
        except InvalidInputError as error:
            raise Refusal(FILE_FORMAT, str(error)) from error
        answers.append(_told(file_id, name, len(raw)))
    return answers


def get_files(project: Project, body: requests.GetFiles) -> dict[str, Any]:
    """Return a page of the files of a base, or the files of these ids."""
    if body.file_ids:
        found = [_described(project, *_file(project, file_id)) for file_id in body.file_ids]
    elif body.type not in (None, "document"):
        project.base(str(body.knowledgebase_id))
        found = []
    else:
        base_id = str(body.knowledgebase_id)
        found = [_described(project, base_id, record) for record in project.base(base_id).documents()]
    start = (body.page - 1) * body.page_size
    some = found[start : start + body.page_size]
    return {"file_detail_list": some, "total": len(found), "page": body.page, "page_size": body.page_size}


def delete_files(project: Project, body: requests.DeleteFiles) -> dict[str, Any]:
    """Delete files with all that was read in them."""
    for base_id, record in [_file(project, file_id) for file_id in dict.fromkeys(body.file_ids)]:
        project.base(base_id).remove_documents(record.document_id)
    return {"success": True}


def _file(project: Project, file_id: str) -> tuple[str, DocumentRecord]:
    base_id = file_id.partition(".")[0]
    for record in project.base(base_id).documents():
        if record.document_id == file_id:
            return base_id, record
    raise Refusal(NO_MEMORY, "file_ids: this project has no such file")


def _described(project: Project, base_id: str, record: DocumentRecord) -> dict[str, Any]:
    size = project.cube_of(base_id).get(record.id).metadata.info.get(_SIZE)
    return _told(record.document_id, record.name or record.title, size if isinstance(size, int) else 0)


def _told(file_id: str, name: str, size: int) -> dict[str, Any]:
    megabytes = round(size / (1024 * 1024), 6)
    return {
        "id": file_id,
        "type": "document",
        "name": name,
        "size": size,
        "sizeMB": megabytes,
        "status": "completed",
    }


def _decoded(content: str) -> bytes:
    """Return the bytes of base64, or of a data URL. Raises Refusal, also for an address: nothing is fetched."""
    if content.startswith(("http://", "https://")):
        raise Refusal(UNSUPPORTED, "file: this service fetches nothing; send the file itself, by form or in base64")
    start = _DATA_URL.match(content)
    try:
        return base64.b64decode(content[start.end() :] if start else content, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(BASE64, "file: wanted base64 or a data URL") from None
