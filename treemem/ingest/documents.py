"""What people call a document - a file, its bytes, a text - becomes pages of Markdown or plain text.

Text, Markdown, CSV, JSON and XML are read here; other formats by a library, where the extra is installed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from xml.etree import ElementTree

from treemem.checks import known_names, shown
from treemem.errors import InvalidInputError
from treemem.ingest.markdown import Page
from treemem.ingest.parsers import PARSED, parsed
from treemem.ingest.pictures import PICTURES, is_picture, picture_of
from treemem.locations import require_file
from treemem.storable import checked_text

#: Bytes of a document at most.
MOST_BYTES = 200_000_000
#: What a document given as a dict may have.
FIELDS = ("id", "name", "path", "text", "content", "title")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://\S{1,2000}")
_FILE_NAME = re.compile(r"\S{1,255}\.([A-Za-z0-9]{1,8})")
_LONGEST_ID = 2_000


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read. `id` is what its owner calls it; `digest` the SHA-256 of its bytes.

    Pages that are pictures have no text yet: a model says what is on them. `looked_at` are the numbers of those at
    which one has looked.
    """

    id: str
    name: str | None
    title: str | None
    digest: str
    pages: tuple[Page, ...]
    looked_at: tuple[int, ...] = ()

    @property
    def pictures(self) -> tuple[Page, ...]:
        """The pages that are pictures; the one of a picture that is a document by itself has no number."""
        return tuple(page for page in self.pages if page.picture is not None)


#: A document as people give it: a path, bytes, a text, or a dict that says more of it.
DocumentLike = PurePath | bytes | str | Mapping[str, Any]


def as_document(value: Any, *, look: bool = False) -> Document:
    """Return what somebody gives as a document: a Path, bytes, a text, or a dict with `id` and one of these.

    Scanned pages have their pictures if a model will `look` at them. Nothing is fetched from anywhere. Raises
    InvalidInputError that says what was wanted.
    """
    given = _given(value)
    path = given.get("path")
    require_file(path, "path of a document")
    name = given.get("name") or (path.name if path is not None else None)
    content = _bytes_of(path) if path is not None else given["content"]
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    if len(raw) > MOST_BYTES:
        raise InvalidInputError(f"document: {len(raw)} bytes; at most {MOST_BYTES} fit, split it first")
    digest = hashlib.sha256(raw).hexdigest()
    own = given.get("id") or (path.resolve().as_uri() if path is not None else f"sha256:{digest}")
    suffix = PurePath(name).suffix.lower() if name else ""
    if isinstance(content, bytes) and is_picture(content, suffix, FORMATS):
        picture = Page("", plain=True, picture=picture_of(content, name))
        return Document(own, name, given.get("title"), digest, (picture,))
    try:
        pages = tuple(_pages(content, name, look))
    except RecursionError as error:
        raise InvalidInputError(f"document {shown(own)}: it is nested too deeply to be read") from error
    return Document(own, name, given.get("title"), digest, pages)


def _given(value: Any) -> dict[str, Any]:
    """Return a document as a dict with `path`, or with `content` as text or bytes."""
    if isinstance(value, PurePath):
        return {"path": Path(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"content": bytes(value)}
    if isinstance(value, str):
        return {"content": _text(value)}
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"document: wanted a Path, bytes, a text or a dict, found {shown(value)}")
    known_names("document", value, FIELDS)
    given = {name: each for name, each in value.items() if each is not None}
    held = [name for name in ("path", "text", "content") if name in given]
    if len(held) != 1:
        raise InvalidInputError(f"document: wanted one of path, text and content, found {', '.join(held) or 'none'}")
    for name in ("id", "name", "title"):
        if name in given and not (isinstance(given[name], str) and given[name].strip()):
            raise InvalidInputError(f"{name} of a document: wanted a text, found {shown(given[name])}")
        if name in given and len(checked_text(given[name], name)) > _LONGEST_ID:
            raise InvalidInputError(f"{name} of a document: wanted at most {_LONGEST_ID} characters")
    content = given.pop(held[0])
    if held[0] == "path":
        if not isinstance(content, (str, PurePath)) or "\0" in str(content) or not str(content):
            raise InvalidInputError(f"path of a document: wanted a path, found {shown(content)}")
        return {**given, "path": Path(content)}
    if not isinstance(content, (str, bytes, bytearray)):
        raise InvalidInputError(f"{held[0]} of a document: wanted a text or bytes, found {shown(content)}")
    return {**given, "content": content if isinstance(content, str) else bytes(content)}


def _text(text: str) -> str:
    """Return a document's text; refuse what is rather a file's name, or an address."""
    name = _FILE_NAME.fullmatch(text.strip())
    if _URL.fullmatch(text.strip()):
        raise InvalidInputError("document: it is an address, and nothing is fetched; give {'id': ..., 'content': ...}")
    if name is not None and f".{name[1].lower()}" in FORMATS:
        raise InvalidInputError(f"document: {shown(text)} is the name of a file; a file is given as Path({text!r})")
    return text


def _bytes_of(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise InvalidInputError(f"document: {path} is no file")
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInputError(f"document: {path.name} has more than {MOST_BYTES} bytes; split it first")
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"document: {path} cannot be read: {error.strerror or error}") from error


def _pages(content: str | bytes, name: str | None, look: bool) -> Iterator[Page]:
    """Yield the pages of a document, by what its name says that it is."""
    suffix = PurePath(name).suffix.lower() if name else ""
    if suffix in PARSED or (isinstance(content, bytes) and not suffix and _is_binary(content)):
        raw = content if isinstance(content, bytes) else content.encode()
        yield from parsed(raw, suffix, name, look=look)
        return
    reader = _READERS.get(suffix)
    if reader is None:
        if isinstance(content, bytes) and _is_binary(content):
            raise InvalidInputError(f"document: {shown(name)} is of no known format; known are {', '.join(FORMATS)}")
        reader = _markdown if not name else _plain
    yield from reader(_decoded(content, name).replace("\r\n", "\n").replace("\r", "\n"))


def _is_binary(content: bytes) -> bool:
    return content[:5] == b"%PDF-" or b"\0" in content[:1000].replace(b"\xff\xfe", b"", 1)


def _decoded(content: str | bytes, name: str | None) -> str:
    if isinstance(content, str):
        return content
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"document: {shown(name) if name else 'its bytes'} is no {encoding.removesuffix('-sig').upper()} text, at "
            f"byte {error.start}; convert it first"
        ) from error


def _markdown(text: str) -> Iterator[Page]:
    yield Page(text)


def _plain(text: str) -> Iterator[Page]:
    yield Page(text, plain=True)


def _table(text: str) -> Iterator[Page]:
    """Yield separated values as a Markdown table."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(map(str.strip, row))]
    except csv.Error as error:
        raise InvalidInputError(f"document: no table can be read from it: {error}") from error
    if not rows:
        return
    wide = max(map(len, rows))
    lines = ["| " + " | ".join(map(_cell, row + [""] * (wide - len(row)))) + " |" for row in rows]
    yield Page("\n".join([lines[0], "|" + "---|" * wide, *lines[1:]]))


def _cell(value: str) -> str:
    return " ".join(value.replace("|", r"\|").split())


def _json(text: str) -> Iterator[Page]:
    """Yield JSON with a paragraph for each element of an outermost list, else one for each field."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"document: it is no JSON: {error}") from error
    if isinstance(value, dict):
        value = [{name: each} for name, each in value.items()]
    parts = value if isinstance(value, list) else [value]
    yield Page("\n\n".join(json.dumps(part, ensure_ascii=False) for part in parts), plain=True)


def _json_lines(text: str) -> Iterator[Page]:
    values = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                values.append(json.dumps(json.loads(line), ensure_ascii=False))
            except ValueError as error:
                raise InvalidInputError(f"document: line {number} is no JSON: {error}") from error
    yield Page("\n\n".join(values), plain=True)


def _xml(text: str) -> Iterator[Page]:
    """Yield XML with a paragraph for each element that has a text: its name and that text."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InvalidInputError(f"document: it is no XML: {error}") from error
    said = ((str(each.tag).rpartition("}")[2], " ".join((each.text or "").split())) for each in root.iter())
    yield Page("\n\n".join(f"{tag}: {words}" for tag, words in said if words), plain=True)


_READERS: dict[str, Callable[[str], Iterator[Page]]] = {
    **dict.fromkeys((".md", ".markdown"), _markdown),
    **dict.fromkeys((".txt", ".text", ".log", ".rst"), _plain),
    **dict.fromkeys((".csv", ".tsv"), _table),
    **dict.fromkeys((".jsonl", ".ndjson"), _json_lines),
    ".json": _json,
    ".xml": _xml,
}
#: The endings of the names of files that can be read; some want the extra.
FORMATS = (*_READERS, *PARSED, *PICTURES)
