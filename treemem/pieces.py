"""Long texts, read in pieces: no text is slow to read, and none holds up other threads.

One call into C (a pattern over a text, a normalisation) lets no other thread run until it ends. Texts have up to a
million characters, so such calls get pieces of them. The pieces end where an end changes nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Literal

Form = Literal["NFC", "NFKC"]

#: Characters in one piece. Normalising takes the square of a run of combining marks, so pieces are short.
PIECE = 512
#: How far back from the end of a piece a good place to end it is looked for, in characters.
LOOK_BACK = 64


def beginning(text: str, limit: int) -> str:
    """Return the first `limit` characters of a text at most, without a word that was cut through if it is short."""
    if len(text) <= limit:
        return text
    for at in range(limit, max(limit - LOOK_BACK, 0), -1):
        if text[at].isspace():
            return text[:at]
    return text[:limit]


def pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces of at most 512 characters. Each can be normalised for itself.

    Only a run of more than 64 characters of which none begins a letter, which no script has, is cut anywhere.
    """
    start = 0
    while len(text) - start > PIECE:
        last = start + PIECE
        end = next((at for at in range(last, last - LOOK_BACK, -1) if begins(text[at])), last)
        yield text[start:end]
        start = end
    yield text[start:]


def normalized(form: Form, text: str) -> str:
    """Return a text in a Unicode normal form, in time that grows with its length alone."""
    if text.isascii():
        return text
    if len(text) <= PIECE:
        return unicodedata.normalize(form, text)
    return "".join(unicodedata.normalize(form, piece) for piece in pieces(text))


def begins(character: str) -> bool:
    """Return whether a character never joins with what stands before it, in NFC and NFKC."""
    if character.isascii():
        return True
    if unicodedata.combining(character):
        return False
    first = unicodedata.normalize("NFKD", character)[0]
    return not (unicodedata.category(first).startswith("M") or "\u1160" <= first <= "\u11ff")
