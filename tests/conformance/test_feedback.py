"""Feedback: a plan first, one operation that undo takes back, walls, a model that is bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.test_provenance import TOKEN, everywhere
from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from tests.openai_server import Script, serving
from tests.verbs import said_by_every_verb
from treemem import (
    FrozenMemoryError,
    InvalidInputError,
    MemoryNotFoundError,
    NotAllowedError,
    OpenAILLM,
    OperationMismatchError,
    TreeTextMemory,
)

POLICY = "The policy requires the purchase limit for office software to be 800 CNY and applies to spreadsheets."


@pytest.fixture
def local(tmp_path: Path) -> Iterator[TreeTextMemory]:
    """A memory on the embedded store, for what the stores have no part in."""
    with TreeTextMemory.open(tmp_path / "local.db", embedder=HashEmbedder(), clock=FakeClock()) as memory:
        yield memory


def user(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": text, **more}


def actions(plan: Any) -> list[str]:
    return [each.action for each in plan.changes]


@pytest.mark.parametrize(
    ("old", "feedback", "new"),
    [
        ("My dentist is Dr. Weber.", "No, my dentist is Dr. Okafor.", "My dentist is Dr. Okafor."),
        (
            POLICY,
            "The purchase limit for office software is 600 CNY, not 800 CNY.",
            POLICY.replace("800", "600"),
        ),
        ("The Apollo launch is on Friday.", "Call it Orion instead of Apollo.", "The Orion launch is on Friday."),
        ("阿波罗项目周五发布。", "以后把阿波罗叫作猎户座。", "猎户座项目周五发布。"),
        ("办公软件的采购上限是800元。", "办公软件的采购上限是600元，而不是800元。", "办公软件的采购上限是600元。"),
        ("会议在周一，在二楼。", "更正：会议在周二，不是周一。", "会议在周二，在二楼。"),
        ("Das Limit ist 800 Euro.", "Das Limit ist 600 Euro, nicht 800 Euro.", "Das Limit ist 600 Euro."),
    ],
)
def test_a_fact_says_what_is_right(local: TreeTextMemory, old: str, feedback: str, new: str) -> None:
    fact, other = local.add([old, "Ben lives in Ghent."], at=day(0))
    before = local.content_hash()
    planned = local.feedback(feedback, apply=False)
    assert local.content_hash() == before
    assert not planned.applied
    plan = local.feedback(feedback)
    assert plan.changes == planned.changes
    (change,) = plan.changes
    assert (change.memory_id, change.old, change.new) == (fact, old, new)
    assert local.get(fact).memory == new
    assert local.get(other).memory == "Ben lives in Ghent."
    if change.action == "correct":
        assert local.get(fact, as_of=day(1)).memory == new, "it was wrong all the time"
    assert local.get(str(plan.memory_id)).memory == feedback
    assert local.operations()[0].kind == "feedback"
    local.undo(str(plan.operation))
    assert local.content_hash() == before
    assert local.check() == []


def test_a_message_stays_as_it_was_said_and_the_new_statement_comes_first(memory: TreeTextMemory) -> None:
    (old,) = memory.add_messages([user("I live in Malmö.")], conversation_id="talk")
    plan = memory.feedback("No, I moved to Lund in May", conversation_id="talk")
    assert actions(plan) == ["supersede"]
    assert [m.content for m in memory.messages("talk")] == ["I live in Malmö.", "No, I moved to Lund in May"]
    hit = memory.search("Where do I live?", include_superseded=True)
    assert hit[0].memory == "I moved to Lund in May"
    assert [each.superseded_by for each in hit if each.id == old] == [hit[0].id]
    assert "I live in Malmö." not in [each.memory for each in memory.search("Where do I live?")]


def test_a_memory_that_says_more_is_not_closed(memory: TreeTextMemory) -> None:
    text = "I live in Malmö, and my sister Eva, who sings in a choir, looks after the two cats when I travel."
    (old,) = memory.add(text, at=day(0))
    plan = memory.feedback("No, I live in Lund.", about=old)
    assert actions(plan) == ["supersede"]
    assert memory.get(old).memory == text
    assert {hit.id: hit.superseded_by for hit in memory.search("Where do I live?")}[old] is not None


def test_what_is_wrong_is_forgotten(memory: TreeTextMemory) -> None:
    one, other = memory.add(["I live in Porto.", "Porto has a bridge over the river Douro."])
    assert memory.feedback("That is wrong, forget it.").changes == ()
    plan = memory.feedback("Forget that I live in Porto.")
    assert [(c.action, c.memory_id) for c in plan.changes] == [("retract", one)]
    with pytest.raises(MemoryNotFoundError):
        memory.get(one)
    assert [c.memory_id for c in memory.feedback("那是错的，删掉它。", about=[other]).changes] == [other]


def test_a_wish_is_noted_and_what_is_missing_added(memory: TreeTextMemory) -> None:
    plan = memory.feedback("From now on, answer in German.")
    assert actions(plan) == ["prefer"]
    (wish,) = memory.preferences.list()
    assert (wish.topic, wish.sources[0].memory_id) == ("answers", plan.memory_id)
    memory.feedback("Also, my sister lives in Ghent.")
    assert memory.search("Where does my sister live?")[0].memory == "My sister lives in Ghent"
    memory.undo(str(plan.operation))
    assert memory.preferences.list() == ()


@pytest.mark.parametrize("text", ["Thanks, that helps!", "Is that wrong?", "He said: no, I moved.", "天气很好。"])
def test_what_is_not_plain_changes_nothing_and_is_kept(local: TreeTextMemory, text: str) -> None:
    local.add("I live in Malmö.")
    plan = local.feedback(text, conversation_id="talk")
    assert plan.changes == ()
    assert plan.applied
    assert plan.answer.startswith("nothing was changed; the words were kept (")
    assert [m.content for m in local.messages("talk")] == [text]


def test_a_name_is_replaced_everywhere(memory: TreeTextMemory) -> None:
    ids = memory.add([f"The Apollo engine number {n} was tested." for n in range(5)], tags=["Apollo"], key="Apollo log")
    merged = memory.add(["Apollo's crew trains.", "Apollo's crew trains"])
    (talk,) = memory.add_messages([user("apollo is late.")], conversation_id="talk")
    (away,) = memory.add("APOLLO was a probe.")
    memory.archive(away)
    memory.reorganizer.run(everything=True, group=True)
    before = memory.content_hash()
    plan = memory.feedback("Call it Orion instead of Apollo.")
    said = {n["id"]: n for n in memory.get_all()["nodes"]}
    assert {each.memory_id for each in plan.changes} >= {*ids, *merged, talk, away}
    assert said[away]["memory"] == "ORION was a probe."
    assert said[merged[1]]["memory"] == "Orion's crew trains"
    assert said[ids[0]]["metadata"]["tags"] == ["Orion"]
    assert said[ids[0]]["metadata"]["key"] == "Orion log"
    topics = [n["memory"] for n in said.values() if n["metadata"]["type"] == "topic"]
    assert topics
    assert not [text for text in topics if "apollo" in text]
    assert [m.content for m in memory.messages("talk")] == ["apollo is late."]
    assert plan.left == 0
    memory.undo(str(plan.operation))
    assert memory.content_hash() == before
    assert memory.check() == []


def test_replacing_is_bounded_and_says_what_is_left(local: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treemem.knowledge.understood.MOST_REPLACED", 3)
    local.add([f"Apollo part {n}." for n in range(5)])
    frozen = local.add("Apollo is frozen.")
    local.freeze(frozen)
    plan = local.feedback("Replace Apollo with Orion everywhere.")
    assert (len(plan.changes), plan.left) == (3, 2)
    assert "2 more are left" in plan.answer
    assert "frozen" in plan.notes[0]
    assert len(local.feedback("Replace Apollo with Orion everywhere.").changes) == 2
    assert local.get(frozen[0]).memory == "Apollo is frozen."


def test_another_user_s_memories_never_change(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    (mine,) = ann.add("The Apollo launch is on Friday.")
    (shown,) = bob.add("Apollo is Bob's.", visibility="public")
    (hidden,) = bob.add("The Apollo launch is on Friday, says Bob.")
    plan = ann.feedback("Call it Orion instead of Apollo.")
    assert [each.memory_id for each in plan.changes] == [mine]
    ann.feedback("No, the launch is on Monday.")
    with pytest.raises(NotAllowedError):
        ann.feedback("That is wrong, forget it.", about=shown)
    with pytest.raises(MemoryNotFoundError):
        ann.feedback("That is wrong, forget it.", about=hidden)
    assert bob.get(shown).memory == "Apollo is Bob's."
    assert bob.get(hidden).memory == "The Apollo launch is on Friday, says Bob."
    assert not [hit for hit in bob.search("Orion Monday launch", top_k=50) if "Orion" in hit.memory]


def test_the_words_about_one_user_s_memory_are_that_user_s(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    (code,) = ann.add("The gate code is 4711.")
    plan = memory.feedback("No, the gate code is 4712.", about=code)
    assert ann.get(code).memory == "The gate code is 4712."
    with pytest.raises(MemoryNotFoundError):
        bob.get(str(plan.memory_id))


def test_what_takes_the_place_of_two_users_memories_is_seen_by_each_alone(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ids = [each.add_messages([user("The gate code is 4711.")], conversation_id="t")[0] for each in (ann, bob)]
    plan = memory.feedback("The gate code is 4712, not 4711.", about=ids)
    assert actions(plan) == ["supersede", "supersede"]
    for caller, name in ((ann, "ann"), (bob, "bob")):
        (hit,) = [each for each in caller.search("gate code") if each.memory == "The gate code is 4712"]
        assert hit.metadata.user_id == name


def test_the_same_operation_again_changes_nothing_twice(memory: TreeTextMemory) -> None:
    (fact,) = memory.add("The gate code is 4711.")
    first = memory.feedback("No, the gate code is 4712.", operation_id="once")
    before = memory.content_hash()
    again = memory.feedback("No, the gate code is 4712.", operation_id="once")
    assert memory.content_hash() == before
    assert again.repeated
    assert (again.operation, again.memory_id) == (first.operation, first.memory_id)
    assert [(c.memory_id, c.old, c.new) for c in again.changes] == [(fact, first.changes[0].old, first.changes[0].new)]
    with pytest.raises(OperationMismatchError):
        memory.feedback("No, the gate code is 4713.", operation_id="once")


def test_purge_of_the_words_takes_what_they_changed(open_memory: OpenMemory, location: str, tmp_path: Path) -> None:
    memory = open_memory()
    (code,) = memory.add("My locker code is 4711.")
    (other,) = memory.add("Ben lives in Ghent.")
    plan = memory.feedback(f"No, my locker code is {TOKEN}.", about=code)
    assert TOKEN in memory.get(code).memory
    memory.purge(str(plan.memory_id))
    for verb, text in said_by_every_verb(memory, other, "locker code", tmp_path / "after"):
        assert TOKEN not in text, verb
    assert all(TOKEN not in text.lower() for text in everywhere(memory, location))


def test_what_was_taken_back_stays_when_its_words_are_purged(
    open_memory: OpenMemory, location: str, tmp_path: Path
) -> None:
    """The memory said what it says before the feedback, and does not rest on it: only what came of it goes."""
    memory = open_memory()
    (code,) = memory.add("My locker code is 4711.")
    (other,) = memory.add("Ben lives in Ghent.")
    plan = memory.feedback(f"No, my locker code is {TOKEN.capitalize()}.", about=code)
    memory.undo(str(plan.operation))
    memory.update(code, tags=["locker"])
    memory.purge(str(plan.memory_id))
    assert memory.get(code).memory == "My locker code is 4711."
    assert memory.get(code).metadata.tags == ["locker"]
    assert {version.item.memory for version in memory.history(code)} == {"My locker code is 4711."}
    assert memory.check() == []
    for verb, text in said_by_every_verb(memory, other, "locker code", tmp_path / "after"):
        assert TOKEN not in text, verb
    assert all(TOKEN not in text.lower() for text in everywhere(memory, location))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"text": " "}, InvalidInputError),
        ({"text": "x" * 20_000}, InvalidInputError),
        ({"text": "No, I moved.", "about": "nothing"}, MemoryNotFoundError),
        ({"text": "No, I moved.", "llm": "gpt"}, InvalidInputError),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_is_written(
    local: TreeTextMemory, given: dict[str, Any], error: type[Exception]
) -> None:
    before = local.stats().operations
    with pytest.raises(error):
        local.feedback(**given)
    assert local.stats().operations == before


SAYINGS = (
    "No, my dentist is Dr. Okafor.",
    "Call it Orion instead of Apollo.",
    "Forget that I live in Porto.",
    "The limit is 600, not 800.",
    "From now on, answer in German.",
    "Also, the gate closes at six.",
    "Thanks!",
    "Forget that I prefer tea.",
)
FACTS = ("My dentist is Dr. Weber.", "Apollo is late.", "I live in Porto.", "The limit is 800.", "I prefer tea.")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TreeTextMemory]:
    path = tmp_path_factory.mktemp("feedback") / "memory.db"
    with TreeTextMemory.open(path, embedder=HashEmbedder(), clock=FakeClock()) as memory:
        yield memory


@given(
    facts=st.lists(st.tuples(st.sampled_from(FACTS), st.booleans()), max_size=4),
    sayings=st.lists(st.sampled_from(SAYINGS), min_size=1, max_size=3),
    talk=st.sampled_from([None, "talk"]),
)
@settings(max_examples=12)
def test_feedback_and_undo_leave_all_as_before(
    embedded: TreeTextMemory, facts: list[tuple[str, bool]], sayings: list[str], talk: str | None
) -> None:
    memory = embedded.cube(fresh_cube("feedback"))
    memory.add("Ben lives in Ghent.")
    for text, is_message in facts:
        if is_message:
            memory.add_messages([user(text)], conversation_id="talk")
        else:
            memory.add(text)
    for text in sayings:
        before = memory.content_hash()
        planned = memory.feedback(text, conversation_id=talk, apply=False)
        assert memory.content_hash() == before
        plan = memory.feedback(text, conversation_id=talk)
        assert plan.changes == planned.changes
        memory.undo(str(plan.operation))
        assert memory.content_hash() == before
    assert memory.check() == []


# ---- with a language model


def answered(body: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    message = {"role": "assistant", "content": json.dumps({"changes": changes}), "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}


def shown(body: dict[str, Any]) -> dict[str, str]:
    """The memories that the model is shown: their ids by their texts."""
    return {m["text"]: m["id"] for m in json.loads(body["messages"][1]["content"])["memories"]}


@pytest.fixture(scope="module")
def one_server() -> Iterator[Script]:
    with serving(lambda body: answered(body, [])) as script:
        yield script


@pytest.fixture
def server(one_server: Script) -> Script:
    """The server of all tests of this module, which has answered nothing yet."""
    one_server.default = lambda body: answered(body, [])
    one_server.next.clear()
    one_server.requests.clear()
    return one_server


def model(script: Script) -> OpenAILLM:
    return OpenAILLM("m", base_url=script.url, api_key="k", timeout=5.0, max_retries=0, attempts=1)


MOVED = "Moved to Lund in May and works at the library."
TOWN = "Lives in Malmö and works at the library."
WORDS = "You got that wrong: I moved to Lund in May"


def test_a_model_corrects_what_it_is_shown(memory: TreeTextMemory, server: Script) -> None:
    town, gone, _ = memory.add([TOWN, "Has a boat.", "Ben lives in Ghent."])

    def right(body: dict[str, Any]) -> Any:
        ids = shown(body)
        change = {
            "action": "correct",
            "memory_id": ids[TOWN],
            "new_text": "Moved to Lund in May and works at the library.",
        }
        more = {"action": "retract", "memory_id": ids["Has a boat."]}
        wish = {"action": "prefer", "new_text": "I moved to Lund in May"}
        told = {"quote": "I moved to Lund in May", "reason": "another town"}
        return answered(body, [{**change, **told}, {**more, **told}, {**wish, **told}])

    server.default = right
    before = memory.content_hash()
    plan = memory.feedback(WORDS, about=[town, gone], llm=model(server))
    assert (plan.by, actions(plan), plan.refused) == ("model", ["correct", "retract", "prefer"], ())
    assert "I moved to Lund in May" in plan.changes[0].why
    assert memory.get(town).memory == MOVED
    assert len(memory.preferences.list()) == 1
    assert len(server.requests) == 1
    memory.undo(str(plan.operation))
    assert memory.content_hash() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"action": "correct", "memory_id": "hidden", "new_text": "Lives in Lund."}, "none of the memories"),
        ({"action": "retract", "memory_id": None}, "none of the memories"),
        ({"action": "correct", "new_text": "Lives in Lund with Petra."}, "'Petra'"),
        ({"action": "correct", "new_text": "Lives in Lund since 1999."}, "'1999'"),
        ({"action": "correct", "new_text": "Lives in Lund.", "quote": "I said so"}, "does not say"),
        ({"action": "correct", "new_text": TOWN}, "no new text"),
        ({"action": "add", "new_text": "隆德大学"}, "stands neither"),
        ({"action": "replace", "old_word": "Malmö", "new_word": "Lund"}, "does not name both"),
    ],
)
def test_what_a_model_may_not_do_is_refused(
    local: TreeTextMemory, server: Script, change: dict[str, Any], said: str
) -> None:
    ann = local.for_caller("ann")
    local.for_caller("bob").add({"id": "hidden", "memory": "Lives in Malmö, too."})
    (town,) = ann.add(TOWN)
    told = {"memory_id": town, "quote": "I moved to Lund in May", "reason": "so", **change}
    server.default = lambda body: answered(body, [told])
    plan = ann.feedback(WORDS, llm=model(server))
    assert plan.changes == ()
    assert said in plan.refused[0]
    assert ann.get(town).memory == TOWN
    assert local.get("hidden").memory == "Lives in Malmö, too."
    assert "hidden" not in str(server.requests[0]["messages"][1])


@pytest.mark.parametrize("step", [500, "cut", (200, {"choices": []})])
def test_a_model_that_is_dead_leaves_the_words(local: TreeTextMemory, server: Script, step: Any) -> None:
    (town,) = local.add("My dentist is Dr. Weber.")
    server.next.extend([step, step])
    plan = local.feedback("I am not sure what you know of me", llm=model(server))
    assert plan.changes == ()
    assert "did not answer" in plan.notes[0]
    assert local.get(str(plan.memory_id)).memory == "I am not sure what you know of me"
    plain = local.feedback("No, my dentist is Dr. Okafor.", llm=model(server))
    assert (plain.by, actions(plain)) == ("patterns", ["correct"])
    assert local.get(town).memory == "My dentist is Dr. Okafor."


def test_plain_words_need_no_model(local: TreeTextMemory, server: Script) -> None:
    local.add("Apollo is late.")
    local.feedback("Call it Orion instead of Apollo.", llm=model(server))
    assert server.requests == []


def test_a_frozen_memory_stays(local: TreeTextMemory) -> None:
    (fact,) = local.add("The gate code is 4711.")
    local.freeze(fact)
    plan = local.feedback("No, the gate code is 4712.", about=fact)
    assert plan.changes == ()
    assert "frozen" in plan.notes[0]
    with pytest.raises(FrozenMemoryError):
        local.update(fact, "x")


def test_what_a_replacement_names_anew_is_not_hidden_by_it_and_comes_back(memory: TreeTextMemory) -> None:
    memory.add_messages([{"role": "user", "content": "I love Apollo music.", "chat_time": "2025-01-05"}])
    (before,) = memory.preferences.list()
    done = memory.feedback("Call it Orion instead of Apollo.")
    assert [p.text for p in memory.preferences.list()] == ["I love Orion music."]
    assert [p.text for p in memory.preferences.list(as_of="2025-03-01")] == ["I love Apollo music."]
    memory.undo(str(done.operation))
    assert [p.text for p in memory.preferences.list()] == [before.text]


def test_one_operation_id_is_one_callers(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller(user_id="ann"), memory.for_caller(user_id="bob")
    ann.preferences.add("I like tea.", operation_id="x")
    with pytest.raises(OperationMismatchError):
        bob.preferences.add("I like tea.", operation_id="x")
    ann.feedback("Also, my sister lives in Ghent.", operation_id="y")
    with pytest.raises(OperationMismatchError):
        bob.feedback("Also, my sister lives in Ghent.", operation_id="y")


def test_feedback_about_two_users_is_read_by_neither(memory: TreeTextMemory) -> None:
    ann, bob, carl = (memory.for_caller(user_id=name) for name in ("ann", "bob", "carl"))
    both = ann.add("Ann's doctor is Dr. Weber.") + bob.add("Bob's doctor is Dr. Weber.")
    memory.feedback("No, the oncologist of Ann and Bob is Dr. Okafor.", about=both)
    for caller in (ann, bob, carl):
        assert not [h.memory for h in caller.search("oncologist") if "Ann and Bob" in h.memory]
