"""Ids: what one may look like, and how one is derived from what it stands for."""

from __future__ import annotations

import hashlib
import re
import uuid

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.pieces import normalized

#: What an id looks like.
ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
#: What a knowledge base is called: no dot, so that the name of its cube can be read back.
_BASE = re.compile(r"[A-Za-z0-9_-]{1,40}")
#: What stands between a cube and the name of a knowledge base in the name of the base's cube.
_OF_A_BASE = ".kb."
_NAMESPACE = uuid.UUID("6f2d9c0e-7a51-4c1b-9f43-2f1d5c3e8a70")


def checked_id(value: object, field: str = "id") -> str:
    """Return an id of 1 to 128 characters out of A-Z a-z 0-9 . _ : -, or raise InvalidInputError.

    "." and ".." are refused: they name folders wherever an id becomes part of a path.
    """
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise InvalidInputError(f"{field}: wanted 1 to 128 characters of A-Z a-z 0-9 . _ : -, found {shown(value)}")
    if value in (".", ".."):
        raise InvalidInputError(f"{field}: {value!r} names a folder, not a thing; choose another")
    return value


def base_cube(cube: str, name: object) -> str:
    """Return the cube of a knowledge base of a cube: "shop.kb.handbook". Raises InvalidInputError for a bad name."""
    if not isinstance(name, str) or not _BASE.fullmatch(name):
        raise InvalidInputError(
            f"name of a knowledge base: wanted 1 to 40 characters of A-Z a-z 0-9 _ -, found {shown(name)}"
        )
    return checked_id(f"{cube}{_OF_A_BASE}{name}", "cube of a knowledge base")


def base_name(cube: str) -> str | None:
    """Return the name of the knowledge base that a cube is called after, None for the name of any other cube."""
    home, mark, name = cube.rpartition(_OF_A_BASE)
    return name if home and mark and _BASE.fullmatch(name) else None


def derived_id(*parts: object) -> str:
    """Return the UUID5 of the parts (RFC 9562, 5.5): the same parts give the same id everywhere.

    Written out, since a search names some seventy ids and `uuid.uuid5` takes four times as long.
    """
    name = "\x1f".join([normalized("NFC", str(part)) for part in parts])
    digest = hashlib.sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
