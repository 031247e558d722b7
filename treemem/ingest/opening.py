"""Files as programs leave them: JSON, JSON Lines, texts, folders of JSON, and ZIP archives of these."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from treemem.counting import refuse_dense_json
from treemem.errors import InvalidInputError
from treemem.ingest.described import packing

#: The most bytes of a file, and of all that a ZIP archive holds unpacked.
MOST_BYTES = 2_000_000_000
#: A ZIP archive may unpack to so many bytes in any case, and to so many times its own: texts pack to a tenth.
LEAST_BYTES, _TIMES = 100_000_000, 100
#: A line of WhatsApp's: a time, which may stand in brackets as JSON does, and what was said.
TIMED = re.compile(
    r"\u200e?\[?(\d{1,4})[./-](\d{1,2})[./-](\d{1,4}),? (?:um )?(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?"
    r"(?:[ \u202f\u00a0]?([AaPp])\.?[ \u00a0]?[Mm]\.?)?\]?(?: -)? ([^\n]*)"
)


class Files(dict[str, str]):
    """The texts of a folder or a ZIP archive, by name. `kind` says which of both it is."""

    kind = "folder"

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(texts)
        self._values: dict[str, Any] = {}

    def value(self, name: str) -> Any:
        """Return what the JSON of a file says. Raises ValueError, RecursionError for what is none."""
        if name not in self._values:
            self._values[name] = json_of(self[name])
        return self._values[name]


def json_of(text: str) -> Any:
    """Return the value of JSON, or those of JSON Lines in a tuple. Raises ValueError, RecursionError."""
    try:
        return json.loads(text)
    except ValueError as whole:
        try:
            return tuple(json.loads(line) for line in text.split("\n") if line.strip())
        except ValueError:
            raise whole from None


def opened(path: Path) -> Any:
    """Return what a file holds: the value of JSON, the values of JSON Lines in a tuple, texts of a ZIP, or its text."""
    if "\0" in str(path):
        raise InvalidInputError("wanted the path of a file, found a NUL character in it")
    try:
        if path.is_dir():
            if sum(p.stat().st_size for p in path.rglob("*.json")) > MOST_BYTES:
                raise InvalidInputError(f"{path}: wanted at most {MOST_BYTES:,} bytes, found more")
            inside = sorted(path.rglob("*.json"))
            return Files(_decoded(((p.relative_to(path).as_posix(), p.read_bytes()) for p in inside), path))
        if path.exists() and not path.is_file():
            raise InvalidInputError(f"{path}: wanted a file or a folder, found neither")
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInputError(f"{path}: wanted at most {MOST_BYTES:,} bytes, found {path.stat().st_size:,}")
        if zipfile.is_zipfile(path):
            return _unzipped(path)
        raw = path.read_bytes()
        if (packed := packing(raw[:8])) is not None:
            raise InvalidInputError(f"{path}: is packed with {packed}; unpack it, and import what was in it")
        text = _text(raw, path)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: no UTF-8 at byte {error.start}; save it as UTF-8") from error
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return text
    if start == "[" and TIMED.match(text.lstrip("\u200e\ufeff \n")):
        return text
    try:
        return json_of(text)
    except RecursionError:
        raise InvalidInputError(f"{path}: JSON that is nested too deep") from None
    except ValueError as error:
        raise InvalidInputError(f"{path}: no JSON and no JSON Lines ({error})") from error


def _unzipped(path: Path) -> Files:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if _is_text(each.filename)]
            total = sum(each.file_size for each in members)
            most = min(MOST_BYTES, max(LEAST_BYTES, _TIMES * path.stat().st_size))
            if total > most:
                raise InvalidInputError(
                    f"{path}: unpacks to {total:,} bytes; at most {most:,} are read of one so small"
                )
            members.sort(key=lambda each: each.filename)
            found = Files(_decoded(((each.filename, archive.read(each)) for each in members), path))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, UnicodeDecodeError, EOFError) as error:
        raise InvalidInputError(f"{path}: cannot be unpacked ({error})") from error
    found.kind = "ZIP archive"
    return found


def _text(raw: bytes, where: object) -> str:
    """Return what a file says; one of JSON, or JSON Lines, that has more values than any export is refused."""
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        refuse_dense_json(raw, where)
    return raw.decode("utf-8-sig")


def _decoded(members: Iterable[tuple[str, bytes]], path: Path) -> dict[str, str]:
    """Return the texts of files, without those that are no UTF-8: what people sent each other lies there, too.

    Raises UnicodeDecodeError if none is.
    """
    found: dict[str, str] = {}
    wrong = None
    for name, raw in members:
        try:
            found[name] = _text(raw, f"{path}: {name}")
        except UnicodeDecodeError as error:
            wrong = wrong or error
    if wrong is not None and not found:
        raise wrong
    return found


def _is_text(name: str) -> bool:
    """Return whether a file of a ZIP archive is read: what macOS says of a file beside it is none."""
    own = name.startswith("__MACOSX/") or name.split("/")[-1].startswith("._")
    return name.endswith((".json", ".jsonl", ".txt")) and not own
