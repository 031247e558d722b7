"""Passages: texts cut at the ends of sentences into pieces that an embedding model reads whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

#: UTF-8 bytes at the beginning of a text that its own vector says well: some 250 tokens, as many as the carried model
#: reads; a model that reads more blurs what is among them.
REACH = 1_000
#: Of how many passages a text is made at most. What lies behind them, after some 150,000 bytes, is found by the words
#: of the whole text alone.
MOST_PASSAGES = 200
#: UTF-8 bytes of a passage at most: some 200 tokens, of which the carried model reads 256.
MOST = 800
#: Bytes from which a passage ends with its paragraph. Shorter paragraphs go together, so that a change of one moves
#: the borders of its neighbours at most.
LEAST = 200
# The end of a sentence: stops with closing quotes or brackets before white space, those of Chinese and Japanese,
# lines with the empty ones behind them.
_END = re.compile(r"[.!?…]{1,9}[\"'”’)\]]{0,3}(?=\s)|[。！？]{1,9}[”’」』）]{0,3}|\n+")
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


def passages_of(text: str) -> list[str]:
    """Return the passages by which a long text is found, none of a text up to `REACH` bytes.

    No character behind those that `MOST_PASSAGES` could hold is read.
    """
    if len(text) <= REACH // 4 or byte_size(text) <= REACH:
        return []
    pieces = cut(text[: MOST * MOST_PASSAGES])
    return list(islice((each for each in pieces if any(map(str.isalnum, each))), MOST_PASSAGES))


def beyond_reach(passages: Iterable[str]) -> Iterator[str]:
    """Yield those of a text's passages that go beyond what the vector of the text says."""
    end = 0
    for passage in passages:
        end += byte_size(passage)
        if end > REACH:
            yield passage


def cut(text: str, most: int = MOST) -> Iterator[str]:
    """Yield a text in pieces of at most `most` bytes and about one length, cut at the ends of sentences."""
    aim = -(-byte_size(text) // -(-byte_size(text) // most))
    piece, size = "", 0
    for sentence in sentences(text, most):
        length = byte_size(sentence)
        if piece and (size + length > most or size >= aim):
            yield from _said(piece)
            piece, size = "", 0
        piece += sentence
        size += length
    yield from _said(piece)


def _said(piece: str) -> Iterator[str]:
    """Yield a piece without white space around it, nothing for one that is only that."""
    if bare := piece.strip():
        yield bare


def sentences(text: str, most: int = MOST) -> Iterator[str]:
    """Yield the sentences of a text, with the white space behind them; one of more than `most` bytes in pieces."""
    start = 0
    for end in chain((found.end() for found in _END.finditer(text)), (len(text),)):
        sentence, start = text[start:end], end
        if byte_size(sentence) > most:
            yield from _short(sentence, most)
        elif sentence:
            yield sentence


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
