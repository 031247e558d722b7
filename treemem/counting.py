"""How many values JSON or XML has, and how wide its characters are, told before it is parsed.

A value takes up to fifty times the memory of its bytes, and a character four times where one of the text is an emoji,
so that a bound of bytes alone says little of what parsing costs.
"""

from __future__ import annotations

import re
from itertools import islice

import numpy as np

from treemem.errors import InvalidInputError

#: How many parts a file of others may have: so many, and one more for each so many bytes. An export of chats has a part
#: in ten bytes or more, one of vectors in five.
_PARTS, _BYTES = 1 << 21, 4
#: The same for the tags of XML: GraphML of nodes without attributes has one in fifteen bytes.
_TAGS, _TAG_BYTES = 1 << 19, 8
#: What a value takes part in: a string, or what opens a list or an object or parts one value from the next. A string
#: that does not end goes to the end of the text, so that the pattern is linear.
_PART = re.compile(rb'[,\[{]|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
#: The first byte of characters beyond Latin-1, and of those beyond 65,536, in UTF-8.
_WIDE, _WIDEST = 0xC4, 0xF0


def has_more_parts(data: bytes, most: int) -> bool:
    """Return whether JSON in UTF-8 has more than `most` strings, commas and opening brackets outside of strings."""
    if len(data) <= most or (data.count(b'"') + 1) // 2 + sum(map(data.count, (b",", b"[", b"{"))) <= most:
        return False
    return next(islice(_PART.finditer(data), most, None), None) is not None


def width_of(data: bytes) -> int:
    """Return how many bytes the characters of JSON in UTF-8 take at most where all are as wide as the widest of them,
    as they are in a string of Python's.
    """
    found = np.frombuffer(data, dtype=np.uint8)
    if not len(found):
        return 0
    highest = int(found.max())
    if highest >= _WIDEST or b"\\ud" in data or b"\\uD" in data:
        wide = 4
    else:
        wide = 2 if highest >= _WIDE or b"\\u" in data else 1
    return (len(found) - int(np.count_nonzero(found.view(np.int8) < -64))) * wide


def refuse_dense_json(data: bytes, where: object) -> None:
    """Raise InvalidInputError, which says `where`, for JSON that takes much more memory than its bytes let expect."""
    most = _PARTS + len(data) // _BYTES
    if has_more_parts(data, most):
        raise InvalidInputError(
            f"{where}: more than {most:,} strings, commas and brackets in {len(data):,} bytes, as no export has; split "
            "the file, if it is one"
        )


def refuse_dense_xml(data: bytes, where: object) -> None:
    """Raise InvalidInputError, which says `where`, for XML that takes much more memory than its bytes let expect."""
    most = _TAGS + len(data) // _TAG_BYTES
    if data.count(b"<") > most:
        raise InvalidInputError(
            f"{where}: more than {most:,} tags in {len(data):,} bytes, as no graph has; split the file, if it is one"
        )
