"""Facts: what a plain text says of whom, found by the forms of the language packs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge.clauses import Clause, clauses_of
from treemem.judge.forms import forms, words_of
from treemem.judge.speech import LONGEST_TEXT, sentences
from treemem.language import pack

_OWNERS = ("my", "our", "the", "his", "her", "their")
_BAD_VALUE = re.compile(
    r"\b(?:and|or|but|then|who|which|that|when|while|where|not|no|again|back|there|here|i|me|you|how|why|than|"
    r"anymore|any more|longer|because|so|if|is|was|were|have|be|of mine|everyone|everything|nothing|to|from|instead)\b",
    re.IGNORECASE,
)
_BAD_VALUE_ZH = re.compile("[了不没吗呢的]|我|你|他|她|因为|所以|而")
_NAME = re.compile(r"^(?:the )?(?:[A-Z]|[^\x00-\x7f]|\d+[A-Z])")


@dataclass(frozen=True, slots=True)
class Fact:
    """What is said of somebody or something: in which slot, of which kind its value is, and what is said of it.

    `says` is "holds", "becomes" (it is so now, as it was not), "ends" or "changed" (from `value` to `other`). `form` is
    what stands around the value; `restated` is whether a newer fact has the form of an older one; `text` the whole
    clause.
    """

    who: str
    slot: str
    kind: str
    says: str
    value: str
    other: str = ""
    form: str = ""
    verb: str = ""
    restated: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a text plainly says: its clauses, and of each the facts; `whole` is whether it is one clause alone."""

    clauses: tuple[Clause, ...]
    facts: tuple[Fact, ...]
    first: tuple[Fact, ...]
    opening: tuple[Clause, ...]
    whole: bool


NOTHING = Said((), (), (), (), False)


def said_in(text: str) -> Said:
    """Return what a text plainly says; nothing of a long one, or one that quotes, reports, invents, asks."""
    return _said_in(text) if len(text) <= LONGEST_TEXT else NOTHING


@lru_cache(maxsize=4_096)
def _said_in(text: str) -> Said:
    clauses = clauses_of(text)
    if not clauses:
        return NOTHING
    many = sentences(text)
    opening = clauses_of(many[0] + ".") if len(many) > 1 else clauses
    if len(many) > 1 and len(many[0].split()) <= 3 and not opening:
        opening = clauses_of(many[1] + ".")
    facts = {clause: tuple(_facts(clause)) for clause in {*clauses, *opening}}
    return Said(
        clauses,
        tuple(fact for clause in clauses for fact in facts[clause]),
        tuple(fact for clause in opening for fact in facts[clause]),
        opening,
        len(many) == 1 and len(clauses) == 1,
    )


def _facts(clause: Clause) -> Iterator[Fact]:
    language = "zh" if clause.chinese else "en"
    text, new = _without_new(clause)
    here = set(text) if clause.chinese else set(text.split())
    for form in forms(language):
        if form.needs and form.needs.isdisjoint(here):
            continue
        match = form.pattern.fullmatch(text)
        if match is None:
            continue
        found = match.groupdict()
        who = _who(found.get("who") or found.get("x") or "", clause.chinese)
        if found.get("me") is not None:
            owner = "my" if found["me"] in ("I", "我") else "our"
            if not clause.chinese and not who.startswith(owner + " "):
                continue
        if not who:
            continue
        says = "becomes" if form.says == "holds" and (clause.now or new) else form.says
        value, other = found.get("v") or found.get("a") or "", found.get("b") or ""
        if not _valid(form.kind, value, who, clause.chinese) or (
            says == "changed" and not _valid(form.kind, other, who, clause.chinese)
        ):
            continue
        around = form.pattern.pattern if form.slot in ("quantity", "used") else ""
        if clause.chinese and says == "ends" and "不" in form.pattern.pattern and not clause.now and "不再" not in text:
            continue
        yield Fact(
            who, form.slot, form.kind, says, value, other, around, found.get("verb") or "", form.says == "holds", text
        )


def _without_new(clause: Clause) -> tuple[str, bool]:
    """Return a clause without "new" in "my new boss is ...", and whether it was there."""
    if clause.chinese:
        plain, count = re.subn("^(我们?的?|公司的?)?新的?(?=[^是]{1,8}是)", r"\1", clause.text)
        return plain, count > 0 and plain != clause.text
    plain, count = re.subn(r"^(my|our|the|his|her|\w+'s) new (?=[\w' -]{2,40} be )", r"\1 ", clause.text)
    return plain, count > 0


def _who(who: str, chinese: bool) -> str:
    """Return whom or what a fact is about in one spelling, nothing where that is not clear."""
    if chinese:
        return _who_zh(who)
    words = who.split()
    if not words or len(words) > 6:
        return ""
    if who in ("I", "we", "We"):
        return who.lower()
    if who.casefold() in ("user", "the user"):
        return "user"
    if words[0].casefold() in (
        "he",
        "she",
        "it",
        "they",
        "you",
        "this",
        "that",
        "a",
        "an",
        "there",
        "nobody",
        "his",
        "her",
        "their",
        "your",
    ):
        return ""
    barred = words_of("en", "no_subject")
    if any(word == "I" or word.casefold() in barred for word in words):
        return ""
    lead = words[0].casefold()
    if lead in _OWNERS:
        if len(words) == 1 or (words[-1].casefold() in words_of("en", "of_many") and len(words) == 2):
            return ""
        return " ".join([lead, *words[1:]])
    if not (words[0][0].isupper() or words[0][0].isdigit() or not words[0].isascii()):
        return ""
    if words[-1].casefold() in words_of("en", "of_many"):
        return ""
    owned = any(word.endswith("'s") for word in words)
    if not owned and not all(word[0].isupper() or not word[0].isalpha() for word in words):
        return ""
    return who


def _who_zh(who: str) -> str:
    who = re.sub("^用户", "我", who)
    if who in ("我们家", "我家"):
        return "我"
    if not who or any(word in who for word in words_of("zh", "no_subject")) or re.match("[他她它这那谁不没]", who):
        return ""
    bare = re.sub("^我们?的?", "", who)
    if bare in words_of("zh", "of_many"):
        return ""
    return re.sub("^(我们?|公司)的(?=.)", r"\1", who)


def _valid(kind: str, value: str, who: str, chinese: bool) -> bool:
    """Return whether a value is one of its kind."""
    if not value or value.strip() != value:
        return False
    if chinese:
        if _BAD_VALUE_ZH.search(value) and kind not in ("quantity",):
            return False
        if kind == "job":
            return value in words_of("zh", "jobs") or any(value.endswith(job) for job in words_of("zh", "jobs"))
        if kind == "state":
            return _states_of(value, "zh") is not None
        if kind == "attribute":
            return attribute_of(who, chinese=True)
        return kind != "place" or not re.search("工作|上班|读书|上学|念书|任职|学习|[当做]|养病|住院|出差", value)
    if kind == "quantity":
        return who not in ("i", "we")
    if kind in ("any", "article") and re.search(r" (?:for|in|at|on|of|during|with) ", value):
        return False
    if _BAD_VALUE.search(value) and kind != "attribute":
        return False
    if len(value.split()) > 6:
        return False
    if kind in ("place", "name"):
        return _NAME.match(value) is not None and re.search(r"\b(?:my|our|his|her|their)\b", value) is None
    if kind == "job":
        return any(value.casefold() == job or value.casefold().endswith(" " + job) for job in words_of("en", "jobs"))
    if kind == "state":
        return _states_of(value.casefold(), "en") is not None
    if kind == "attribute":
        return attribute_of(who, chinese=False)
    return True


@lru_cache(maxsize=512)
def _states_of(value: str, language: str) -> int | None:
    """Return the number of the line of states that a value stands in."""
    for number, line in enumerate(pack(language)["states"]):
        if value in (state.strip() for state in str(line).split(",")):
            return number
    return None


def states_apart(one: str, other: str, *, chinese: bool) -> bool:
    """Return whether two states are of one kind, of which only one holds at a time."""
    language = "zh" if chinese else "en"
    a, b = _states_of(one.casefold(), language), _states_of(other.casefold(), language)
    return a is not None and a == b and one.casefold().removeprefix("a ") != other.casefold().removeprefix("a ")


def attribute_of(who: str, *, chinese: bool) -> bool:
    """Return whether something is of a kind that has one value at a time: "my phone number"."""
    if chinese:
        bare = re.sub("^我们?的?", "", who)
        return (
            "最喜欢" in bare
            or any(bare == name or bare.endswith("的" + name) for name in words_of("zh", "attributes"))
            or (bare in words_of("zh", "attributes"))
        )
    thing = who.split("'s ")[-1] if "'s " in who else who.split(" ", 1)[-1]
    thing = thing.casefold()
    return thing.startswith(("favourite ", "favorite ")) or thing in words_of("en", "attributes")
