"""Formats that a library reads."""

from __future__ import annotations

from collections.abc import Iterator

from treemem.ingest.markdown import Page

PARSED: tuple[str, ...] = ()


def parsed(content: bytes, suffix: str, name: str | None) -> Iterator[Page]:
    """Yield the pages of a document."""
    yield from ()
