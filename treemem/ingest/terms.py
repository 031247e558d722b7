"""Rare terms in texts, by their form: identifiers, file names, codes, titles in quotes, tags.

How rare a word is cannot be known when a memory is written; its form can be seen. Such terms are entities like names,
so that a walk passes between the memories that share one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from treemem.ingest.entities import MAX_NAMES, NAMES_READ, names_in
from treemem.pieces import beginning
from treemem.text import STOP_WORDS, distinct, words

#: At most so many of a text are taken, and no phrase of more words or characters.
MOST, LONGEST_PHRASE, LONGEST_TERM = 8, 6, 60
_PHRASE = rf"[^\W_][^\n\"“”`「」『』《》]{{1,{LONGEST_TERM - 2}}}"
_LETTERS = r"[^\W_]"
#: Every repeat has a bound, so that no text is slow to read.
_TERM = re.compile(
    rf"[\"“](?P<quoted>{_PHRASE})[\"”]|`(?P<code>[^`\n]{{2,{LONGEST_TERM}}})`|[《「『](?P<titled>{_PHRASE})[》」』]"
    r"|(?<![\w#@/.-])[#@](?P<tag>[^\W\d_]\w{1,39})\b"
    r"|(?<![\w./:@-])(?P<plain>"
    rf"[^\W\d_]{_LETTERS}{{0,39}}(?:_{{1,3}}{_LETTERS}{{1,40}}){{1,9}}"  # snake_case
    r"|[a-z]{1,40}(?:[A-Z][a-z0-9]{1,40}){1,9}"  # camelCase
    rf"|[^\W\d_]{_LETTERS}{{0,39}}(?:[-.]{_LETTERS}{{1,40}}){{0,4}}-\d[\w-]{{0,40}}"  # TC-4471, eu-west-1
    r"|\w{1,60}(?:[/-]\w{1,60}){0,9}\.[a-z][a-z0-9]{1,4}(?=[\s,;:!?)\"'”]|\.?$|\. )"  # deploy.sh, src/app.py
    r"|v\d{1,4}(?:\.\d{1,6}){1,4}"  # v2.3
    r")(?![\w/@-])"
)
#: What some part of every term looks like: a text without it, which most are, need not be read for terms.
_HINT = re.compile(r"[\"“`《「『#@_]|[a-z][A-Z]|[-v]\d|\.[a-z]")


def mentioned_in(
    text: str, known: Mapping[str, Collection[str]] | None = None, names: int = MAX_NAMES, terms: int = MOST
) -> list[str]:
    """Return the names in a text, those of `known` too, then its terms: the first `names` and `terms` of them."""
    return [*names_in(text, known, names, strict=True), *terms_in(text, terms)]


def terms_in(text: str, most: int = MOST) -> list[str]:
    """Return the first `most` terms in the first 50,000 characters of a text, in order, of a few words each."""
    text = beginning(text, NAMES_READ)
    if not _HINT.search(text):
        return []
    found = (match.group(match.lastgroup or 0) for match in _TERM.finditer(text))
    return distinct((term for term in map(_plain, found) if _is_term(term)), most)


def _plain(term: str) -> str:
    return term.strip(" .,;:!?'’…")


def _is_term(term: str) -> bool:
    """Return whether anything is left that could be looked for, of no more words than a phrase has."""
    said = words(term)
    return 0 < len(said) <= LONGEST_PHRASE and not STOP_WORDS.issuperset(said)
