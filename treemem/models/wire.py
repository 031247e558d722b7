"""Answers as they come over HTTP: read piece by piece, never more than a bound, never past the deadline."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from treemem.errors import LLMError
from treemem.locations import is_secret
from treemem.models.faults import Fault
from treemem.models.retrying import Deadline

#: Bytes of an answer that are read, and of an answer that tells what failed.
LONGEST_ANSWER, LONGEST_REFUSAL = 10_000_000, 65_536
#: The HTTP libraries of one interface, of which one is needed. The newer is the one that openai brings since version 3.
_LIBRARIES = ("httpx", "httpx2")


def http_library(client: type | None = None) -> ModuleType:
    """Return the HTTP library that a client's class is made of, or else the one that is installed.

    Raises ImportError where there is none.
    """
    if client is not None:
        bases = {base.__module__.partition(".")[0] for base in client.__mro__}
        return importlib.import_module(next(name for name in _LIBRARIES if name in bases))
    for name in _LIBRARIES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError("neither httpx nor httpx2 is installed")


@lru_cache(maxsize=4)
def certificates(library: ModuleType) -> Any:
    """Return the certificates that are trusted, read once for all clients: that takes a fifth of a second."""
    return library.create_ssl_context()


def bounded_refusals(library: ModuleType) -> dict[str, list[Any]]:
    """Return the hooks of an HTTP client after which of an answer that tells a failure only the beginning is read."""

    class Bounded(library.SyncByteStream):  # type: ignore[name-defined, misc]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            left = LONGEST_REFUSAL
            for chunk in self._stream:
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return

        def close(self) -> None:
            self._stream.close()

    def hook(response: Any) -> None:
        if response.status_code >= 400:
            response.stream = Bounded(response.stream)

    return {"response": [hook]}


def checked_url(url: str | None, name: str) -> str | None:
    """Return a base URL; raise LLMError if it is none, or holds a password or a key, which logs would show."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        secret = "@" in parts.netloc or any(is_secret(each) for each, _ in parse_qsl(parts.query))
    except ValueError:
        raise LLMError(f"{name}: base_url: wanted a URL such as http://localhost:11434/v1", "input") from None
    if secret:
        raise LLMError(f"{name}: base_url: holds a password or a key; pass it as api_key", "input")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise LLMError(f"{name}: base_url: wanted a URL that begins with http:// or https://", "input")
    return url


def within_bounds(chunks: Iterator[bytes], deadline: Deadline) -> Iterator[bytes]:
    """Yield the pieces of an answer, up to the bound and the deadline; a Fault says which was passed."""
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > LONGEST_ANSWER:
            raise Fault(f"the answer is longer than {LONGEST_ANSWER // 1_000_000} MB and was not read on", "invalid")
        deadline.left()
        yield chunk


def events(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a stream of server-sent events, up to its end or its `[DONE]`.

    Raises Fault for one that is no JSON object. What a stream ends in the middle of is left out.
    """
    data: list[bytes] = []
    for line in _lines(chunks):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            text = b"\n".join(data)
            data.clear()
            if text.strip() == b"[DONE]":
                return
            yield _object(text)
    if data and (last := _parsed(b"\n".join(data))) is not None:  # some servers leave out the last empty line
        yield last


def _object(text: bytes) -> dict[str, Any]:
    found = _parsed(text)
    if found is None:
        raise Fault("no usable answer (a piece of the stream is no JSON object)", "invalid")
    return found


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream without their ends; a last line without an end counts as one."""
    rest: list[bytes] = []
    for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for part in whole:
            rest.append(part)
            yield b"".join(rest).removesuffix(b"\r")
            rest.clear()
        if last:
            rest.append(last)
    if rest:
        yield b"".join(rest).removesuffix(b"\r")
