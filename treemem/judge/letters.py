"""Handovers in a script without spaces: "公司搬了，现在在望京" takes the place of "我们公司在国贸"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge.same import apart
from treemem.judge.speech import Speech
from treemem.judge.turns import Known
from treemem.judge.values import masked, measure, one_amount, two_at_once
from treemem.language import Pack

_SPACES = re.compile(r"\s{1,9}")
_LATIN = re.compile(r"[\x21-\x7e]{2,60}")
_ONE = re.compile("#{1,160}")


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause as it stands, and split at a link ("在", "叫"): what stands before it, the link's kind, the value."""

    text: str
    of: str
    link: str
    value: str
    now: bool = False

    @property
    def so_now(self) -> bool:
        """Whether it says that it is so now, as it was not."""
        return self.now or self.link == "changed"


class _Told:
    """What a newer text says of changes and states, by clauses: each with the number of the clause."""

    def __init__(self, said: Speech) -> None:
        self.pack = pack = said.pack
        past = pack.pattern("gone").search(said.saying) is not None
        clauses = () if past or not may_change(said) else [_SPACES.sub("", clause) for clause in said.loose]
        self.changed: list[tuple[int, str, str]] = []
        self.gone: list[tuple[int, str, str]] = []
        self.states: list[tuple[int, _Part]] = []
        for number, clause in enumerate(clauses):
            text = pack.pattern("closing").sub("", clause)
            for found, name in ((self.changed, "news_changed"), (self.gone, "news_gone")):
                for match in (pattern.search(text) for pattern, _ in pack.rewrites(name)):
                    if match is not None:
                        found.append((number, match["what"], clause))
            part = _parted(pack, text)
            if part is not None:
                self.states.append((number, part))


@lru_cache(maxsize=1_024)
def may_change(said: Speech) -> bool:
    """Return whether a text may say that something was handed over, by its words alone."""
    return any(said.pack.pattern(name).search(said.saying) for name in ("now_said", "link_changed"))


_told, _known = lru_cache(maxsize=512)(_Told), lru_cache(maxsize=512)(Known)


@lru_cache(maxsize=512)
def _was(said: Speech) -> _Part | None:
    first = (said.tolerant or ("",))[0]
    return _parted(said.pack, _SPACES.sub("", first))


def _parted(pack: Pack, clause: str) -> _Part | None:
    """Return a clause split at its first link; without one the whole clause is of what it is about."""
    text, found = pack.pattern("now_said").subn("", clause)
    text = pack.pattern("closed").sub("", pack.pattern("owner").sub("", text))
    match = pack.pattern("link").search(text)
    if not text:
        return None
    if match is None or match.end() == len(text):
        return _Part(text, text, "", "", found > 0)
    link = pack.mapped("links").get(match.group(), match.group())
    return _Part(text, text[: match.start()], link, text[match.end() :], found > 0)


def changed(newer: Speech, older: Speech) -> bool:
    """Return whether a newer text says that what an older one says is another now."""
    told, known, was = _told(newer), _known(older), _was(older)
    if not told.states or was is None or known.stays:
        return False
    pack = newer.pack
    of_others = {at + 1 for at, _, clause in told.changed + told.gone if not _mine(clause, known)}
    if any(state.now and at not in of_others and _amount_now(pack, state, was, known) for at, state in told.states):
        return True
    if any(_moved(state, was, known) for _, state in told.states):
        return True
    for number, what, clause in told.changed:
        if not _mine(clause, known) or not _same_thing(was, known, clause, told):
            continue
        topic = pack.pattern("when_of").sub("", what) if measure(pack, was.text) is not None else what
        named = what != was.value and (known.called(topic) or (len(what) > 1 and was.of.endswith(what)))
        named = named or (
            not known.rest(what)
            and what not in pack.words("no_home")
            and was.link == pack.mapped("implied").get(pack.pattern("closed").sub("", clause)[-2:], "-")
        )
        for at, state in told.states:
            follows = at > number and state.so_now and _mine(state.of, known)
            if follows and _after_change(pack, state, was, known, named, what):
                return True
    for number, what, clause in told.gone:
        gone = known.rest(what) not in was.of and _of_value(what, was, known) and _mine(clause, known)
        states = (state for at, state in told.states if gone and at != number and state.so_now)
        if any(_after_end(state, was, known) for state in states):
            return True
    return False


def _same_thing(was: _Part, known: Known, clause: str, told: _Told) -> bool:
    """Return whether the newer text names whom, and of what, the older one is about."""
    said = clause + "".join(state.of for _, state in told.states)
    parts = (
        rest
        for part in was.of.split(_joint(known.pack))
        if len(rest := known.rest(part)) > 1 and _joint(known.pack) in was.of
    )
    return all(each in said for each in (*parts, *(m.group() for m in told.pack.pattern("person").finditer(was.of))))


def _moved(state: _Part, was: _Part, known: Known) -> bool:
    """Return whether a clause says that what the older text is of was put elsewhere: "医保转到南京了"."""
    if (
        state.link != "changed"
        or was.link not in known.pack.words("placing")
        or not was.of
        or state.value in known.letters
    ):
        return False
    measured = any(measure(known.pack, text) is not None for text in (state.value, was.value))
    of_people = known.pack.pattern("person").search(state.value)
    return state.of == was.of and not (measured or of_people or known.pack.pattern("not_so").search(state.value))


def _of_value(what: str, was: _Part, known: Known) -> bool:
    if (
        was.link == "surname"
        and what.startswith(was.value)
        and what.removeprefix(was.value) in known.pack.words("titled")
    ):
        return True
    parts = what.split(_joint(known.pack))
    if what == was.value:
        return len(what) > 1
    return known.called(what) and any(known.rest(part) in was.value for part in parts)


def _joint(pack: Pack) -> str:
    return str(pack.tables.get("joint", " "))


def _mine(text: str, known: Known) -> bool:
    """Return whether a clause speaks of nobody who is not in the older text."""
    return all(match.group() in known.letters for match in known.pack.pattern("person").finditer(text))


def _core(pack: Pack, text: str) -> str:
    """Return a clause with a sign for each amount, and without what says nothing beside one."""
    return _ONE.sub("#", pack.pattern("beside_amount").sub("", masked(pack, text)))


def _amount_now(pack: Pack, state: _Part, was: _Part, known: Known) -> bool:
    """Return whether a state is that of the older text but for another amount."""
    ours, theirs = _core(pack, state.text), _core(pack, was.text)
    if "#" not in ours or ours.count("#") != 1 or theirs.count("#") != 1 or not _differ(pack, was.text, state.text):
        return False
    if not _mine(state.text, known) or ours == "#":
        return False
    if ours == theirs:
        return True
    (before, behind), (first, last) = ours.split("#"), theirs.split("#")
    if behind != last:
        return False
    more = (
        first.removeprefix(before)
        if before and first.startswith(before)
        else first.removesuffix(before)
        if first.endswith(before)
        else None
    )
    if more is None:
        return False
    return more in pack.words("left_unsaid") and (bool(before) or behind in pack.words("own_units"))


def _differ(pack: Pack, old: str, new: str) -> bool:
    a, b = measure(pack, old), measure(pack, new)
    periods = [{match.group() for match in pack.pattern("period").finditer(text)} for text in (old, new)]
    spelled = [{pack.mapped("periods").get(each, each) for each in found} for found in periods]
    return (
        a is not None
        and b is not None
        and a.kinds == b.kinds
        and spelled[1] <= spelled[0]
        and not one_amount(a.said, b.said)
        and not two_at_once(a, b)
    )


def _after_change(pack: Pack, state: _Part, was: _Part, known: Known, named: bool, what: str) -> bool:
    """Return whether a state gives another value of what changed."""
    if not named and what not in pack.words("generic") | pack.words("job_news"):
        return False
    old, new = was.value, state.value
    coded = _LATIN.fullmatch(old) and _LATIN.fullmatch(new) and not (old.isdigit() or new.isdigit())
    if (not coded or masked(pack, old) == masked(pack, new)) and _differ(pack, was.text, state.text):
        ours, theirs = _core(pack, state.text), _core(pack, was.text)
        if ours.count("#") == theirs.count("#") == 1:
            (before, behind), (first, last) = ours.split("#"), theirs.split("#")
            fits = last.endswith(behind) if behind else True
            stands = not before or before in first
            return fits and stands and (named or len(before) > 1 or len(behind) > 1)
        return False
    if not coded and measure(pack, old) is not None and measure(pack, new) is not None:
        return False
    if not old or not new or pack.pattern("not_so").search(new) or new in known.letters or old in state.text:
        return False
    of = known.rest(state.of)
    if of and of not in known.letters:
        return False
    both = bool(_LATIN.fullmatch(old)) + bool(_LATIN.fullmatch(new))
    addressed = ["@" in text for text in (old, new)]
    if any(addressed):
        return all(addressed) and named
    if state.link not in (was.link, "changed") and not (state.link == "be" and was.link in pack.words("of_being")):
        return False
    role = what in pack.words("attributes") and max(len(old), len(new)) <= 4
    alike = role or old[-1] == new[-1] or both == 2 or was.link not in pack.words("of_kinds")
    if what in pack.words("job_news"):
        jobs = all(any(text.endswith(job) for job in pack.words("jobs")) for text in (old, new))
        return jobs and was.link == "be" and (old[:2] == new[:2] or old[-2:] == new[-2:])
    return named and alike and apart(pack, old, new)


def _after_end(state: _Part, was: _Part, known: Known) -> bool:
    """Return whether a state gives another value of what has none any more."""
    of = known.rest(state.of)
    if known.pack.pattern("not_so").search(state.value) or not state.value or state.value in known.letters:
        return False
    if state.link == was.link == "be" and not of:
        return len(was.value) > 1 and was.value[-2:] == state.value[-2:] and was.value != state.value
    if of:
        return of in known.rest(was.of) and _mine(state.of, known)
    return state.link == "changed" or (state.link == was.link and state.link not in ("be", ""))
