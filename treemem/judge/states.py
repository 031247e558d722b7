"""States that end by another one that is told: what is broken is mended, who is single marries."""

from __future__ import annotations

import re

#: What something is, and what says that it no longer is.
STATES = tuple(
    (
        re.compile(
            rf"(?:\b(?:is|are|am|has|have|works?|lives?)|['’](?:s|m|re)) (?:[\w'’ ]* )?(?:{before})\b", re.IGNORECASE
        ),
        re.compile(rf"\b(?:{after})\b", re.IGNORECASE),
    )
    for before, after in (
        ("closed|shut", r"reopened|open (?:[\w']+ ){0,3}again|has opened|have opened"),
        ("open", "closed down|has closed|shut down"),
        ("broken|leaking|out of order|defect(?:ive)?|down|in the garage|being repaired", "repaired|fixed|works again"),
        (
            "out of order|out of service|broken|down|not working",
            "back in service|working again|(?:is|are) (?:back )?up again",
        ),
        ("broken|being repaired", "back from (?:the )?repairs?"),
        ("(?:in|at) the (?:shop|garage|workshop)", "back from the (?:shop|garage|workshop)|repaired|fixed"),
        ("blocked|full of \\w+", "cleared|open again"),
        ("sold out|unavailable|out of stock", "available again|back in stock"),
        ("missing|lost", "found|turned up|came back"),
        ("on hold|paused|suspended", "resumed|restarted"),
        ("on time", "delayed|running late|is late"),
        ("in progress|ongoing", "done|finished|completed|merged|closed"),
        ("at the post office|(?:ready|waiting) (?:for|at) [\\w ]+", "picked up|collected"),
        ("(?:my|our) (?:room|flat|house)mate", "moved out"),
        ("in hospital|in the hospital", "discharged|released|home from|left (?:the )?hospital"),
        ("pregnant|expecting", "had (?:her|the|a|our|my) (?:baby|twins|girl|boy)|gave birth"),
        ("unemployed|out of work|looking for (?:a job|work)", "found a job|got a job|was hired"),
        ("flaky|unstable", "stable (?:now|again)|fixed"),
        ("under construction|being built", "completed|opened|finished|inaugurated"),
        ("for sale", "sold|not (?:to )?sell|off the market"),
        (
            "on (?:parental |sick |maternity |paternity )?leave|on holiday|on vacation",
            r"(?:back|returned) from (?:\w+ ){0,2}(?:leave|holiday|vacation)|is back(?: at work| to work)?(?=\W*$)",
        ),
        (
            "learning to drive|taking driving lessons",
            "driving licen[cs]e|driver['’]?s licen[cs]e|passed (?:the|her|his)",
        ),
        ("training as|studying|student|apprentice", "finished (?:my|his|her|their|the) (?:training|studies)|graduated"),
        ("in beta|a draft|in development", "released|out of beta|published|launched|went live"),
        (
            "engaged|dating|together|in a relationship",
            "(?:broke|split) up(?! (?:for|into|to|the|a|my|our)\\b)|separated(?! the\\b)|called off|(?:got )?married",
        ),
        (r"(?:off|disabled)(?=\W*$)", r"on (?:now|again)|enabled|(?:turned|switched) (?:back )?on"),
        (r"(?:on|enabled)(?=\W*$)", r"off (?:now|again)|disabled|(?:turned|switched) off"),
        (r"(?:open|unresolved)(?=\W*$)", "fixed|resolved|closed"),
        ("being processed|in transit|on its way|on the way", "delivered|arrived"),
        (r"single(?=\W*$)", r"dating|engaged|married|in a relationship|(?:girl|boy)friend"),
        ("married", "divorced|separated"),
        ("ill|sick|unwell", "recovered(?! (?:the|my|a|an)\\b)|well again|healthy again|better now"),
        ("vacant|empty", "occupied|rented out|taken now"),
        ("pending|undecided", "approved|rejected|decided|settled"),
        ("long hair", "cut (?:my|her|his) hair"),
        (r"full[- ]time(?=\W*$)", "part[- ]time"),
        (r"part[- ]time(?=\W*$)", "full[- ]time"),
        ("at the [\\w ]+|in (?:a|the) [\\w ]+|(?:at|for) [A-Z]\\w+|as an? [\\w ]+", "(?:has |have )?retired(?=\\W*$)"),
        ("with (?:my|his|her|their) parents", "moved out|place of (?:my|his|her|their) own"),
        ("with (?:me|us)|in (?:my|our) (?:spare |guest )?(?:room|attic|basement)", "moved out"),
        ("brown|black|blonde?|red|grey|gray", "dyed (?:my|her|his) hair"),
    )
)
