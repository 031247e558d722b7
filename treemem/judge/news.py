"""Whether a newer text asserts a change of what an older one says, or only says another value of it.

Two levels. `stated`: the speaker himself says in so many words that the same thing is another now, or no longer so;
this may
close. `other_value`: both say a value of the same thing, and not the same one; nothing says that it changed, so this
is only a hint that the older one may be outdated.
"""

from __future__ import annotations

import re
from functools import lru_cache

from treemem.judge.apart import apart, bare, same
from treemem.judge.clauses import Clause
from treemem.judge.facts import Fact, Said, said_in, states_apart
from treemem.judge.forms import words_of
from treemem.judge.measures import Measure, measure, other_measure
from treemem.judge.speech import LONGEST_TEXT, plain_clauses
from treemem.judge.turns import denied_now, introduces, turned
from treemem.text import analyse

#: A year: what changed then had changed before the older text was said.
_LONG_AGO = re.compile(r"\b(?:in|since|until|from|by) (?:19|20)\d\d\b|(?:19|20)\d\d年")
_NO_LONGER = (
    re.compile(r"(?P<who>.{1,40}?) be no longer (?P<what>.{2,60})"),
    re.compile(r"(?P<who>.{1,40}?) (?:no longer|can no longer) (?P<what>.{2,60})"),
    re.compile(r"(?P<who>.{1,40}?) be not (?P<what>.{2,60}?) (?:any ?more|any longer)"),
    re.compile(r"(?P<who>.{1,40}?) (?:do|can) not (?P<what>.{2,60}?) (?:any ?more|any longer)"),
    re.compile(r"(?P<who>.{1,40}?) (?P<stop>stopped|quit|gave up) (?P<what>\w+ing(?: .{1,50})?)"),
)
_NEGATED = re.compile(
    r"(?P<who>.{1,40}?) (?:(?:do|can) not (?P<does>.{2,50})|be not (?P<is>.{2,50})|have no (?P<has>.{2,50}))"
)
_GOES_ON = frozenset("at in on with for as every by near to from after before during because when".split())
_USING = frozenset("use take drive ride run host commute cycle walk travel store keep track write book".split())
_EXTENDED = re.compile(r"extended|shortened|延长|缩短")
_ENDISH = re.compile(r"\b(?:close|end|finish|expire|last|valid until|open until)\b|关门|结束|到期|下班|截止")


def stated(newer: str, older: str) -> bool:
    """Return whether the newer text itself asserts that what the older one says has changed or is over.

    What else the older text says may still be so: whoever closes it must see to that.
    """
    if max(len(newer), len(older)) > LONGEST_TEXT or _LONG_AGO.search(newer):
        return False
    return _in_forms(newer, older) or turned(newer, older)


def _in_forms(newer: str, older: str) -> bool:
    """Return whether whole clauses of the newer text have a form that changes what the older one says."""
    new, old = said_in(newer), said_in(older)
    if not new.clauses or not old.clauses or _says_it(new, old):
        return False
    was = old.clauses[0]
    if not was.chinese and not all(introduces(clause) for clause in plain_clauses(newer)[:-1]):
        return False
    if any(
        _replaces(fact, before) for fact in new.first for before in old.facts if before.says in ("holds", "becomes")
    ):
        return True
    return old.whole and any(
        clause.chinese == was.chinese and _frame_changed(clause, was, new) for clause in new.opening
    )


def other_value(newer: str, older: str) -> bool:
    """Return whether both texts give a value to the same thing of which there is one, and not the same value."""
    new, old = said_in(newer), said_in(older)
    for fact in new.facts:
        for before in old.facts:
            if fact.who == before.who and fact.slot == before.slot and before.says in ("holds", "becomes"):
                value = fact.other if fact.says == "changed" else fact.value
                if fact.says != "ends" and _other(fact.kind, before, fact, value):
                    return True
    return denied_now(newer, older)


def _says_it(new: Said, old: Said) -> bool:
    """Return whether the newer text still says what the older one does."""
    return any(clause.text == old.clauses[0].text and not clause.now for clause in new.clauses)


def _replaces(new: Fact, old: Fact) -> bool:
    """Return whether one fact asserts that another has changed."""
    if new.slot != old.slot or not _of_one(new, old) or new.says == "holds":
        return False
    if new.says == "ends":
        return same(new.value, old.value)
    if new.says == "changed":
        return same(new.value, old.value) and not same(new.other, old.value)
    return _other(new.kind, old, new, new.value) and _surely(new, old)


def _of_one(new: Fact, old: Fact) -> bool:
    """Return whether two facts are of the same one: the same words; in Chinese, what is mine may stand without "my"."""
    return new.who == old.who or (
        not new.who.isascii() and new.slot == "quantity" and re.sub("^我们?", "", old.who) == new.who
    )


def _other(kind: str, old: Fact, new: Fact, value: str) -> bool:
    """Return whether two values of a kind are of one sort, and not the same."""
    chinese = not old.who.isascii() or not old.value.isascii()
    if same(value, old.value):
        return False
    if kind == "quantity":
        return other_measure(old.value, value) and _one_end(old, new)
    if kind == "state":
        return states_apart(old.value, value, chinese=chinese)
    if kind == "article":
        return False
    if kind == "any":
        return False
    if kind == "attribute":
        return _attributes_apart(old.value, value)
    if kind == "job":
        return bare(old.value).split(" ")[-1] != bare(value).split(" ")[-1] or bare(old.value) != bare(value)
    return apart(old.value, value, place=kind == "place")


def _one_end(old: Fact, new: Fact) -> bool:
    """Return whether a new time is of the same end: "closes at nine" is not changed by "was moved to ten"."""
    before, after = measure(old.value), measure(new.value)
    if before is None or after is None:
        return False
    if new.restated or (old.verb and new.verb):  # said in the same way: of the same end, and nothing beside it
        return (
            old.form == new.form
            and old.verb == new.verb
            and before.kinds == after.kinds
            and not _two_at_once(before, after)
        )
    ends = bool(_ENDISH.search(old.verb))
    return not (_EXTENDED.search(new.text) and not ends and "clock" in after.kinds)


def _two_at_once(before: Measure, after: Measure) -> bool:
    """Return whether both a number and a time differ: "5 km on Mondays" and "10 km on Sundays" are two things."""
    differ = {kind for kind, _ in set(before.said) ^ set(after.said)}
    return "number" in differ and len(differ) > 1


def _attributes_apart(one: str, other: str) -> bool:
    """Return whether two values of an attribute are of one sort: both names, both numbers, both plain words."""
    if measure(one) or measure(other):
        return (_code(one) and _code(other) and bare(one) != bare(other)) or other_measure(one, other)
    sorts = {_sort(one), _sort(other)}
    return len(sorts) == 1 and "placed" not in sorts and apart(one, other)


def _code(value: str) -> bool:
    """Return whether a value is one code, number or address, without words around it."""
    return re.fullmatch(r"[\w.@:+-]*\d[\w.@:+ -]*|\S+@\S+", value) is not None


def _sort(value: str) -> str:
    if "@" in value or "." in value.strip("."):
        return "code"
    if re.match(r"(?:in|on|at|with|near|from|very|too|so|away|about|as|being|out|off|under|over|really) ", value + " "):
        return "placed"
    if re.match(r"(?:an?|the) ", value):
        return "named" if value.split(" ")[1][:1].isupper() else "noun"
    if value[:1].isupper() or not value.isascii():
        return "named"
    return "noun"


def _surely(new: Fact, old: Fact) -> bool:
    """Return whether what has come to be so must have taken the place of the older value."""
    return new.kind in ("place", "name", "job", "state", "attribute", "quantity")


# ---- frames: the same words but for the value, or a no
# ------------------------------------------------------------------


def _frame_changed(news: Clause, was: Clause, said: Said) -> bool:
    if news.chinese:
        return _frame_changed_zh(news, was)
    return _no_longer(news, was) or _come_true(news, was) or _now_other(news, was)


def _split_subject(text: str, who: str) -> str | None:
    """Return what a clause says of somebody, None if it is of somebody else."""
    return text[len(who) + 1 :] if text.startswith(who + " ") else None


def _no_longer(news: Clause, was: Clause) -> bool:
    """ "I play tennis on Sundays": "I no longer play tennis"."""
    for pattern in _NO_LONGER:
        match = pattern.fullmatch(news.text)
        if match is None:
            continue
        if not _clear(match["who"]):
            return False
        before = _split_subject(was.text, match["who"])
        if before is None or before.startswith(("be not ", "do not ", "can not ")):
            continue
        what = match["what"]
        if " be no" in pattern.pattern or "be not" in pattern.pattern:
            what = "be " + what
        if before.startswith("can "):
            before = before.removeprefix("can ")
        if match.groupdict().get("stop") and before.startswith("be "):
            before = before.removeprefix("be ")
        ours, theirs = _stems(what), _stems(before)
        if ours == theirs:
            return True
        rest = before.split()[len(ours) :]
        if len(ours) >= 2 and theirs[: len(ours)] == ours and rest and rest[0] in _GOES_ON:
            return True
    return False


def _come_true(news: Clause, was: Clause) -> bool:
    """ "I don't eat meat": "I eat meat now"."""
    match = _NEGATED.fullmatch(was.text)
    if match is None or not news.now or not _clear(match["who"]):
        return False
    after = _split_subject(news.text, match["who"])
    if after is None or re.search(r"\b(?:not|no|never)\b", after):
        return False
    if match["is"]:
        return _stems(after) == _stems("be " + match["is"])
    if match["has"]:
        return after.startswith("have ") and bare(after.removeprefix("have ")) == bare(match["has"])
    return _stems(after) == _stems(match["does"])


@lru_cache(maxsize=4_096)
def _stem(word: str) -> str:
    return (analyse(word) or [word.casefold()])[0]


def _stems(text: str) -> list[str]:
    """Return the stems of a text word by word, without articles."""
    return [_stem(word) for word in text.split() if word not in ("a", "an", "the")]


def _clear(who: str) -> bool:
    """Return whether whom a clause is about is clear from it alone."""
    words = who.split()
    first = words[0].casefold()
    if first in ("he", "she", "it", "they", "you", "this", "that", "a", "an", "there", "his", "her", "their", "your"):
        return False
    return not (len(words) == 2 and first in ("my", "our", "the") and words[1] in words_of("en", "of_many"))


def _now_other(news: Clause, was: Clause) -> bool:
    """ "The gate opens at six": "The gate now opens at seven". All but one value is the same."""
    if not news.now or was.now or news.text == was.text:
        return False
    new, old = news.words, was.words
    start = _shared(new, old)
    end = _shared(new[start:][::-1], old[start:][::-1])
    ours, theirs = new[start : len(new) - end], old[start : len(old) - end]
    verb = next(
        (n for n, word in enumerate(old[:start]) if n > (old[0] in _DETERMINED) and word in _VERBS_OF_FRAMES), None
    )
    if verb is None or not ours or not theirs or max(len(ours), len(theirs)) > 5:
        return False
    if not _clear(" ".join(old[:verb])) or any(word in ("not", "no", "and", "or") for word in ours + theirs):
        return False
    a, b = " ".join(theirs), " ".join(ours)
    suffix = old[len(old) - end :] if end else []
    between = old[verb + 1 : start]
    if measure(a) and measure(b):
        one, other = measure(a), measure(b)
        both = one is not None and other is not None and one.kinds == other.kinds and not _two_at_once(one, other)
        return both and other_measure(a, b) and not (old[verb] == "have" and between[:1] in (["a"], ["an"]))
    if states_apart(a, b, chinese=False) and old[verb] == "be":
        return True
    if suffix and suffix[0] in ("to", "for", "with", "at", "every") and len(suffix) >= 2 and old[verb] in _USING:
        return apart(a, b) and len(ours) <= 3 and len(theirs) <= 3
    return bool(suffix) and old[verb] == "prefer" and apart(a, b) and max(len(ours), len(theirs)) == 1


_DETERMINED = frozenset("the my our his her their".split())
_VERBS_OF_FRAMES = _USING | frozenset(
    """be have cost weigh start begin end open close leave depart arrive meet take last expire pay earn charge work
    sleep get
    go drink eat smoke prefer teach study attend come need want rent play read practise practice train speak make sell
    serve offer hold seat employ support cover swim bike watch deliver ship visit call contain require live wake
stay""".split()
)


def _shared(one: list[str], other: list[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


_ZH_NUMBER = re.compile(
    r"(?:周|星期|礼拜)[一二三四五六日天]|(?:凌晨|早上|上午|中午|下午|晚上)?[\d一二两三四五六七八九十]+点半?|[零〇一二两三四五六七八九十百千万\d.:]+"
)
_ZH_NO = re.compile("^(?P<who>我们?|用户|.{2,8}?)(?P<no>不再是?|不是|再也不|已经不|不)(?P<what>.{2,14})$")
_ZH_ONLY = re.compile("只(?=[^有])|才(?=关|开|下班|到|结束|睡)|改[成为到]?(?=[坐骑开用])")


def _frame_changed_zh(news: Clause, was: Clause) -> bool:
    if was.now or "不" in was.text or "没" in was.text:
        return _come_true_zh(news, was)
    if match := _ZH_NO.match(news.text):
        sure = news.now or match["no"] in ("不再", "不再是", "再也不", "已经不")
        is_ = "是" if match["no"].endswith("是") else ""
        return sure and was.text == match["who"] + is_ + match["what"] and _clear_zh(match["who"])
    if not news.now:
        return False
    new = _ZH_ONLY.sub("", news.text)
    if new == was.text or not _ZH_NUMBER.search(was.text):
        return _same_way(new, was.text)
    masked = _ZH_NUMBER.sub("#", new) == _ZH_NUMBER.sub("#", was.text)
    return masked and other_measure(was.text, new) and _clear_zh(new)


def _clear_zh(text: str) -> bool:
    return not re.match("[他她它你这那]", text)


def _same_way(new: str, was: str) -> bool:
    """ "我坐地铁上班": "我现在开车上班"."""
    for way in ("上班", "上学", "通勤"):
        if new.endswith(way) and was.endswith(way) and new != was:
            a, b = (re.fullmatch(rf"(我|用户)(?:每天)?(坐|骑|开|走)(.{{1,6}}){way}", t) for t in (was, new))
            return a is not None and b is not None and a[1] == b[1] and a[3] not in b[3] and b[3] not in a[3]
    return False


def _come_true_zh(news: Clause, was: Clause) -> bool:
    """ "我不吃辣": "我现在吃辣了"."""
    match = re.fullmatch("(?P<who>我们?|用户|.{2,6}?)(?:还)?(?P<no>不|没有?)(?P<what>.{2,10})", was.text)
    if match is None or not news.now or "不" in news.text or "没" in news.text or not _clear_zh(match["who"]):
        return False
    has = "有" if match["no"] == "没有" else ""
    return news.text in (match["who"] + has + match["what"], match["who"] + match["what"])
