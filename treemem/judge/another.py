"""What a newer text says is another now: a value, a kind, a holder, a role, a name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from treemem.judge import cues
from treemem.judge.canonical_text import canonical
from treemem.judge.clauses import ME, Clause, Sentence, stems_of
from treemem.judge.said import numbers, topic_of, values
from treemem.text import analyse, fold


def from_to(news: Sentence, was: Sentence) -> bool:
    """ "Our CI runs on Jenkins": "We migrated our CI from Jenkins to Actions". The old value must end the statement."""
    for pattern in (cues.FROM_TO, *cues.REPLACED):
        for match in pattern.finditer(news.text):
            old, new = stems_of(match["old"]), stems_of(match["new"])
            about = frozenset(topic_of(was)) - set(ME)
            old -= about - new if old - about else frozenset()
            if not is_a_change(match, news, was) or _by_another(match, news, was):
                continue
            rest = was.stems - old - news.stems
            if " for " not in news.text.replace(match.group(), match["new"]):
                rest -= _purpose(was.text, old)
            shared = (was.stems - old) & news.stems
            told = (
                bool(old)
                and old <= was.stems
                and not new <= was.stems
                and not rest - cues.LIGHT - cues.LOCATED
                and len(rest) <= 1
            )
            if _of_the_speaker(match):
                about = frozenset(ME)
                shared |= about & set(topic_of(was))
            mine = news.clauses[0].subject == ME and ((owned := cues.OWNED.match(was.text)) and owned["mine"])
            same = shared or mine or news.clauses[0].subject == topic_of(was) == ME or (about and about <= old)
            if told and same:
                return True
    return False


def _purpose(text: str, thing: frozenset[str]) -> frozenset[str]:
    """Return the stems of what a thing is used for, or is: what takes its place takes it for all of it."""
    before, _, after = text.partition(" for ")
    if owned := cues.OWNED.match(text):
        before, after = owned["value"], owned["thing"]
    return stems_of(after) if thing <= stems_of(before) else frozenset()


def _by_another(match: re.Match[str], news: Sentence, was: Sentence) -> bool:
    """Return whether it is somebody else who changed: "the design team moved from A to B"."""
    subject = news.clauses[0].subject
    if subject in ((), ME, topic_of(was)) or set(subject) - cues.SESSIONS <= was.stems:
        return False
    return not _of_the_speaker(match) and not set(subject) <= stems_of(match["new"])


def _of_the_speaker(match: re.Match[str]) -> bool:
    """Return whether it is the speaker who was changed: "my doctor switched me from A to B"."""
    return re.match(r" (?:me|us) *$", match.groupdict().get("what") or "") is not None


def is_a_change(match: re.Match[str], news: Sentence, was: Sentence) -> bool:
    """Return whether "from A to B", or "B instead of A", tells of a change and not of a way or of a day."""
    if " instead of " in match.group():
        return cues.NOW.search(news.text) is not None
    found = match.groupdict()
    if "verb" not in found:
        return True
    what = stems_of(found["what"])
    if cues.AT_TIMES.search(news.text) and not cues.AT_TIMES.search(was.text):
        return False
    if re.match(r" (?:an?|some|one|two) ", found["what"]) or (
        what and not what & was.stems
    ):  # "we changed trains from A to B"
        return False
    if found["verb"].lower() in cues.WAYS:  # "we went from A to B"
        return bool((was.stems - set(topic_of(was)) - stems_of(found["old"])) & news.stems)
    return True


def another_value(news: Sentence, was: Sentence) -> bool:
    """ "The deploy takes twenty minutes": "The deploy takes six minutes now"."""
    for clause in news.clauses:
        now = cues.NOW.search(news.text) or cues.RESCHEDULED.search(news.text)
        changed = cues.CHANGED.search(clause.text)
        if any(not is_a_change(way, news, was) for way in cues.FROM_TO.finditer(clause.text)):
            continue
        if not _same_subject(clause, was) or not (now or changed) or cues.NOT.search(clause.text):
            continue
        if cues.ALSO.search(news.text) or (changed and _of_another(changed["what"], was)):
            continue
        old, new = values(was.text), values(clause.text)
        kinds = [kind for kind in old if kind in new and old[kind] != new[kind] and len(old[kind]) == 1]
        if not kinds or not _of_the_same(clause, was, kinds, changed=changed is not None):
            continue
        said = frozenset().union(*(analyse(value) for many in old.values() for value in many))
        frame = was.stems - said - set(topic_of(was))
        if cues.AGE.search(was.text) and cues.AGED.search(clause.text):
            frame -= {"year", "old"}
        if not clause.stems & cues.EVERY:
            frame -= cues.EVERY
        if "weigh" in frame and clause.stems - was.stems - numbers(clause.text) - cues.DIRECTIONS - {"now"}:
            continue
        kinds = [kind for kind in kinds if kind != "place" or frame <= cues.LOCATED]
        if not kinds:
            continue
        if frame - cues.LIGHT <= clause.stems:
            return not (frame & cues.LIGHT) or bool(changed) or frame <= clause.stems
        if (
            changed
            and clause.subject != ME
            and set(kinds) & {"date", "month", "day", "place", "ordinal", "clock", "quarter"}
            and len(frame) <= 1
        ):
            return True
    return False


def _same_subject(clause: Clause, was: Sentence) -> bool:
    """Return whether a clause is about what an older text is about; the price of a thing is what it costs."""
    told = clause.subject[:-1] if cues.COSTS.search(was.text) and clause.subject[-1:] == ("price",) else clause.subject
    if told == topic_of(was):
        return True
    mine = cues.OF_MINE_CHANGED.match(clause.text) or cues.OF_MINE.match(clause.text)
    return mine is not None and cues.HAS_ONE.match(was.text) is not None and set(told) <= was.stems


def _of_another(what: str, was: Sentence) -> bool:
    """Return whether what was changed is a thing that an older text does not tell of: "she moved her desk to ..."."""
    stems = stems_of(what) - cues.DIRECTIONS
    return bool(stems) and not stems & was.stems


def _of_the_same(clause: Clause, was: Sentence, kinds: list[str], *, changed: bool) -> bool:
    """Return whether a newer value is of what the older one is of: at the same times, of the same end, of one thing."""
    if set(cues.AT_TIMES.findall(clause.text)) - set(cues.AT_TIMES.findall(was.text)):
        return False
    old, new = values(was.text), values(clause.text)
    if changed:
        return "clock" not in kinds or not cues.LENGTHENED.search(clause.text)
    if {"day", "month"} & new.keys() - old.keys() or (topic_of(was) == ME and len(kinds) > 1 and "number" in kinds):
        return False
    if "clock" in kinds:
        before, after = cues.UNTIL.search(was.text), cues.UNTIL.search(clause.text)
        return (before is None) == (after is None)
    return True


def another_kind(news: Sentence, was: Sentence) -> bool:
    """ "I prefer dark mode": "I now prefer light mode". All but one or two words before a noun, or after "by", is the
    same.
    """
    if not cues.NOW.search(news.text) or cues.ALSO.search(news.text) or cues.NOT.search(news.text):
        return False
    new, old = canonical(news.text).split(), canonical(was.text).split()
    start = _shared(new, old)
    end = _shared(new[start:][::-1], old[start:][::-1])
    parts = new[start : len(new) - end], old[start : len(old) - end]
    if start < 2 or not all(1 <= len(part) <= 2 for part in parts):
        return False
    return (
        new[start - 1] in cues.ONE_OF_A_KIND or new[start + len(parts[0]) :] == ["hair"]
        if end
        else new[start - 1] == "by"
    )


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words two texts begin with together."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def another_holder(news: Sentence, was: Sentence) -> bool:
    """ "Tom is the team lead", "The team lead is Tom": "Ines is the team lead now", "Ines took over as team lead"."""
    old = cues.HELD_BY.match(was.text) or cues.HOLDER.match(was.text)
    if old is None or (old["mine"] and not cues.EXCLUSIVE.search(old["role"])):
        return False
    role = stems_of(old["role"])
    said_new = bool(cues.NOW.search(news.text) or cues.ENDED.search(news.text) or cues.TAKEN_OVER.search(news.text))
    return said_new and any(
        role and stems_of(cues.NOW.sub("", new["role"])) == role and fold(new["who"]) != fold(old["who"])
        for pattern in cues.NEW_HOLDERS
        for new in pattern.finditer(news.text)
    )


def holds_no_longer(news: Sentence, was: Sentence) -> bool:
    """ "The client is Acme": "Acme is no longer our client"."""
    old, new = cues.HELD_BY.search(was.text), cues.NO_LONGER_HELD_BY.search(news.text)
    if old is None or new is None:
        return False
    role, held = stems_of(new["role"]) - cues.CUE_STEMS, stems_of(old["role"])
    short = "favourit" in role or "favorit" in role  # "isn't my favourite any more": the restaurant goes without saying
    return bool(role) and stems_of(old["who"]) == stems_of(new["who"]) and (role == held or (short and role <= held))


def another_weight(news: Sentence, was: Sentence) -> bool:
    """ "I weigh 85 kilos": "I'm down to 80 kilos"."""
    old, new = cues.WEIGHT.match(was.text), cues.WEIGHT_NOW.search(news.text)
    return old is not None and new is not None and old["was"] != new["now"] and old["unit"][0] == new["unit"][0]


def another_role(news: Sentence, was: Sentence) -> bool:
    """ "I'm a junior developer": "I got promoted to senior developer". Both roles end on one word."""
    old = cues.ROLE.search(was.text)
    if old is None or was.stems - stems_of(old["role"]) - set(topic_of(was)):
        return False
    for clause in news.clauses:
        new = cues.NEW_ROLE.search(clause.text)
        if new is not None and clause.subject == topic_of(was):
            before, after = analyse(old["role"]), analyse(new["role"] or new["role_now"])
            if before and after and before[-1] == after[-1] and before != after:
                return True
    return False


def switched_to(news: Sentence, was: Sentence) -> bool:
    """ "The user is on the free plan": "The user upgraded to the Pro plan". Both end on one word."""
    before = analyse(was.text)
    kind = frozenset(before) - set(topic_of(was)) - cues.LIGHT - cues.LEFT_OVER - set(before[-1:])
    if not 1 <= len(kind) <= 2:
        return False
    for clause in news.clauses:
        new = cues.SWITCHED_TO.search(clause.text)
        if new is not None and clause.subject == topic_of(was):
            after = analyse(new["new"])
            if 2 <= len(after) <= 3 and after[-1] == before[-1] and kind.isdisjoint(after):
                return True
    return False


def renamed(news: Sentence, was: Sentence) -> bool:
    """ "My cat's name is Luna": "We renamed our cat to Nova"."""
    if (match := cues.RENAMED.search(news.text)) is not None and cues.NAMED.search(was.text):
        what = stems_of(match["what"])
        return bool(what) and what <= was.stems and not stems_of(match["new"]) <= was.stems
    if (match := cues.WAS_RENAMED.search(news.text)) is not None:
        said = was.stems - set(topic_of(was)) - {"name", "call"}
        return (
            stems_of(match["what"]) == set(topic_of(was)) and len(said) <= 2 and not stems_of(match["new"]) <= was.stems
        )
    return False
