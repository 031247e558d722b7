"""What the judge may do, on both stores: only equal texts become one, only what its speaker says has changed is closed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import day
from treemem import MiniLM, SearchResult, TreeTextMemory
from treemem.judge.literal import literal
from treemem.judge.news import other_value, stated

#: Equal in their literal form.
ONE = [
    ("I write C++ at work.", "I write C++ at work"),
    ("My blood type is A+.", "My  blood type is A+!"),
    ("I play chess in the caf\u00e9.", "I play chess in the cafe\u0301."),
    ("我住在北京。", "我住在北京"),
    ("我的工位在 7 楼。", "我的工位在7楼"),
    ("我的代码是CS204", "我的代码是ＣＳ２０４"),
    (" The path is /srv/data.", "The path is /srv/data.\n"),
]
#: Not the same, by whatever sign.
TWO = [
    ("My blood type is A+.", "My blood type is A-."),
    ("I write C++ at work.", "I write C at work."),
    ("I write C++ at work.", "I write C# at work."),
    ("In the config x == 3 must hold.", "In the config x != 3 must hold."),
    ("The wifi key is aB3xY.", "The wifi key is AB3XY."),
    ("☐ Buy the tickets for Oslo", "☑ Buy the tickets for Oslo"),
    ("The path is /srv/data.", "The path is /srv/Data."),
    ("The expression is 2*3.", "The expression is 2+3."),
    ("என் பெயர் கமல்.", "என் பெயர் கமலி."),
    ("My offset is -2", "My offset is 2"),
    ("My desk neighbour is called André", "My desk neighbour is called Andre"),
    ("Sunday dinner 😊", "Sunday dinner 🙄"),
    ("The wifi is called home-net", "The wifi is called home_net"),
    ("I bench 60 kg", "I bench 60 lb"),
    ("The shop is open...", "The shop is open."),
    ("My therapist charges $90", "My therapist charges €90"),
    ("The area is 10 m²", "The area is 10 m2"),
    ("I met Ann and then Bob", "I met Bob and then Ann"),
    ("我左眼度数是-3.25", "我左眼度数是+3.25"),
    ("我会说粤语", "我會說粵語"),
    ("我有两只猫", "我有2只猫"),
    ("Can I park here?", "Can I park here."),
]
#: The speaker says that it changed.
CHANGED = [
    ("I live in Porto.", "I moved to Ghent."),
    ("I live in Porto.", "I live in Ghent now."),
    ("I live in Porto.", "By the way, I've moved to Ghent for work."),
    ("I live in Leeds, near the uni", "we finally moved, I live in Sheffield now, not in Leeds anymore"),
    ("I work at Siemens.", "I left Siemens and joined Bosch in April."),
    ("I work as a nurse.", "I work as a teacher now."),
    ("My favourite colour is green.", "My favourite colour is red now."),
    ("My phone number is 555-1234.", "I changed my phone number to 555-9876."),
    ("The meeting is on Tuesday.", "The meeting was moved to Thursday."),
    ("The gate opens at six.", "The gate now opens at seven."),
    ("My rent is $1,500 a month.", "My rent went up to $1,650 a month."),
    ("Our CI runs on Jenkins.", "We moved our CI from Jenkins to GitHub Actions."),
    ("I take 50mg of sertraline.", "My doctor raised my sertraline from 50mg to 75mg."),
    ("I play tennis on Sundays.", "I no longer play tennis."),
    ("I like apples.", "I don't like apples anymore."),
    ("I use Spotify.", "I cancelled Spotify and use Apple Music now."),
    ("I drive a Honda Civic.", "I sold the Honda Civic!"),
    ("My manager is Deepa.", "Deepa moved to another org, so she's no longer my manager."),
    ("I'm single.", "I got married last June."),
    ("我住在北京。", "我搬到上海了。"),
    ("我喜欢吃辣。", "我不喜欢吃辣了。"),
    ("会议在周二。", "会议改到周四了。"),
    ("我在华为工作。", "我从华为辞职了，现在在小米上班。"),
    ("我的房租是三千。", "房租涨到三千五了。"),
    ("毕业设计终稿是5月20号交", "毕业设计终稿的时间改了，从5月20号推迟到6月3号"),
    ("我上夜班，晚八到早八", "夜班不上了，调成白班了"),
    ("我吸烟。", "我已经戒烟了。"),
]
#: Another value, and nothing that says that it changed: a hint.
OTHER = [
    ("I live in Porto.", "I live in Ghent."),
    ("My favourite colour is green.", "My favourite colour is red."),
    ("My phone number is 555-1234.", "My phone number is 555-9876."),
    ("The meeting is on Tuesday.", "The meeting is on Thursday."),
    ("My rent is 900 euros.", "My rent is 950 euros."),
    ("I work at Siemens.", "I work at Bosch."),
    ("我住在北京。", "我住在广州。"),
    ("会议在周二。", "会议在周四。"),
]
#: Somebody else's words, or nobody's: quoted, reported, invented, supposed, denied, wished, asked, read out, translated.
NOT_ASSERTED = [
    'My sister told me: "I moved to Ghent".',
    "My sister told me I moved to Ghent.",
    "“I moved to Ghent”",
    "‘I moved to Ghent’",
    "«I moved to Ghent»",
    "> I live in Ghent now.\n\nDo you agree with him?",
    "```\nI live in Ghent now.\n```",
    "`I live in Ghent now.`",
    "Write a story that begins: I live in Ghent now.",
    "Imagine I live in Ghent now.",
    "Suppose I moved to Ghent.",
    "Let's say I moved to Ghent.",
    "It is not true that I live in Ghent now.",
    "I never moved to Ghent.",
    "I didn't move from Porto to Ghent.",
    "Translate: I no longer live in Porto.",
    "How do you say I moved to Ghent in Dutch?",
    "In my dream I no longer lived in Porto.",
    "My horoscope says I no longer live in Porto.",
    "If I moved to Ghent, I would miss the sea.",
    "I want to move to Ghent.",
    "I'm going to move from Porto to Ghent.",
    "I almost moved to Ghent.",
    "Maybe I live in Ghent now.",
    "Did I say that I live in Ghent now?",
    "According to the post office I moved to Ghent.",
    "The letter reads: I moved from Porto to Ghent.",
    "In my novel I no longer live in Porto.",
    "Chapter one. I moved to Ghent. So my novel begins.",
    "I'd love to no longer live in Porto.",
    "I moved from Porto to Ghent in 2003.",
    "Anna: I moved to Ghent.",
    "Correct this sentence: I no longer live in Porto",
    "They think I no longer live in Porto.",
    "I moved to Ghent, just kidding.",
    "Repeat after me: I live in Ghent now.",
    "I moved to Ghent for a week.",
    "I used to live in Ghent.",
    "You no longer live in Porto, you moved to Ghent.",
    "My wife moved to Ghent.",
    "Some people moved from Porto to Ghent.",
]
NOT_ASSERTED_ZH = [
    "安娜说：“我搬到上海了。”",
    "安娜说我搬到上海了。",
    "「我搬到上海了」",
    "写个故事：我搬到上海了。",
    "想象我现在住在上海。",
    "如果我搬到上海了，就会想家。",
    "翻译：我搬到上海了。",
    "我梦见我搬到上海了。",
    "星座运势说我搬到上海了。",
    "我没有搬到上海。",
    "我想搬到上海。",
    "我打算从北京搬到上海。",
    "我差点搬到上海了。",
    "我可能搬到上海了。",
    "我是不是搬到上海了？",
    "听说我搬到上海了。",
    "小说里我已经搬离北京，现在住在上海。",
    "小时候我们家从北京搬到了上海。",
    "我同事搬到上海了。",
    "他搬到上海了。",
    "用“搬到”造句：我搬到上海了。",
]
#: Two of one name, a part, an alias, another spelling, another thing.
NOT_THE_SAME = [
    ("My neighbour Tom works at Acme.", "My uncle Tom works at Initech now."),
    ("My colleague Anna lives in Porto.", "My cousin Anna moved to Ghent."),
    ("Anna lives in Porto.", "The other Anna lives in Ghent now."),
    ("Anna lives in Porto.", "Anna from accounting moved to Ghent."),
    ("The budget of the kitchen is 500 euros.", "The budget of the garden is now 700 euros."),
    ("My savings goal for the wedding is 8000", "my savings goal for the car went from 8000 to 6500"),
    ("I live in Brooklyn.", "I live in New York now."),
    ("I live in New York.", "I moved to Brooklyn."),
    ("I work at CSAIL.", "I work at MIT now."),
    ("My boss is Bob.", "My boss is Robert now."),
    ("I live in Kiev.", "I live in Kyiv now."),
    ("I live in Porto.", "I live in Portugal now."),
    ("My dog's name is Maximilian.", "My dog's name is Max now."),
    ("I have a dog.", "I have a cat now."),
    ("I speak French.", "I also speak German now."),
    ("I play tennis.", "I no longer play tennis on Sundays."),
    ("I like food.", "I no longer like spicy food."),
    ("I keep the house key under the blue pot", "the shed key hangs in the hall now, no longer under a pot"),
    ("I do yoga twice a week", "my wife stopped yoga, she's doing pilates now"),
    ("My laptop has 16 GB RAM", "my desktop went from 16 GB to 64 GB RAM"),
    ("I drink coffee.", "I switched from coffee to tea in the afternoon."),
    ("The shop opens at 9am.", "The shop now closes at 8pm."),
    ("I stopped running because my knee hurt.", "I stopped running."),
    ("Our CFO is Marta", "our supplier's CFO changed, it's Ilse now"),
    ("我住在浦东。", "我现在住在上海。"),
    ("我住在上海。", "我搬到浦东了。"),
    ("我在腾讯工作。", "我现在在微信工作。"),
    ("我是北大的", "我现在是北京大学的"),
    ("客厅的空调是格力的", "卧室那台空调换成美的了"),
    ("同事小李在准备考研", "邻居小李不考研了，找了个工作"),
    ("我用华为手表", "我媳妇把她的手表换成苹果的了"),
]


@pytest.mark.parametrize(("one", "other"), ONE)
def test_equal_texts_are_one(one: str, other: str) -> None:
    assert literal(one) == literal(other)


@pytest.mark.parametrize(("one", "other"), TWO)
def test_every_sign_tells_apart(one: str, other: str) -> None:
    assert literal(one) != literal(other)
    assert not stated(other, one)


@pytest.mark.parametrize(("older", "newer"), CHANGED)
def test_a_stated_change(older: str, newer: str) -> None:
    assert stated(newer, older)
    assert not stated(older, older)


@pytest.mark.parametrize(("older", "newer"), OTHER)
def test_another_value_is_a_hint(older: str, newer: str) -> None:
    assert not stated(newer, older)
    assert other_value(newer, older)


@pytest.mark.parametrize("newer", NOT_ASSERTED)
def test_what_is_not_asserted_changes_nothing(newer: str) -> None:
    assert not stated(newer, "I live in Porto.")


@pytest.mark.parametrize("newer", NOT_ASSERTED_ZH)
def test_what_is_not_asserted_in_chinese_changes_nothing(newer: str) -> None:
    assert not stated(newer, "我住在北京。")


@pytest.mark.parametrize(("older", "newer"), NOT_THE_SAME)
def test_another_thing_changes_nothing(older: str, newer: str) -> None:
    assert not stated(newer, older)


def said(*texts: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": text, "chat_time": f"2025-{month:02}-10 10:00:00", **more}
        for month, text in enumerate(texts, 1)
    ]


def active(memory: TreeTextMemory) -> set[str]:
    """The texts of the memories that hold now and are activated."""
    return {item.memory for page in memory.pages() for item in page.items if item.metadata.status == "activated"}


def flags(result: SearchResult, text: str) -> tuple[bool, bool]:
    hit = next(hit for hit in result if hit.memory == text)
    return hit.superseded_by is not None, hit.may_supersede is not None


def test_on_a_store_nothing_true_is_merged_or_closed(open_memory: OpenMemory) -> None:
    memory = open_memory()
    pairs = [
        *TWO,
        *OTHER,
        *NOT_THE_SAME,
        *(("I live in Porto.", newer) for newer in NOT_ASSERTED),
        *(("我住在北京。", newer) for newer in NOT_ASSERTED_ZH),
    ]
    for number, (older, newer) in enumerate(pairs[:: 1 if memory.store.__class__.__name__ == "SQLiteStore" else 6]):
        own = memory.cube(f"{memory.cube_id}-{number}")
        own.add_messages(said(older, newer), conversation_id="c")
        before = active(own)
        assert not {a.kind.value for a in own.reorganizer.plan().actions.values()} & {
            "merge",
            "deduplicate",
            "supersede",
        }
        own.reorganizer.run()
        assert active(own) == before, (older, newer)
        hit = next((hit for hit in own.search(older) if hit.memory.strip() == older.strip()), None)
        assert hit is not None
        assert hit.superseded_by is None, (older, newer)


@pytest.mark.parametrize(("older", "newer"), CHANGED[::5])
def test_on_a_store_a_stated_change_closes(open_memory: OpenMemory, older: str, newer: str) -> None:
    memory = open_memory(embedder=MiniLM())
    memory.add_messages(said(older, newer), conversation_id="c")
    found = memory.search(older)
    assert flags(found, older) == (True, False)
    texts = [hit.memory for hit in found]
    assert texts.index(newer) < texts.index(older)
    assert [o.kind.value for o in memory.reorganizer.run().outcomes if o.status == "done"][:1] == ["supersede"]
    assert older not in active(memory)
    assert memory.check() == []


def test_a_bare_other_value_is_ordered_and_stays(memory: TreeTextMemory) -> None:
    memory.add_messages(said("I live in Porto.", "I live in Ghent."), conversation_id="c")
    for _ in range(2):
        found = memory.search("Where do I live?")
        assert [hit.memory for hit in found][:2] == ["I live in Ghent.", "I live in Porto."]
        assert flags(found, "I live in Porto.") == (False, True)
        assert found[1].may_supersede == found[0].id
        memory.reorganizer.run()


@pytest.mark.parametrize("role", ["assistant", "tool", "system"])
def test_only_a_user_changes_what_a_user_said(memory: TreeTextMemory, role: str) -> None:
    first, then = said("My favourite colour is green.", "My favourite colour is red now.")
    memory.add_messages([first, {**then, "role": role}], conversation_id="c")
    assert flags(memory.search("What is my favourite colour?"), "My favourite colour is green.") == (False, False)
    memory.reorganizer.run()
    assert "My favourite colour is green." in active(memory)


def test_nobody_changes_what_another_said(memory: TreeTextMemory) -> None:
    memory.add_messages(said("I live in Porto.", metadata={"user_id": "ann"}), conversation_id="a")
    memory.add_messages(said("I live in Ghent now.", metadata={"user_id": "bob"}), conversation_id="b")
    memory.add_messages(
        [
            {"role": "user", "name": "Cleo", "content": "I work at Siemens.", "chat_time": "2025-01-01"},
            {
                "role": "user",
                "name": "Dirk",
                "content": "I left Siemens and work at Bosch now.",
                "chat_time": "2025-02-01",
            },
        ],
        conversation_id="group",
    )
    for question in ("Where do I live?", "Where do I work?"):
        assert not [hit for hit in memory.search(question) if hit.superseded_by or hit.may_supersede]
    before = active(memory)
    memory.reorganizer.run()
    assert active(memory) == before


def test_the_same_words_of_two_owners_stay_two(memory: TreeTextMemory) -> None:
    text = "The office wifi password hangs on the fridge."
    for metadata in ({"user_id": "u1"}, {"user_id": "u2"}, {"session_id": "s"}, {"visibility": "public"}):
        memory.add({"memory": text, "metadata": metadata}, at=day(1))
    assert not memory.reorganizer.plan(kinds=["deduplicate"]).actions
    memory.add({"memory": text + " ", "metadata": {"user_id": "u1"}}, at=day(2))
    assert len(memory.reorganizer.plan(kinds=["deduplicate"])) == 1


LONG = {
    "dashes": "A-" * 500_000,
    "digits": "1" * 1_000_000,
    "numbers": "1 " * 500_000,
    "spaces": "a" + " " * 1_000_000 + "b",
    "brackets": "([{" * 333_333,
    "quotes": "'\"“" * 333_333,
    "Chinese": "从北京搬到上海不再" * 111_111,
    "Chinese numbers": "一二三" * 333_333,
    "cues": "how many what no longer from to now " * 28_000,
    "mixed": 'I moved from A to B, 从一到二 (x) "q" - ' * 25_000,
}


@pytest.mark.parametrize("name", list(LONG))
def test_no_text_is_slow_to_judge(name: str) -> None:
    from treemem.changes import State
    from treemem.judge import asked, facts, news, speech, turns, values
    from treemem.judge import stated as causes
    from treemem.judge.pairs import judge, read
    from treemem.judge.supersession import Statement, outdated

    text = LONG[name]
    states = [
        State(i, 1, {"memory": t, "memory_type": "LongTermMemory"}, n, 9, n, 9, "o")
        for n, (i, t) in enumerate((("a", "I live in Porto."), ("b", text), ("c", text[:-1] + "x")))
    ]
    started = time.perf_counter()
    focus = asked.focus_of(text)
    assert focus is None
    focus = asked.focus_of("What is my rent?")
    for one in states:
        for other in states:
            outdated(Statement.of(one), Statement.of(other), focus)
    judge(read(states[0]), read(states[1]), 0.95)
    judge(read(states[2]), read(states[1]), 0.95)
    assert time.perf_counter() - started < 2
    for cached in (values._kept, causes.causes, causes.order, facts._said_in, speech._plain_clauses, speech._sentences):
        assert cached.cache_info().currsize >= 0
    assert news.stated(text, text) is False
    assert turns.turned(text, text) is False
