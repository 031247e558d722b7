"""The test of `like`, in time that grows with the text, never with the ways to match it.

`%` stands for any run of characters, also none, over line ends too; `_` for exactly one character (a code point). There
is no escape. Upper and lower case differ. The whole text must match, not a part of it.

Between two `%` a pattern has a segment of fixed length. The first and the last one stand at the ends of the text. Each
of those between is taken at the first place where it fits after the one before: a later place never leaves more room
for the rest. So no choice is ever taken back.
"""

from __future__ import annotations


def like(pattern: str, text: str | None) -> bool:
    """Return whether a text matches a pattern; what is no text never does."""
    if not isinstance(text, str):
        return False
    first, *rest = pattern.split("%")
    if not rest:
        return len(first) == len(text) and _fits(first, text, 0)
    *middle, last = rest
    end = len(text) - len(last)
    if len(first) > end or not _fits(first, text, 0) or not _fits(last, text, end):
        return False
    start = len(first)
    for segment in middle:
        found = _find(segment, text, start, end)
        if found < 0:
            return False
        start = found + len(segment)
    return True


def _fits(segment: str, text: str, at: int) -> bool:
    return all(wanted in ("_", found) for wanted, found in zip(segment, text[at : at + len(segment)], strict=True))


def _find(segment: str, text: str, start: int, end: int) -> int:
    """Return the first place from `start` where a segment fits and ends at or before `end`, -1 if there is none."""
    if "_" not in segment:
        return text.find(segment, start, end)
    if not segment.strip("_"):
        return start if start + len(segment) <= end else -1
    # Bit i of `open_` says that the first i + 1 characters of the segment fit at the text's last ones (Baeza-Yates and
    # Gonnet, 1992): one step a character of the text, whatever the segment.
    anywhere = sum(1 << i for i, wanted in enumerate(segment) if wanted == "_")
    fitting: dict[str, int] = {}
    for i, wanted in enumerate(segment):
        if wanted != "_":
            fitting[wanted] = fitting.get(wanted, anywhere) | 1 << i
    open_, done = 0, 1 << len(segment) - 1
    for place in range(start, end):
        open_ = (open_ << 1 | 1) & fitting.get(text[place], anywhere)
        if open_ & done:
            return place - len(segment) + 1
    return -1
