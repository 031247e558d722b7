"""What a retelling turns round: another person, another word, another number, two that swap. In two languages."""

from __future__ import annotations

from typing import Any

import pytest

from treemem.ingest.reading.answers import Claim
from treemem.ingest.reading.windows import Line, Window
from treemem.judge.evidence import Bound, Reason, Unborne, bound
from treemem.temporal import parse_time

SAID_AT = parse_time("2026-05-06T10:00:00+00:00")


def window(*said: tuple[str, str]) -> Window:
    return Window(tuple(Line(f"m{n}", 1, text, "user", name, SAID_AT) for n, (name, text) in enumerate(said, 1)))


GROUP = window(
    ("Karim", "I started at the bakery on Monday, and my rent went up from 740 to 795 euros."),
    ("Odile", "I'm still at the harbour office, twelve years in July."),
    ("Karim", "Odile, didn't you say you hate that office? My brother Tomas was allergic to it."),
    ("Odile", "I never said that I hate the office."),
    ("Karim", "Tomas told me he sold his Volvo to Greta for 3,400."),
    ("Karim", "My knee surgery is on the 14th of September at St. Anna hospital. October is free."),
    ("Odile", "No dogs? Then forget it. Bruno comes with me everywhere."),
    ("Karim", "I quit smoking last year. My wife Ines still smokes. Ines thinks I'm crazy."),
    ("Karim", "She prefers the train to flying. Odile owes me 5000 euros."),
)
ZH = window(
    ("林浩", "大家好,我上个月从成都搬到了苏州,租金每月三千二。"),
    ("陈雪", "欢迎!我在这里住了八年了。我不吃辣。我养了一只狗。"),
    ("林浩", "我妹妹林悦对花生过敏,她明年要去伦敦读书。"),
    ("林浩", "老张把店卖给了小刘。"),
    ("陈雪", "周六下午三点在苏州博物馆门口见。我儿子今年七岁。"),
)
KEPT = [
    (GROUP, 1, "I started at the bakery on Monday", "Karim started at the bakery on Monday.", "Karim"),
    (GROUP, 1, "my rent went up from 740 to 795 euros", "Karim's rent went up from 740 to 795 euros.", "Karim"),
    (GROUP, 2, "I'm still at the harbour office", "Odile is still at the harbour office.", "Odile"),
    (GROUP, 3, "My brother Tomas was allergic to it", "Karim's brother Tomas was allergic to it.", "Tomas"),
    (GROUP, 5, "he sold his Volvo to Greta for 3,400", "Tomas sold his Volvo to Greta for 3,400.", "Tomas"),
    (GROUP, 6, "My knee surgery is on the 14th of September", "Karim's knee surgery is on 14 September.", "Karim"),
    (GROUP, 7, "Bruno comes with me everywhere", "Bruno comes with Odile everywhere.", "Bruno"),
    (GROUP, 8, "My wife Ines still smokes", "Karim's wife Ines still smokes.", "Ines"),
    (GROUP, 9, "She prefers the train to flying", "Ines prefers the train to flying.", "Ines"),
    (ZH, 1, "我上个月从成都搬到了苏州", "林浩上个月从成都搬到了苏州。", "林浩"),
    (ZH, 2, "我在这里住了八年了", "陈雪在这里住了八年。", "陈雪"),
    (ZH, 3, "我妹妹林悦对花生过敏", "林浩的妹妹林悦对花生过敏。", "林悦"),
    (ZH, 4, "老张把店卖给了小刘", "老张把店卖给了小刘。", "老张"),
    (ZH, 5, "我儿子今年七岁", "陈雪的儿子今年七岁。", "陈雪的儿子"),
]
DROPPED = [
    # another word, day or number in the place of what was said
    (GROUP, 1, "I started at the bakery on Monday", "Karim started at the zoo on Monday.", "Karim", Reason.OTHER),
    (GROUP, 1, "I started at the bakery", "Karim started at the harbour office on Monday.", "Karim", Reason.OTHER),
    (GROUP, 1, "I started at the bakery", "Karim started at the bakery on Tuesday.", "Karim", Reason.NUMBER),
    (GROUP, 6, "My knee surgery is on the 14th", "Karim's knee surgery is on 14 July.", "Karim", Reason.NUMBER),
    (ZH, 1, "我上个月从成都搬到了苏州", "林浩上个月从成都搬到了杭州。", "林浩", Reason.OTHER),
    (ZH, 2, "我养了一只狗", "陈雪养了一只猫。", "陈雪", Reason.OTHER),
    (ZH, 5, "周六下午三点在苏州博物馆门口见", "周六下午四点在苏州博物馆门口见。", "", Reason.NUMBER),
    # of another person
    (GROUP, 3, "My brother Tomas was allergic to it", "Karim was allergic to it.", "Karim", Reason.ABOUT),
    (GROUP, 3, "My brother Tomas was allergic", "Odile's brother Tomas was allergic.", "Tomas", Reason.ABOUT),
    (GROUP, 5, "he sold his Volvo to Greta", "Karim sold his Volvo to Greta.", "Karim", Reason.ABOUT),
    (GROUP, 7, "Bruno comes with me everywhere", "Bruno comes with Karim everywhere.", "Bruno", Reason.ABOUT),
    (GROUP, 8, "My wife Ines still smokes", "Karim still smokes.", "Karim", Reason.ABOUT),
    (GROUP, 9, "She prefers the train to flying", "Karim prefers the train to flying.", "Karim", Reason.ABOUT),
    (ZH, 2, "我在这里住了八年了", "林浩在这里住了八年。", "林浩", Reason.ABOUT),
    (ZH, 3, "我妹妹林悦对花生过敏", "林浩对花生过敏。", "林浩", Reason.ABOUT),
    (ZH, 3, "我妹妹林悦对花生过敏", "陈雪的妹妹林悦对花生过敏。", "林悦", Reason.ABOUT),
    (ZH, 3, "她明年要去伦敦读书", "林浩明年要去伦敦读书。", "林浩", Reason.ABOUT),
    (ZH, 5, "我儿子今年七岁", "陈雪今年七岁。", "陈雪", Reason.ABOUT),
    # the other way round
    (GROUP, 1, "from 740 to 795 euros", "Karim's rent went from 795 to 740 euros.", "Karim", Reason.TURNED),
    (GROUP, 5, "he sold his Volvo to Greta", "Greta sold her Volvo to Tomas.", "Greta", Reason.TURNED),
    (GROUP, 8, "Ines thinks I'm crazy", "Karim thinks Ines is crazy.", "Karim", Reason.TURNED),
    (GROUP, 9, "She prefers the train to flying", "Ines prefers flying to the train.", "Ines", Reason.TURNED),
    (ZH, 1, "我上个月从成都搬到了苏州", "林浩上个月从苏州搬到了成都。", "林浩", Reason.TURNED),
    (ZH, 4, "老张把店卖给了小刘", "小刘把店卖给了老张。", "小刘", Reason.TURNED),
]


def bind(shown: Window, line: int, quote: str, text: str, about: str, **more: Any) -> Bound | Unborne:
    claim = Claim(**{"kind": "fact", "line": line, "quote": quote, "text": text, "about": about, **more})
    (found,) = bound(shown, [claim])
    return found


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case[3])
def test_what_retells_the_words_is_kept(case: tuple[Window, int, str, str, str]) -> None:
    found = bind(*case)
    assert isinstance(found, Bound), found


@pytest.mark.parametrize("case", DROPPED, ids=lambda case: case[3])
def test_what_turns_them_round_is_dropped(case: tuple[Window, int, str, str, str, Reason]) -> None:
    found = bind(*case[:5])
    assert isinstance(found, Unborne), found
    assert found.reason is case[5]


def test_a_preference_that_only_shows_shows_in_the_words() -> None:
    more = {"kind": "preference", "preference": "implicit"}
    made_up = bind(
        GROUP, 1, "my rent went up", "Karim loves opera and climbing.", "Karim", reasoning="It shows.", **more
    )
    assert isinstance(made_up, Unborne)
    shown = bind(
        GROUP, 1, "my rent went up", "Karim would like a cheaper home.", "Karim", reasoning="His rent went up.", **more
    )
    assert isinstance(shown, Bound)


def test_what_is_denied_around_a_quote_is_not_asserted() -> None:
    more = {"kind": "preference", "preference": "explicit"}
    found = bind(GROUP, 4, "I hate the office", "Odile hates the office.", "Odile", **more)
    assert isinstance(found, Bound)
    assert (found.modality, found.confidence) == ("supposed", 0.5)
