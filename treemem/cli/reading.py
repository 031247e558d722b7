"""What commands read from files and from standard input: lines, and messages as JSON or JSON Lines."""

from __future__ import annotations

import codecs
import json
import sys
from pathlib import Path
from typing import Any

from treemem.errors import InvalidInputError
from treemem.locations import require_file

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def parsed(text: str, place: str, wanted: str) -> Any:
    """Return the value of a JSON text; raise InvalidInputError naming `place` for what is none."""
    try:
        return json.loads(text)
    except RecursionError:
        raise InvalidInputError(f"{place}: wanted {wanted}, found JSON that is nested too deep") from None
    except ValueError as error:
        raise InvalidInputError(f"{place}: wanted {wanted}, found no JSON ({error})") from error


def json_of(path: Path, wanted: str) -> Any:
    """Return the value of a JSON file. Raises InvalidInputError naming the file."""
    require_file(path, "file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror})") from error
    return parsed(_decoded(data, str(path)), str(path), wanted)


def lines_of_stdin() -> list[str]:
    """Return the lines of standard input that are not blank. Raises InvalidInputError if there is no text to read."""
    if sys.stdin is None:
        raise InvalidInputError("standard input: closed; pipe texts into treemem add -, one a line")
    return [line for line in _lines(_decoded(sys.stdin.buffer.read(), "standard input")) if line.strip()]


def messages_of(path: Path) -> list[Any]:
    """Return the messages of a file, a JSON list or JSON Lines. Raises InvalidInputError naming file and line."""
    require_file(path, "file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror})") from error
    text = _decoded(data, str(path))
    if text.lstrip().startswith("["):
        return list(parsed(text, str(path), "a list of messages"))
    return [
        parsed(line, f"{path}, line {number}", "a message a line, or one list of messages")
        for number, line in enumerate(_lines(text), start=1)
        if line.strip()
    ]


def _decoded(data: bytes, place: str) -> str:
    """Return the text of UTF-8, or of UTF-16 that says so in its first bytes."""
    try:
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{place}: no UTF-8 at byte {error.start}; save it as UTF-8") from error


def _lines(text: str) -> list[str]:
    """Return the lines between line feeds alone: other separators, such as U+2028, are part of a text."""
    return [line.removesuffix("\r") for line in text.split("\n")]
