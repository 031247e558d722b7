"""What a file that cannot be read holds, in a few words, for the error that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treemem.checks import shown

#: How packed files begin, by what packed them.
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7-Zip"}
_KINDS = {str: "text", bool: "truth value", int: "number", float: "number", list: "list", type(None): "null"}


def packing(head: bytes) -> str | None:
    """Return what packed a file that begins so, None where nothing did."""
    return next((name for mark, name in _PACKED.items() if head.startswith(mark)), None)


def described(data: Any) -> str:
    """Return in a few words what a value of a file is."""
    kind = getattr(data, "kind", None)  # of a folder or a ZIP archive
    if isinstance(kind, str):
        return f"a {kind} with {_some(sorted(data))}" if data else f"a {kind} in which nothing can be read"
    if isinstance(data, str):
        text = data.lstrip()
        if text[:1] == "<":
            return f"HTML or XML that begins with {shown(text[:40])}"
        return f"a text that begins with {shown(text[:40])}" if text else "an empty file"
    if isinstance(data, Mapping):
        return f"an object with {_some([str(key) for key in data])}" if data else "an empty object"
    if isinstance(data, Sequence):
        what = "JSON Lines" if isinstance(data, tuple) else "a list"
        if not data:
            return "an empty list"
        kinds = [_kind(each) for each in data]
        most = max(dict.fromkeys(kinds), key=kinds.count)
        odd = next((n for n, kind in enumerate(kinds) if kind != most), None)
        told = f"{what} of {len(data):,}, {_first(data[kinds.index(most)])}"
        return told if odd is None else f"{told}, but item {odd} is {_first(data[odd])}"
    return _first(data)


def _kind(value: Any) -> str:
    return "object" if isinstance(value, Mapping) else _KINDS.get(type(value), type(value).__name__)


def _first(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"an object with {_some([str(key) for key in value])}" if value else "an empty object"
    return f"a {_kind(value)}"


def _some(names: Sequence[str]) -> str:
    """Return the first of some names, with how many more there are."""
    more = f" and {len(names) - 8:,} more" if len(names) > 8 else ""
    return ", ".join(shown(name)[1:-1] for name in names[:8]) + more
