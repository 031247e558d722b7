"""Stated changes and normal forms: what the judge takes for news, and for the same words."""

from __future__ import annotations

import pytest

from treemem.judge.canonical_text import canonical
from treemem.judge.changes import ends
from treemem.judge.normal import normal


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The gate opens at six.", "The gate now opens at seven."),
        ("Our wiki runs on Confluence.", "We moved our wiki from Confluence to Outline."),
        ("I have a timeshare in Faro.", "I finally sold my timeshare in Faro."),
        ("Olga is the chair of the club.", "Olga stepped down; Ivo is now the chair of the club."),
        ("The pool is closed.", "The pool has reopened."),
        ("I don't have a visa.", "I applied again and I have a visa now."),
        ("The choir meets in the chapel.", "From now on the choir meets in the crypt instead of the chapel."),
        ("Ada sings in the choir.", "Ada no longer sings in the choir."),
        ("The archive is in Lyon.", "The archive was relocated to Nantes."),
        ("The fare is 3 euros.", "The fare was raised to 4 euros."),
        ("I take 5 mg of ramipril a day.", "My doctor raised my ramipril to 10 mg a day."),
        ("I'm reading Middlemarch.", "I finished Middlemarch two days ago."),
        ("My appointment with Dr. Ode is on May 4.", "My appointment with Dr. Ode was moved to May 11."),
        ("Ada is on the free plan.", "Ada has upgraded to the Pro plan."),
        ("The launch is planned for Q2.", "The launch has been delayed to Q3."),
        ("I smoke half a pack a day.", "I quit smoking last month."),
        ("我打网球。", "我不再打网球了。"),
        ("例会在周三。", "例会改到周五了。"),
        ("网站用 Django 写。", "网站从 Django 迁移到了 FastAPI。"),
        ("自行车坏了。", "自行车修好了。"),
        ("我女儿五岁。", "我女儿上周满六岁了。"),
        ("我在找房子。", "我找到房子了。"),
        ("我们用微信沟通。", "我们现在改用钉钉沟通。"),
        ("我在读《三体》。", "《三体》我已经读完了。"),
        ("The club chair is Olga.", "Ivo has taken over as club chair."),
        ("Our coach is Petra.", "Our new coach is Hanna."),
        ("My boyfriend is called Nils.", "Nils and I split up in spring."),
        ("Ada is seeing Karl.", "Ada and Karl broke up."),
        ("I vape about twenty times a day.", "I quit vaping."),
        ("I'm waiting for my residence permit.", "My residence permit has arrived."),
        ("I don't like beetroot.", "I've come to like beetroot."),
        ("I work part-time.", "I'm working full-time now."),
        ("My aunt works at the post office.", "My aunt has retired."),
        ("The rehearsal is at 7.", "The rehearsal is now at 7:30."),
        ("The ferry leaves at 9:10.", "The ferry has been delayed; it leaves at 11:40."),
        ("My favourite bakery is Lund.", "Lund isn't my favourite any more."),
        ("I weigh 92 kilos.", "I'm down to 87 kg."),
        ("My cousin lives in our attic.", "My cousin has moved out."),
        ("交稿日期是3月4日。", "交稿日期推迟到3月18日了。"),
        ("我是初级会计师。", "我晋升为高级会计师了。"),
        ("我的工资是八千。", "工资涨到九千了。"),
        ("超市晚上九点关门。", "超市现在晚上十点才关门。"),
    ],
)
def test_stated_changes(older: str, newer: str) -> None:
    assert ends(newer, older, same_speaker=True)
    assert not ends(older, older, same_speaker=True)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The gate opens at six.", "The shop now opens at seven."),
        ("The gate opens at six.", "The gate opens at seven."),
        ("The gate opens at six.", "The gate now costs seven euros."),
        ("My mother drives.", "I stopped driving."),
        ("I eat meat.", "I want to stop eating meat."),
        ("I eat meat.", "I almost gave up eating meat."),
        ("I eat meat.", "Have you stopped eating meat?"),
        ("I like food.", "I no longer like spicy food."),
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
    ],
)
def test_no_change_is_stated(older: str, newer: str) -> None:
    assert not ends(newer, older, same_speaker=True)


def test_whose_change_it_is() -> None:
    assert not ends("I no longer live in Rome.", "I live in Rome.", same_speaker=False)
    assert ends("Ada no longer lives in Rome.", "Ada lives in Rome.", same_speaker=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I can't swim.", "i cannot swim"),
        ("We pay 1,200 euros.", "By the way, we pay 1200 euros!"),
        ("She has two cats.", "She has 2 cats."),
        ("My favourite colour is grey.", "My favorite color is grey, really."),
        ("Emma is at the Lycée.", "Emma is at the Lycee."),
        ("房租是一千二百元。", "房租是1200元"),
        ("他生于二〇〇八年", "他生于2008年"),
        ("我从来没有去过冰岛。", "我从来没去过冰岛"),
        ("一万零五十", "10050"),
    ],
)
def test_normal_forms_alike(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("I can swim.", "I can't swim."), ("Room 12", "Room 21"), ("I see Ann", "Ann sees I"), ("十二", "二十")],
)
def test_normal_forms_apart(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("User is vegetarian.", "The user is a vegetarian."),
        ("Anna's birthday is on June 14.", "Anna's birthday is 14th of June"),
        ("Do not call before 9 am.", "Don't call before 9:00."),
        ("The call is at 2:30 pm.", "The call is at 14:30."),
        ("The limit is 100 requests per minute.", "Limit: 100 requests/minute"),
        ("Linda is my boss.", "My boss is Linda."),
        ("I work at Siemens as a data engineer.", "I'm a data engineer at Siemens."),
        ("Omar and Nadia are twins.", "Nadia and Omar are twins."),
        ("我住在上海。", "我现在住在上海"),
        ("The fee is $1,450 per month.", "The fee is 1450 dollars a month."),
        ("Every morning I drink two cups of tea.", "I drink two cups of tea every morning."),
        ("The fair is on May 4 in Bath.", "The fair is in Bath on 4 May."),
        ("I run five kilometres on Sundays.", "I run 5 km every Sunday."),
        ("I have a dog called Rex.", "My dog is called Rex."),
        ("会议在周三下午三点。", "会议定在星期三15:00。"),
        ("我对海鲜过敏。", "我海鲜过敏。"),
    ],
)
def test_canonical_forms_alike(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Plan A is to wait.", "The plan is to wait."),
        ("My cat is called Lazy.", "My cat is lazy."),
        ("I have a few friends.", "I have few friends."),
        ("The call is at 2 pm.", "The call is at 2 am."),
        ("The launch is on March 4.", "The launch is on April 3."),
        ("The limit is 100 a minute.", "The limit is 100 an hour."),
        ("Ben and Anna like Tom.", "Tom and Anna like Ben."),
        ("Linda is my boss.", "Linda is my boss's boss."),
        ("The fee is $30.", "The fee is €30."),
        ("We open on Monday and close on Friday.", "We close on Monday and open on Friday."),
        ("It lasts from May 4 to May 9.", "It lasts from May 9 to May 4."),
        ("The Monday meeting deals with Friday.", "The Friday meeting deals with Monday."),
    ],
)
def test_canonical_forms_apart(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)
