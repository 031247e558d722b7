"""The canonical form of a text: texts of one canonical form say the same in other words.

On top of the normal form, how a date or a time of day is written, articles, "now", "per", a colon for "is", words with
another word for the very same thing, and the order of "Linda is my boss" make no difference.
"""

from __future__ import annotations

import re
from functools import lru_cache

from treemem.judge.cues import ORDINALS
from treemem.judge.normal import SMALL, normal
from treemem.judge.values import MONTHS
from treemem.text import MONTH, WEEKDAY, fold

_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"
_WEEKDAY = WEEKDAY.removesuffix("s?")
_HOUR = rf"(?:\d{{1,2}}|{'|'.join(SMALL[1:13])})"
#: Words after which "'s" is short for "is".
_NO_NOUN = "|".join(
    "a an the not called named near at in on under behind next from closed open back down broken gone full empty free "
    "late ready done sick dead fine".split()
)
_ORDINAL = rf"(?:\d{{1,2}}(?:st|nd|rd|th)|{'|'.join(ORDINALS[:6])})"
_MONEY = {"$": "dollars", "€": "euros", "£": "pounds"}
#: What is seen in the text as it is written, before its case and its punctuation are gone.
_WRITTEN = (
    (re.compile(r"(?<=[a-z] )A\b"), "letter-a"),  # "server A" is a name, not an article
    (re.compile(r"^(?!.*\b(?:is|are|has|have|had)\b.*:)((?:[A-Za-z'’]+ ){0,4}[A-Za-z'’]+): (?=\S)"), r"\1 is "),
    (re.compile(rf"(?<=\w)['’]s (?=(?:{_NO_NOUN})\b)"), " is "),
    (re.compile(r"(?<=[a-z] )([A-Z]\w+) and ([A-Z]\w+)(?=\W*$)"), lambda m: " and ".join(sorted(m.groups()))),
    (re.compile(r"(?<=\w)['’]s (?=(?:been|got)\b)"), " has "),
    (re.compile(r"\b(?:[A-Z]\.){2,}"), lambda m: m[0].replace(".", "")),
    (re.compile(r"^([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?) is the ([^,;]+?)[.!]*$"), r"the \2 is \1"),
    (re.compile(r"^((?:At|In|On|During|Every|For|Next|This) [\w' ]{1,25}), (.+?)[.!]*$"), r"\2 \1"),
    (re.compile(r"^((?:Every|Each) \w+|On \w+days?) ((?:I|we|my|our|the|[A-Z]\w+) .+?)[.!]*$"), r"\2 \1"),
    (re.compile(r"(?<=\d) ?%"), " percent"),
    (re.compile(r"([$€£]) ?(\d[\d.,]*\d|\d)"), lambda m: f"{m[2]} {_MONEY[m[1]]}"),
    (re.compile(r"(\d) ?([€£])"), lambda m: f"{m[1]} {_MONEY[m[2]]}"),
    (re.compile(r"°(?: ?C\b)?"), " degrees"),
    (re.compile(r"(?<=\d)(?=(?:gb|mb|tb|kb|km|cm|mm|kg|mg|ml)\b)", re.IGNORECASE), " "),
    (re.compile(r"\bmidnight\b"), "12 am"),
    (re.compile(r"(?<!after)\bnoon\b"), "12 pm"),
    (re.compile(rf"\b(?P<part>half|quarter) past (?P<hour>{_HOUR})\b", re.IGNORECASE), lambda m: _past(m)),
    (re.compile(r"\b(?P<year>\d{4})-(?P<number>\d\d)-(?P<day>\d\d)\b"), lambda m: _iso(m)),
    (re.compile(r"(?<=[A-Za-z])/(?=(?:second|minute|hour|day|week|month|year)s?\b)"), " per "),
    (re.compile(rf"\b(?P<month>{MONTH})\.? {_DAY}(?!:)", re.IGNORECASE), lambda m: _date(m)),
    (re.compile(rf"\b{_DAY}(?: of)? (?P<month>{MONTH})\b", re.IGNORECASE), lambda m: _date(m)),
    (
        re.compile(r"\b(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>[ap])\.?m\b\.?", re.IGNORECASE),
        lambda m: _clock(m),
    ),
    (
        re.compile(rf"\b(?P<hour>{_HOUR})(?::(?P<minute>\d\d))? in the (?P<half>morning|afternoon|evening)\b"),
        lambda m: _clock(m),
    ),
    (re.compile(r"(?<![\d:])(?P<hour>\d{1,2}):(?P<minute>\d\d)(?![\d:])"), lambda m: _clock(m)),
)
_NOW = "now|currently|right now|at the moment|at present|presently|nowadays|these days"
_UNITS = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "ms": "millisecond", "kg": "kilo"}
_SAID = (
    (re.compile(r"\bplease\b"), ""),
    (re.compile(r"\be ?mail address\b"), "email"),
    (re.compile(r"\bare both (?!of\b)"), "are "),
    (re.compile(r"\b(i|we|he|she|they) only (\w+)\b"), r"\1 \2 only"),
    (re.compile(rf"\bwill be(?= in (?:{'|'.join(MONTHS[:12])})$)"), "is"),
    (re.compile(r"\bhave no\b"), "do not have"),
    (re.compile(r"\bsecond hand\b"), "used"),
    (re.compile(r"\bper cent\b"), "percent"),
    (re.compile(r"\b(is|are) (?:located|situated) (?=in|on|at|near|next)"), r"\1 "),
    (re.compile(r"\bha(?:s|ve) been (scheduled|planned|booked)\b"), r"is \1"),
    (re.compile(r"\b(?:takes? place|happens?|occurs?)\b"), "is"),
    (re.compile(r"\b(?:is|are|am) employed (?:at|by)\b|\bworks? for\b"), "work at"),
    (re.compile(r"\battend(s?)\b"), lambda m: "goes to" if m[1] else "go to"),
    (re.compile(r"\bdepart(s?)\b"), r"leave\1"),
    (re.compile(r"\ball (?:the |of the )?(\w{2,}[^s\W])s\b"), r"every \1"),
    (re.compile(r"\bkilomet(?:er|re)s?\b"), "km"),
    (re.compile(r"\bkilo(?:gram)?s?\b"), "kilos"),
    (re.compile(r"\b(flight|train|bus|trip) to (\w+)(?= \w)"), r"\2 \1"),
    (re.compile(r"\bat (?=(?:about|around|approximately|roughly)\b)"), ""),
    (re.compile(r"\b(do(?:es)? not \w+) any\b"), r"\1"),
    (re.compile(r"\bwhose name is\b"), "called"),
    (re.compile(r"\b(?:am|is|are) going to\b"), "will"),
    (re.compile(r"(?<!not )\b(?:have|has) to\b"), "must"),
    (re.compile(r"\binstead of\b"), "not"),
    (re.compile(r"\b((?:am|is|are) \d+) years old$"), r"\1"),
    (re.compile(r"\b1 (?=(?:hour|minute|day|week|month|year)\b)"), ""),
    (re.compile(r"\bspeaks? fluent (\w+)|\bspeaks? (\w+) fluently"), lambda m: f"be fluent in {m[1] or m[2]}"),
    (re.compile(r"\bcomes? from\b"), "be from"),
    (re.compile(r"\bclose to\b"), "near"),
    (re.compile(r"\bacross from\b"), "opposite"),
    (re.compile(r"\bsci fi\b"), "science fiction"),
    (re.compile(r"\b(works?|working) from home\b"), r"\1 remotely"),
    (re.compile(r"\b(?:(?:am|is|are) based|lives?|resides?) in\b"), "live in"),
    (re.compile(r"\bin the year (?=\d)"), "in "),
    (re.compile(r"\b(\d+) ?x (?=a|per|every|each)\b"), r"\1 times "),
    (re.compile(r"^the (\w+) (?:of|for) (?:the |our )?((?:\w+ ){0,2}\w+) is\b"), r"\2 \1 is"),
    (re.compile(r"^((?:\w+ ){0,2}\w+?)(?: s)? name is\b"), r"\1 is called"),
    (re.compile(rf"\bon (?=the {_ORDINAL}(?: of\b|$))"), ""),
    (re.compile(r"\b2 times\b"), "twice"),
    (re.compile(r"\bback in (?=\d{4}\b)"), "in "),
    (re.compile(r"\bends in (?=\d)"), "ends with "),
    (re.compile(rf"\b(?:every|each) ({_WEEKDAY}) and ({_WEEKDAY})\b"), r"\1s and \2s"),
    (re.compile(rf"\b(?:every|each) ({_WEEKDAY})\b"), r"\1s"),
    (re.compile(r"\b(elementary|primary|middle|high|secondary) school\b"), r"\1"),
    (re.compile(r"\bnew york city\b"), "new york"),
    (re.compile(r"\b(?:am|is|are) (?:not able|unable) to\b"), "can not"),
    (re.compile(r"\b(night|dai|week|month)ly\b"), lambda m: f"every {m[1].replace('dai', 'day')}"),
    (re.compile(r"(?<= at )(\d{1,2})$"), r"clock\1h00"),
    (re.compile(r"(?<= (?:gb|mb|tb)) of\b"), ""),
    (re.compile(r" (?:so much|very much|a lot)$"), ""),
    (re.compile(r"\b(\d+) ?(s|sec|min|h|hr|ms|kg)s?\b"), lambda m: f"{m[1]} {_UNITS[m[2]]}s"),
    (re.compile(r"\b(?:around|approximately|roughly|circa)(?= (?:\d|clock))"), "about"),
    (re.compile(rf"\b(?:on|in) (?=(?:the )?(?:{WEEKDAY}|date[a-z]{{3}}\d|{MONTH}\b))"), ""),
    (re.compile(rf"\b(?:{_NOW})\b"), ""),
    (re.compile(r"\b(?:really|truly|honestly|definitely|absolutely)\b"), ""),
    (re.compile(r"现在|目前|很|非常|特别|真的"), ""),
    (re.compile(r"(?<=是)1?[名位个]"), ""),
    (re.compile(r"使用"), "用"),
    (re.compile(r"为(?=\d)"), "是"),
    (re.compile(r"毕业于(\w{2,10})$"), r"是\1毕业的"),
    (re.compile(r"^(每天(?:早上|晚上|中午|下午)?)我"), r"我\1"),
    (re.compile(r"位于|定在|安排在|约在"), "在"),
    (re.compile(r"早晨|清晨"), "早上"),
    (re.compile(r"块钱?(?=$|个?月)|圆"), "元"),
    (re.compile(r"(?<=\d)块"), "元"),
    (re.compile(r"[上念]大学"), "读大学"),
    (re.compile(r"手机号码?|电话号码"), "电话"),
    (re.compile(r"(?:喜欢|爱)(?=[吃喝看听玩打跑学画唱跳])"), "爱"),
    (re.compile(r"对(\w{1,8}?)过敏"), r"\1过敏"),
    (re.compile(r"我们家"), "我家"),
    (re.compile(r"名叫|名字叫|的名字是"), "叫"),
    (re.compile(r"^我有1?[只条个位](\w{1,4}?)叫(\w+)$"), r"我的\1叫\2"),
    (re.compile(r"在(\w{2,8})当(\w{2,6})$"), r"是\1的\2"),
    (re.compile(r"用的是"), "用"),
    (re.compile(r"不能(?=[吃喝])"), "不"),
    (re.compile(r"(?<=[吃喝]\w)的$"), ""),
    (re.compile(r"今年(?=\d+岁)"), ""),
    (re.compile(r"(?<=岁)了$"), ""),
    (re.compile(r"1个月(?=\d+元)"), "每月"),
    (re.compile(r"市(?=\w{2,4}[区县])"), ""),
    (re.compile(r"[呢啊呀哦]$"), ""),
    (re.compile(r"^(?!我)(\w{1,6})是(我(?!们|最)\w{1,8})$"), r"\2是\1"),
    (re.compile(r"(?<=[我他她])的(?=\w)"), ""),
    (re.compile(r"母亲|妈妈"), "妈"),
    (re.compile(r"父亲|爸爸"), "爸"),
    (re.compile(r"(?<=我)家的?(?=[猫狗])"), ""),
    (re.compile(r"家住(?=\d+楼)"), "家在"),
    (re.compile(r"最喜欢的颜色是"), "最喜欢"),
    (re.compile(r"上班"), "工作"),
    (re.compile(r"(\d)号"), r"\1日"),
    (re.compile(r"从不"), "不"),
    (re.compile(r"[每1](?=[周天年])|每个?(?=[月周])"), "每"),
    (re.compile(r"(?P<half>上午|早上|下午|晚上)(?P<hour>\d{1,2})点(?!\d|半)"), lambda m: _chinese_clock(m)),
    (re.compile(r"^(\w{1,8})是(我最喜欢的\w+)$"), r"\2是\1"),
    (re.compile(r"\b(?:a|an|the|per)\b(?! (?:few|little|bit|lot)\b)"), ""),
    (re.compile(r"\b(?:is|are|am)\b"), "be"),
    (re.compile(r"\b(?:has|have) got\b"), "have"),
    (re.compile(r"\bhas\b"), "have"),
    (re.compile(r"\b(prefers?) (.+?) over\b"), r"\1 \2 to"),
    (re.compile(r"\b(?:work|works) (?:at|for) (.+?) as (.+)$"), r"be \2 at \1"),
    (re.compile(r"\b(?:work|works) as (?=\w)"), "be "),
    (re.compile(r"\bhave (\w+) allergy\b"), r"be allergic to \1"),
    (re.compile(r"\b(be allergic to \w+?)s?(?= and\b|$)"), r"\1"),
    (re.compile(r"^(?:(i)|(we)|(\w+)) have (\w+) (?:called|named) (\w+)$"), lambda m: _called(m)),
    (re.compile(r"^(\S+(?: \S+)?) be (my|our|his|her|their|\w+ s) (\S+(?: \S+){0,2})$"), r"\2 \3 be \1"),
    (re.compile(r"^(\w+) and (\w+)(?= )"), lambda m: " and ".join(sorted(m.groups()))),
    (
        re.compile(r"^(\w+) be (married to|engaged to|related to|friends with|twin of) (\w+)$"),
        lambda m: f"{min(m[1], m[3])} be {m[2]} {max(m[1], m[3])}",
    ),
    (re.compile(r"(?<=\w) s(?= )"), ""),
    (re.compile(r"^(.*\b(?:have|own|speak|play|like|need)s?) ([\w ]+?) and ([\w ]+)$"), lambda m: _sorted_pair(m)),
    (re.compile(r"^((?:my|our) (?:\w+ ){1,3}be) called (?=(?:dr|mr|mrs|ms|prof) \w+$)"), r"\1 "),
)
#: A time that may stand anywhere in a sentence, and words that tie it to its place.
_TIMED = re.compile(
    rf"\b(?:(?:at )?clock\d+h\d+|date[a-z]{{3}}\d+(?: \d{{4}})?|{WEEKDAY}|"
    r"every (?:day|morning|afternoon|evening|night|week|weekend|month|year|summer|winter|hour))\b"
)
_BOUND = re.compile(
    r"\b(?:from|to|until|till|after|before|between|since|by|and|or|not|no|but|because|when|while|if|than|over|except|"
    r"only|that|who|which|through|about|of|regarding)\b"
)
#: A space that does not stand between two numbers.
_SPACE = re.compile(r"(?<!\d) | (?!\d)")
_THIS = re.compile(r"(?<!应)该")
#: Words for the very same thing, each with the one that stands for both.
_SAME = dict(
    pair.split(":")
    for pair in """kids:children kid:child mom:mother mum:mother mommy:mother dad:father daddy:father tv:television
    fridge:refrigerator movie:film movies:films bike:bicycle apartment:flat grandma:grandmother granny:grandmother
    grandpa:grandfather fav:favorite photo:picture photos:pictures grey:gray centre:center theatre:theater
    licence:license programme:program automobile:car mobile:cellphone maths:math first:1st second:2nd third:3rd
    fourth:4th fifth:5th sixth:6th named:called holds:have hold:have whenever:when each:every reply:answer
    around:about organise:organize organises:organizes organised:organized specialise:specialize realise:realize
    begin:start begins:starts buy:purchase buys:purchases 您:你 own:have owns:have elevator:lift granddad:grandfather
    enjoy:like enjoys:likes max:maximum attorney:lawyer attorneys:lawyers normally:usually generally:usually
    typically:usually frequently:often seldom:rarely coworker:colleague coworkers:colleagues couch:sofa
    automobiles:cars physician:doctor repo:repository repos:repositories db:database postgres:postgresql k8s:kubernetes
    js:javascript ts:typescript config:configuration docs:documentation app:application apps:applications
    info:information usa:us""".split()
)


@lru_cache(maxsize=4_096)
def canonical(text: str) -> str:
    """Return the canonical form of a text: its words with a space between them."""
    for pattern, plain in _WRITTEN:
        text = pattern.sub(plain, text)
    found = normal(text)
    for pattern, put in _SAID:
        found = " ".join(pattern.sub(put, found).split())
    return _times_last(" ".join(_SAME.get(word, word) for word in _THIS.sub("", found).split()))


def _times_last(text: str) -> str:
    """Return a canonical form with its times at the end: a time of day, a day, or one of each, where none is bound."""
    times = _TIMED.findall(text)
    of_day = sum("clock" in time for time in times)
    if not times or _BOUND.search(text) or of_day > 1 or len(times) - of_day > 1:
        return text
    return " ".join([*_TIMED.sub(" ", text).split(), *sorted(times)])


def squeezed(text: str) -> str:
    """Return a canonical form without the spaces between its words, so that "wi fi" is "wifi"; numbers stay apart."""
    return _SPACE.sub("", text)


def _called(match: re.Match[str]) -> str:
    """Return what somebody has, called something, as what it is called: "my dog be called biscuit"."""
    owner = "my" if match[1] else "our" if match[2] else f"{match[3]} s"
    return f"{owner} {match[4]} be called {match[5]}"


def _sorted_pair(match: re.Match[str]) -> str:
    """Return what has two objects with these in one order."""
    return f"{match[1]} {' and '.join(sorted(match.groups()[1:]))}"


def _date(match: re.Match[str]) -> str:
    """Return a day of a month as one word."""
    return f"date{match['month'][:3].lower()}{int(match['day'])}"


def _chinese_clock(match: re.Match[str]) -> str:
    """Return a time of day as one word, counted to 24 hours."""
    later = 12 if match["half"] in ("下午", "晚上") else 0
    return f"clock{int(match['hour']) % 12 + later}h00"


def _iso(match: re.Match[str]) -> str:
    """Return a date as its day of a month and its year."""
    month = MONTHS[int(match["number"]) - 1][:3] if 1 <= int(match["number"]) <= 12 else match["number"]
    return f"date{month}{int(match['day'])} {match['year']}"


def _past(match: re.Match[str]) -> str:
    """Return half past an hour as hours and minutes."""
    return f"{_hour(match['hour'])}:{'30' if fold(match['part']) == 'half' else '15'}"


def _hour(said: str) -> int:
    """Return an hour that is said in digits or in words."""
    return SMALL.index(fold(said)) if fold(said) in SMALL else int(said)


def _clock(match: re.Match[str]) -> str:
    """Return a time of day as one word, counted to 24 hours."""
    hour, half = _hour(match["hour"]), match.groupdict().get("half")
    if half is not None:
        hour = hour % 12 + (0 if half in ("a", "A", "morning") else 12)
    return f"clock{hour}h{match['minute'] or '00'}"
