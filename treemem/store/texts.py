"""Statements as files: the one loader for Cypher and SQL.

A statement is a file in `statements/`. What several of them say alike is a fragment, a file in `fragments/`, and is put
in by name. Between double braces stands either

    {{holds ROW=s}}     a fragment, in small letters, with the values of its places
    {{ROW}}             a place, in capitals, for a value

A value with blanks stands in double quotes. The places of a fragment are filled where it is put in, those of a
statement by the Python code that runs it. Lines that begin as a comment are left out.

A server of another age may need other words. They are files of the same name in a folder named after that dialect:
`lts/fragments/language.cypher` takes the place of `fragments/language.cypher`.

Values become part of the statement. They are fixed words of treemem's, never a user's text: that is always a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib.resources.abc import Traversable

_PLACE = re.compile(r"\{\{([A-Z_]+)\}\}")
_GIVEN = re.compile(r'([A-Z_]+)=("[^"]*"|[^\s"}]+)')
_FRAGMENT = re.compile(rf"\{{\{{([a-z_0-9]+)((?:\s+{_GIVEN.pattern})*)\s*\}}\}}")
#: How many statements with their values are kept; with filters there is no end of them.
_KEPT = 512
_Values = tuple[tuple[str, str], ...]


class Texts:
    """The statements of one language, below a folder. Thread-safe: files are read once and never change."""

    def __init__(self, folder: Callable[[], Traversable], suffix: str, comment: str) -> None:
        """`folder` is looked up at the first use; `suffix` is that of files, `.sql` say; `comment` begins a comment."""
        self._folder, self._suffix, self._comment = folder, suffix, comment
        self._whole: Callable[[str, str | None], str] = cache(self._put_together)
        # The same text is the same object each time: drivers know again by it what they have prepared.
        self._texts: Callable[[str, str | None, _Values], str] = lru_cache(_KEPT)(self._with_values)

    def names(self, kind: str = "statements") -> list[str]:
        """Return the names of the files in a folder, sorted: `statements`, `fragments`, `lts/fragments`."""
        place = self._folder().joinpath(*kind.split("/"))
        return sorted(file.name.removesuffix(self._suffix) for file in place.iterdir())

    def source(self, name: str, kind: str = "statements") -> str:
        """Return a file as it is written."""
        return self._folder().joinpath(*kind.split("/"), name + self._suffix).read_text("utf-8")

    def text(self, name: str, values: Mapping[str, str], dialect: str | None = None) -> str:
        """Return a statement in the words of a dialect, its places filled; the values must be those of its places."""
        return self._texts(name, dialect, tuple(values.items()))

    def _with_values(self, name: str, dialect: str | None, values: _Values) -> str:
        return _filled(self._whole(name, dialect), dict(values), name)

    def places(self, name: str) -> frozenset[str]:
        """Return the places that a statement leaves to the code that runs it."""
        return frozenset(_PLACE.findall(self._whole(name, None)))

    def script(self, kind: str, name: str, dialect: str | None = None) -> list[str]:
        """Return the statements of a file that has several, each ended by a semicolon; fragments are for others."""
        return [part.strip() for part in self._read(kind, name, dialect).split(";") if part.strip()]

    def _put_together(self, name: str, dialect: str | None) -> str:
        text = self._with_fragments(self._read("statements", name, dialect), dialect, ())
        if _PLACE.sub("", text).count("{{"):
            raise LookupError(f"statement {name}: what stands between double braces is no fragment and no place")
        return "\n".join(line for line in text.splitlines() if line.strip())

    def _with_fragments(self, text: str, dialect: str | None, around: tuple[str, ...]) -> str:
        def found(match: re.Match[str]) -> str:
            name = match[1]
            if name in around:
                raise LookupError(f"fragment {name} includes itself, by way of {', '.join(around)}")
            values = {place: value.strip('"') for place, value in _GIVEN.findall(match[2])}
            fragment = _filled(self._read("fragments", name, dialect), values, f"fragment {name}")
            return self._with_fragments(fragment, dialect, (*around, name))

        return _FRAGMENT.sub(found, text)

    def _read(self, kind: str, name: str, dialect: str | None) -> str:
        file = self._folder().joinpath(kind, name + self._suffix)
        if dialect is not None:
            own = self._folder().joinpath(dialect, kind, name + self._suffix)
            file = own if own.is_file() else file
        lines = file.read_text("utf-8").splitlines()
        return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith(self._comment))


def _filled(text: str, values: Mapping[str, str], name: str) -> str:
    """Return a text with a value in each place; raise LookupError unless the values are exactly those of its places."""
    wanted = set(_PLACE.findall(text))
    if wanted != values.keys():
        raise LookupError(f"{name}: it has the places {sorted(wanted)}, and values are given for {sorted(values)}")
    return _PLACE.sub(lambda match: values[match[1]], text) if wanted else text
