"""Memories as lines of a prompt."""

from __future__ import annotations

from treemem.items import TextualMemoryItem


def rough_tokens(text: str) -> int:
    """Return about how many tokens a language model sees in a text: a quarter of its UTF-8 bytes, rounded up."""
    return -(-len(text.encode()) // 4)


def context_line(item: TextualMemoryItem) -> str:
    """Return a memory as one line: since when it holds, until when if it ended, its text, where it comes from."""
    since, until = item.metadata.valid_from, item.metadata.valid_to
    dates = "" if since is None else since.strftime("%Y-%m-%d")
    dates += "" if until is None else f" to {until:%Y-%m-%d}"
    text = " ".join(item.memory.split())
    origin = _origin(item)
    return f"- [{dates}] {text}" + (f" (source: {origin})" if origin else "")


def _origin(item: TextualMemoryItem) -> str:
    metadata = item.metadata
    parts = [metadata.source or "", metadata.conversation_id or ""]
    parts += [str(s) for s in metadata.sources if isinstance(s, str)]
    return " ".join(part for part in parts if part)
