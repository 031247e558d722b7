"""Whether a longer text only adds to what a shorter one says, or makes something else of it."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from treemem.text import analyse

#: A word with what is hung on it, or a mark.
_PIECE = re.compile(r"[\w'’-]+|[^\w\s]")
_MARKS = ",;:()（），；："


def only_adds(wider: str, said: AbstractSet[str]) -> bool:
    """Return whether what a text says beyond the stems `said` stands apart from them.

    It follows a small word or a comma, or stands before what both say: "a nurse in Leeds", "a grey cat"; but "a nurse's
    assistant" is no nurse. A name may follow what it names: "my daughter Mia".
    """
    before, apart = "", True
    for piece in _PIECE.findall(wider):
        stems = analyse(piece)
        if not stems or piece in _MARKS:
            apart = True
        elif set(stems) <= said:
            apart, before = False, piece
        elif not apart and (not piece[0].isupper() or before[:1].isupper()):
            return False
        else:
            apart, before = True, piece
    return True
