"""What a retelling turns round: said of another, another word in the place of the one that was said, two that swap.

All of it is told by words: the sentence that a claim rests on, and the claim's own. Lists and patterns are the packs'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from treemem.ingest.entities import names_in
from treemem.ingest.reading.answers import Claim
from treemem.ingest.reading.dates import Days, parts_of
from treemem.ingest.reading.windows import Line
from treemem.judge.said import CLAUSE, entries_of, is_speaker, sentence_of, telling
from treemem.judge.values import scan
from treemem.language import Pack, fitting, tokens
from treemem.text import GRAMMAR, STOP_WORDS, analyse

#: Words of a claim that its sentence does not have, beyond which it is no sentence with a word put in another's place.
MOST_OTHER = 2
#: Characters around a quote in which its clause is looked for.
_FAR = 200
_DIGIT = re.compile(r"\d")
#: Kinds of amounts of which one does not stand for another.
_KINDS = ("date", "day", "month", "clock", "number")


def of_another(claim: Claim, line: Line, start: int, end: int, lines: Iterable[Line]) -> bool:
    """Return whether a claim says of one person what its sentence says of another.

    What is said of a relative, or of "she", is not said of the speaker; what a speaker says of himself alone is not
    said of somebody else who speaks.
    """
    sentence = sentence_of(line.text, start, end)
    languages = fitting(sentence)
    if is_speaker(claim.text, line, whole=False):
        clauses = _clause_around(line.text, start, end), line.text[start:end]
        if any(_is_of_a_relative(pack, clause, claim.text) for pack in languages for clause in clauses):
            return True
    if not any(pack.pattern("speaks_of_oneself").search(sentence) for pack in languages):
        return False
    if any(pack.pattern("addresses").search(sentence) for pack in languages) or _names(claim.text, line):
        return False
    others = [each for each in lines if each.speaker != line.speaker and not _names(sentence, each)]
    return any(
        _names(claim.text, each) or (each.role != line.role and is_speaker(claim.text, each, whole=False))
        for each in others
    )


def _clause_around(text: str, start: int, end: int) -> str:
    """Return the clause that a quote begins in, from where that begins to the end of the quote."""
    far = max(0, start - _FAR)
    before = max((match.end() for match in CLAUSE.finditer(text, far, start)), default=far)
    return text[before:end].strip(" ,，")


def _is_of_a_relative(pack: Pack, clause: str, text: str) -> bool:
    if pack.pattern("of_others").search(clause):
        return not pack.pattern("of_ones_own").search(text)
    found = pack.pattern("of_kin").search(clause)
    if found is None:
        return False
    said = frozenset(analyse(text))
    named = [*names_in(clause), found["kin"]]
    return not any(frozenset(analyse(name)) <= said for name in named)


def _names(text: str, line: Line) -> bool:
    """Return whether a text names who says a line."""
    return bool(line.name) and set(tokens(line.name)) <= set(tokens(text.replace("'s", " ").replace("’s", " ")))


def displaced(claim: Claim, line: Line, start: int, end: int, known: frozenset[str]) -> bool:
    """Return whether a word of a claim that no line has (`known` are the stems of all) stands where its sentence says
    another one, which the claim leaves out.
    """
    sentence = sentence_of(line.text, start, end)
    pack = fitting(sentence)[0]
    text = scan(fitting(claim.text), claim.text, _KINDS)[1]  # days and numbers are looked at apart
    if not pack.spaced:
        return _displaced_letter(text, sentence, known)
    ours = _told(text)
    if len(_foreign(claim, line, sentence)) > MOST_OTHER:
        return False  # said in words of its own, which the share of those that the lines have bounds
    theirs = [stem for stem, _ in _told(sentence)]
    own = {stem for stem, _ in ours}
    subjects = frozenset(analyse(" ".join([line.name, claim.about, *names_in(claim.text), *entries_of("roles")])))
    kin = pack.stems("kin")
    for (one, _), (two, led) in pairwise(ours):
        if (
            two not in known
            and not _DIGIT.search(two)
            and one not in subjects | kin
            and _other_follows(one, theirs, own)
        ):
            return True
        if one not in known and not _DIGIT.search(one) and led.get(one) and _other_follows(two, theirs[::-1], own):
            return True
    return False


def _foreign(claim: Claim, line: Line, sentence: str) -> set[str]:
    """Return what a claim tells in other words than its sentence, names apart."""
    names = " ".join((line.name, claim.about, *names_in(claim.text)))
    return telling(claim.text) - frozenset(analyse(f"{sentence} {names}"))


def _told(text: str) -> list[tuple[str, dict[str, bool]]]:
    """Return the stems of what a text tells, in order, and whether each of it and of the one before has an article."""
    found: list[tuple[str, dict[str, bool]]] = []
    led = False
    before: dict[str, bool] = {}
    articles = entries_of("articles")
    for word in tokens(text):
        stems = telling(word)
        if len(stems) == 1 and word not in STOP_WORDS:
            (stem,) = stems
            now = {stem: led}
            found.append((stem, {**before, **now}))
            before, led = now, False
        else:
            led = word in articles
    return found


def _other_follows(word: str, said: Sequence[str], ours: set[str]) -> bool:
    """Return whether, wherever a word is said, one follows that the retelling leaves out."""
    behind = [said[n + 1] if n + 1 < len(said) else word for n, each in enumerate(said) if each == word]
    return bool(behind) and not any(each in ours for each in behind)


def _displaced_letter(text: str, sentence: str, known: frozenset[str]) -> bool:
    ours, theirs = tokens(text), tokens(sentence)
    own = set(ours)
    for one, two in pairwise(ours):
        alone = len(two) == 1 and not two.isascii() and two not in known and two not in GRAMMAR
        if alone and _other_follows(one, theirs, own):
            return True
    return False


def other_amount(claim: Claim, line: Line, start: int, end: int, days: Days | None) -> bool:
    """Return whether a claim has a day, a month, a time or a number in the place of one of its sentence's: one that is
    not in its line, and is no day that this means, while it leaves out one of that kind.
    """
    ours = _amounts(claim.text)
    sentence = _amounts(sentence_of(line.text, start, end))
    whole = _amounts(line.text[max(0, start - 2_000) : end + 2_000])
    meant = set() if days is None else {str(each) for each in parts_of(days)}
    for kind in _KINDS:
        mine = ours.get(kind, set()) - whole.get(kind, set()) - meant
        if kind == "day" and days is not None:
            mine = set()
        if mine and sentence.get(kind, set()) - ours.get(kind, set()):
            return True
    return False


def _amounts(text: str) -> dict[str, set[str]]:
    """Return the amounts of a text by their kinds; the month of a date is one, too, and its day a number."""
    found: dict[str, set[str]] = {}
    for each in scan(fitting(text), text, _KINDS)[0]:
        if each.kind == "date":
            month, day = each.value.split("/")[0].split("-", 1)
            found.setdefault("month", set()).add(month)
            found.setdefault("number", set()).add(day)
        else:
            found.setdefault(each.kind, set()).add(each.value.rstrip("?") if each.kind == "clock" else each.value)
    return found


def turned(claim: Claim, line: Line, start: int, end: int) -> bool:
    """Return whether a claim swaps what its sentence says: from and to, who and whom, what is preferred to what."""
    sentence = sentence_of(line.text, start, end)
    pack = fitting(sentence)[0]
    if any(pack.pattern("passive").search(text) for text in (claim.text, sentence)):
        return False
    if not pack.spaced or not _foreign(claim, line, sentence):
        clause = _clause_whole(line.text, start, end)
        return _other_side(pack, claim.text, clause) or _other_order(pack, claim, line, clause)
    return False


def _clause_whole(text: str, start: int, end: int) -> str:
    """Return the clauses that a quote stands in, whole."""
    behind = CLAUSE.search(text, end, end + _FAR)
    head = _clause_around(text, start, end)
    return head + text[end : behind.start() if behind else end + _FAR]


def _other_side(pack: Pack, text: str, clause: str) -> bool:
    """Return whether behind a word that joins two ("to", "than") a text has what stands before it in a clause."""
    turning = pack.words("turning")
    ours, theirs = tokens(text), tokens(clause)
    for place, word in enumerate(ours):
        at = [n for n, each in enumerate(theirs) if each == word]
        if word not in turning or not at:
            continue
        behind = next(iter(_content(pack, ours[place + 1 :])), None)
        after = {stem for n in at for stem in _content(pack, _until(theirs[n + 1 :], turning))}
        before = {stem for n in at for stem in _content(pack, theirs[:n])}
        if behind is not None and after and behind in before - after:
            return True
    return False


def _until(said: Sequence[str], ends: frozenset[str]) -> list[str]:
    return list(said[: next((n for n, word in enumerate(said) if word in ends), len(said))])


def _content(pack: Pack, said: Sequence[str]) -> list[str]:
    """Return the stems of words that tell something, in order; of a script without spaces the letters."""
    if not pack.spaced:
        return [word for word in said if word not in GRAMMAR]
    return [stem for word in said if word not in STOP_WORDS for stem in analyse(word)]


def _other_order(pack: Pack, claim: Claim, line: Line, clause: str) -> bool:
    """Return whether a claim says the same words of two that are named, the other way round."""
    if line.role == "document" or pack.pattern("together").search(claim.text):
        return False
    named = dict.fromkeys([*names_in(clause), *claim.entities, claim.subject, claim.object, claim.about])
    places = [(clause.find(name), claim.text.find(name)) for name in named if name and name != line.name]
    acts = pack.pattern("acts").search(clause)
    if acts is not None and line.name:
        places.append((acts.start(), claim.text.find(line.name)))
    both = sorted(each for each in places if min(each) >= 0)
    return any(one[1] > two[1] for one, two in pairwise(both))
