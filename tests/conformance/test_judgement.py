"""What the judge may do, on both stores: only equal texts become one, only what is said to have changed is closed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import day
from treemem import MiniLM, SearchResult, TreeTextMemory
from treemem.judge import changes
from treemem.judge.facts import said_in
from treemem.judge.same import literal
from treemem.store.sqlite import SqliteStore

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
    ("I work as a nurse.", "I became a teacher."),
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
#: Somebody else's words, or nobody's: quoted, reported, invented, supposed, denied, wished, asked, read out,
#: translated.
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
    "Grandma keeps asking whether I moved to Ghent.",
    "Everyone at school is convinced I moved to Ghent.",
    "My brother bets I moved to Ghent.",
    "Rumour has it I moved to Ghent.",
    "In the game I moved to Ghent.",
    "The fortune cookie promised I moved to Ghent.",
    "Picture this, I live in Ghent now.",
    "What follows is fiction. I moved to Ghent.",
    "I moved to Ghent is the first line of my essay.",
    "Here is my song. I moved to Ghent.",
    "I moved to Ghent. That was a lie.",
    "I moved to Ghent. Just testing you.",
    "Not that I moved to Ghent.",
    "My passport claims I moved to Ghent.",
    "Someday I moved to Ghent.",
    "No, I have not moved to Ghent.",
    "I refuse to say I moved to Ghent.",
    "Nobody believes I moved to Ghent.",
    "Say I moved to Ghent, what then.",
    "Good thing I no longer live in Porto, said Tom.",
    "If only I lived in Ghent now.",
    "Were I to live in Ghent now, I'd be sad.",
    "Act as a person who moved from Porto to Ghent.",
    "You are a pirate. I live in Ghent now.",
    "Pretend I moved to Ghent.",
    "I moved to Ghent in The Sims.",
    "I moved my savings to Ghent.",
    "I moved my office to Ghent.",
    "I live in Ghent now in my thoughts.",
    "I moved to Ghent, at least on Instagram.",
    "I moved to Ghent when I was six.",
    "When I was six I moved to Ghent.",
    "As a student I moved from Porto to Ghent.",
    "I moved to Ghent and back.",
    "I moved to Ghent but came back.",
    "I moved to Ghent last year but I'm back in Porto now.",
    "My twin moved to Ghent.",
    "The company I work for moved to Ghent.",
    "Password hint, I moved to Ghent.",
    "Subject: I moved to Ghent",
    "I moved to Ghent :-P jk",
    "Tell Anna I moved to Ghent.",
    "Please write: I moved to Ghent.",
    "I told the landlord that I no longer live in Porto.",
    "My lawyer wants me to claim I no longer live in Porto.",
    "Officially I no longer live in Porto.",
    "For tax purposes I no longer live in Porto.",
    "I live in Ghent now and then.",
    "I live in Ghent on weekends now.",
    "I live in Ghent now as well.",
    "The bot answered that I moved to Ghent.",
    "I moved to Ghent, said no one ever.",
    "Half of me moved to Ghent.",
    "I practically live in Ghent now.",
    "I basically live at the gym now.",
    "It feels like I live in Ghent now.",
    "I feel as though I no longer live in Porto.",
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
    "他们都以为我搬到上海了。",
    "假装我搬到上海了。",
    "妈妈逢人就讲我搬到上海了。",
    "我在游戏里搬到上海了。",
    "我搬到上海了，才怪。",
    "我搬到上海了，开玩笑的。",
    "我搬到上海这句话是台词。",
    "身份证上写我搬到上海了。",
    "我搬到上海住几天。",
    "我搬到上海了，但又搬回北京了。",
    "请你扮演搬到上海的我",
    "我五岁的时候搬到上海了。",
    "我的公司搬到上海了。",
    "我弟弟搬到上海了。",
    "医生让我搬到上海。",
    "如果现在我住在上海就好了",
    "谁告诉你我搬到上海了",
    "我不会搬到上海的。",
    "我搬到上海了吗",
    "我都快搬到上海了。",
    "我快要搬到上海了。",
    "等我搬到上海了再联系你。",
    "我搬到上海了就告诉你。",
    "我要是搬到上海了呢",
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
    ("My sister lives in Oslo.", "My sister's boss moved to Bergen."),
    ("My boss is Linda.", "My wife's boss is Tom now."),
    ("My phone number is 555.", "My work phone number is now 777."),
    ("My car is a Prius.", "My wife's car is a Tesla now."),
    ("I have a cat named Tom.", "I sold Tom a car."),
    ("I pay 60 a month for internet.", "My phone bill went from 60 to 70 a month."),
    ("My rent is 900.", "The rent of the garage went up to 950."),
    ("I use Python for work.", "I no longer use Python at home."),
    ("I use Python for work.", "I stopped using Python 2."),
    ("I play football.", "I stopped playing football on TV."),
    ("I eat meat.", "I no longer eat red meat."),
    ("I drink coffee.", "I no longer drink coffee after six."),
    ("I work with Tom and Ann.", "I no longer work with Tom."),
    ("My team has five people.", "The other team has seven people now."),
    ("I have a meeting at 3.", "I have a meeting at 4 now."),
    ("Our office is on Main Street.", "Our Paris office relocated to Oak Avenue."),
    ("The deadline is May 1.", "The deadline for the other report was moved to May 5."),
    ("I like tea.", "I like coffee now."),
    ("I work at Google.", "I work at YouTube now."),
    ("I study at Harvard.", "I study at Harvard Law now."),
    ("My name is Katherine.", "My name is Kate now."),
    ("I'm from Porto.", "I'm from Ghent now."),
    ("I own a house.", "I sold a house to a client."),
    ("I have three kids.", "I have three cats now."),
    ("My son is five.", "My nephew is six now."),
    ("I earn $50 an hour.", "I earn 60 points an hour now."),
    ("I love running.", "I stopped running for the bus."),
    ("I take vitamin D.", "I stopped taking vitamin C."),
    ("我有一只猫叫咪咪。", "邻居的咪咪不见了。"),
    ("我喜欢喝咖啡。", "我不喝速溶咖啡了。"),
    ("我在学日语。", "我不学日语发音了。"),
    ("我的老板是王总。", "我老婆的老板换成了李总。"),
    ("我每天跑步五公里。", "我每天不跑步了就睡不着"),
    ("我的车是丰田。", "我爸的车换成了本田。"),
    ("会议在周二。", "另一个会议改到周四了。"),
    ("我用微信沟通。", "我不用微信支付了。"),
    ("我养了两只狗。", "我把狗粮卖了。"),
    ("我在北京工作。", "我在北京的房子卖了。"),
    ("我喜欢北京烤鸭。", "我离开北京了。"),
    ("The gate opens at six.", "The shop now opens at seven."),
    ("The gate opens at six.", "The gate opens at seven."),
    ("The gate opens at six.", "The gate now costs seven euros."),
    ("My mother drives.", "I stopped driving."),
    ("I eat meat.", "I want to stop eating meat."),
    ("I eat meat.", "I almost gave up eating meat."),
    ("I eat meat.", "Have you stopped eating meat?"),
    ("The team in Berlin likes pizza.", "The team moved from Berlin to Bonn."),
    ("I sold my boat.", "My boat was sold."),
    ("The pool is closed on Mondays.", "The pool is open every day."),
    ("Tom is the team lead.", "Ines is the team lead of another team now."),
    ("Tom is my friend.", "Sam is my new friend."),
    ("Our designer is Kofi.", "Our new designer is Lena."),
    ("My wife is called Ana.", "Ana and I broke up the fight."),
    ("My wife is called Ana.", "Ana and Tom broke up."),
    ("Mark smokes.", "Mark tried to quit smoking."),
    ("Ada is seeing Karl.", "Ada and Karl split up for the walk."),
    ("My favourite bakery is Lund.", "Lund isn't my baker any more."),
    ("I weigh 92 kilos.", "I'm down to 30 cigarettes."),
    ("I weigh 92 kilos.", "My suitcase is down to 18 kg."),
    ("My cousin lives in our attic.", "My brother has moved out."),
    ("I work at the archive full time.", "I used to work part time."),
    ("I don't like beetroot.", "I learned to like beetroot on toast."),
    ("I'm waiting for my residence permit.", "My passport has arrived."),
    ("The ferry leaves at 9:10.", "The train has been delayed; it leaves at 11:40."),
    ("I live in Rome. My brother lives in Oslo. He is a cook and likes trains a lot.", "I no longer live in Rome."),
    ("Room 204 has a projector.", "Room 206 now has a projector."),
    ("We live in Berlin.", "We went from Berlin to Prague."),
    ("Tom lives in Berlin.", "Tom went from Berlin to Prague by train."),
    ("We live in Berlin.", "We changed trains from Berlin to Bonn."),
    ("Tom works in Berlin.", "Tom moved to Hamburg."),
    ("I work at the office.", "I left the office."),
    ("I drive a car.", "I stopped the car."),
    ("I have a phone.", "I dropped my phone."),
    ("We have dinner at seven.", "We finished dinner."),
    ("I have a window in my room.", "I closed the window in my room."),
    ("I drink coffee.", "I had tea instead of coffee."),
    ("The shop is closed.", "The shop next door has reopened."),
    ("I take 5 mg of ramipril a day.", "My doctor raised my insulin to 10 mg a day."),
    ("Ada is on the free plan.", "Ada has upgraded to the new phone."),
    ("The app supports English.", "The app now supports French."),
    ("例会在周三。", "例会在周五。"),
    ("我在读《三体》。", "我妹妹《三体》读完了。"),
    ("我们用微信沟通。", "我们改用钉钉打卡。"),
    ("我女儿五岁。", "我侄女六岁了。"),
    ("我打网球。", "我想不再打网球了。"),
    ("我打网球。", "他不再打网球了。"),
    ("My sister lives in Oslo.", "My sister lives in Bergen."),
    ("My address is 4 Birch Road.", "My address is easy to remember."),
    ("My parents live in Spain.", "I moved to Ireland."),
    ("I traveled to Xi'an last year.", "I traveled to Hangzhou this year."),
    ("I live in Beijing.", "Anna moved to Shanghai."),
    ("I live in Beijing.", "I want to move to Shanghai."),
    ("I live in Beijing.", "If I moved to Shanghai, I would miss the food."),
    ("I live in Beijing.", "I used to live in Shanghai."),
    ("I live in Beijing.", "I moved to a new flat."),
    ("I live in Beijing.", "I live in Beijing with my cat."),
    ("I like apples.", "I like pears."),
    ("I like food.", "I don't like spicy food."),
    ("I have a dog.", "I have a cat."),
    ("I work at Acme.", "I joined a choir."),
    ("I'm seeing Mark.", "I'm seeing a doctor."),
    ("My brother is a doctor.", "My brother is tall."),
    ("I work at Google.", "I work from home on Fridays."),
    ("我去了西安。", "我去了杭州。"),
    ("我住在北京。", "小明搬到了上海。"),
    ("I work in the office.", "I left the office."),
    ("I keep my keys in my bag.", "I lost my keys."),
    ("I have my keys in my bag", "I dropped my bag"),
    ("My shop is closed on Mondays.", "I closed the shop."),
    ("My kids go to Hillcrest.", "I dropped the kids at Hillcrest."),
    ("I live in Leeds.", "I left Leeds this morning."),
    ("I run a bakery.", "I closed the bakery today."),
    ("My car is in the garage.", "I left the car in the garage."),
    ("My mother is in hospital.", "I left the hospital."),
    ("I own a boat.", "I sold a boat."),
    ("I use Slack for work.", "I closed Slack and went home."),
    ("My meeting with Ann is at 3.", "I left my meeting with Ann."),
    ("I watch TV every evening.", "I switched off the TV."),
    ("我坐地铁上班", "地铁站开了家店，我不去了"),
    ("我在北京工作", "我离开北京了"),
    ("The museum is free on Mondays.", "The museum is closed on Mondays."),
]


def stated(newer: str, older: str) -> bool:
    return changes.stated(said_in(newer), said_in(older))


def other_value(newer: str, older: str) -> bool:
    return changes.other_value(said_in(newer), said_in(older))


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


@pytest.mark.slow
def test_on_a_store_nothing_true_is_merged_or_closed(open_memory: OpenMemory) -> None:
    memory = open_memory()
    pairs = [
        *TWO,
        *OTHER,
        *NOT_THE_SAME,
        *(("I live in Porto.", newer) for newer in NOT_ASSERTED),
        *(("我住在北京。", newer) for newer in NOT_ASSERTED_ZH),
    ]
    for number, (older, newer) in enumerate(pairs[:: 1 if isinstance(memory.store, SqliteStore) else 6]):
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


@pytest.mark.parametrize(
    "texts",
    [
        ("I live in Porto.", "I moved to Ghent.", "I live in Porto."),
        ("I live in Ghent now.", "I live in Porto now.", "I live in Ghent now."),
        ("The shop is open.", "The shop is closed now.", "The shop is open."),
        ("My rent is 700 euros.", "My rent is now 800 euros.", "My rent is 700 euros."),
    ],
)
def test_what_is_so_again_is_not_closed_with_what_it_was(open_memory: OpenMemory, texts: tuple[str, ...]) -> None:
    """Said, changed, and said again: one run over all of it keeps what was said last."""
    memory = open_memory(embedder=MiniLM())
    first, _, last = memory.add_messages(said(*texts), conversation_id="c")
    memory.reorganizer.run()
    assert memory.get(last).metadata.status == "activated"
    assert memory.search(texts[2])[0].id == last
    assert first != last


def test_the_same_words_that_hold_longer_stay(memory: TreeTextMemory) -> None:
    memory.add("The pool pass is valid.", at=day(1), valid_to=day(200))
    memory.add("The pool pass is valid.", at=day(90))
    memory.reorganizer.run()
    assert [hit.memory for hit in memory.search("pool pass", as_of=day(300))] == ["The pool pass is valid."]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"key": "Kitchen"}, {"key": "Garden"}),
        ({"info": {"project": "apollo"}}, {"info": {"project": "zeus"}}),
        ({"info": {"workspace_id": "a"}}, {"info": {"workspace_id": "b"}}),
        ({"conversation_id": "a"}, {"conversation_id": "b"}),
    ],
)
def test_things_of_two_titles_projects_or_conversations_stay_two(
    memory: TreeTextMemory, one: dict[str, Any], other: dict[str, Any]
) -> None:
    text = "The budget is 5000 euros."
    ids = [memory.add({"memory": text, "metadata": each}, at=day(n))[0] for n, each in enumerate((one, other), 1)]
    assert not {a.kind.value for a in memory.reorganizer.plan().actions.values()} & {"deduplicate", "supersede"}
    raised = {"memory": "The budget was raised to 7000 euros.", "metadata": other}
    ids = [ids[0], *memory.add(raised, at=day(3))]
    for action in memory.reorganizer.plan().actions.values():
        if action.kind.value in ("deduplicate", "supersede"):
            of = [memory.get(memory_id).metadata for memory_id in action.ids]
            assert len({(m.key, str(m.info), m.conversation_id) for m in of}) == 1, action
    memory.reorganizer.run()
    assert memory.get(ids[-1]).metadata.status == "activated"
    assert memory.get(ids[-2]).metadata.status == "activated"


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
    from treemem.ingest.statements import Statement
    from treemem.judge.pairs import judge, read
    from treemem.judge.supersession import outdated
    from treemem.search import asked

    text = LONG[name]
    states = [
        State(i, 1, {"memory": t, "memory_type": "LongTermMemory"}, n, 9, n, 9, "o")
        for n, (i, t) in enumerate((("a", "I live in Porto."), ("b", text), ("c", text[:-1] + "x")))
    ]
    started = time.process_time()
    focus = asked.focus_of(text)
    assert focus is None
    focus = asked.focus_of("What is my rent?")
    assert focus is not None
    for one in states:
        for other in states:
            outdated(Statement.of(one), Statement.of(other))
            asked.another_value(focus, str(one.fields["memory"]), str(other.fields["memory"]))
    judge(read(states[0]), read(states[1]), 0.95)
    judge(read(states[2]), read(states[1]), 0.95)
    assert time.process_time() - started < 2
    assert not stated(text, text)
