"""Values that may be secrets are left out of what is quoted of a call: by their names, and by how they begin.

What they are called and how they begin is data (`tools.toml`). A secret that has neither is quoted as any other value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from treemem.ingest.calls import rules
from treemem.storable import cleaned

HIDDEN = "***"
#: Levels of a value that are looked into, characters of a text that are, and of one that is read as JSON.
_DEEPEST, _LONGEST, _LONGEST_JSON = 8, 1_200, 1_000_000
#: A word that begins as a token does, or comes after the name of a kind of token, is one from this length on.
_SHORTEST_TOKEN = 12
_LONGEST_NAME = 80
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_NUMBER = re.compile(r"[0-9.]+")
_NO_LETTER = re.compile(r"[^a-z]+")
#: A piece of a text, and what parts pieces; a password in an address.
_PIECE = re.compile(r"[^\s:=\"'`,;&?|<>()\[\]{}\\]+")
_IN_ADDRESS = re.compile(r"(://[^\s/:@]{0,256}:)[^\s/]{1,256}@")
_KEY, _KEY_END, _DASHES = "-----begin", "-----end", "-----"
_QUOTES = "\"'`"
#: What comes next is a secret: there was its name, and what kind of token it is.
_AWAITED = "\n"


def masked(value: Any, depth: int = 0) -> Any:
    """Return a JSON value without those in it that may be secrets."""
    if isinstance(value, str):
        return _masked_text(value, depth)
    if not isinstance(value, Mapping | list):
        return value
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and is_secret(value[0], value[1]):
            return [value[0], HIDDEN]
        return [masked(each, depth + 1) for each in value[:50]]
    named = {str(name).casefold(): each for name, each in value.items()}
    said = next((named[name] for name in ("name", "key") if isinstance(named.get(name), str)), "")
    return {
        name: HIDDEN
        if is_secret(name, each) or (str(name).casefold() == "value" and is_secret(said, each))
        else masked(each, depth + 1)
        for name, each in value.items()
    }


def _masked_text(text: str, depth: int) -> str:
    if text.lstrip()[:1] in ("{", "[") and len(text) <= _LONGEST_JSON and depth < _DEEPEST:
        try:
            return json.dumps(masked(cleaned(json.loads(text)), depth + 1), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return without_secrets(text) if len(text) <= _LONGEST else without_secrets(text[:_LONGEST]) + "…"


def is_secret(name: str, value: Any) -> bool:
    """Return whether a value of this name may be a secret; what is true, false or nothing is none."""
    if value is None or isinstance(value, bool) or not _names_secret(name[:_LONGEST_NAME]):
        return False
    number = isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)
    return not (number and name.casefold().endswith(tuple(rules()["counted"])))


def _names_secret(name: str) -> bool:
    words = [word.casefold() for word in _WORDS.findall(name)]
    words += [word[:-1] for word in words if word.endswith("s")]
    names = _secret_names()
    joined = _NO_LETTER.sub("", name.casefold())
    return (
        any(word in names for word in words)
        or any(a + b in names for a, b in pairwise(words))
        or joined.removesuffix("s").endswith(tuple(rules()["secret_endings"]))
    )


@cache
def _secret_names() -> frozenset[str]:
    return frozenset(each.replace("_", "") for each in rules()["secret_names"])


@cache
def _marks() -> tuple[tuple[str, ...], frozenset[str]]:
    """Return how tokens begin, and the names of kinds of tokens that lead them."""
    marks = rules()["secret_marks"]
    return tuple(m for m in marks if not m.endswith(" ")), frozenset(m.strip() for m in marks if m.endswith(" "))


def without_secrets(text: str) -> str:
    """Return a text without keys, passwords in addresses, words that begin as tokens do, and what follows a name."""
    return "".join(_told(_IN_ADDRESS.sub(rf"\g<1>{HIDDEN}@", _without_keys(text))))


def _without_keys(text: str) -> str:
    """Return a text without the keys in it that are written as PEM."""
    low, found, at = text.lower(), [], 0
    while (begin := low.find(_KEY, at)) >= 0:
        found += [text[at:begin], HIDDEN]
        end = low.find(_KEY_END, begin)
        close = low.find(_DASHES, end + len(_KEY_END)) if end >= 0 else -1
        at = close + len(_DASHES) if close >= 0 else len(text)
    return "".join([*found, text[at:]])


def _told(text: str) -> Iterator[str]:
    """Yield the pieces of a text and what parts them, each piece that may be a secret hidden."""
    begun, kinds = _marks()
    end, before, hiding, quote = 0, "", False, ""
    for piece in _PIECE.finditer(text):
        between, word = text[end : piece.start()], piece.group()
        end, low = piece.end(), word.casefold()
        yield between
        if quote:
            hiding, quote = quote not in between, quote if quote not in between else ""
        elif hiding and any(c.isspace() or c in ",;&" or c in _QUOTES for c in between):
            hiding = False
        leads = ":" in between or "=" in between or (before.startswith("--") and between.isspace())
        named = before is _AWAITED or (leads and is_secret(before, word))
        if named and low in kinds:
            yield word
            before = _AWAITED
            continue
        if not hiding and (named or (before.casefold() in kinds and len(word) >= _SHORTEST_TOKEN)):
            hiding = True
            quote = between[-1:] if between.endswith(tuple(_QUOTES)) else ""
        yield HIDDEN if hiding or (len(word) >= _SHORTEST_TOKEN and low.startswith(begun)) else word
        before = word
    yield text[end:]
