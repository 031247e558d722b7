"""Derived text follows its source: into erasure, behind walls, and out of sight."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import day
from tests.neo4j_server import driver
from tests.verbs import said_by_every_verb
from treemem import OperationMismatchError, TreeTextMemory

TOKEN = "zqxquetzal"


def everywhere(memory: TreeTextMemory, location: str) -> Iterator[str]:
    """Everything that the store keeps, as text: the bytes of its files, or every property of every node and edge."""
    if "://" not in location:
        memory.close()
        for path in sorted(Path(location).parent.glob(Path(location).name + "*")):
            yield path.read_bytes().decode("latin-1")
        return
    with driver(location) as session:
        for query in (
            "MATCH (n) WHERE n.cube_id = $cube RETURN properties(n) AS p",
            "MATCH (a)-[r]->() WHERE a.cube_id = $cube RETURN properties(r) AS p",
        ):
            for record in session.execute_query(query, cube=memory.cube_id).records:
                yield str({name: value for name, value in record["p"].items() if name != "embedding"})
        found = session.execute_query(
            "CALL db.index.fulltext.queryNodes('treemem_text', $token) YIELD node "
            "WHERE node.cube_id = $cube RETURN node.id AS id",
            token=f"tokens:{TOKEN}",
            cube=memory.cube_id,
        ).records
        assert not found


def grown(memory: TreeTextMemory) -> list[str]:
    """A cube in which the token went wherever text goes; returns the ids of the memories that say it of themselves."""
    talk = memory.add_messages(
        [
            {"role": "user", "name": "Ann", "content": f"My locker code is {TOKEN}.", "chat_time": day(0)},
            {"role": "assistant", "content": "Thanks, noted.", "chat_time": day(1)},
        ],
        conversation_id="talk",
    )
    alike = memory.add([f"The {TOKEN} locker number {n} hangs in the hall." for n in range(5)], at=day(2))
    same = memory.add([f"Ann likes {TOKEN} tea.", f"Ann likes {TOKEN} tea"], at=day(3))
    (source,) = memory.add(f"A long report on the {TOKEN}.", tags=[TOKEN], key=f"{TOKEN} report", entities=[TOKEN])
    (summary,) = memory.add(f"In short: a {TOKEN} was found.")
    memory.link(summary, "DERIVED_FROM", source, reason=f"sums up the {TOKEN}")
    memory.update(source, "A long report.", reason=f"because the {TOKEN} was dropped")
    memory.reorganizer.run(everything=True, group=True)
    memory.reorganizer.run(everything=True, group=True)
    return [talk[0], *alike, same[0], source]


@pytest.mark.slow
def test_purge_leaves_no_word_anywhere(open_memory: OpenMemory, location: str, tmp_path: Path) -> None:
    memory = open_memory()
    ids = grown(memory)
    (kept,) = memory.add("Ben lives in Ghent.")
    told = "".join(text for _, text in said_by_every_verb(memory, ids[0], TOKEN, tmp_path / "before"))
    assert TOKEN in told
    memory.purge(ids)
    for verb, text in said_by_every_verb(memory, kept, "Where does Ben live?", tmp_path / "after"):
        assert TOKEN not in text, verb
    for text in everywhere(memory, location):
        assert TOKEN not in text.lower()


def test_purge_of_one_below_a_topic_names_it_by_the_others(memory: TreeTextMemory) -> None:
    ids = memory.add([f"The garden has {what} roses in bloom." for what in (TOKEN, "red", "white", "pink", "blue")])
    memory.reorganizer.run(everything=True, group=True)
    (topic,) = [n for n in memory.get_all()["nodes"] if n["metadata"]["type"] == "topic"]
    memory.purge(ids[0])
    (after,) = [n for n in memory.get_all()["nodes"] if n["metadata"]["type"] == "topic"]
    assert after["id"] == topic["id"]
    assert "roses" in after["memory"] or "garden" in after["memory"]
    assert [v.item.memory for v in memory.history(topic["id"])] == [after["memory"]]
    assert len(memory.subtree(topic["id"]).children) == 4
    assert memory.check() == []


def test_purge_takes_the_reasons_of_earlier_purges(memory: TreeTextMemory, location: str) -> None:
    told, other, kept = memory.add([f"{TOKEN} code.", "Other.", "Kept."])
    memory.purge(other, reason=f"because {TOKEN} told")
    memory.purge(kept, reason="no longer wanted")
    memory.purge(told)
    reasons = {each.id: each.reason for each in memory.store.tombstones(memory.cube_id)}
    assert reasons == {told: None, other: None, kept: "no longer wanted"}
    for text in everywhere(memory, location):
        assert TOKEN not in text.lower()


def test_a_tombstone_tells_of_the_last_purge(memory: TreeTextMemory) -> None:
    for reason in ("first", "second", None):
        memory.add({"id": "again", "memory": "Said again."})
        memory.purge("again", reason=reason)
        assert [found[2] for found in memory.store.tombstones(memory.cube_id)] == [reason]


def a_topic(memory: TreeTextMemory) -> tuple[list[str], str]:
    """Five public memories with a topic above them whose name has a word that the first one alone says."""
    texts = [f"Ann feeds her goats hay on day {n}" for n in range(4)]
    ids = memory.add(["Ann feeds her goats zorbium on day 9", *texts], visibility="public")
    members = [memory.get(i) for i in ids]
    topic = memory.add({"memory": "Topic: zorbium, goats", "metadata": {"type": "topic", "source": "system"}})[0]
    memory.update(topic, visibility="public")
    for member in members:
        memory.link(topic, "PARENT", member.id)
    return ids, topic


def test_topics_follow_what_is_deleted(memory: TreeTextMemory) -> None:
    ids, topic = a_topic(memory)
    receipt = memory.delete(ids[0])
    name = memory.get(topic).memory
    assert "zorbium" not in name
    assert "goats" in name
    assert not memory.delete(ids[4], operation_id="last").repeated
    assert memory.get(topic).memory == name  # none of its words went
    memory.undo(receipt.operation)
    assert memory.get(ids[0]).memory.startswith("Ann feeds")
    memory.delete(ids[:4])
    assert [n["id"] for n in memory.get_all()["nodes"]] == []
    memory.restore(ids[1])
    assert memory.neighbours(ids[1], types=["PARENT"]) == []


FOLLOWED: dict[str, Callable[[TreeTextMemory, Sequence[str]], Any]] = {
    "correct": lambda m, ids: [m.correct(i, "Ann feeds her goats straw") for i in ids],
    "correct by an item": lambda m, ids: [m.correct(i, {"id": i, "memory": "Ann feeds her goats straw"}) for i in ids],
    "update": lambda m, ids: [m.update(i, "Ann feeds her goats straw") for i in ids],
    "update before": lambda m, ids: [
        m.update(i, "Ann feeds her goats straw", at=m.get(i).metadata.valid_from + MOMENT) for i in ids
    ],
    "expire": lambda m, ids: [m.expire(i) for i in ids],
    "expire before": lambda m, ids: [m.expire(i, at=m.get(i).metadata.valid_from + MOMENT) for i in ids],
    "replace_working_memory": lambda m, ids: [
        m.replace_working_memory(all_but(m, ids), operation_id="work") for _ in range(2)
    ],
}
MOMENT = timedelta(microseconds=1)


def all_but(memory: TreeTextMemory, ids: Sequence[str]) -> list[dict[str, Any]]:
    left = [item for item in memory.get_working_memory() if item.id not in ids]
    return [{"id": item.id, "memory": item.memory, "visibility": "public"} for item in left]


@pytest.mark.parametrize("verb", FOLLOWED)
@pytest.mark.parametrize("every", [False, True])
def test_topics_follow_what_ends_or_says_something_else(memory: TreeTextMemory, verb: str, every: bool) -> None:
    ids, topic = a_topic(memory)
    if verb == "replace_working_memory":
        for i in ids:
            memory.update(i, memory_type="WorkingMemory")
    gone = ids if every else ids[:1]
    FOLLOWED[verb](memory, gone)
    assert not any("zorbium" in node["memory"] for node in memory.get_all()["nodes"])
    assert not any("zorbium" in str(root.item.memory) for root in memory.tree())
    if every and verb in ("expire", "expire before", "replace_working_memory"):
        assert memory.get_by_ids([topic]) == []
    else:
        assert "goats" in memory.get(topic).memory
    assert memory.check() == []


def test_topics_follow_what_the_reorganizer_ends(memory: TreeTextMemory) -> None:
    ids, topic = a_topic(memory)
    later = memory.with_clock(lambda: datetime.now(UTC) + timedelta(days=800))
    memory.store.record_usage(memory.cube_id, dict.fromkeys([*ids[1:], topic], 1), later._context.now())
    report = later.reorganizer.run(expiry={"LongTermMemory": 60}, kinds=["expire"])
    assert [(o.kind.value, o.status) for o in report.outcomes] == [("expire", "done")]
    assert "zorbium" not in later.get(topic).memory
    assert later.check() == []


def test_a_topic_keeps_what_a_member_says_until_later(memory: TreeTextMemory) -> None:
    ids, topic = a_topic(memory)
    name = memory.get(topic).memory
    memory.expire(ids[0], at="2100-01-01")
    memory.update(ids[0], "Ann feeds her goats straw", at="2090-01-01")
    memory.update(ids[1], "Ann feeds her goats oats")
    assert memory.get(topic).memory == name


def test_topics_follow_what_goes_private(memory: TreeTextMemory) -> None:
    ids, topic = a_topic(memory)
    memory.update(ids[0], visibility="private", user_id="ann")
    bob = memory.for_caller("bob")
    assert "zorbium" not in bob.get(topic).memory
    assert not any("zorbium" in hit.memory for hit in bob.search("zorbium", 10))
    assert {n.id for n in memory.neighbours(topic, types=["PARENT"])} == set(ids[1:])
    assert memory.check() == []


def test_topics_follow_an_undone_addition(memory: TreeTextMemory) -> None:
    ids, topic = a_topic(memory)
    added = memory.add("Ann feeds her goats clover", operation_id="added", visibility="public")
    memory.link(topic, "PARENT", added[0])
    memory.update(topic, "Topic: clover, goats")
    memory.undo("added")
    assert "clover" not in memory.get(topic).memory
    assert {n.id for n in memory.neighbours(topic, types=["PARENT"])} == set(ids)


def test_purge_takes_what_was_merged(memory: TreeTextMemory) -> None:
    first, second, other = memory.add(["Ann keeps bees.", "Ann keeps bees", "Ben keeps goats."], at=day(0))
    memory.reorganizer.run(everything=True, kinds=["deduplicate"])
    kept, gone = sorted((first, second), key=lambda i: memory.get(i).metadata.status == "merged")
    assert memory.get(gone).metadata.status == "merged"
    memory.purge(kept)
    assert [n["id"] for n in memory.get_all()["nodes"]] == [other]


def test_purge_of_one_that_a_taken_back_merge_touched_leaves_the_other(memory: TreeTextMemory) -> None:
    texts = {"Ann keeps bees.": "Zed", "Ann keeps bees": "Yan"}
    ids = memory.add([{"memory": t, "metadata": {"tags": [TOKEN + n], "entities": [n]}} for t, n in texts.items()])
    memory.reorganizer.run(everything=True, kinds=["deduplicate"])
    kept, gone = sorted(ids, key=lambda i: memory.get(i).metadata.status == "merged")
    text, name = memory.get(gone).memory, texts[memory.get(gone).memory]
    assert TOKEN + name in memory.get(kept).metadata.tags
    memory.undo(next(o.id for o in memory.operations() if o.kind == "reorganize"))
    assert {memory.get(i).metadata.status for i in ids} == {"activated"}
    memory.purge(gone)
    assert memory.get(kept).memory in set(texts) - {text}
    assert TOKEN + name not in repr(memory.history(kept))
    names = [e.name for e in memory.store.all_entities(memory.cube_id)]
    assert name not in names
    assert set(texts.values()) & set(names)
    assert memory.check() == []


def test_purge_and_a_reason_of_another_word(memory: TreeTextMemory) -> None:
    a, b = memory.add(["Ann keeps bees.", "Ben keeps goats."], operation_id="both", reason="from the first meeting")
    memory.purge(a, reason="she asked for it")
    kept = {o.id: o.reason for o in memory.operations()}
    assert kept["both"] == "from the first meeting"
    assert memory.get(b).memory == "Ben keeps goats."


def test_purge_with_an_id_used_before(memory: TreeTextMemory) -> None:
    memory.add([{"id": "a", "memory": "alpha"}, {"id": "b", "memory": "beta"}], operation_id="added")
    receipt = memory.purge("a", operation_id="erased")
    assert not receipt.repeated
    for used in ("erased", "added"):
        with pytest.raises(OperationMismatchError):
            memory.purge("b", operation_id=used)
    assert memory.get("b").memory == "beta"
    assert memory.purge("a", operation_id="erased").repeated


def test_background_is_read_at_the_moment(memory: TreeTextMemory) -> None:
    first, second = memory.add_messages(
        [{"content": "My locker code is 4711.", "chat_time": day(0)}, {"content": "Thanks.", "chat_time": day(1)}],
        conversation_id="c",
    )

    def background(**moment: Any) -> set[str | None]:
        shown = {memory.get(second, **moment).metadata.background}
        shown |= {h.metadata.background for h in memory.search("Thanks.", 5, **moment) if h.id == second}
        shown |= {i.metadata.background for p in memory.pages(**moment) for i in p.items if i.id == second}
        return shown

    assert background() == {"My locker code is 4711."}
    memory.update(first, "My locker code is 1174.", at=day(10))
    assert background() == {"My locker code is 1174."}
    assert background(as_of=day(5)) == {"My locker code is 4711."}
    memory.delete(first)
    assert background() == {None}
    assert not [h for h in memory.search("locker code 1174", 5) if "text" in h.arms]


def test_a_message_read_and_stored_again_keeps_no_copy(memory: TreeTextMemory) -> None:
    first, second = memory.add_messages(
        [{"content": "My locker code is 4711.", "chat_time": day(0)}, {"content": "Thanks.", "chat_time": day(1)}],
        conversation_id="c",
    )
    read = memory.get(second)
    assert read.metadata.background
    assert memory.add(read) == [second]
    read.memory = "Thanks a lot."
    memory.update(second, read)
    memory.delete(first)
    assert memory.get(second).metadata.background is None
    assert memory.get(second).memory == "Thanks a lot."


def test_a_background_of_its_own_is_the_memorys(memory: TreeTextMemory) -> None:
    (i,) = memory.add("She said yes.", background="On the wedding.")
    assert memory.get(i).metadata.background == "On the wedding."
    assert [h.id for h in memory.search("wedding")] == [i]


def test_a_copy_of_the_message_before_is_erased_with_it(memory: TreeTextMemory) -> None:
    """Databases written before the background was read in place hold copies of it."""
    first, second = memory.add_messages(
        [
            {"content": f"My locker code is {TOKEN}.", "chat_time": day(0)},
            {"content": "Thanks.", "chat_time": day(1), "metadata": {"background": f"My locker code is {TOKEN}."}},
        ],
        conversation_id="c",
    )
    memory.purge(first)
    assert TOKEN not in repr(memory.history(second))
    assert all("text" not in hit.arms for hit in memory.search(TOKEN, 5))


@pytest.mark.slow
def test_what_is_private_is_in_no_answer_to_another_caller(memory: TreeTextMemory, tmp_path: Path) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    secret = ann.add_messages(
        [
            {"role": "user", "content": f"My salary is {TOKEN} euros.", "chat_time": day(0)},
            {
                "role": "user",
                "content": "The office closes at six.",
                "chat_time": day(1),
                "metadata": {"visibility": "public"},
            },
        ],
        conversation_id="c",
    )
    ann.add([f"The {TOKEN} locker number {n} hangs in the hall." for n in range(5)], reason=f"on {TOKEN}")
    ann.add({"id": "open", "memory": f"The {TOKEN} was mine."}, at=day(0))
    ann.update("open", "Tea is at four.", at=day(5), visibility="public", reason=f"no word of {TOKEN}")
    memory.reorganizer.run(everything=True, group=True)
    bob.add("Bob's own note.")
    for memory_id in (secret[0], secret[1], "open", "nothing"):
        for verb, text in said_by_every_verb(bob, memory_id, "salary, office, locker, tea", tmp_path):
            assert TOKEN not in text, (verb, memory_id)
    assert all("text" not in h.arms for h in bob.search(TOKEN, 50))
    assert memory.get("open", as_of=day(1)).memory == f"The {TOKEN} was mine."
    assert TOKEN in json.dumps(memory.get_all())
    assert memory.check() == []


def test_a_reason_of_another_memorys_operation_loses_the_words(memory: TreeTextMemory) -> None:
    memory.add([{"id": "a", "memory": f"Zed has a {TOKEN}."}, {"id": "b", "memory": "Music plan."}])
    memory.update("b", "No music.", reason=f"because Zed dropped the {TOKEN}")
    memory.purge("a")
    assert TOKEN not in repr(memory.operations(limit=1_000))
    assert memory.get("b").memory == "No music."


REASONS = {
    "a word of a source": (
        {"memory": "abc", "metadata": {"sources": [{"type": "doc", "content": "The Quetzal"}]}},
        "the Quetzal",
    ),
    "a source that is a text": ({"memory": "abc", "metadata": {"sources": ["quetzal.txt"]}}, "because of quetzal.txt"),
    "several of one": ({"memory": "A quetzal."}, "the quetzals are gone"),
    "one of several": ({"memory": "Two harps."}, "because of the harp"),
}


@pytest.mark.parametrize("case", REASONS)
def test_a_reason_loses_other_forms_of_a_word_too(memory: TreeTextMemory, case: str) -> None:
    item, reason = REASONS[case]
    told, other, third = memory.add([item, "Other.", "Third."])
    memory.update(other, "Other now.", reason=reason)
    memory.update(third, "Third now.", reason="said by the user in a chat")
    memory.purge(told)
    assert [o.reason for o in memory.operations() if o.kind == "update"] == ["said by the user in a chat", None]


def test_a_purged_message_leaves_reasons_that_share_nothing_with_it(memory: TreeTextMemory) -> None:
    (told,) = memory.add_messages([{"content": "Quetzals sing.", "chat_time": 1_736_503_200}], conversation_id="c")
    other = memory.add("Other.")[0]
    memory.update(other, "Other now.", reason="said by the user in a chat, position 0")
    memory.purge(told)
    assert "said by the user in a chat, position 0" in {o.reason for o in memory.operations()}
