"""Passages: texts cut at the ends of sentences into pieces that an embedding model reads whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: UTF-8 bytes of a passage at most: some 200 tokens, of which the carried model reads 256.
MOST = 800
#: Bytes from which a passage ends with its paragraph. Shorter paragraphs go together, so that a change of one moves
#: the borders of its neighbours at most.
LEAST = 200
# The end of a sentence: stops with closing quotes or brackets before white space, those of Chinese and Japanese, lines.
_END = re.compile(r"[.!?…]{1,9}[\"'”’)\]]{0,3}(?=\s)|[。！？]{1,9}[”’」』）]{0,3}|\n")
#: Where a sentence that is too long is cut, best first.
_CUTS = ("; ", "；", ", ", "，", "、", " ")


def in_passages(paragraphs: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield paragraphs as passages, each with the index of its first paragraph: short ones together, long ones cut at
    the ends of sentences.
    """
    waiting: list[str] = []
    first = size = 0
    for index, paragraph in enumerate(paragraphs):
        length = byte_size(paragraph)
        if waiting and size + length > MOST:
            yield first, "\n\n".join(waiting)
            waiting, size = [], 0
        if length > MOST:
            yield from ((index, piece) for piece in cut(paragraph))
            continue
        first = first if waiting else index
        waiting.append(paragraph)
        size += length
        if size >= LEAST:
            yield first, "\n\n".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield first, "\n\n".join(waiting)


def cut(text: str, most: int = MOST) -> Iterator[str]:
    """Yield a text in pieces of at most `most` bytes and about one length, cut at the ends of sentences."""
    aim = -(-byte_size(text) // -(-byte_size(text) // most))
    piece, size = "", 0
    for sentence in sentences(text, most):
        length = byte_size(sentence)
        if piece and (size + length > most or size >= aim):
            yield piece.strip()
            piece, size = "", 0
        piece += sentence
        size += length
    if piece.strip():
        yield piece.strip()


def sentences(text: str, most: int = MOST) -> Iterator[str]:
    """Yield the sentences of a text, with the white space behind them; one of more than `most` bytes in pieces."""
    start = 0
    for end in _END.finditer(text):
        yield from _short(text[start : end.end()], most)
        start = end.end()
    if start < len(text):
        yield from _short(text[start:], most)


def _short(sentence: str, most: int) -> Iterator[str]:
    """Yield a sentence, cut where it is too long: behind a comma or a space, else anywhere."""
    start = 0
    while byte_size(sentence[start : start + most + 1]) > most:
        window = _within(sentence[start : start + most], most)
        at = next(
            (place + len(sign) for sign in _CUTS if (place := window.rfind(sign)) > len(window) // 2), len(window)
        )
        yield sentence[start : start + at]
        start += at
    if start < len(sentence):
        yield sentence[start:]


def _within(text: str, most: int) -> str:
    """Return the longest beginning of a text that has at most `most` bytes."""
    return text.encode()[:most].decode(errors="ignore")


def byte_size(text: str) -> int:
    """Return the number of UTF-8 bytes of a text."""
    return len(text) if text.isascii() else len(text.encode())
