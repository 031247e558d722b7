"""What of a conversation searches find: what tells something new; what an assistant repeats is archived at once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.helpers import fresh_cube
from treemem import InvalidInputError, TreeTextMemory
from treemem.changes import EdgeType
from treemem.ingest.telling import Answer, Known, Needed, Told, words_of

LOOPS = Path(__file__).parents[2] / "benchmarks" / "labelled" / "loops.jsonl"
FACT = "My dentist is Dr. Okafor on Mill Road."
ASKED = "Who is my dentist?"


def user(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": text, **more}


def assistant(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def statuses(memory: TreeTextMemory, *calls: list[dict[str, Any]], **given: Any) -> list[str]:
    """The status that each message has after all calls, in one conversation unless `given` says another."""
    talk = {"conversation_id": "talk", **given}
    ids = [i for call in calls for i in memory.add_messages(call, **talk)]
    return [item.metadata.status for item in memory.get_by_ids(ids)]


@pytest.mark.parametrize("turns", [False, True], ids=["exchange", "turns"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_fact_stays_first_in_the_loop_of_an_assistant(own: TreeTextMemory, language: str, turns: bool) -> None:
    lines = map(json.loads, LOOPS.read_text("utf-8").splitlines())
    facts = [fact for fact in lines if fact["language"] == language][:5]
    ids = [own.add_messages([user(fact["fact"])], conversation_id="talk")[0] for fact in facts]
    for _ in range(10):
        for fact, memory_id in zip(facts, ids, strict=True):
            question, answer = fact["rounds"][0]
            assert memory_id in [hit.id for hit in own.search(question, 6)][:2]
            said = [user(question), assistant(answer)]
            for call in [[one] for one in said] if turns else [said]:
                own.add_messages(call, conversation_id="talk")
    assert len(own.messages("talk")) == 5 + 2 * 5 * 10


@pytest.mark.parametrize(
    ("fact", "question", "answer"),
    [
        (FACT, ASKED, "Your dentist is Dr. Okafor on Mill Road."),
        (FACT, "what was the dentist called", "Dr. Okafor."),
        (FACT, ASKED, "As you told me, it's Dr. Okafor! Would you like me to make an appointment?"),
        (FACT, "Can you remind me where my dentist is?", "Sure, on Mill Road."),
        ("I take my pill at six thirty every morning.", "When do I take my pill?", "At 6:30 in the morning."),
        ("The wedding is on the 14th of June.", "Which day is the wedding?", "It's on June 14."),
        ("我对花生过敏。", "我对什么过敏？", "您对花生过敏。"),
        ("备用钥匙放在蓝色花盆下面。", "备用钥匙放在哪里", "在蓝色花盆下面。"),
        ("Mein Zahnarzt heißt Dr. Weber.", "Wie heißt mein Zahnarzt?", "Dein Zahnarzt heißt Dr. Weber."),
    ],
)
def test_an_answer_that_repeats_is_archived_with_its_question(
    own: TreeTextMemory, fact: str, question: str, answer: str
) -> None:
    said = [user(fact), user(question), assistant(answer)]
    assert statuses(own, said) == ["activated", "archived", "archived"]
    assert statuses(own, *([one] for one in said), conversation_id="turns") == ["activated", "archived", "archived"]
    assert [m.content for m in own.messages("turns")] == [one["content"] for one in said]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (ASKED, "Your dentist is Dr. Lindqvist on Mill Road."),  # another name
        (ASKED, "Your dentist is Dr. Okafor at 12 Mill Road."),  # a number
        (ASKED, "Your dentist is not Dr. Okafor."),
        (ASKED, "I don't know."),  # says something of a question
        ("Can I eat after the dentist?", "Yes."),
        ("Who leads the new team?", "Okafor."),  # about something else
        ("What should I ask my dentist?", "Whether the crown needs replacing soon."),
        (ASKED, "Dr. Okafor. He also sees patients in Riverside on Fridays."),
    ],
)
def test_what_tells_something_new_is_found(own: TreeTextMemory, question: str, answer: str) -> None:
    assert statuses(own, [user(FACT), user(question), assistant(answer)]) == ["activated"] * 3


def test_what_people_state_is_never_archived(own: TreeTextMemory) -> None:
    said = [user(FACT), user(FACT), user("Dr. Okafor is my dentist."), user(ASKED, name="Anna"), user(FACT, name="Ben")]
    assert statuses(own, said) == ["activated"] * 5
    asked = [user("I moved to Ghent. Who is my dentist?"), assistant("Your dentist is Dr. Okafor on Mill Road.")]
    assert statuses(own, asked) == ["activated", "archived"]


def test_a_question_stays_if_it_is_not_answered_or_the_answer_is_new(own: TreeTextMemory) -> None:
    assert statuses(own, [user(FACT), user(ASKED)]) == ["activated"] * 2
    said = [user("Where can I buy a cello?"), assistant("At Hartmann's on Quay Street.")]
    assert statuses(own, said) == ["activated"] * 2
    assert {hit.memory for hit in own.search("a cello", 6)} >= {one["content"] for one in said}


def test_what_an_assistant_asks_stays(own: TreeTextMemory) -> None:
    said = [user(FACT), assistant("Is your dentist Dr. Okafor on Mill Road?"), user("Yes.")]
    assert statuses(own, said) == ["activated"] * 3


def test_thanks_and_assent_are_archived_unless_they_answer(own: TreeTextMemory) -> None:
    said = [user(FACT), assistant("Got it!"), user("Thanks, great."), user("好的，谢谢")]
    assert statuses(own, said) == ["activated", "archived", "archived", "archived"]
    said = [assistant("Shall I book the flight to Porto?"), user("Yes, please.")]
    assert statuses(own, said, conversation_id="other") == ["activated"] * 2


def test_tools_may_stand_between_a_question_and_its_answer(own: TreeTextMemory) -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "search"}}]}
    result = {"role": "tool", "tool_call_id": "a", "content": "found one memory about a dentist"}
    said = [user(FACT), user(ASKED), call, result, assistant("Dr. Okafor is your dentist.")]
    assert statuses(own, said) == ["activated", "archived", "activated", "archived"]
    log = own.messages("talk")
    assert [m.sequence for m in log] == [1, 2, 3, 4, 5]
    assert [m.role for m in log] == ["user", "user", "assistant", "tool", "assistant"]


def test_all_is_remembered_where_that_is_asked(own: TreeTextMemory) -> None:
    said = [user(FACT), user(ASKED), assistant("Dr. Okafor."), user("Thanks.")]
    assert statuses(own, said, remember="all") == ["activated"] * 4
    with pytest.raises(InvalidInputError, match="remember: wanted one of new, all, found 'some'"):
        own.add_messages(said, remember="some")  # type: ignore[arg-type]


def test_a_status_and_a_type_that_are_given_stay(own: TreeTextMemory) -> None:
    echo = "Your dentist is Dr. Okafor."
    said = [user(FACT), assistant(echo, metadata={"status": "activated"}), assistant(echo)]
    assert statuses(own, said) == ["activated", "activated", "archived"]
    assert statuses(own, [assistant(echo)], memory_type="PreferenceMemory") == ["activated"]


def test_what_is_archived_is_found_where_it_is_asked_for_and_comes_back(own: TreeTextMemory) -> None:
    _, question, answer = own.add_messages([user(FACT), user(ASKED), assistant("Dr. Okafor is it.")])
    assert question not in [hit.id for hit in own.search(ASKED, 6)]
    everywhere = own.search(ASKED, 6, statuses=["activated", "archived"])
    assert {question, answer} <= {hit.id for hit in everywhere}
    own.restore(answer)
    assert answer in [hit.id for hit in own.search(ASKED, 6)]


def test_a_question_of_an_earlier_call_is_archived_in_the_same_operation(own: TreeTextMemory) -> None:
    own.add_messages([user(FACT)], conversation_id="talk")
    (question,) = own.add_messages([user(ASKED)], conversation_id="talk")
    own.add_messages([assistant("Dr. Okafor.")], conversation_id="talk", operation_id="answered")
    assert [version.item.metadata.status for version in own.history(question)][-1] == "archived"
    own.undo("answered")
    assert own.get(question).metadata.status == "activated"
    assert [m.content for m in own.messages("talk")] == [FACT, ASKED]


def test_a_call_with_an_operation_id_may_be_repeated_whatever_is_known_since(own: TreeTextMemory) -> None:
    said = [user(ASKED), assistant("Your dentist is Dr. Okafor on Mill Road.")]
    first = own.add_messages(said, conversation_id="talk", operation_id="once")
    own.add_messages([user(FACT)], conversation_id="other")
    again = own.add_messages(said, conversation_id="talk", operation_id="once")
    assert again == first
    assert [item.metadata.status for item in own.get_by_ids(first)] == ["activated"] * 2
    own.add_messages([user(ASKED)], conversation_id="third", operation_id="q")
    for _ in range(2):
        own.add_messages([assistant("Dr. Okafor.")], conversation_id="third", operation_id="a")
    assert [m.content for m in own.messages("third")] == [ASKED, "Dr. Okafor."]


def test_only_what_the_same_people_see_is_repeated(own: TreeTextMemory) -> None:
    own.add_messages([user(FACT)], user_id="alice")
    echo = [user(ASKED), assistant("Your dentist is Dr. Okafor on Mill Road.")]
    assert statuses(own, echo, user_id="bob", conversation_id="bob") == ["activated"] * 2
    bob = own.for_caller("carl")
    assert statuses(bob, echo, conversation_id="carl") == ["activated"] * 2
    assert statuses(own, echo, user_id="alice", conversation_id="alice") == ["archived"] * 2


def test_a_frozen_question_stays(own: TreeTextMemory) -> None:
    own.add_messages([user(FACT)], conversation_id="talk")
    (question,) = own.add_messages([user(ASKED)], conversation_id="talk")
    own.freeze(question)
    assert statuses(own, [assistant("Dr. Okafor.")]) == ["archived"]
    assert own.get(question).metadata.status == "activated"


def test_a_deleted_fact_is_not_repeated(own: TreeTextMemory) -> None:
    (fact,) = own.add_messages([user(FACT)])
    own.delete(fact)
    assert statuses(own, [user(ASKED), assistant("Your dentist is Dr. Okafor on Mill Road.")]) == ["activated"] * 2


@pytest.fixture
def own(memory: TreeTextMemory) -> TreeTextMemory:
    return memory.cube(fresh_cube("remembering"))


def test_messages_mention_their_first_names_and_an_assistants_fewer(own: TreeTextMemory) -> None:
    people = "Anna Lind, Ben Ode, Carl Moss, Dora Vance, Emil Roth, Fay Stone and Gus Hale"
    text = f"I met {people} about TC-1, TC-2, TC-3, TC-4."
    listed = ["Zed Farr", "Yan Oka", "Xia Bo", "Will Penn", "Vera Holm", "Una Berg", "Tom Reed", "Sue Clay", "Rob Lake"]
    mine, yours = own.add_messages([user(text), assistant(text)], conversation_id="talk", remember="all")
    (given,) = own.add_messages([user(text, metadata={"entities": listed})])
    plain, long = own.add([text, "I met " + ", ".join(f"Q{letter} Lake" for letter in ascii_lowercase) + "."])
    moment = own._context.moment(None, None)
    edges = own.store.edges(own.cube_id, [mine, yours, given, plain, long], moment, types=[EdgeType.MENTIONS])
    counts = Counter(edge.source for edge in edges)
    assert [counts[i] for i in (mine, yours, given, plain, long)] == [8, 2, 8 + len(listed), 11, 24]


def test_a_capital_of_a_sentence_is_no_name(own: TreeTextMemory) -> None:
    said = own.add_messages(
        [user("Keep going, Ana! Sounds good."), user("I keep all that sounds good."), user("They’re off to Keep Inc.")]
    )
    (noted,) = own.add(["Keep the box. Anything else?"])
    moment = own._context.moment(None, None)
    edges = own.store.edges(own.cube_id, [*said, noted], moment, types=[EdgeType.MENTIONS])
    names = {each.id: each.name for each in own.store.entities(own.cube_id, [edge.target for edge in edges])}
    assert Counter(names[edge.target] for edge in edges) == {"Ana": 1, "Keep Inc": 1}


def test_talk_with_an_assistant_is_joined_more_loosely(own: TreeTextMemory) -> None:
    people = own.add_messages([user("Did Ben call?", name="Anna"), user("He did.", name="Carl"), user("Good news.")])
    machine = own.add_messages([user("Did Ben call?"), assistant("He called at noon."), user("Good news.")])
    moment = own._context.moment(None, None)

    def weights(ids: list[str]) -> list[float]:
        found = own.store.edges(own.cube_id, ids, moment, types=[EdgeType.FOLLOWS], direction="out", statuses=None)
        return sorted(edge.weight for edge in found)

    assert weights(people) == [0.4, 0.7]
    assert weights(machine) == [0.2, 0.3]


def test_a_call_of_many_messages_compares_each_answer_with_few() -> None:
    told = Told()
    for number in range(5_000):
        told.note(words_of(text := f"The build of branch {number} passed."), text, "us")
    words = frozenset({"build", "branch", "pass"})
    assert len(list(told.holding([Needed(frozenset(), words, 3)], "us"))) == 10
    assert list(told.holding([Needed(frozenset({"4999"}), words, 2)], "us")) == [
        ("The build of branch 4999 passed.", words | {"the", "of", "4999"})
    ]
    assert list(told.holding([Needed(frozenset(), words | {"failed"}, 4)], "us")) == []
    assert list(told.holding([Needed(words, words, 3)], "others")) == []


def test_a_name_that_everybody_says_hides_no_repeat(own: TreeTextMemory) -> None:
    walks = [user(f"Alice went for a walk {n} today.") for n in range(260)]
    fact, question = user("Alice stores the ladder behind the shed."), user("What does Alice store?")
    said = [fact, *walks, question, assistant("Alice stores the ladder behind the shed.")]
    assert statuses(own, said)[-2:] == ["archived", "archived"]


def test_an_older_question_is_not_answered_by_what_comes_later(own: TreeTextMemory) -> None:
    there = [user(f"The parcel for house {n} came at noon today.") for n in range(3)]
    own.add_messages([user(FACT)])
    ids = own.add_messages(there, conversation_id="talk")
    window = [user(ASKED), *there, assistant("Your dentist is Dr. Okafor on Mill Road.")]
    own.add_messages(window, conversation_id="talk")
    assert [m.id for m in own.messages("talk")][1:4] == ids
    assert statuses(own, window)[0] == "activated"


WORDS = st.lists(st.sampled_from("oak elm fir ash yew Bo Cy 7 9 我 喜 欢".split()), max_size=7).map(" ".join)


@given(st.lists(WORDS, max_size=9), WORDS, st.none() | WORDS.map("{}?".format))
@settings(max_examples=1_000)
def test_whatever_an_answer_repeats_is_looked_at(said: list[str], text: str, turn: str | None) -> None:
    answer, told = Answer(text, turn), Told()
    for each in said:
        told.note(words_of(each), each, "us")
    looked_at = dict(told.holding(answer.needed(), "us"))
    for each in said if answer else ():
        repeats = answer.repeats([Known(words_of(each), lambda: True)])
        event(f"repeats: {repeats}")
        assert each in looked_at or not repeats


@pytest.mark.parametrize(
    ("stated", "answer"),
    [
        ("Remind me to call Dr. Silva on Friday.", "Sure, I'll remind you."),
        ("I forgot my laptop at the office.", "Okay, noted."),
        ("Can you note that my wife's birthday is May 3", "Got it!"),
        ("when i was a kid we lived in Porto", "I see."),
        ("Which reminds me, my flight is on Friday", "Noted."),
        ("My name is Will.", "Nice."),
        ("I'm May", "Hello!"),
        ("Erinnere mich am Freitag an den Zahnarzt.", "Okay, notiert."),
        ("Wie gesagt, ich wohne jetzt in Köln", "Alles klar."),
        ("提醒我周五给李医生打电话。", "好的,没问题。"),
        ("我在上海待了十几年", "好的。"),
        ("我没什么忌口", "明白。"),
        ("她叫一一", "好的。"),
    ],
)
def test_what_people_state_stays_whatever_is_answered(own: TreeTextMemory, stated: str, answer: str) -> None:
    assert statuses(own, [user(stated), assistant(answer)])[0] == "activated"
    assert statuses(own, [user(stated)], [assistant(answer)], conversation_id="turns")[0] == "activated"


@pytest.mark.parametrize(
    ("known", "question", "answer"),
    [
        ("Ana lives in Porto.", "Where does Bob live?", "Bob lives in Porto."),
        ("My sister lives in Porto.", "Where does my brother live?", "In Porto."),
        ("My sister lives in Porto.", "Where does my brother live?", "Your brother lives in Porto."),
        ("Meine Schwester wohnt in Köln.", "Wo wohnt mein Bruder?", "Dein Bruder wohnt in Köln."),
        ("我妈妈住在上海。", "我爸爸住在哪里？", "您爸爸住在上海。"),
        ("我每周三下午四点去看王医生。", "我什么时候看医生？", "您每周三下午五点去看王医生。"),
        ("我的车停在三楼。", "我的车停在哪？", "您的车停在四楼。"),
        ("I meet Ana on Tuesday.", "When do I meet Ana?", "Your meeting with Ana on Tuesday was cancelled."),
        ("My meeting is on Tuesday.", "When is my meeting?", "Your meeting is on Tuesday. Ana moved it to 9:30!"),
        ("My sister Ana lived in Porto.", "Ana moved to Lisbon, where did she live before?", "She lived in Porto."),
    ],
)
def test_what_is_new_in_a_question_or_its_answer_stays(
    own: TreeTextMemory, known: str, question: str, answer: str
) -> None:
    found = statuses(own, [user(known), user(question), assistant(answer)])
    assert found[1] == "activated"
    if "moved to Lisbon" not in question:
        assert found[2] == "activated"


def test_older_history_does_not_answer_the_last_question(own: TreeTextMemory) -> None:
    known, question = user("Ana lives in Porto."), user("Where does Ana live?")
    ids = own.add_messages([known, question], conversation_id="talk")
    own.add_messages([assistant("Ana lives in Porto."), known, question], conversation_id="talk")
    assert own.get(ids[1]).metadata.status == "activated"


def test_one_owners_answer_archives_no_question_of_another(own: TreeTextMemory) -> None:
    own.add_messages([user("The spare key is in the shed.")], user_id="alice")
    bob, alice = {"metadata": {"user_id": "bob"}}, {"metadata": {"user_id": "alice"}}
    said = [user("Where is the spare key?", **bob), assistant("The spare key is in the shed.", **alice)]
    assert statuses(own, said)[0] == "activated"


def test_remember_is_no_part_of_what_is_asked_for(own: TreeTextMemory) -> None:
    said = [user(FACT), user("Thanks."), user(ASKED), assistant("Dr. Okafor.")]
    first = own.add_messages(said, conversation_id="talk", operation_id="once")
    assert own.add_messages(said, conversation_id="talk", operation_id="once", remember="all") == first
    timed = [{**one, "chat_time": 1_736_503_201 + i} for i, one in enumerate(said)]
    assert own.add_messages(timed) == own.add_messages(timed, remember="all")
