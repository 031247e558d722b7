"""The words by which people say that something changed, ended or came true: the patterns behind stated changes."""

from __future__ import annotations

import re

from treemem.judge.states import STATES
from treemem.text import MONTH, WEEKDAY

SENTENCE = re.compile(r"(?<=[.!?\n])\s+|(?<=;)\s+(?!it\b)|[!?\n]|;(?! it\b)")
CLAUSE = re.compile(r",? (?:and|but|so|because|since|when|while)(?= )|;|[,:](?!\d)|\s[-–]\s")
LEAD = re.compile(
    r"(?:by the way|actually|well|okay|ok|so|and|but|then|finally|nowadays|these days|currently|now|also|just so you "
    r"know|as i said|from now on|since \w+|as of \w+|in \w+|(?:it )?turn(?:s|ed) out(?: that)?)\b,? ?",
    re.IGNORECASE,
)
#: Where or when alone a sentence says that something is so: "At work I use ..."; but "On Monday I moved ...".
SCOPE = re.compile(
    rf"^(?:At|On|For|During|In) (?!{MONTH}\b|{WEEKDAY.removesuffix('s?')}\b|\d|(?:the |this |last )?(?:spring|summer|"
    r"autumn|fall|winter|end|meantime|moment)\b|last\b|now\b|fact\b|addition\b|short\b|general\b|present\b|"
    r"(?:the )?record\b|sure\b|once\b|example\b|good\b|my (?:part|opinion)\b)"
    r"(?P<where>[^,.;]{1,30}?),? (?:I|[Ww]e|my|our|the|he|she|they|it|[A-Z]\w+)\b"
)
WORD = re.compile(r"[^\W_][\w'’-]*")
OF_PERSON = re.compile(r"(?:I|[Ww]e)\b(?:['’]\w+)?")
DETERMINED = re.compile(r"(?:my|our|the)\s+", re.IGNORECASE)
NAME = re.compile(r"(?:[A-Z][\w'’-]*\s?){1,3}")
SUBJECT_ENDS = frozenset(
    """is isn't are aren't was wasn't were weren't am be been has hasn't have haven't had does doesn't do don't
    did didn't will won't would can can't could may must should no now never always usually used just at in on
    of for with from to by and or not still also already finally went goes go grew rose fell lives works plays
    runs left got gets slipped turned became becomes takes sank jumped climbed improved""".split()
)
#: Verbs that end a subject, but may stand before a noun too: "the lost keys".
PAST_VERBS = frozenset(
    """found bought sold lost made gave met quit won came sent began chose wrote spent kept said told saw ran read hired
    broke""".split()
)
#: A place or a direction that belongs to a subject, since a verb follows it: "the lift in the other building has ...".
PLACED_SUBJECT = re.compile(
    r"(?:to|from|in|on|at|near|with) (?P<where>(?:[\w'’-]+ ){1,4}?)"
    r"(?:(?:is|are|was|were|has|have|had|does|do)(?:n['’]t)?|will|can|[a-z]+(?:[^sui]s|ed))\b"
)
NOT = re.compile(r"n['’]t\b|\b(?:not|no|never|without|nobody|none|cannot)\b", re.IGNORECASE)
ONLY_THOUGHT = re.compile(
    r"\b(?:if|whether|would|could|might|(?-i:may)|should|want(?:s|ed)?|going to|"
    r"plan(?:s|ned|ning)?(?= (?:to|on|for)\b)|hop(?:e|es|ing)|"
    r"wish\w*|thinking|thought|consider\w*|contemplat\w*|debat\w*|suggest\w*|recommend\w*|propos\w*|"
    r"ask\w*|tempted|dream\w*|almost|nearly|try|tries|trying|never|unless|maybe|perhaps|says?|said|told|heard|"
    r"thinks?|will|about to)\b|\?",
    re.IGNORECASE,
)
#: What tells of something past: the verbs that matter, and any other in -ed that stands without "is".
PAST = re.compile(
    r"\b(?:yesterday|ago|last (?:night|week|month|year|\w+day)|was|were|went|met|saw|bought|came|ran|won|lost|had|"
    r"did|took|gave|found|told|used to|sold|broke|fell|died|ate|quit|stole|blew|hurt|sent|spent|"
    r"grew|rose|flew|drove|felt|became|began|chose|drank|forgot|knew|meant|rang|said|"
    r"sang|slept|spoke|stood|swam|thought|threw|woke|wore|wrote|dreamt|burnt|shut down)\b"
    r"|(?<!\bhave )(?<!\bhas )(?<!['’]ve )(?<!['’]s )\bgot\b"
    r"|(?<!\bis )(?<!\bare )(?<!\bbe )(?<!\bbeing )\b(?:led|made|built|held|kept|taught|caught|paid|brought)\b"
    r"|(?<!\bis )(?<!\bare )(?<!\bam )(?<!\bbe )(?<!['’]s )(?<!['’]m )(?<!['’]re )"
    r"(?<!-)(?<!\bthe )(?<!\ba )(?<!\ban )(?<!\bmy )(?<!\bleft )(?<!\bright )(?<!\bnot )(?<!n['’]t )"
    r"\b(?!hundred\b)(?-i:[a-z]{2,}[^e\W\d]ed\b|^[A-Z][a-z]+[^e\W\d]ed\b)",
    re.IGNORECASE,
)
#: Stems of a thing that takes place, which may be left out: "my yoga class" is yoga.
SESSIONS = frozenset("class lesson session cours train practic appoint".split())
#: Stems that say no more of a thing than that it is there, or in use.
LIGHT = frozenset(
    """use run keep take go drive play have own pay read stay rent work live wear write bank need get studi eat drink
    listen written hold see date cost weigh""".split()
)

#: Stems of what happens once, of which the time goes with it; and of verbs that say where something is.
ONCE = frozenset(
    """appoint meet flight trip book reserv subscript order account contract class cours concert parti wed ticket
    membership project plan event interview""".split()
)
LOCATED = frozenset(
    """live base go locat held meet stand lie stay hous sit park teach attend train shop volunt store host
    deploi run""".split()
)
#: Verbs that tell of a way as well as of a change.
WAYS = frozenset("went gone go passed rose fell grew".split())

NO_LONGER = re.compile(
    r"\b(?:no longer|any ?more|any longer|stopped|stops|quit|ceased|gave up|given up|used to)\b"
    r"|\bturn(?:s|ed) out\b.*(?:\bnot\b|n['’]t\b)|(?:\bnot\b|n['’]t\b).*\bafter all\b",
    re.IGNORECASE,
)
LEFT_OVER = frozenset(
    "t ve re m s d ll don doesn didn isn aren wasn weren hasn haven still alreadi usual current per".split()
)
CUE_STEMS = frozenset("longer ani anymor stop quit ceas gave given use turn".split())
FROM_TO = re.compile(
    r"\b(?P<verb>switch\w*|mov(?:ed|ing)|chang(?:ed|ing)|migrat\w+|port(?:ed|ing)|upgrad\w+|downgrad\w+|renamed|"
    r"transferred|relocated|went|gone|go|raised|lowered|increased|reduced|cut|extended|postponed|pushed|shifted|"
    r"converted|rose|fell|grew|promoted|passed)\b(?P<what>[^.;,]{0,50}?) from (?P<old>[^.;,]{1,50}?) "
    r"(?:to|onto|into) (?P<new>[^.;,]{1,50})",
    re.IGNORECASE,
)
REPLACED = (
    re.compile(r"\b(?:replaced|swapped|traded) (?P<old>[^.;,]{1,50}?) (?:with|for|by) (?P<new>[^.;,]{1,50})", re.I),
    re.compile(
        r"(?P<old>[^.;,]{1,50}?) (?:was|were|has been|have been|got) replaced (?:by|with) (?P<new>[^.;,]+)", re.I
    ),
    re.compile(r"(?P<new>[^.;,]{1,60}) instead of (?P<old>[^.;,]{1,50})", re.I),
    re.compile(r"(?P<new>[A-Z][^.;,]{0,50}?) (?:replaced|took over from|succeeded) (?P<old>[^.;,]{1,50})"),
)
ENDED = re.compile(
    r"\b(?:cancell?ed|sold|shaved off|tore|demolished|removed|deleted|gave away|got rid of|returned|checked out of|"
    r"resigned as|retired as|stepped down as|terminated|discontinued|dissolved|handed(?! in)|moved out of|gave up|"
    r"graduated from|dropped out of|closed(?= (?:my|our|the|his|her)? ?\w* ?"
    r"(?:account|shop|business|company|branch|bakery|restaurant|store|caf[eé]|office|bar|studio|firm))|"
    r"(?P<done>finished|completed|submitted|handed in|passed|defended))\b(?P<what>[^.;,]*)",
    re.IGNORECASE,
)
#: A day at the end, on which something was finished.
ON_A_DAY = re.compile(rf" (?:on|last|this) {WEEKDAY}\W*$", re.IGNORECASE)
#: A wish that is none any more.
WANTS_NO_LONGER = re.compile(
    r"(?:I|[Ww]e|(?:The )?[Uu]ser|[A-Z]\w+) (?:(?:do(?:es)?n['’]t|do(?:es)? not) (?:want|plan|hope) .+ any ?more|"
    r"no longer (?:want|plan|hope)s?)\b"
)
#: What goes on, and can be finished.
GOING_ON = re.compile(r"(?:\b(?:am|is|are)|['’](?:m|s|re)) \w+ing\b", re.IGNORECASE)
WAS_ENDED = re.compile(
    r"(?P<what>[^.;,]{1,60}?) (?:was|were|has been|have been|got) (?:officially )?(?:closed|cancell?ed|called off|"
    r"sold|removed|deleted|discontinued|terminated|demolished|torn down|dissolved|abolished)\b",
    re.IGNORECASE,
)
NOW = re.compile(
    r"\b(?:now|these days|nowadays|currently|just (?:started|entered|turned)|turned (?=\d)|"
    rf"since (?:today|yesterday|last \w+|{MONTH}|\d{{4}}|(?:the|my|our) [\w ]{{1,30}}(?=\W*$))|"
    r"starting (?:today|tomorrow|next \w+|\w+day)|from (?:now|today|tomorrow|then|next \w+|\w+day|"
    rf"\d[\d:]* ?(?:am|pm)?|{MONTH}) on)\b",
    re.IGNORECASE,
)
CHANGED = re.compile(
    r"\b(?:moved|relocated|transferred|changed|raised|lowered|increased|reduced|extended|postponed|pushed|delayed|"
    r"rescheduled|brought forward|shortened|went up|went down|gone up|gone down|rose|fell|grew|grown|dropped|upgraded|"
    r"renewed|bumped|improved|jumped|climbed|slipped|sank|came down|cut|"
    r"(?:went|gone|go) back|scaled (?:back|up|down)|adjusted|shifted|shrank|"
    r"shrunk|switched|renamed|reassigned|rotated|"
    r"(?:got|turned|brought|took) [^.;,]{1,30} (?:down|up)|is down|is up|am down|am up|'m down|’m down|'m up)\b"
    r"(?P<what>[^.;,]*?) (?:to|until|till|by|into)\b",
    re.IGNORECASE,
)
#: What is no thing that changes, between "moved" and "to".
DIRECTIONS = frozenset("back forward further again slight down up".split())
AMOUNT = re.compile(
    r"\b(?:half )?(?:an?|\d+|one|two|three|four|five) "
    r"(?:packs?|cups?|glass(?:es)?|bottles?|hours?|minutes?|km|miles?|times)\b",
    re.IGNORECASE,
)
EVERY = frozenset("everi each day week month year hour minut".split())
#: Words after which one of a kind takes the place of another: "prefers dark mode".
ONE_OF_A_KIND = frozenset(["prefer", "prefers", "be"])
ALSO = re.compile(r"\b(?:also|too|as well|another|additional\w*|both)\b", re.IGNORECASE)
#: What one is waiting for, and that it came.
AWAITED = re.compile(r"\b(?:waiting for|on the waiting list for|awaiting) (?P<what>[^.;,]+)", re.IGNORECASE)
CAME = re.compile(
    r"^(?P<what>(?:the|my|our) [^.;,]+?) (?:has |have )?(?:finally |just )?(?:arrived|come through|came(?: through)?|"
    r"been (?:approved|delivered|granted|issued))\b"
    r"|^(?:I|We) (?:finally |just )?(?:got|received) (?P<mine>(?:the|my|our) [^.;,]+)",
    re.IGNORECASE,
)
USED_TO = re.compile(r"\bused to\b", re.IGNORECASE)
_WEIGHED = r"(?P<unit>kg|kilos?|kilograms?|pounds|lbs)\b"
#: What one weighs.
WEIGHT = re.compile(
    r"^(?:I (?:now |currently )?weigh(?: about| around)?|[Mm]y weight is(?: now| about)?) (?P<was>\d[\d.]*) ?"
    + _WEIGHED
)
WEIGHT_NOW = re.compile(
    r"\bI(?:['’]m| am|['’]ve gone| have gone| went) (?:now )?(?:down|up) to (?P<now>\d[\d.]*) ?"
    rf"{_WEIGHED}(?! of\b)"
)
#: Two who are together, and that they no longer are.
TOGETHER = re.compile(
    r"\b(?:my|[a-z]+'s) (?:girlfriend|boyfriend|partner|fianc[eé]e?|wife|husband)\b|\b(?:is|are|am) (?:dating|seeing|"
    r"engaged|married|going out|together|a couple)\b|['’](?:m|re|s) (?:dating|seeing|engaged|married)\b",
    re.IGNORECASE,
)
PARTED = re.compile(
    r"\b(?:(?:broke|broken|split|splitting|breaking) up|separated|divorced|parted ways)\b"
    r"(?! (?:the|an?|my|our|his|her|that|this|for|into|to|with (?-i:[a-z]))\b)",
    re.IGNORECASE,
)
#: What one does or does not do at all.
HABIT = frozenset("smoke vape gambl jog knit".split())
GIVEN_UP = re.compile(r"(?<!to )\b(?:quit|stopped|gave up|given up|no longer) (?P<habit>\w+)(?=\W*$)", re.IGNORECASE)
#: What has come to be so, against an earlier no.
COME_TO = re.compile(
    r"\b(?:now|finally|again|these days)\b"
    r"|\b(?:(?:have|has) |['’](?:ve|s) )?(?:come|grown|started|begun|learned|learnt) to(?= \w)"
    r"|\b(?:have|has|['’]ve|['’]s) started (?=\w+ing\b)",
    re.IGNORECASE,
)
SOUGHT = re.compile(r"\b(?:looking|searching) for (?P<what>[^.;,]+)", re.IGNORECASE)
FOUND = re.compile(r"\b(?:found|got|hired|bought) (?P<what>(?:an?|the|my|our) [^.;,]+)", re.IGNORECASE)
MENDED = re.compile(r"\b(?:fixed|repaired|replaced) (?P<what>(?:the|my|our) [^.;,]+)", re.IGNORECASE)
WAS_RENAMED = re.compile(
    r"(?P<what>[^.;,]{1,50}?) (?:was|were|is|has been|got) renamed (?:to |into )?(?P<new>[^.;,]+)", re.IGNORECASE
)
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
).split()
CLOCK = re.compile(
    r"\b\d{1,2}(?::\d\d)? ?[ap]\.?m\b|\b\d{1,2}:\d\d\b|\b(?:noon|midnight)\b|(?<=\bat )\d{1,2}(?=\W*$)", re.IGNORECASE
)
VALUES = (
    ("date", re.compile(rf"\b{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th)? {MONTH}\b", re.I)),
    ("month", re.compile(rf"\b{MONTH}\b", re.IGNORECASE)),
    ("quarter", re.compile(r"\bQ[1-4]\b")),
    ("day", re.compile(rf"\b{WEEKDAY}\b", re.IGNORECASE)),
    ("clock", CLOCK),
    ("number", re.compile(rf"\d[\d.,]*|\b(?:{'|'.join(NUMBERS)})\b", re.IGNORECASE)),
    ("ordinal", re.compile(rf"\b(?:\d+(?:st|nd|rd|th)|{'|'.join(ORDINALS)})\b", re.IGNORECASE)),
    ("place", re.compile(r"(?<=\b(?:in|on|at|to) )(?:the )?[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")),
)
HOLDER = re.compile(r"^(?P<who>[A-Z][\w'’ -]{0,30}?) (?:is|was) (?:now )?(?:the|(?P<mine>our|my)) (?P<role>[^.;,]+)")
_WHO = r"(?:^|[;,:] |\band )(?P<who>[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)?)"
_TAKEN_OVER = "taken over|took over|taking over|appointed|named|stepped in|become|became"
NEW_HOLDERS = (
    re.compile(rf"{_WHO} is (?:now )?(?:the|our|my) (?:new )?(?P<role>[^.;,]+)"),
    re.compile(
        rf"{_WHO} (?:has |was |is )?(?:now )?(?:{_TAKEN_OVER}) (?:as )?"
        r"(?:the |our |my )?(?:new )?(?P<role>[^.;,]+?)(?: from [^.;,]+)?(?=[.;,]|$)"
    ),
    re.compile(r"(?:^|[;,:] |\band )(?:[Tt]he|[Oo]ur|[Mm]y) new (?P<role>[^.;,]+?) is (?P<who>[A-Z][^.;,]*)"),
)
#: Roles that one person has at a time, of mine or ours; of others ("our designer") there may be more.
EXCLUSIVE = re.compile(
    r"\b(?:boss|manager|lead|leader|head|chair\w*|director|captain|president|c[etf]o|coach|trainer|landlord|landlady|"
    r"doctor|dentist|therapist|goalkeeper|principal|mayor|treasurer|secretary|owner|editor|tutor|supervisor|advisor|"
    r"mentor|accountant|lawyer)\W*$",
    re.IGNORECASE,
)
TAKEN_OVER = re.compile(rf"\b(?:{_TAKEN_OVER}|new)\b", re.IGNORECASE)
#: What says of a thing that it is another time now: "it has been delayed; it leaves at ...".
RESCHEDULED = re.compile(
    r"\b(?:been|was|were|got|is) (?:delayed|postponed|rescheduled|brought forward|pushed back)\b", re.I
)
#: When a change came, at the end of what tells of it: it says nothing of what changed.
WHEN = re.compile(
    r"(?<!since)(?<!starting)(?<!from)(?<!until)(?<!by)(?<!as of),? "
    r"(?:yesterday|today|tonight|this (?:morning|afternoon|evening|week|month|year)|"
    r"last (?:night|week|weekend|month|year|spring|summer|autumn|fall|winter)|(?:just )?recently|earlier today|"
    r"the other day|(?:an?|one|two|three|four|five|six|\d+|a few|a couple of|some) "
    r"(?:hour|day|week|month|year)s? ago)(?=[.!,;]|$| and\b| because\b| so\b)",
    re.IGNORECASE,
)
#: Times at which alone something is so, and words that say that a time is an end, or that something lasts longer.
AT_TIMES = re.compile(
    r"\b(?:weekends?|weekdays?|mornings?|evenings?|afternoons?|nights?|summers?|winters?|holidays?)\b", re.IGNORECASE
)
#: "My car is a Prius".
OWNED = re.compile(
    r"(?:(?P<mine>[Mm]y|[Oo]ur)|[Tt]he user['’]s|[A-Z][\w-]*['’]s) (?P<thing>[a-z]+(?: [a-z]+)?) is "
    r"(?P<value>(?:an? |[A-Z])[^.;,]+)"
)
HAVE_TO = re.compile(r"\b(?:have|has|need|needs) to\b", re.IGNORECASE)
COSTS = re.compile(r"\bcosts?\b", re.IGNORECASE)
UNTIL = re.compile(r"\b(?:until|till|clos\w+|ends?|to)\b", re.IGNORECASE)
LENGTHENED = re.compile(r"\b(?:extended|shortened|lengthened)\b", re.IGNORECASE)
#: "I'm 33 years old", "I turned 34".
AGE, AGED = re.compile(r"\b\d+ years old\b"), re.compile(r"\bturned \d+\b")
#: What is mine, and what a person takes, pays for or has one of: of the same thing, if it is named.
OF_MINE = re.compile(r"(?:[Mm]y|[Oo]ur) ")
HAS_ONE = re.compile(r"(?:I|[Ww]e)(?:['’]ve got| have| take|['’]m on| am on) (?!two|three|four|five|six|some|many)")
#: "I raised my savings goal to ...": what is mine, and changed.
OF_MINE_CHANGED = re.compile(
    r"^(?:I|[Ww]e|(?:[Mm]y|[Oo]ur|[Tt]he) [a-z]+|[A-Z][a-z]+)(?:['’]ve| have| has)?"
    r"(?: just| finally| recently)? (?:moved|changed|raised|lowered|increased|reduced|upgraded|upped|doubled|"
    r"extended|postponed|pushed|delayed|rescheduled|shortened|cut|bumped|shifted|got|turned|brought|set|took) "
    r"(?P<what>(?:my|our|the) [^.;,]{1,40}?) (?:down |up |back )?(?:from [^.;,]{1,30} )?(?:to|until|by) ",
)
#: "The client is Acme": "Acme is no longer our client".
HELD_BY = re.compile(r"^(?:[Tt]he|(?P<mine>[Mm]y|[Oo]ur)) (?P<role>[^.;,]+?) is (?P<who>[A-Z][^.;,]*)")
NO_LONGER_HELD_BY = re.compile(
    r"(?P<who>[A-Z][^.;,]*?) (?:(?:is no longer|is not|isn['’]t) (?:the|my|our)|"
    r"(?:has |have )?(?:stepped down|resigned|retired) as (?:(?:the|my|our) )?)(?P<role>[^.;,]+)"
)
#: A role somebody has, and one that takes its place.
ROLE = re.compile(r"(?:\b(?:is|am)|['’][ms]) (?:an?|the) (?P<role>[^.;,]+)", re.IGNORECASE)
NEW_ROLE = re.compile(
    r"(?:\bpromoted to|(?:\b(?:is|am)|['’][ms]) now) (?:be )?(?:an? |the )?(?P<role>[^.;,]+)"
    r"|(?:\b(?:is|am)|['’][ms]) (?:an?|the) (?P<role_now>[^.;,]+) now\b",
    re.IGNORECASE,
)
#: A plan, a team, a mode, taken up in place of another.
SWITCHED_TO = re.compile(
    r"\b(?:upgraded|downgraded|switched|changed|moved|transferred)(?: up| down| over| back)? to "
    r"(?:the |an? |my |our )?(?P<new>[^.;,]+)",
    re.IGNORECASE,
)
RENAMED = re.compile(r"\brenamed (?P<what>[^.;,]{1,50}?) (?:to|into) (?P<new>[^.;,]+)", re.IGNORECASE)
NAMED = re.compile(r"\b(?:named|called)\b|\bname (?:is|was)\b", re.IGNORECASE)
DIED = re.compile(r"\b(?:died|passed away)\b", re.IGNORECASE)
#: What a household leaves when it moves out of somewhere.
HOMES = frozenset("hous home place flat apart".split())


#: Words of which every cue has one: a quick look before the patterns.
CUE_WORDS = frozenset(
    """abolished adjusted after again any appointed apart begun come divorced grown learned learnt named new
    parted part started time vaping any anymore approved arrived available back better birth boyfriend broke brought
    bumped called came canceled cancelled ceased changed checked cleared climbed closed collected completed
    currently cut dating days decided defended delayed deleted delivered demolished died disabled discharged
    discontinued dissolved divorced done down downgraded driving dropped dyed enabled engaged extended fell
    finally finished fixed found from gave girlfriend given gone got graduated grew grown had handed has have
    healthy hired home improved inaugurated increased instead jumped just late launched left licence license
    longer lowered market married merged migrated moved moving not now nowadays occupied off open opened out
    passed picked ported porting postponed promoted published pushed quit raised reassigned recovered reduced
    rejected relationship released relocated removed renamed renewed rented reopened repaired replaced
    rescheduled resigned resolved restarted resumed retired returned rose rotated sank scaled separated settled
    shaved shifted short shortened shrank shrunk shut since slipped sold split stable stepped stopped stops
    submitted succeeded swapped switched taken terminated took tore torn traded transferred turned turns up
    upgraded used went works""".split()
)
#: What one of tells that a sentence may be news; each is quicker than the patterns that it stands for.
CUES = (
    NO_LONGER,
    NOW,
    re.compile(r"\bfrom\b.*\b(?:to|into|onto)\b", re.IGNORECASE),
    re.compile(
        r"\b(?:replaced|swapped|traded|instead of|took over|succeeded|closed|cancell?ed|called off|sold|removed|"
        r"deleted|discontinued|terminated|demolished|torn down|dissolved|abolished|renamed|promoted|died|passed away|"
        r"found|got|hired|bought|finally)\b",
        re.IGNORECASE,
    ),
    ENDED,
    CHANGED,
    CAME,
    PARTED,
    WEIGHT_NOW,
    COME_TO,
    RESCHEDULED,
    *NEW_HOLDERS,
    re.compile("|".join(after.pattern for _, after in STATES), re.IGNORECASE),
)
