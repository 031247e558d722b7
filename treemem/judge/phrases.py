"""How people say where they live, what they do, like and have, and that it changed: the patterns behind claims."""

from __future__ import annotations

import re
from dataclasses import dataclass

from treemem.text import WEEKDAY, words

MYSELF = frozenset(["i", "we", "我", "我们"])
NO_NAMES = frozenset(
    """the this that these those it he she they you who what when where why how there here yes no so but and or if
    my our your his her their and also then now""".split()
)


def _any(phrases: str) -> str:
    """Return a pattern for any of some phrases, given with commas between them."""
    return "(?:" + "|".join(re.escape(phrase.strip()).replace(r"\ ", " ") for phrase in phrases.split(",")) + ")"


_KIN_OF_MANY = "brother|sister|son|daughter|best friend"
_KIN = f"parents|mother|mom|mum|father|dad|wife|husband|partner|girlfriend|boyfriend|{_KIN_OF_MANY}"
#: Kin of whom one has one, or who are one household; and kin of whom one may have many.
OF_KIN = re.compile(rf"[Mm]y (?:{_KIN})\b")
ONE_OF_MANY = re.compile(rf"[Mm]y (?:{_KIN_OF_MANY})\b")
_WHO = rf"\b(?P<who>I|[Ww]e|[Tt]he user|[Mm]y (?:{_KIN})|[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){{0,2}})"
_HELPERS = r"(?:['’](?:ve|m|s|re)| have| has| am| is| are)?(?: been)?"
_OFTEN = _any(
    "now,currently,recently,just,finally,actually,also,still,already,officially,both,all,really,always,mostly,usually,"
    "only"
)
_ADVERBS = rf"(?: {_OFTEN})*"
_ENDS = _any(
    "and,but,because,since,so,for now,now,nowadays,these days,anymore,any more,at the moment,last,this,next,on,after,"
    "before,when,where,which,who,to be,from,instead,yesterday,today,ago,with my,with a,as a,as an,too,as well"
)
_TITLED = r"(?:(?:Dr|Mr|Mrs|Ms|Prof|St)\. )?"
_VALUE = (
    rf"(?P<value>{_TITLED}[^.!?;,\n]{{1,80}}?)"
    rf"(?= {_ENDS}\b| in (?:\d{{4}}|[A-Z][a-z]+ \d{{4}})\b|[.!?;,\n]|\s*$)"
)
_NO_LONGER = _any(
    "no longer,don't,don’t,do not,doesn't,doesn’t,does not,can't,can’t,cannot,can not,never,stopped,quit,gave up,"
    "have stopped,has stopped,can no longer"
)


@dataclass(frozen=True, slots=True)
class Saying:
    """What a pattern with the groups `who` and `value` says of a slot, and whether it says that it holds.

    `turned` is whether it says that it has come to be so ("moved to"). A text without one of its `words` need not be
    looked at; where it has none, no text in ASCII need be.
    """

    slot: str
    holds: bool
    pattern: re.Pattern[str]
    words: frozenset[str] | None
    turned: bool = False


def _says(
    slot: str, holds: bool, verbs: str, before: str = "", after: str = "", ends: str = "", *, turned: bool = False
) -> Saying:
    """Return what somebody says by a verb and a value; `before` and `after` stand around the verb.

    With `ends` the value must be followed by these words.
    """
    first = frozenset(words(verb)[0] for verb in verbs.split(","))
    value = rf"(?P<value>[^.!?;,\n]{{1,60}}?)(?={ends}\b)" if ends else _VALUE
    pattern = re.compile(rf"{_WHO}{_HELPERS}{_ADVERBS} {before}{_any(verbs)}{after} {value}")
    return Saying(slot, holds, pattern, first, turned)


def _zh(slot: str, holds: bool, pattern: str) -> Saying:
    """Return what somebody says in Chinese."""
    return Saying(slot, holds, re.compile(pattern), None)


_LIVE = "live,lives,living,reside,resides,residing,am based,is based,based"
_MOVE = "moved,moving,relocated,moved back,settled,moved out"
_WORK = "work,works,working,employed"
_LEAVE = "quit,left,resigned from,got fired from,got laid off from,no longer work,no longer works,stopped working"
_LIKE = "like,likes,love,loves,enjoy,enjoys,enjoying,prefer,prefers,adore,adores,eat,eats,drink,drinks"
_DISLIKE = (
    "hate,hates,dislike,dislikes,detest,detests,avoid,avoids,stay away from,allergic to,gave up,quit,gone off,went off"
)
_LIKE_NOT = "like,liking,love,loving,enjoy,enjoying,eat,eating,drink,drinking,stand,tolerate"
_DO = (
    "play,plays,playing,practice,practise,practicing,do,does,learn,learns,learning,study,studies,studying,take,takes,"
    "taking,attend,attends,attending,use,uses,using,subscribe to,subscribes to,volunteer at,volunteers at,smoke,smokes"
)
_DO_NOT = (
    "play,playing,practice,practicing,do,doing,learn,learning,study,studying,take,taking,attend,attending,use,using,"
    "smoke,smoking,subscribe to"
)
_HAVE = "have,has,own,owns,drive,drives,driving,keep,keeps,got,bought,adopted"
_HAVE_NOT = (
    "sold,gave away,got rid of,returned,lost,no longer have,no longer has,no longer own,no longer owns,no longer drive,"
    "no longer drives,traded in,donated"
)
_A = r"(?: an?| my| the| our| his| her| one| two| three)*"
_STATE = r"(?P<value>single|married|engaged|divorced|widowed|separated)\b(?! (?:in|with|room|bed|out|mom|parent|day))"
_DIET = r"(?P<value>vegan|vegetarian|pescatarian|omnivore)s?\b"

_DIETS = frozenset("vegan vegans vegetarian vegetarians pescatarian pescatarians omnivore omnivores".split())
_JOBS = frozenset(
    """engineer developer manager teacher nurse doctor analyst designer lawyer accountant consultant director scientist
    researcher chef cook clerk assistant editor writer journalist architect technician mechanic programmer recruiter
    professor lecturer barista waiter waitress cashier pilot""".split()
)
_JOB = f"(?:{'|'.join(sorted(_JOBS))})"
_STATES = frozenset("single married engaged divorced widowed separated".split())
_ZH_WHO = r"(?P<who>我们?|用户|[^\W\d_a-zA-Z的了在不是]{2,4}?)"
_ZH_WHEN = r"(?:现在|目前|已经|一直|刚刚|刚|最近|上个月|去年|今年)*"
_ZH_VALUE = r"(?P<value>[^，。！？；、\s]{1,20}?)(?=了|[，。！？；、\s]|$)"

SAYS: tuple[Saying, ...] = (
    _says("residence", True, _LIVE, after=" (?:in|at)"),
    _says("residence", True, _MOVE, after=" (?:house )?(?:back )?(?:to|into|in|out to)", turned=True),
    _says("employer", True, _WORK, after=" (?:at|for)"),
    _says(
        "employer",
        True,
        "started,started working,started a job,started a new job,got a job",
        after=" (?:at|with)",
        turned=True,
    ),
    _says("employer", False, _LEAVE, after="(?: my job)?(?: at| for| with)?"),
    Saying(
        "employer", True, re.compile(rf"{_WHO}{_HELPERS}{_ADVERBS} an? (?:[a-z]+ ){{0,3}}{_JOB} at {_VALUE}"), _JOBS
    ),
    _says("employer", False, "lost", after=" (?:my|his|her|their) job (?:at|with)"),
    _says("occupation", True, _WORK, after=" as (?:an?|the)"),
    _says("occupation", True, "became,promoted to,started as,started working as", after=" (?:an?|the)", turned=True),
    _says("employer", True, "joined,moved to,switched to,left for", after="", ends=" as", turned=True),
    _says("partner", True, "dating,in a relationship with,together with"),
    _says("partner", False, "broke up with,split up with,separated from,divorced", after=""),
    _says("school", True, "study,studies,studying", after=" at"),
    _says("school", True, "transferred,enrolled", after=" (?:to|at|in)", turned=True),
    Saying(
        "diet",
        True,
        re.compile(rf"{_WHO}{_HELPERS}{_ADVERBS} (?:(?:went|gone|turned|became|become) )?(?:an? )?{_DIET}"),
        _DIETS,
    ),
    Saying("relationship", True, re.compile(rf"{_WHO}{_HELPERS}{_ADVERBS} (?:got )?{_STATE}"), _STATES),
    _says("likes", True, _LIKE),
    _says("likes", False, _LIKE_NOT, before=rf"{_NO_LONGER} (?:really |much |ever )?"),
    _says("likes", False, _DISLIKE),
    _says("does", True, _DO),
    _says("does", False, _DO_NOT, before=rf"{_NO_LONGER} "),
    _says("does", False, "cancelled,canceled,dropped out of,dropped,quit,gave up", after="(?: my| the)?"),
    _says("has", True, _HAVE, after=_A),
    _says("has", False, _HAVE_NOT, after=_A),
    _zh("residence", True, rf"{_ZH_WHO}{_ZH_WHEN}(?:定居在|居住在|住在|住){_ZH_VALUE}"),
    _zh("residence", True, rf"{_ZH_WHO}{_ZH_WHEN}(?:搬家?到了?|搬去了?|搬回了?|移居到?){_ZH_VALUE}"),
    _zh("employer", True, rf"{_ZH_WHO}{_ZH_WHEN}在(?P<value>[^，。！？；、\s]{{1,20}}?)(?:工作|上班|任职)"),
    _zh("employer", True, rf"{_ZH_WHO}{_ZH_WHEN}(?:加入了?|入职了?|跳槽到了?){_ZH_VALUE}"),
    _zh("employer", True, rf"{_ZH_WHO}{_ZH_WHEN}(?:调到|转到|调去)(?P<value>[^，。！？；、\s]{{1,20}}?)(?:工作|上班)"),
    _zh("employer", False, rf"{_ZH_WHO}{_ZH_WHEN}从(?P<value>[^，。！？；、\s]{{1,20}}?)(?:离职|辞职|跳槽)"),
    _zh("likes", True, rf"{_ZH_WHO}(?:很|最|特别|非常|一直)?(?:喜欢|喜爱|爱)(?:吃|喝)?{_ZH_VALUE}"),
    _zh("likes", False, rf"{_ZH_WHO}{_ZH_WHEN}(?:再也不|不再|不太|不|讨厌|戒了?)(?:能|喜欢|爱)?(?:吃|喝)?{_ZH_VALUE}"),
)


def _by_word() -> dict[str, list[int]]:
    """Return the places in SAYS of the patterns that each word calls for; "" stands for no word."""
    places: dict[str, list[int]] = {}
    for place, saying in enumerate(SAYS):
        for word in saying.words or ("",):
            places.setdefault(word, []).append(place)
    return places


_BY_WORD = _by_word()


def sayings_in(text: str) -> list[Saying]:
    """Return the patterns that may be found in a text, in the order of SAYS."""
    calling = words(text) if text.isascii() else ("", *words(text))
    places = {place for word in calling for place in _BY_WORD.get(word, ())}
    return [SAYS[place] for place in sorted(places)]


_THING = r"(?P<thing>(?:favou?rite )?[A-Za-z][\w-]*(?: (?!is\b|are\b|was\b|has\b|to\b|from\b)[a-z][\w-]*){0,2})"
#: A text without one of these says nothing of the kind of OF_MINE, nor of SWITCHED, unless it has more than ASCII.
OF_MINE_WORDS = frozenset(
    "is are changed became become switched updated moved renamed raised lowered increased reduced cut set upgraded "
    "downgraded bumped extended migrated converted".split()
)
#: Patterns of what somebody has one of, with the groups `thing`, `value` and perhaps `whose` and `cue` (it changed).
OF_MINE = (
    re.compile(
        r"(?:\b(?:[Mm]y|[Oo]ur|(?P<the>[Tt]he))|\b(?P<whose>[A-Z][\w-]+|[Tt]he user)['’]s) "
        rf"(?P<cue>new |current |latest )?{_THING} "
        rf"(?:is|are|changed to|has changed to|became|has become)(?P<now> now)? {_VALUE}"
    ),
    re.compile(
        rf"\b(?:I|[Ww]e)(?:['’]ve| have)? (?P<cue>changed|switched|updated|moved|renamed|raised|lowered|"
        rf"increased|reduced|cut|set|upgraded|downgraded|bumped|extended) (?:my|our|the) {_THING}"
        rf"(?: from [^.,;]{{1,40}}?)? (?:to|into) {_VALUE}"
    ),
    re.compile(
        rf"\b(?P<whose>[A-Z][\w-]+|[Tt]he user)(?: has)? (?P<cue>changed|switched|updated|moved) "
        rf"(?:his|her|their) {_THING}(?: from [^.,;]{{1,40}}?)? (?:to|into) {_VALUE}"
    ),
    re.compile(
        r"\b(?:I|[Ww]e)(?:['’]ve| have)? (?P<cue>switched|changed|moved) to (?P<value>[^.!?;,\n]{1,40}?) (?:as|for) "
        rf"(?:my|our) {_THING}"
    ),
    re.compile(rf"我把(?:我的)?(?P<thing>[^，。！？；、\s是]{{1,8}}?)(?P<cue>改|换|变)(?:成|为)了?{_ZH_VALUE}"),
    re.compile(
        rf"我的(?P<now>新)?(?P<thing>[^，。！？；、\s是]{{1,8}}?)(?P<cue>现在|已经)?(?:是|改成了?|换成了?|变成了?){_ZH_VALUE}"
    ),
)
#: What one has one of at a time; other things ("my brother is ...") make a claim only where they are said to change.
ATTRIBUTE = re.compile(
    r"favou?r|phone|timezon|number|email|address|name|job|titl|salari|rent|budget|\bage|password|goal|target|deadlin|"
    r"boss|manag|doctor|dentist|therapist|coach|roommat|usernam|weight|height|\bsize|curfew|major|editor|\bcar$|laptop|"
    r"电话|号码|邮箱|地址|名字|工作|职位|工资|房租|预算|密码|目标|老板|医生|最喜欢|车"
)
#: Times at which alone something is so.
AT_TIMES = re.compile(
    rf"\b(?:(?:on |every )?{WEEKDAY}|weekends?|weekdays?|during|every|sometimes|"
    r"occasionally|part[- ]time|in the (?:morning|evening|afternoon|summer|winter)s?|mornings|evenings|afternoons|"
    r"at night|once a|twice a|for breakfast|as a child|in \d{4})\b|周末|周[一二三四五六日]|有时|偶尔|每",
    re.IGNORECASE,
)
SWITCHED = re.compile(
    rf"{_WHO}{_HELPERS}{_ADVERBS} (?:switched|changed|migrated|moved over|converted) from "
    r"(?P<value>[^.!?;,\n]{1,40}?) (?:to|into)\b"
)
#: Words before a value, in its clause, which say that it is only asked, wished, planned or gone.
ONLY_THOUGHT = re.compile(
    r"\b(?:not sure|wonder\w*|if|whether|would|could|might|(?-i:may)|should|want\w* to|plan\w* to|going to|"
    r"hop(?:e|ing) to|used to|thinking (?:of|about)|dream\w*|wish\w*|did|do you|does|considering)\b[^.!?;,]*$",
    re.IGNORECASE,
)
