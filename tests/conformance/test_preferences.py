"""Preferences of users: noted with their messages, following them, listed, shown beside hits, behind walls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_provenance import TOKEN, everywhere
from tests.conftest import OpenMemory
from tests.helpers import day
from tests.verbs import said_by_every_verb
from treemem import (
    AsyncTreeTextMemory,
    InvalidInputError,
    MemoryNotFoundError,
    NotAllowedError,
    TreeTextMemory,
)
from treemem.knowledge.preferences import NOTE


def said(memory: TreeTextMemory, *texts: str, role: str = "user", **given: Any) -> list[str]:
    given.setdefault("conversation_id", "talk")
    return memory.add_messages([{"role": role, "content": text} for text in texts], **given)


def texts(memory: TreeTextMemory, **given: Any) -> list[str]:
    return [each.text for each in memory.preferences.list(**given)]


def test_what_a_user_states_is_noted_with_its_message(memory: TreeTextMemory) -> None:
    first, _, _ = said(memory, "By the way, I prefer window seats.", "It rains.", "请以后都用中文回答我。")
    said(memory, "I prefer aisle seats.", role="assistant")
    wish, seat = memory.preferences.list()
    assert (wish.text, wish.kind, wish.polarity, wish.topic) == (
        "请以后都用中文回答我。",
        "explicit",
        "always",
        "answers",
    )
    assert (seat.text, seat.polarity, seat.topic) == ("I prefer window seats.", "for", "window seats")
    (source,) = seat.sources
    assert (source.memory_id, source.conversation_id) == (first, "talk")
    item = memory.get(seat.id)
    assert (item.metadata.memory_type, item.metadata.preference_type) == ("PreferenceMemory", "explicit_preference")
    assert len(memory.operations()) == 2, "noted in the change that adds the message"
    assert memory.check() == []


def test_the_same_call_again_notes_nothing_twice(memory: TreeTextMemory) -> None:
    for _ in range(2):
        said(memory, "I prefer window seats.", operation_id="once")
    (one,) = memory.preferences.list()
    assert len(one.sources) == 1
    assert one.repeats == ()


def test_said_again_it_is_one_preference_with_both_sources(memory: TreeTextMemory) -> None:
    ids = [*said(memory, "I prefer window seats."), *said(memory, "Also, I prefer window seats!")]
    (one,) = memory.preferences.list()
    assert [source.memory_id for source in one.sources] == ids
    memory.purge(ids[0])
    (left,) = memory.preferences.list()
    assert [source.memory_id for source in left.sources] == ids[1:]
    memory.preferences.forget(left.id)
    assert memory.preferences.list() == ()


def test_a_change_that_is_stated_supersedes_and_what_is_not_is_shown_side_by_side(memory: TreeTextMemory) -> None:
    said(memory, "我喜欢吃辣。")
    said(memory, "我不喜欢吃辣了。")
    new, old = memory.preferences.list()
    assert (new.text, old.superseded_by) == ("我不喜欢吃辣了。", new.id)
    assert [p.text for p in memory.preferences.profile().preferences] == ["我不喜欢吃辣了。"]
    said(memory, "I love coriander.")
    said(memory, "I hate coriander.")
    hate, love = memory.preferences.list(topic="coriander")
    assert (hate.contradicts, love.contradicts) == ((love.id,), (hate.id,))


@pytest.mark.parametrize("how", ["delete", "expire", "update", "undo"])
def test_a_preference_goes_with_its_message_and_comes_back_with_it(memory: TreeTextMemory, how: str) -> None:
    (first,) = memory.add_messages(
        [{"role": "user", "content": "I prefer window seats.", "chat_time": day(0)}], conversation_id="talk"
    )
    before = memory.content_hash()
    if how == "undo":
        memory.undo(memory.operations()[0].id)
        assert texts(memory) == []
        return
    done = {
        "delete": lambda: memory.delete(first),
        "expire": lambda: memory.expire(first, at=day(100)),
        "update": lambda: memory.update(first, "I like any seat.", at=day(100)),
    }[how]()
    assert texts(memory) == []
    assert texts(memory, as_of=day(50)) == ([] if how == "delete" else ["I prefer window seats."])
    memory.undo(done.operation)
    assert texts(memory) == ["I prefer window seats."]
    assert memory.content_hash() == before
    assert memory.check() == []


def test_what_was_forgotten_stays_forgotten(memory: TreeTextMemory) -> None:
    (first,) = said(memory, "I prefer window seats.")
    (one,) = memory.preferences.list()
    done = memory.preferences.forget(one.id)
    memory.delete(first)
    memory.restore(first)
    assert texts(memory) == []
    assert memory.get(first).memory == "I prefer window seats."
    memory.undo(done.operation)
    assert texts(memory) == ["I prefer window seats."]
    for wrong in (first, "nothing"):
        with pytest.raises(MemoryNotFoundError):
            memory.preferences.forget(wrong)


def test_as_of(memory: TreeTextMemory) -> None:
    memory.add_messages([{"role": "user", "content": "I prefer tea.", "chat_time": day(10)}], conversation_id="talk")
    assert texts(memory, as_of=day(5)) == []
    assert texts(memory, as_of=day(20)) == ["I prefer tea."]


def test_a_caller_has_its_own_alone(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    (first,) = said(ann, "I prefer window seats.")
    said(bob, "I prefer aisle seats.", visibility="public")
    assert texts(ann) == ["I prefer window seats."]
    assert [p.text for p in ann.search("seat", preferences=6).preferences] == ["I prefer window seats."]
    assert [p.user_id for p in memory.preferences.profile("bob").preferences] == ["bob"]
    with pytest.raises(NotAllowedError):
        ann.preferences.profile("bob")
    with pytest.raises(MemoryNotFoundError):
        bob.preferences.forget(ann.preferences.list()[0].id)
    with pytest.raises(MemoryNotFoundError):
        bob.preferences.add("Likes seats.", kind="implicit", reasoning="says so", evidence=first)
    one = ann.preferences.list()[0].id
    ann.update(first, visibility="public")
    assert bob.get(one).memory == "I prefer window seats."
    ann.update(first, visibility="private")
    with pytest.raises(MemoryNotFoundError):
        bob.get(one)


def test_a_search_brings_them_apart(memory: TreeTextMemory) -> None:
    said(memory, "I prefer window seats.", "Please always answer in German.", "The train to Oslo leaves at nine.")
    plain = memory.search("Which seat on the train to Oslo?")
    found = memory.search("Which seat on the train to Oslo?", preferences=6)
    assert [hit.id for hit in found] == [hit.id for hit in plain]
    assert all(hit.metadata.memory_type != "PreferenceMemory" for hit in plain)
    assert plain.preferences == ()
    assert plain.preference_note == ""
    assert [p.text for p in found.preferences] == ["Please always answer in German.", "I prefer window seats."]
    assert found.preferences[1].similarity is not None
    assert found.preference_note.splitlines()[:2] == [NOTE, "Stated:"]
    assert len(memory.search("seat", preferences=1).preferences) == 1
    with pytest.raises(InvalidInputError, match="preferences"):
        memory.search("seat", preferences=1_000)


def test_what_was_concluded_rests_on_its_evidence(memory: TreeTextMemory) -> None:
    ids = said(memory, "Show me code for that.", "And again with code, thanks.")
    said(memory, "I prefer tea.")
    with pytest.raises(InvalidInputError, match="reasoning"):
        memory.preferences.add("Wants code.", kind="implicit")
    memory.preferences.add("Wants code.\n# before prose", kind="implicit", reasoning="asks each time", evidence=ids)
    explicit, implicit = memory.preferences.list()
    assert (explicit.kind, implicit.kind, implicit.reasoning) == ("explicit", "implicit", "asks each time")
    assert [source.memory_id for source in implicit.sources] == ids
    note = memory.search("code", preferences=6).preference_note
    assert note.index("Stated:") < note.index("Concluded:")
    assert "\n# before" not in note
    page = str(memory.preferences.profile())
    assert "## Concluded" in page
    assert "because: asks each time" in page
    done = memory.delete(ids[1])
    assert texts(memory, kind="implicit") == []
    memory.undo(done.operation)
    assert len(texts(memory, kind="implicit")) == 1


def test_what_is_concluded_of_one_user_is_that_user_s(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    (hers,), (his,) = said(ann, "Code, please."), said(bob, "Code, please.")
    with pytest.raises(InvalidInputError, match="several users"):
        memory.preferences.add("Wants code.", kind="implicit", reasoning="asks", evidence=[hers, his])
    memory.preferences.add("Wants code.", kind="implicit", reasoning="asks", evidence=hers)
    assert texts(ann) == ["Wants code."]
    assert texts(bob) == []
    ann.purge(hers)
    assert texts(memory) == []


def test_they_can_be_switched_off(open_memory: OpenMemory) -> None:
    memory = open_memory(note_preferences=False)
    said(memory, "I prefer window seats.")
    assert texts(memory) == []
    assert memory.stats().memories == 1


def test_nothing_is_noted_of_what_is_given_another_type(memory: TreeTextMemory) -> None:
    said(memory, "I prefer window seats.", memory_type="OuterMemory")
    said(memory, "I prefer aisle seats.", source="web", conversation_id="other")
    assert texts(memory) == []


def test_purge_leaves_no_word_of_a_preference(open_memory: OpenMemory, location: str, tmp_path: Path) -> None:
    memory = open_memory()
    (first,) = said(memory, f"I prefer {TOKEN} seats.")
    (other,) = said(memory, "It rains.")
    memory.preferences.add(f"Likes {TOKEN}.", kind="implicit", reasoning=f"says {TOKEN}", evidence=first)
    assert len(memory.preferences.list()) == 2
    memory.purge(first)
    for verb, text in said_by_every_verb(memory, other, "seats", tmp_path / "after"):
        assert TOKEN not in text, verb
    assert all(TOKEN not in text.lower() for text in everywhere(memory, location))


def test_the_asynchronous_twin(memory: TreeTextMemory) -> None:
    said(memory, "I prefer window seats.")

    async def ask() -> list[str]:
        twin = AsyncTreeTextMemory(memory, threads=1)
        return [each.text for each in await twin.preferences.list()]

    assert asyncio.run(ask()) == ["I prefer window seats."]


def test_wishes_come_first_however_many_there_are(memory: TreeTextMemory) -> None:
    memory.add_messages([{"role": "user", "content": "From now on, answer in German."}], conversation_id="w")
    many = [{"role": "user", "content": f"I love train number {k} with seat {k}."} for k in range(210)]
    memory.add_messages(many, conversation_id="c")
    assert "German" in memory.search("Which train seat?", preferences=6).preference_note


def test_a_session_has_no_users_preferences(memory: TreeTextMemory) -> None:
    said = [{"role": "user", "content": "I hate coriander."}]
    memory.for_caller(user_id="ann").add_messages(said, conversation_id="p", visibility="public")
    assert memory.for_caller(session_id="s").preferences.list() == ()


def test_what_is_corrected_to_the_contrary_is_no_preference(memory: TreeTextMemory) -> None:
    (said,) = memory.add_messages([{"role": "user", "content": "I hate coriander."}], conversation_id="p")
    assert len(memory.preferences.list()) == 1
    memory.correct(said, "It is a lie that I hate coriander.")
    assert memory.preferences.list() == ()
