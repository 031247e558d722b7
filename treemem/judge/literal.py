"""The literal form of a text: two memories are one only if their texts are equal in it."""

from __future__ import annotations

import re
import string
import unicodedata

#: Characters up to which a text is normalised; it takes time that others wait for.
LONGEST = 20_000
#: White space beside a Chinese character says nothing: "7 楼" is "7楼".
_BESIDE_CHINESE = re.compile("(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])")

#: Letters and digits in full width are the same letters, as an input method writes them.
_WIDE = {0xFEE0 + ord(c): c for c in string.ascii_letters + string.digits}


def literal(text: str) -> str:
    """Return a text in NFC, white space as single spaces, without a closing full stop or exclamation marks.

    Every other letter and sign counts, upper and lower case too: "A+" is not "A-", and "/srv/data" is not "/srv/Data".
    Dots that are more than one ("...") stay. A text of more than 20,000 characters is taken as it stands.
    """
    if len(text) > LONGEST:
        return text
    text = unicodedata.normalize("NFC", text).translate(_WIDE)
    plain = _BESIDE_CHINESE.sub("", " ".join(text.split()))
    cut = plain.rstrip("!！") if plain[-1:] in "!！" else plain[:-1] if plain[-1:] in ".。" else plain
    return cut.rstrip() if cut and cut[-1] not in ".。?？!！" else plain
