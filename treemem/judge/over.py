"""What a newer text says has ended: it is no longer so, was sold, died, was found, is mended."""

from __future__ import annotations

import re

from treemem.judge import cues
from treemem.judge.additions import only_adds
from treemem.judge.clauses import ME, Sentence, stems_of
from treemem.judge.said import amounts, differ, numbers, topic_of, values
from treemem.judge.states import STATES
from treemem.read.entities import names_in
from treemem.text import words


def no_longer(news: Sentence, was: Sentence) -> bool:
    """ "I eat meat": "I no longer eat meat". What is denied may not say more than what was said."""
    for clause in news.clauses:
        if clause.subject == topic_of(was) and cues.NO_LONGER.search(clause.text) and not differ(was.text, clause.text):
            denied = (
                clause.stems - cues.CUE_STEMS - _needed(was) - set(clause.subject) - (numbers(clause.text) - was.stems)
            )
            rest = was.stems - news.stems - set(topic_of(was)) - numbers(was.text) - cues.EVERY - amounts(was.text)
            if cues.HAVE_TO.search(clause.text):
                rest -= {"must"}
            if denied and denied <= was.stems and not rest:
                return True
    return False


def _needed(was: Sentence) -> frozenset[str]:
    """Return what "needing" a thing adds to using it: nothing."""
    return frozenset(["need"]) if was.stems & {"use", "wear", "take"} else frozenset()


def ended(news: Sentence, was: Sentence) -> bool:
    """ "I have an account at Northbank": "I closed my account at Northbank"."""
    for clause in news.clauses:
        for pattern in (cues.ENDED, cues.WAS_ENDED):
            match = pattern.search(clause.text)
            if match is None:
                continue
            said = cues.ON_A_DAY.sub("", match["what"]) if match.groupdict().get("done") else match["what"]
            what = stems_of(said) - {"down", "day", "now"}
            if "subscrib" in was.stems:
                what -= {"subscript"}
            if pattern is cues.ENDED and clause.subject != topic_of(was):
                continue
            if pattern is cues.ENDED and match["done"] and not cues.GOING_ON.search(was.text):
                continue
            if "out of" in match.group() and not what <= cues.HOMES:
                what -= cues.HOMES
            rest = was.stems - news.stems - cues.LIGHT - set(topic_of(was))
            rest -= numbers(was.text) if what & cues.ONCE else set()
            if what and what <= was.stems | set(clause.subject) and not rest:
                return True
    return False


def found(news: Sentence, was: Sentence) -> bool:
    """ "I'm looking for a roommate": "I found a roommate"."""
    sought = cues.SOUGHT.search(was.text)
    if sought is None or news.clauses[0].subject != topic_of(was):
        return False
    matches = [match for clause in news.clauses if (match := cues.FOUND.search(clause.text))]
    wanted = stems_of(sought["what"]) - {"new"}
    return bool(wanted) and any(stems_of(match["what"]) - {"new"} == wanted for match in matches)


def another_state(news: Sentence, was: Sentence) -> bool:
    """ "The lift is broken": "The lift has been repaired"."""
    about = set(topic_of(was)) - set(ME)
    at_times = cues.AT_TIMES.search(was.text) or "day" in values(was.text)  # "closed on Mondays"
    if at_times or cues.USED_TO.search(news.text):
        return False
    for before, after in STATES:
        if before.search(was.text) and after.search(news.text) and not before.search(news.text):
            said_of = news.clauses[0].subject
            if mended := cues.MENDED.search(news.text):
                return bool(about) and stems_of(mended["what"]) == about
            if said_of == topic_of(was) or (said_of == ME and about and about <= news.stems):
                return True
    return False


def arrived(news: Sentence, was: Sentence) -> bool:
    """ "I'm waiting for my visa": "My visa has arrived"."""
    awaited, came = cues.AWAITED.search(was.text), cues.CAME.search(news.text)
    if awaited is None or came is None or topic_of(was) != ME:
        return False
    return stems_of(awaited["what"]) == stems_of(came["what"] or came["mine"])


def parted(news: Sentence, was: Sentence) -> bool:
    """ "My girlfriend is called Ines": "Ines and I broke up"."""
    if not cues.TOGETHER.search(was.text) or not cues.PARTED.search(news.text) or cues.NOT.search(news.text):
        return False
    both = {stem for name in names_in(was.text) for stem in stems_of(name)}
    mine = bool({"my", "i"} & set(words(was.text)))
    return bool(both) and both <= news.stems and (not mine or "i" in words(news.text))


def given_up(news: Sentence, was: Sentence) -> bool:
    """ "I smoke ten cigarettes a day": "I quit smoking". Of a habit that one has or has not, whatever its measure."""
    done = cues.GIVEN_UP.search(news.text)
    habit = stems_of(done["habit"]) if done else frozenset()
    return bool(habit & cues.HABIT) and habit <= was.stems and news.clauses[0].subject == topic_of(was)


def died(news: Sentence, was: Sentence) -> bool:
    """ "I have a dog": "My dog passed away"."""
    what = was.stems - {"own", "got", "keep"}
    return topic_of(was) == ME and any(
        cues.DIED.search(clause.text) and what and set(clause.subject) == what for clause in news.clauses
    )


def came_true(news: Sentence, was: Sentence) -> bool:
    """ "I don't have a licence": "I have a licence now"; "I don't like olives": "I've come to like olives"."""
    wanted = was.stems - cues.CUE_STEMS - set(topic_of(was))
    if not wanted or not cues.COME_TO.search(news.text):
        return False
    return any(
        wanted <= clause.stems and not cues.NOT.search(clause.text) and _just_that(clause.text, wanted)
        for clause in news.clauses
        if clause.subject == topic_of(was)
    )


def _just_that(text: str, wanted: frozenset[str]) -> bool:
    """Return whether a clause says what was wanted; where it has come to be so, or is so again, nothing beside it."""
    if re.search(r"\b(?:now|finally)\b", text):
        return only_adds(text, wanted | {"now"})
    return stems_of(cues.COME_TO.sub(" ", text)) - set(ME) <= wanted
