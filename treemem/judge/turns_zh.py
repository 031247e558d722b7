"""Turns in Chinese, by characters: what a sentence names that was said before, and says is over or another now."""

from __future__ import annotations

import re

from treemem.judge.measures import other_measure
from treemem.judge.tables import pattern_of, phrases

_ZH_FROM_TO = re.compile(
    "(?:从|由)(?P<old>.{1,14}?)(?:推迟|延期|提前|改期|迁移|迁|搬|换|改|调|转|切换|切|升级|升|降|涨|变|跳槽|延|挪|移|减|增|瘦|胖|缩)[^，]{0,3}?(?:到|成|为|至|去)了?(?P<new>.{1,16})$"
)
_ZH_REPLACED = re.compile(
    "(?:把|将)?(?P<old>[^，从由把将]{2,14}?)(?:已经|都|全部|也)?(?:换成|改成|改为|换为|变成|改名叫?|更名为)了?(?P<new>.{1,14})$"
)
_ZH_RESCHEDULED = re.compile(
    "^(?P<x>.{2,14}?)(?:改期|改|推迟|提前|延期|挪|调整|延后|顺延|涨|降|升|提高|增加|减少|上调|下调|调)(?:到|至|成|为)了?(?P<new>.{1,12}?)(?:开|举行|开会|开始)?了?$"
)
_ZH_SWITCHED = re.compile(
    "^(?P<x>[^，把从将]{2,10}?)(?:改|换)(?P<verb>[用成种吃喝开穿学骑坐走住养])了?(?P<new>.{1,16})$"
)
_ZH_NOT = re.compile("(?:不再|已经不|早就不|再也不|不)(?P<verb>[\u4e00-\u9fff]?)(?P<what>[^，]{1,12}?)了?$")
#: Verbs that say nothing of which thing is meant.
_ZH_VERBS = ("是", "叫", "在", "去", "用", "做", "当", "吃", "喝", "")
_ZH_TOPIC_NOT = re.compile("^(?P<topic>.{2,10}?)(?:我|我们|也|都|全|现在|已经)*不(?:再)?(?P<verb>[\u4e00-\u9fff])了$")


def _zh_rest(text: str) -> str:
    """Return a Chinese text without words that do not say which thing is meant."""
    return pattern_of("zh", "neutral").sub("", text).strip()


def turned_zh(clauses: tuple[str, ...], older: str) -> bool:
    was = re.sub(r"\s", "", older)
    if re.search("[不没和与、或]", was) or any(
        word in was for word in (*phrases("zh", "ending_after"), *phrases("zh", "ending_before"))
    ):
        return False
    plain = [re.sub(r"\s", "", clause) for clause in clauses]
    named = _topic_zh(plain[0], was)
    topic = bool(named) and was.endswith(named)
    return any(_ends_zh(clause, was) or (topic and _bare_ending(clause, was)) for clause in plain) and not any(
        person in clause and person not in was for clause in clauses[:1] for person in phrases("zh", "people")
    )


def _said_before(text: str, was: str, least: int = 2) -> bool:
    """Return whether a part of a Chinese clause stands in the older text, long enough to say which thing is meant."""
    rest = _zh_rest(text)
    if rest in ("烟", "酒"):
        return rest in was
    if len(rest) < least:
        return False
    letters = iter(was)
    return rest in was or (
        len(rest) >= 3 and rest[:2] in was and all(any(c == other for other in letters) for c in rest)
    )


def _topic_zh(clause: str, was: str) -> str:
    """Return what a clause begins with, as far as it stands in the older text: two characters at least."""
    text = re.sub("^(?:我们?的?|那[个台辆]?|这[个台辆]?)", "", clause)
    length = next((n for n in range(min(len(text), 12), 1, -1) if text[:n] in was), 0)
    return text[:length]


def _bare_ending(clause: str, was: str) -> bool:
    """Return whether a clause says that something is over, and not what: "now I don't use it any more"."""
    return any(
        clause.endswith(ending)
        and any(c in was for c in ending if c not in "不了掉")
        and not _zh_rest(clause.removesuffix(ending))
        for ending in phrases("zh", "ending_after")
    )


def _ends_zh(clause: str, was: str) -> bool:
    bare = clause.removesuffix("吧")
    if any(person in bare and person not in was for person in phrases("zh", "people")):
        return False
    if match := _ZH_FROM_TO.search(bare.removesuffix("了")):
        before = _zh_rest(bare[: match.start()])
        return (
            match["old"] in was and len(match["old"]) >= 1 and (not before or before in was) and match["new"] not in was
        )
    if match := _ZH_REPLACED.search(bare.removesuffix("了")):
        old = _zh_rest(match["old"])
        return len(old) >= 2 and old in was and match["new"] not in was and _zh_value(old, was)
    if match := _ZH_RESCHEDULED.search(bare):
        return _said_before(match["x"], was) and other_measure(was, match["new"])
    if match := _ZH_SWITCHED.search(bare.removesuffix("了")):
        verb = match["verb"]
        return _said_before(match["x"], was) and (verb == "成" or verb in was) and match["new"] not in was
    for ending in phrases("zh", "ending_after"):
        if bare.endswith(ending) and _said_before(bare.removesuffix(ending), was):
            return True
    for ending in phrases("zh", "ending_before"):
        place = bare.find(ending)
        if place >= 0:
            before = _zh_rest(bare[:place])
            what = bare[place + len(ending) :].removesuffix("了").removeprefix("是").removeprefix("叫")
            if (not before or before in was) and _said_before(what, was) and (ending != "不用" or bare.endswith("了")):
                return True
    if (bare.endswith("了") or re.search("不再|已经不|早就不", bare)) and (match := _ZH_NOT.search(bare)):
        before = _zh_rest(bare[: match.start()])
        verb = match["verb"]
        if not before and _said_before(match["what"], was) and (verb in _ZH_VERBS or verb in was):
            return True
        if before and before in was and _said_before(match["what"], was) and (verb in _ZH_VERBS or verb in was):
            return True
    if match := _ZH_TOPIC_NOT.match(bare):  # "the night shift I do no longer": what is done must have been done before
        return _said_before(match["topic"], was) and match["verb"] in was
    return False


def _zh_value(old: str, was: str) -> bool:
    """Return whether what is replaced is the value of what was said, or the thing that has one."""
    return was.endswith(old) or was.startswith(("我" + old, "我的" + old, old, "我们" + old))
