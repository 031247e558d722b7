"""Stated changes in Chinese: what `changes` finds in English, by characters."""

from __future__ import annotations

import re
from itertools import takewhile

_STOPS = re.compile(r"[\s，。！？；、,.!?;]+")
_ONLY_THOUGHT = re.compile(r"[?？]|如果|要是|想|打算|希望|计划|可能|也许|听说|差点|准备|考虑")
_DENIED = re.compile(r"[不没無无未别]")
_EVENT = re.compile(r"昨天|今天|昨晚|上周|上个?月|去年|前天|(?<![是在为到至\d])\d+月\d+[日号]")
_OVER = re.compile(r"(?:不再是?|再也不|已经不是?|不)(?P<what>[^，。！？；、\s不]{1,15}?)(?P<end>了|$|[，。！？；、\s])")
_QUIT = re.compile(
    r"戒(?:掉)?了?(?P<what>[^，。！？；、\s了]{1,6})|把(?P<sold>[^，。！？；、\s]{1,10})(?:卖|扔|送|退|关)"
)
_FROM_TO = re.compile(
    r"从(?P<old>[^，。！？；、]{1,15}?)(?:迁移|搬|换|改|升级|降|涨|转|调|变)[^，。！？；、]{0,3}?(?:到|成|为|至)了?"
)
_TURNED = re.compile(
    r"^(?:已经|最近|刚刚|刚|又)?(?:改|换|搬|推迟|延误|延期|提前|涨|降|升级|升|提高|降低|延长|调整|迁|移|增加|减少|变)(?:到|成|为|至|进|去)了?"
)
_WAS = re.compile(r"^(?:是|在|定在|用|跑|运行|住在|为|到|放在|从|有|每[月年天周]|[一二两三四五六七八九十\d])")
_NOW_IS = re.compile(
    r"(?P<what>[^，。！？；、\s]{2,12}?)(?:现在|目前|如今)(?P<verb>是|在|有|用)(?P<value>[^，。！？；、\s]+)"
)
_STATES = tuple(
    (re.compile(before), re.compile(after))
    for before, after in (
        ("坏了|坏的|故障", "修好|恢复"),
        ("怀孕", "生了"),
        ("装修|闭馆|关闭|停业|关门", "重新开放|重新开业|恢复开放|开门了"),
        ("谈恋爱|在一起|交往", "分手"),
        ("单身", "结婚|恋爱|订婚|[男女]朋友了|有对象"),
        ("结婚|已婚", "离婚"),
        ("学生|在读", "毕业"),
        ("住院", "出院"),
        ("养了?", "的.{1,4}(?:去世|死|走丢)了"),
        ("失业|找工作", "找到工作|找到了工作|入职"),
        ("丢了|不见了|走丢", "找到|找回"),
        ("测试阶段|内测|公测", "发布|上线"),
        ("在建|施工", "建成|完工|通车"),
        ("休假|产假|病假", "回来|复工|销假"),
        ("实习", "转正"),
        ("准备考|备考", "考上"),
        ("[跟和与].{1,4}一?起?住", "搬出"),
        ("头发.{0,3}长", "剪短|剪了"),
        ("在.{1,8}(?:上班|工作)|是.{0,4}(?:老师|医生|护士|工程师|司机)", "退休"),
        ("吃素|素食", "(?:又|重新|开始).{0,3}吃肉"),
    )
)
#: Somebody of mine, who is not me.
_ANOTHER = re.compile(r"^我(?:的|爸|妈|姐|妹|哥|弟|老|儿|女|爷|奶|外|岳|同|朋|男|先生|太太|家|爱人|孩子|公司)")
_CANNOT = re.compile(r"(?P<who>我们?|[他她])(?:还|现在)?不会(?P<what>[^，。！？；、\s了]{1,8})$")
_NOW = re.compile(r"现在|如今|目前")
_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万\d]+")
_COUNTED = re.compile(r"^[一二两三四五六七八九十百千万\d]+")
_ME = re.compile(r"^(?:我们?|咱们?|用户)")
#: What may stand before another number: "only", "changed to".
_BARELY = re.compile(r"只(?=[^有是])|才(?=关|开|下班|到|结束|睡)|改[成为到]|换成|变成")
#: What one does in one way at a time.
_DAILY = re.compile(r"(?:上班|上学|通勤)$")
_HAS_NOT = re.compile(r"(?P<who>我们?|[他她]|用户)(?:还|现在)?没有?(?P<what>[^，。！？；、\s了过]{2,8})$")
_GOT = "(?:终于|已经|现在|刚)*(?:拿到|考到|考取|领到|办好|买|有)了?"
_USES = re.compile(r"(?P<who>我们?|[他她]|用户|团队)(?:使用|用)(?P<what>.{2,12})$")
_USES_NOW = re.compile(r"(?P<who>我们?|[他她]|用户|团队)(?:现在|已经)*(?:改用|换用)了?(?P<what>.{2,12})$")
_SOUGHT = re.compile(r"(?P<who>我们?|[他她]|用户)(?:正在|在)找(?P<what>\w{2,6})$")
_DOING = re.compile(r"(?P<who>我们?|[他她]|用户)(?:正在|在)(?P<verb>[读看写做修])(?P<what>.{2,12})$")
_MINE = re.compile(r"^我们?的")
_ROLE = re.compile(r"(?P<who>我|他|她)是(?:一名|一个)?(?P<role>\w{3,8})$")
_NEW_ROLE = re.compile(
    r"(?P<who>我|他|她)(?:已经|刚|最近)?(?:被)?(?:升|晋升|升职|提拔|转)(?:为|成|到)了?(?P<role>\w{3,8}?)了?$"
)
_AGE = re.compile(r"(?P<who>我\w{0,6}?|[他她]|用户)(?:今年|现在)?(?P<age>[一二两三四五六七八九十百\d]+)岁了?$")


def ends(newer: str, older: str) -> bool:
    """Return whether a newer text says that what an older one says has ended, or has another value now."""
    was = _STOPS.sub("", older)
    if not 0 < len(was) <= 40 or _ONLY_THOUGHT.search(newer) or _EVENT.search(older) or "?" in older or "？" in older:
        return False
    if _DENIED.search(was):
        return _learnt(newer, was)
    parts = [part for part in _STOPS.split(newer) if part]
    said = "".join(parts).removesuffix("了")
    return (
        any(_over(part, was) or any(_turned(part, each) for each in {was, _MINE.sub("", was)}) for part in parts)
        or any(_promoted(part, was) for part in parts)
        or _from_to(newer, was)
        or _is_now(newer, was)
        or _another_state(newer, was)
        or _another_number(said, was)
        or _another_favourite(said, was)
        or _uses_now(said, was)
        or _found(said, was)
        or _done(said, was)
        or _aged(said, was)
        or any(_is_now_of(part, was) for part in parts)
    )


def _learnt(newer: str, was: str) -> bool:
    """ "我不会游泳": "我学会游泳了"."""
    if found := _CANNOT.match(was):
        return re.match(f"{found['who']}(?:终于|已经|现在)*学?会{found['what']}了?", newer) is not None
    if found := _HAS_NOT.match(was):
        return re.match(f"{found['who']}{_GOT}{re.escape(found['what'])}了?[。！]?$", newer) is not None
    return False


def _promoted(part: str, was: str) -> bool:
    """ "我是初级工程师": "我升为高级工程师了". Both roles end alike."""
    old, new = _ROLE.match(was), _NEW_ROLE.match(part)
    if old is None or new is None or old["who"] != new["who"] or old["role"] == new["role"]:
        return False
    return old["role"][-2:] == new["role"][-2:]


def _uses_now(said: str, was: str) -> bool:
    """ "我们用微信沟通": "我们现在改用钉钉沟通"."""
    old, new = _USES.match(was), _USES_NOW.match(said)
    if old is None or new is None or old["who"] != new["who"] or old["what"] == new["what"]:
        return False
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(old["what"][::-1], new["what"][::-1], strict=False))
    return len(list(alike)) >= 2 and not old["what"].endswith(new["what"])


def _found(said: str, was: str) -> bool:
    """ "我在找房子": "我找到房子了"."""
    sought = _SOUGHT.match(was)
    return sought is not None and re.match(f"{sought['who']}(?:已经|终于)?找到了?{sought['what']}$", said) is not None


def _done(said: str, was: str) -> bool:
    """ "我在读《三体》": "《三体》我已经读完了"."""
    doing = _DOING.match(was)
    if doing is None or doing["what"] not in said or doing["who"] not in said:
        return False
    if _ANOTHER.match(said[said.index(doing["who"]) :]):
        return False
    return re.search(f"{doing['verb']}完", said) is not None


def _aged(said: str, was: str) -> bool:
    """ "我女儿五岁": "我女儿上周满六岁了"."""
    old = _AGE.match(was)
    if old is None:
        return False
    new = re.match(
        f"{old['who']}(?:上周|上个?月|今年|今天|昨天|已经|现在|刚)*(?:满|过了?|是)?(?P<age>{_NUMBER.pattern})岁", said
    )
    return new is not None and new["age"] != old["age"]


def _is_now_of(part: str, was: str) -> bool:
    """ "我的老板是王总": "现在我的老板是李总"."""
    if not _NOW.match(part):
        return False
    thing, is_, value = _NOW.sub("", part, count=1).removesuffix("了").partition("是")
    return bool(is_) and len(thing) >= 2 and was.startswith(thing + is_) and was[len(thing) + 1 :] != value


def _over(part: str, was: str) -> bool:
    """ "我吃肉": "我不再吃肉了"."""
    if not _same_subject(part, was):
        return False
    for match in _OVER.finditer(part):
        sure = match.group().startswith(("不再", "再也", "已经")) or part.endswith("了")
        if sure and len(match["what"]) >= 2 and was.endswith(match["what"].removesuffix("了")):
            return True
    for match in _QUIT.finditer(part):
        what = match["what"] or match["sold"]
        if was.endswith(what) and len(was) - len(what) <= 6:
            return True
    return False


def _same_subject(part: str, was: str) -> bool:
    """Return whether a clause begins as a statement does, or is about the speaker as it is."""
    return _of_one(part, was) and (
        part[:2] == was[:2]
        or (part[0] == was[0] and part[0] in "他她它")
        or bool(_ME.match(part) and _ME.match(was))
        or not part.startswith(("我", "他", "她", "你"))
    )


def _of_one(part: str, was: str) -> bool:
    """Return whether both are about the speaker, or both about somebody of theirs."""
    return bool(_ANOTHER.match(part)) == bool(_ANOTHER.match(was))


def _turned(part: str, was: str) -> bool:
    """ "会议在周二": "会议改到周四了". What both begin with is what they are about."""
    if "延长" in part and "点" in was:
        return False
    shared = "".join(a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(part, was, strict=False)))
    subject = shared.removesuffix("已经")
    for cut in (subject, subject[:-1]):  # the first character of "是" and of "升" may be shared by chance
        about = _ME.sub("", cut)
        if len(about) >= 2 and _TURNED.match(part[len(cut) :]) and _WAS.match(was[len(cut) :]):
            return True
        if len(about) >= 2 and _TURNED.match(part[len(cut) :]) and part[len(cut)] == was[len(cut)]:
            return True
    match = _ME.match(part)
    if match is None or not _ME.match(was):
        return False
    moved, used = _TURNED.match(part[match.end() :]), _ME.sub("", was)
    upgraded = moved is not None and part[match.end() :].lstrip("已经").startswith("升级")
    kinds = (used[-1:], part.removesuffix("了")[-1:])
    of_a_kind = kinds[0] == kinds[1] or all(kind.isascii() for kind in kinds)
    return upgraded and of_a_kind and used.removeprefix("使")[:1] in ("用", "跑")


def _from_to(newer: str, was: str) -> bool:
    """ "项目用 A 写": "项目从 A 迁移到了 B"."""
    match = _FROM_TO.search(newer)
    if match is None:
        return False
    old = _STOPS.sub("", match["old"])
    return old in was and _same_subject(_STOPS.sub("", newer), was) and len(was) - len(old) <= 8


def _is_now(newer: str, was: str) -> bool:
    """ "我的老板是王总": "我的老板现在是刘总"."""
    for match in _NOW_IS.finditer(newer):
        stem = match["what"] + match["verb"]
        old, new = was[len(stem) :], match["value"].removesuffix("了")
        if was.startswith(stem) and old != new:
            return match["verb"] != "有" or _COUNTED.sub("", old) == _COUNTED.sub("", new)
    return False


def _another_number(said: str, was: str) -> bool:
    """ "商店晚上八点关门": "商店现在晚上九点关门". All but a number is the same."""
    if not _NOW.search(said) or _NOW.search(was):
        return False
    said = _BARELY.sub("", _NOW.sub("", said))
    if said != was and _ME.match(said) and _ME.match(was) and _DAILY.search(said) and said[-2:] == was[-2:]:
        return True
    return said != was and _NUMBER.search(was) is not None and _NUMBER.sub("#", said) == _NUMBER.sub("#", was)


def _another_favourite(said: str, was: str) -> bool:
    """ "我最喜欢的颜色是蓝色": "我现在最喜欢的颜色是绿色"."""
    thing, _, value = _NOW.sub("", said).partition("是")
    return "最喜欢的" in thing and _NOW.search(said) is not None and was.startswith(thing + "是") and value not in was


def _another_state(newer: str, was: str) -> bool:
    if not _of_one(newer, was):
        return False
    for before, after in _STATES:
        found = before.search(was)
        if found and after.search(newer):
            known = 1 if _ME.match(was) and not _ANOTHER.match(was) else max(1, min(2, found.start()))
            if newer.startswith(was[:known]):
                return True
    return False
