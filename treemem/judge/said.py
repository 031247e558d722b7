"""How a line says something: who speaks of whom, yes or no, and how surely. Read by words and patterns of the packs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from treemem.ingest.entities import names_in
from treemem.ingest.reading.answers import Claim
from treemem.ingest.reading.dates import HAPPENING
from treemem.ingest.reading.windows import Line
from treemem.judge.speech import LONGEST_TEXT, Speech
from treemem.language import fitting, packs, tokens
from treemem.text import GRAMMAR, STOP_WORDS, analyse

#: Where a clause ends, for telling which part of a quote a no belongs to.
CLAUSE = re.compile(r"[,，.。;；!！?？、\n]|\b(?:but|and|though|because)\b|但是|不过|可是|而且", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“”„«»「」『』]")
_SENTENCE_ENDS = ".!?。！？\n"
#: The confidence, 0 to 1, of what stands in a text that instructs whoever reads it.
INSTRUCTED = 0.3
#: The same of what is asked, reported, denied or played with, rather than stated.
UNSURE = 0.5


def one_subject(claim: Claim, line: Line, start: int, end: int) -> bool:
    """Return whether a claim may be about whom its sentence is about.

    A sentence that begins with another's name says nothing of its speaker; one in which its speaker speaks of himself
    alone says nothing of somebody whom it does not name.
    """
    sentence = sentence_of(line.text, start, end).strip()
    languages = fitting(sentence)
    of_himself = any(pack.pattern("speaks_of_oneself").search(sentence) for pack in languages)
    of_others = any(pack.pattern("speaks_of_others").search(sentence) for pack in languages)
    said = frozenset(analyse(sentence))
    if is_speaker(claim.text, line, whole=False):
        first = next((name for name in names_in(sentence) if sentence.startswith(name)), "")
        named = frozenset(analyse(first))
        return of_himself or not named or bool(named & frozenset(analyse(f"{claim.text} {line.name}")))
    first = next((name for name in names_in(claim.text) if claim.text.startswith(name)), claim.about)
    subject = frozenset(analyse(first))
    return not (of_himself and not of_others and subject and not subject & said)


def _says_no(text: str) -> bool:
    return any(pack.pattern("negation").search(text) for pack in fitting(text))


def one_polarity(claim: Claim, line: Line, start: int, end: int) -> bool:
    """Return whether a claim says no where its words do, and only there."""
    says_no = _says_no(claim.text)
    if claim.polarity == "negative" and not says_no:
        return False
    sentence = sentence_of(line.text, start, end)
    if says_no:
        return _says_no(sentence)
    wanted = frozenset(analyse(claim.text))
    clauses = [part for part in CLAUSE.split(line.text[start:end]) if part.strip()]
    shares = [len(wanted & frozenset(analyse(part))) for part in clauses]
    if not shares:
        return True
    best = max(shares)
    return not any(share == best and _says_no(part) for part, share in zip(clauses, shares, strict=True))


def sentence_of(text: str, start: int, end: int, *, ends: bool = False) -> str:
    """Return the sentence around a part of a text, of 400 characters at most on either side; where `ends`, with the
    sign that ends it.
    """
    first = max((text.rfind(sign, max(0, start - LONGEST_TEXT), start) for sign in _SENTENCE_ENDS), default=-1)
    signs = [at for sign in _SENTENCE_ENDS if (at := text.find(sign, end, end + LONGEST_TEXT)) >= 0]
    last = min((at + ends for at in signs), default=min(len(text), end + LONGEST_TEXT))
    return text[max(first + 1, start - LONGEST_TEXT) : last]


def how_said(claim: Claim, line: Line, start: int, end: int) -> tuple[str, float]:
    """Return how something is said, and how sure it is: never more than the words allow.

    What stands in a text that instructs whoever reads it, or between signs of quotation, is what somebody quotes.
    """
    near = line.text[max(0, start - 2_000) : end + 2_000]
    if any(pack.pattern("instructs").search(near) for pack in packs().values()):
        return "quoted", min(claim.confidence, INSTRUCTED)
    opened = len(_QUOTED.findall(line.text[max(0, start - LONGEST_TEXT) : start])) % 2
    if claim.modality == "asserted" and opened:
        return "quoted", claim.confidence
    if claim.modality == "asserted" and claim.kind in ("fact", "relation", *HAPPENING):
        sentence = sentence_of(line.text, start, end)
        if any(pack.pattern("condition").search(sentence) for pack in fitting(sentence)):
            return "supposed", claim.confidence
        said_no = _says_no(claim.text)  # what its words deny is plainly denied
        if line.role != "document" and not said_no and not is_plain(line, start, end):
            return "supposed", min(claim.confidence, UNSURE)
        if claim.kind == "plan":
            return "planned", claim.confidence
    if claim.modality == "asserted" and not _says_no(claim.text) and _is_denied(line.text, start, end):
        return "supposed", min(claim.confidence, UNSURE)
    return claim.modality, claim.confidence


def _is_denied(text: str, start: int, end: int) -> bool:
    """Return whether the clause around a part of a text says no before it: "I never said that I like cats"."""
    before = text[max(0, start - LONGEST_TEXT) : start]
    breaks = [match.end() for match in CLAUSE.finditer(before)]
    return _says_no(before[breaks[-1] if breaks else 0 :]) and not _says_no(text[start:end])


def is_plain(line: Line, start: int, end: int) -> bool:
    """Return whether the sentence around a part of a line states it: no question, report, joke or supposition."""
    speech = Speech(sentence_of(line.text, start, end, ends=True))
    return speech.spoken != "" and bool(speech.loose or speech.tolerant)


def stands_for(word: str, role: str) -> bool:
    return any(pack.mapped("role_names").get(word) == role for pack in packs().values())


def one_of(speaker: str, names: Iterable[str]) -> bool:
    """Return whether a speaker is called so, or by a word for a role."""
    folded = " ".join(word for word in tokens(speaker) if word not in entries_of("articles"))
    called = {" ".join(tokens(name)) for name in names if name}
    return folded in called or any(stands_for(folded.replace(" ", ""), name) for name in names if name)


def is_speaker(text: str, line: Line, *, whole: bool) -> bool:
    """Return whether a text is, as a `whole`, or begins with the speaker of a line: a name, or a word for a role."""
    said = [word.removesuffix("'s") for word in tokens(text) if word not in entries_of("articles")]
    named = tokens(line.name)
    for length in {len(named), *(len(tokens(word)) for word in entries_of("roles"))} - {0}:
        first = said[:length]
        if (whole and len(said) != length) or len(first) < length:
            continue
        if first == named or stands_for("".join(first), line.role):
            return True
    return False


@lru_cache(maxsize=8)
def entries_of(name: str) -> frozenset[str]:
    """Return the entries of a list in all languages: words for who speaks, and words that retelling adds."""
    return frozenset(word for pack in packs().values() for word in pack.words(name))


def telling(text: str) -> set[str]:
    """Return the stems of a text that tell something: not those of grammar, nor of retelling."""
    said = set(analyse(text)) - STOP_WORDS - _retold()
    return {word for word in said if not GRAMMAR.issuperset(word)}


@lru_cache(maxsize=1)
def _retold() -> frozenset[str]:
    return frozenset(analyse(" ".join(entries_of("retold"))))
