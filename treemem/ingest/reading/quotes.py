"""Quotes: where words stand in a text, letter by letter but for white space and the form of quotation marks."""

from __future__ import annotations

_MARKS = str.maketrans({"“": '"', "”": '"', "„": '"', "‟": '"', "‘": "'", "’": "'", "‛": "'", "`": "'"})
_ENDS = "\"' \t\n"


def inner(text: str) -> str:
    """Return a text with single spaces for white space, and quotation marks of one form."""
    return " ".join(text.translate(_MARKS).split())


def standing(quote: str, text: str) -> tuple[int, int] | None:
    """Return where a quote stands in a text, from one character to before another; None where it does not.

    Marks and white space around the quote do not count, unless nothing else is left of it.
    """
    wanted = inner(quote)
    wanted = wanted.strip(_ENDS) or wanted
    if not wanted:
        return None
    plain, places = _spaced(text)
    at = plain.find(wanted)
    if at < 0:
        return None
    return places[at], places[at + len(wanted) - 1] + 1


def _spaced(text: str) -> tuple[str, list[int]]:
    """Return a text as `inner` does, ends included, and where each of its characters stood."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text.translate(_MARKS)):
        if letter.isspace():
            if letters and letters[-1] == " ":
                continue
            letter = " "
        letters.append(letter)
        places.append(place)
    return "".join(letters), places
