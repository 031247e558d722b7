"""Markdown, read as a tree of headings with the blocks below each: paragraphs, lists, tables, code.

markdown-it-py finds the blocks, as CommonMark has them, with tables; what stands inside a block is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any

from treemem.models.llm import Picture
from treemem.passages import MOST, byte_size, cut, in_passages

#: Characters of a heading that are kept.
LONGEST_HEADING = 200
_LINK = re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)")
_MARKS = re.compile(r"[*_`]{1,3}")


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a document as its reader gives it: Markdown or plain text, and the page it stands on, from 1.

    One that is a picture, a scanned page say, has no text before a model has looked at it.
    """

    text: str
    number: int | None = None
    plain: bool = False
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or piece of code: its text, the line it begins on and its page, both from 1."""

    text: str
    line: int
    page: int | None
    kind: str


@dataclass(slots=True)
class Section:
    """What stands under a heading. The first section of a document has no title, and level 0."""

    title: str
    level: int
    line: int
    page: int | None
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that is found as one, with the line and the page on which it begins."""

    text: str
    line: int
    page: int | None


def sections(pages: Sequence[Page]) -> list[Section]:
    """Return the sections of a document in order."""
    found = [Section("", 0, 1, pages[0].number if pages else None)]
    for page in pages:
        for kind, level, text, line in _blocks(page):
            if kind == "heading":
                title = _title(text)
                if title:
                    found.append(Section(title, level, line, page.number))
            elif text.strip():
                found[-1].blocks.append(Block(text, line, page.number, kind))
    return found


def passages(section: Section) -> Iterator[Passage]:
    """Yield what stands under a heading in passages. A table is cut between rows, and each piece has its head."""
    for (kind, page), run in groupby(section.blocks, key=lambda block: (block.kind, block.page)):
        blocks = list(run)
        if kind == "text":
            found = in_passages(block.text for block in blocks)
            yield from (Passage(text, blocks[first].line, page) for first, text in found)
        for block in blocks if kind != "text" else ():
            pieces = _rows(block.text) if kind == "table" else _lines(block.text)
            yield from (Passage(text, block.line + offset, page) for offset, text in pieces)


def _blocks(page: Page) -> Iterator[tuple[str, int, str, int]]:
    """Yield (kind, level of a heading, text, line) for each block of a page."""
    if page.plain:
        yield from _paragraphs(page.text)
        return
    lines = page.text.split("\n")
    tokens = parser().parse(page.text)
    for at, token in enumerate(tokens):
        if token.level or token.map is None or token.nesting < 0:
            continue
        first, last = token.map
        text = "\n".join(lines[first:last]).strip("\n")
        if token.type == "heading_open":
            yield "heading", int(token.tag[1:]), tokens[at + 1].content, first + 1
        elif token.type == "table_open":
            yield "table", 0, text, first + 1
        elif token.type in ("fence", "code_block"):
            if token.content.strip():
                yield "code", 0, text, first + 1
        elif token.type != "hr":
            yield "text", 0, text, first + 1


def _paragraphs(text: str) -> Iterator[tuple[str, int, str, int]]:
    """Yield the paragraphs of plain text: what stands between empty lines."""
    held: list[str] = []
    first = 1
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            first = first if held else number
            held.append(line.rstrip())
        elif held:
            yield "text", 0, "\n".join(held), first
            held = []
    if held:
        yield "text", 0, "\n".join(held), first


def _rows(table: str) -> Iterator[tuple[int, str]]:
    """Yield a Markdown table in pieces that fit, each with the head of the table, and how far below it they begin."""
    rows = table.split("\n")
    head = "\n".join(rows[:2])
    first, piece = 0, ""
    for offset, row in enumerate(rows[2:], 2):
        if piece and byte_size(head) + byte_size(piece) + byte_size(row) + 2 > MOST:
            yield first, f"{head}\n{piece}"
            first, piece = offset, ""
        piece = f"{piece}\n{row}" if piece else row
    yield first, f"{head}\n{piece}" if piece else head


def _lines(code: str) -> Iterator[tuple[int, str]]:
    """Yield code in pieces that fit, cut between lines where it can be."""
    if byte_size(code) <= MOST:
        yield 0, code
        return
    yield from ((0, piece) for piece in cut(code))


def _title(text: str) -> str:
    """Return the words of a heading without marks and links."""
    plain = " ".join(_MARKS.sub("", _LINK.sub(r"\1", text[: LONGEST_HEADING * 4])).split())
    return plain[:LONGEST_HEADING].strip(" #")


@lru_cache(maxsize=1)
def parser() -> Any:
    """Return the parser of blocks."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable(["reference"])
    parser.core.ruler.disable(["inline"])  # blocks alone; what is inside them stays as it is written
    return parser
