"""The forms of the language packs, as patterns over clauses: how something is said of somebody, in a slot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from treemem.language import listed, pack

#: What stands for a part of a clause. Every part is bounded, so that a pattern cannot run long on a clause.
_PARTS = {
    "who": r"(?P<who>[^,]{1,40}?)",
    "me": r"(?P<me>I|we)",
    "them": r"(?P<them>[^,]{1,30}?)",
    "x": r"(?P<x>[^,]{1,45}?)",
    "v": r"(?P<v>[^,]{1,50}?)",
    "a": r"(?P<a>[^,]{1,40}?)",
    "b": r"(?P<b>[^,]{1,40}?)",
}
_PARTS_ZH = {
    **_PARTS,
    "me": "(?P<me>我们?)",
    "them": "(?P<them>.{0,8}?)",
    "who": "(?P<who>.{1,10}?)",
    "x": "(?P<x>.{1,14}?)",
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PIECE = re.compile(r"\{\w+\}|\(\?:[^()]*\)\??|[^{}()\s]+")


@dataclass(frozen=True, slots=True)
class Form:
    """One form: what it says (holds, becomes, ends, changed), in which slot, and a word that a clause needs for it."""

    slot: str
    kind: str
    says: str
    pattern: re.Pattern[str]
    needs: frozenset[str]


def _needs(form: str) -> frozenset[str]:
    """Return words of which a clause must have one, from the first part of a form that is no placeholder."""
    for piece in _PIECE.findall(form):
        if piece.startswith("{") or piece.endswith("?"):
            continue
        inner = piece.removeprefix("(?:").removesuffix(")")
        found = {option.split(" ")[0] for option in inner.split("|")}
        if all(re.fullmatch(r"[a-z]+", word) for word in found):
            return frozenset(found)
    return frozenset()


def _needs_zh(form: str) -> frozenset[str]:
    """Return characters of which a Chinese clause must have one."""
    for piece in re.findall(r"\{\w+\}|\(\?:[^()]*\)|\[[^\]]*\]\??|.\?|.", form):
        if piece.startswith("{") or piece.endswith("?"):
            continue
        if piece.startswith("(?:"):
            return frozenset(option[0] for option in piece[3:-1].split("|"))
        if piece.startswith("["):
            return frozenset(piece[1:-1])
        return frozenset(piece)
    return frozenset()


def _compiled(language: str, form: str) -> re.Pattern[str]:
    parts = _PARTS_ZH if language == "zh" else _PARTS
    return re.compile(_PLACEHOLDER.sub(lambda match: parts[match[1]], form))


@lru_cache(maxsize=4)
def forms(language: str) -> tuple[Form, ...]:
    """Return the forms of a language."""
    tables: list[tuple[str, str, Any]] = [(each["name"], each["kind"], each) for each in pack(language)["slots"]]
    tables += [("attribute", "attribute", each) for each in pack(language)["attribute"]]
    tables.append(("quantity", "quantity", pack(language)["quantity"]))
    needs = _needs_zh if language == "zh" else _needs
    return tuple(
        Form(slot, kind, "becomes" if says == "set" else says, _compiled(language, form), needs(form))
        for slot, kind, table in tables
        for says in ("holds", "becomes", "ends", "changed", "set")
        for form in table.get(says, ())
    )


@lru_cache(maxsize=4)
def words_of(language: str, name: str) -> frozenset[str]:
    """Return a list of a pack, folded."""
    return frozenset(entry.casefold() for entry in listed(language, name))
