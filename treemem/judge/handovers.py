"""Handovers: one clause says that a thing changed, or that what it was is gone; another one says what is so now.

"Rent went up, it's now 1620 a month" takes the place of "My rent is 1450 a month", and "Priya left and Tom is my
manager now" that of "My manager is Priya". Every word of the first clause that says which thing is meant must stand in
the older text; the second one must be of the same thing, and its value of the same sort as the older one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from treemem.forks import cached
from treemem.judge import letters
from treemem.judge.facts import state_of
from treemem.judge.same import apart, siblings
from treemem.judge.speech import Speech
from treemem.judge.turns import Known
from treemem.judge.values import TIMES, alike_but_for_amounts, measure, other_amount
from treemem.language import Pack, entries, packs, tokens

_CODE = re.compile(
    r"[\w.+-]{0,60}@\S{1,60}|\S{0,40}[\w][._/:]\w\S{0,40}|(?=\S{0,20}\d)[^\W\d_]\S{0,20}|\d\S{0,6}[^\W\d_]\S{0,20}"
)
#: Words of a value, of what stands before a verb, and of a name that was given anew.
_MOST, _MOST_BEFORE, _MOST_NAMED = 9, 8, 4


@dataclass(frozen=True, slots=True)
class _News:
    """A clause that says that something "changed", or is "gone"; `of` is into what it may change."""

    number: int
    kind: str
    of: frozenset[str]
    before: str
    behind: str

    @property
    def rest(self) -> str:
        """The clause without the verb."""
        return f"{self.before} {self.behind}"


@dataclass(frozen=True, slots=True)
class _State:
    """A clause that says how it is, split at a verb; `now` is whether it says that it is so now."""

    number: int
    now: bool
    before: str
    verb: str
    value: str


class _Told:
    """What a newer text says of changes and states."""

    def __init__(self, said: Speech) -> None:
        pack = said.pack
        past = pack.pattern("gone").search(said.saying) is not None
        self._clauses = clauses = () if past or not _may(said) else said.loose
        self.news = tuple(each for n, clause in enumerate(clauses) for each in _news_in(pack, n, clause))
        self.states = (
            *(each for n, clause in enumerate(clauses) for each in _states_in(pack, n, clause)),
            *(each for n, clause in enumerate(clauses) for each in _become_in(pack, n, clause)),
        )
        self._stems = frozenset(stem for clause in clauses for stem in pack.stemmed(clause))
        self._subjects = frozenset(state.before.casefold() for state in self.states if state.now)

    def elsewhere(self, number: int, was: _Was) -> bool:
        """Return whether a clause speaks of something that an older text does not: "my phone bill went up"."""
        if number < 0:
            return False
        pack = was.known.pack
        beside = was.known.stems | pack.stems("agents") | pack.stems("news_said")
        texts = [news.rest for news in self.news if news.number == number] or [self._clauses[number]]
        return not any(was.known.told(text) <= beside for text in texts)

    def concerns(self, was: _Was) -> bool:
        """Return whether it may be about what an older text says: it has a word of it, or is of its speaker alone."""
        return not self._stems.isdisjoint(was.known.content) or was.before.casefold() in self._subjects


class _Was:
    """What an older text says, split at its verb."""

    def __init__(self, said: Speech) -> None:
        self.known = Known(said)
        first = (said.tolerant or ("",))[0]
        split = next(_split(said.pack, first), None)
        words = first.split()
        self.before, self.verb, self.value = split or (" ".join(words[:1]), "", " ".join(words[1:]))
        self.subject = self.known.told(self.before)

    @cached
    def mine(self) -> bool:
        """Whether it is about its speaker, or what is his."""
        return not frozenset(tokens(self.before)[:1]).isdisjoint(self.known.pack.words("oneself"))


_told = lru_cache(maxsize=512)(_Told)
_was = lru_cache(maxsize=512)(_Was)


@lru_cache(maxsize=1_024)
def may_hand_over(said: Speech) -> bool:
    """Return whether a text may say that something was handed over, by its words alone."""
    return _may(said) if said.pack.spaced else letters.may_change(said)


def _may(said: Speech) -> bool:
    pattern = said.pack.pattern("now_said")
    return pattern.search(said.saying) is not None or any(
        p.search(said.saying) for _, _, p in news_verbs(said.pack.code)
    )


def handed_over(newer: Speech, older: Speech) -> bool:
    """Return whether a newer text says that what an older one says is another now."""
    if not newer.pack.spaced:
        return letters.changed(newer, older)
    told = _told(newer)
    if not told.states:
        return False
    was = _was(older)
    if was.known.stays or not was.value or not told.concerns(was):
        return False
    for state in told.states:
        if any(_takes(state, news, was) for news in told.news if news.number != state.number):
            return True
        if state.now and not told.elsewhere(state.number - 1, was) and _takes(state, None, was):
            return True
    return False


@lru_cache(maxsize=32)
def news_verbs(code: str) -> tuple[tuple[str, frozenset[str], re.Pattern[str]], ...]:
    """Return the verbs of a change and of an end: how, of what, and as a pattern."""
    pack, found = packs()[code], []
    for row in pack.tables.get("news", ()):
        verbs = sorted(entries(row["verbs"]), key=lambda verb: (-len(verb), verb))
        whole = "|".join(re.escape(verb).replace(r"\.\.\.", r"(?:\S{1,20} ){1,3}?\S{1,20}") for verb in verbs)
        found.append(
            (row["says"], frozenset(entries(row.get("of", ""))), re.compile(rf"(?i)(?<![\w'-])(?:{whole})(?![\w'-])"))
        )
    return tuple(found)


def _news_in(pack: Pack, number: int, clause: str) -> Iterator[_News]:
    plain = pack.pattern("closing").sub("", pack.pattern("why").sub("", clause))
    if pack.pattern("negated").search(plain) or pack.pattern("not_news").search(plain):
        return
    passing = pack.pattern("not_news").search(clause) is not None
    for kind, of, pattern in news_verbs(pack.code):
        match = pattern.search(plain)
        if match is not None and not (passing and kind == "gone"):
            said = (
                " ".join(match.group().split()[1:-1])
                if "..." in pattern.pattern or len(match.group().split()) > 2
                else ""
            )
            yield _News(number, kind, of, plain[: match.start()], f"{said} {plain[match.end() :]}".strip())


def _states_in(pack: Pack, number: int, clause: str) -> Iterator[_State]:
    clause = pack.pattern("closing").sub("", pack.pattern("now_that").sub(" now", clause))
    text, found = pack.pattern("now_said").subn(" ", pack.pattern("since_then").sub("", clause))
    text = " ".join(pack.pattern("dropped").sub("", f" {text} ").split())
    if pack.pattern("negated").search(text) or pack.pattern("not_so").search(text):
        return
    for before, verb, value in _split(pack, text):
        if len(value.split()) <= _MOST:
            yield _State(number, found > 0, before, verb, value)


def _become_in(pack: Pack, number: int, clause: str) -> Iterator[_State]:
    """Yield what a clause says something was changed to: "meeting has been moved to Room 3"."""
    found = pack.pattern("became").match(pack.pattern("closing").sub("", clause))
    if found is not None and not pack.pattern("negated").search(clause) and not pack.pattern("not_so").search(clause):
        yield _State(-1 - number, True, found["what"], next(iter(pack.words("be"))), found["new"])


def _split(pack: Pack, text: str) -> Iterator[tuple[str, str, str]]:
    """Yield a clause split at its first verb: what stands before it, its base form, and the rest."""
    words, bases = text.split(), pack.mapped("bases")
    verbs = pack.words("frame_verbs") | pack.words("using") | pack.words("state_verbs")
    based = [bases.get(word.casefold(), word.casefold()) for word in words[:_MOST_BEFORE]]
    behind = 1 + (based[:1] != [] and based[0] in pack.words("determiners"))
    places = [number for number, base in enumerate(based) if number >= behind and base in verbs]
    place = next((n for n in places if based[n] in pack.words("be")), places[0] if places else 0)
    rest = words[place + 1 + (based[place : place + 1] == ["have"] and words[place + 1 : place + 2] == ["got"]) :]
    if not place and len(words) > 2 and based[0] in pack.words("oneself"):
        place, rest = 1, words[2:]
    if place and rest:
        yield " ".join(words[:place]), based[place], " ".join(rest)


@dataclass(frozen=True, slots=True)
class _Found:
    """The older value and the newer one, and how a state stands to the older text.

    `by` is "frame" (the same words before the same verb), "topic" (it names what the older text is of), "turned" (the
    same behind the verb), "itself" (a pronoun for it), "oneself" (its speaker).
    """

    old: str
    new: str
    by: str


def _takes(state: _State, news: _News | None, was: _Was) -> bool:
    """Return whether a state, after some news, takes the place of an older one."""
    pack, known = was.known.pack, was.known
    named: frozenset[str] = frozenset()
    if news is not None:
        mine = was.mine and _first(news.behind) in pack.mapped("mine").values()
        text = news.behind if mine else news.rest
        told = known.told(text)
        named = told & known.stems
        if not told - named <= pack.stems("agents") | pack.stems("news_said") or _of_another(text, was):
            return False
        if not _one_attribute(text, was) or not known.words >= frozenset(tokens(text)) & pack.words("telling_apart"):
            return False
    found = _aligned(state, news, named, was)
    if found is None or _of_another(state.value if found.by == "turned" else state.before, was):
        return False
    told = named | (known.told(f"{state.before} {state.value}") & known.stems)
    if not _same_thing(told, was, news is not None and news.kind == "gone" and not named <= was.subject):
        return False
    return _another(found, state, news, named, was)


def _one_attribute(text: str, was: _Was) -> bool:
    """Return whether an attribute of several words is that of the older text: "last name" is not "name"."""
    said = tokens(text)
    spans = was.known.pack.phrases("attributes").spans(said)
    return all(
        f" {' '.join(said[start:end])} " in f" {' '.join(tokens(was.known.text))} "
        for start, end in spans
        if end > start + 1
    )


def _of_another(text: str, was: _Was) -> bool:
    """Return whether words say that something is another person's, where the older text is of its speaker's."""
    pack = was.known.pack
    if pack.pattern("of_others").search(text) is not None and was.mine and not _has_person(was.before, pack):
        return True
    named = frozenset(tokens(text)) & pack.words("people") - pack.words("pronouns") - pack.words("others")
    return not named <= was.known.words | pack.words("agents")


def _has_person(text: str, pack: Pack) -> bool:
    return not pack.words("people").isdisjoint(tokens(text)) or any(w[:1].isupper() for w in text.split()[1:])


def _same_thing(told: frozenset[str], was: _Was, by_value: bool) -> bool:
    """Return whether enough is named of whom or what an older text is about; a value of it may name it too."""
    missing = was.subject - told
    if not missing:
        return True
    if missing & was.known.pack.stems("people") or any(w[:1].isupper() for w in was.before.split()[1:]):
        return False
    return by_value or (len(missing) == 1 and len(was.subject & told) >= 2)


def _aligned(state: _State, news: _News | None, named: frozenset[str], was: _Was) -> _Found | None:
    """Return how a state stands to the older text, None where it says nothing of the same thing."""
    pack, known = was.known.pack, was.known
    before, value = known.told(state.before), known.told(state.value)
    if not _says_apart(pack, state.before) <= known.words:
        return None
    subject, being = state.before.casefold(), state.verb in pack.words("be")
    oneself = subject in pack.mapped("mine")
    person = subject in pack.words("pronouns") and _has_person(was.before, pack)
    pronoun = oneself or person or subject in pack.words("itself")
    if state.verb == was.verb and _same_words(state.before, was.before, pack):
        return _Found(*_trimmed(was.value, state.value), "frame")
    if being and not pronoun and before and before <= known.stems:
        stands = before <= was.subject | frozenset(pack.stemmed(was.verb)) or measure(pack, was.value) is not None
        old = was.before if not stands and before <= known.told(was.value) else was.value
        return _Found(old, state.value, "topic")
    turned = being and not pronoun and bool(before and value) and value <= known.stems and not before & known.stems
    if turned and _first(state.value) in pack.words("owners"):
        return _Found(was.before if value <= known.told(was.value) else was.value, state.before, "turned")
    amount = pack.pattern("to_amount").match(state.value) if state.now and being and oneself else None
    if amount is not None and tokens(state.before) == tokens(was.before):
        said = measure(pack, amount["new"])
        frame = frozenset(said.frame) if said else frozenset[str]()
        if frame and (was.verb in pack.words("of_oneself") or frame.isdisjoint(pack.words("own_units"))):
            return _Found(was.value, amount["new"], "frame")
    follows = news is not None and bool(named) and news.number + 1 == state.number
    if pronoun and follows and (being or state.verb == was.verb):
        of_value = news is not None and news.kind == "changed" and not was.mine and named <= known.told(was.value)
        return _Found(was.before if of_value else was.value, state.value, "oneself" if oneself else "itself")
    return None


def _says_apart(pack: Pack, text: str) -> frozenset[str]:
    """Return the words that tell one thing of a name from another, also where they say little else: "weekend"."""
    days = (word for match in pack.pattern("day").finditer(text) for word in tokens(match.group()))
    return frozenset((*days, *(word for word in tokens(text) if word in pack.words("telling_apart"))))


def _same_words(one: str, other: str, pack: Pack) -> bool:
    left_out = pack.words("articles") | set(pack.mapped("mine").values())
    a, b = ([w for w in tokens(text) if w not in left_out] for text in (one, other))
    return bool(a) and a == b


def _trimmed(old: str, new: str) -> tuple[str, str]:
    """Return two values without the words at the end that both have."""
    a, b = old.split(), new.split()
    while len(a) > 1 and len(b) > 1 and a[-1].casefold() == b[-1].casefold():
        a, b = a[:-1], b[:-1]
    return " ".join(a), " ".join(b)


def _another(found: _Found, state: _State, news: _News | None, named: frozenset[str], was: _Was) -> bool:
    """Return whether a value is of the sort of an older one, and another, as far as the news allows it."""
    pack, old, new, by = was.known.pack, found.old, found.new, found.by
    a, b = _bare(pack, old), _bare(pack, new)
    one, other = _sort(pack, old), _sort(pack, new)
    if state.now and alike_but_for_amounts(pack, a, b) and state.verb not in pack.words("have"):
        one = other = "amount"
    placed = pack.words("placed")
    moved = news is not None and "place" in news.of and one != "time" and other == "name"
    if moved and {_first(old), _first(new)} <= placed:
        return state.now and not named & was.known.told(old) and apart(pack, a, b)
    if one == other and one in ("amount", "time"):
        if by == "frame" and state.verb in pack.words("have") and _first(was.value) in pack.words("articles"):
            return False  # "I have a meeting at 4 now" is of another meeting
        told = state.now if by == "frame" else state.now or bool(named)
        return told and (news is None or news.kind == "changed") and other_amount(pack, old, new)
    if {one, other} & {"amount", "time"} or a.casefold() == b.casefold():
        return False
    if news is None:
        if not state.now or by != "frame" or not one == other == "word":
            return False
        of_taste = state.verb in pack.words("prefer") and old != was.value
        return apart(pack, a, b) if of_taste else state.verb in pack.words("be") and _one_state(pack, a, b)
    behind = placed | pack.words("goes_on")
    if not (state.now or by == "itself") or (
        _first(new) in placed and _first(old) not in behind and not _CODE.fullmatch(b)
    ):
        return False
    if news.kind == "gone":
        if not named & was.known.told(old) or named <= was.subject:
            return False
        if by == "frame" and not was.known.told(old) - named <= was.known.told(new):
            return False
        if by in ("itself", "oneself"):
            return other == "name" if by == "itself" else _first(old) == _first(new)
        return (by == "frame" and state.verb not in pack.words("be")) or other in ("name", "thing") or one == other
    return (bool(named) or by in ("frame", "topic")) and _changed_into(found, (one, a), (other, b), news, named, was)


def _changed_into(
    found: _Found, old: tuple[str, str], new: tuple[str, str], news: _News, named: frozenset[str], was: _Was
) -> bool:
    """Return whether what changed may have the one value after the other, each given with its sort."""
    pack, (one, a), (other, b) = was.known.pack, old, new
    if "name" in news.of:
        return other == "name" and len(b.split()) <= _MOST_NAMED and not b.endswith("ed") and apart(pack, a, b)
    if named & was.known.told(found.old):
        return False  # what it is changed, and not what it is of
    freely = "any" in news.of or ("new" in news.of and named & pack.stems("attributes"))
    if one == other == "name" and named and freely:
        return apart(pack, a, b) or (_CODE.fullmatch(a) is not None and _CODE.fullmatch(b) is not None)
    if "job" in news.of and found.by == "frame":
        return _promoted(pack, found.old, found.new)
    words = one == other == "word" and not news.of.isdisjoint(("any", "word"))
    return words and (siblings(pack, a.split()[-1], b.split()[-1]) or _one_state(pack, a, b))


def _promoted(pack: Pack, old: str, new: str) -> bool:
    """Return whether one is a rank or a calling above another, of one line: "a senior developer"."""
    a, b = tokens(old), tokens(new)
    ranks, jobs = pack.words("ranks"), pack.words("jobs")
    above = not ranks.isdisjoint(a) or (not ranks.isdisjoint(b) and not jobs.isdisjoint(a))
    return a != b and ((above and frozenset(b) <= ranks | jobs | pack.words("articles")) or jobs >= {a[-1], b[-1]})


def _one_state(pack: Pack, one: str, other: str) -> bool:
    a, b = state_of(pack, one.casefold()), state_of(pack, other.casefold())
    return a is not None and a == b and one.casefold() != other.casefold()


def _first(text: str) -> str:
    return (tokens(text) or [""])[0]


def _bare(pack: Pack, value: str) -> str:
    """Return a value without what stands before it and says nothing."""
    words = value.split()
    while len(words) > 1 and words[0].casefold() in pack.words("before_value"):
        words = words[1:]
    return " ".join(words)


def _sort(pack: Pack, value: str) -> str:
    """Return of what sort a value is: a time, an amount, a name, a thing, or a word."""
    said = measure(pack, value)
    if said is not None and said.kinds & TIMES and len(said.frame) <= 3:
        return "time"
    bare = _bare(pack, value)
    first = bare.split(" ")[0]
    if any(c.isupper() for c in first) or (_CODE.fullmatch(first) and not first.lstrip("$€£¥")[:1].isdigit()):
        return "name"
    if said is not None:
        return "amount"
    return "thing" if _first(value) in pack.words("articles") else "word"
