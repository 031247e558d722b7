"""The reorganizer on both stores: plans change nothing, actions are atomic, resumable and can be taken back."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from treemem import (
    EmbedderError,
    InvalidInputError,
    LeaseError,
    MiniLM,
    Plan,
    StoreUnavailableError,
    TreeTextMemory,
)
from treemem.changes import ChangeSet
from treemem.reorganize import planner, turn
from treemem.reorganize.plan import Action
from treemem.store.protocol import Lease
from treemem.usage import UsageLog

TEA = "Anna likes green tea from Porto."


def kinds(plan: Plan) -> list[str]:
    return [action.kind.value for action in plan.actions.values()]


def status(memory: TreeTextMemory, memory_id: str) -> str:
    return next(str(s.fields["status"]) for s in memory.store.known(memory.cube_id, [memory_id]))


def twins(memory: TreeTextMemory) -> None:
    """Two memories that say the same, with what hangs on them."""
    memory.add({"id": "first", "memory": TEA, "metadata": {"tags": ["tea"], "sources": ["a"]}}, at=day(1))
    memory.add(
        {"id": "second", "memory": " Anna likes  green tea from Porto!", "metadata": {"tags": ["drink"]}}, at=day(2)
    )
    memory.add(
        [{"id": "topic", "memory": "Drinks of people"}, {"id": "child", "memory": "It is Gunpowder tea."}], at=day(3)
    )
    memory.link("topic", "PARENT", "second", at=day(3))
    memory.link("second", "PARENT", "child", at=day(3))
    memory.link("second", "CAUSES", "child", weight=0.4, at=day(4))
    memory.link("first", "RELATES_TO", "second", at=day(4))


def test_a_plan_changes_nothing_and_can_be_kept(memory: TreeTextMemory) -> None:
    twins(memory)
    before, count = memory.content_hash(), memory.stats().operations
    plan = memory.reorganizer.plan()
    assert (memory.content_hash(), memory.stats().operations) == (before, count)
    assert kinds(plan) == ["deduplicate"]
    assert Plan.from_json(plan.to_json()) == plan
    assert "the same words" in str(plan)
    (judged,) = plan.actions[0].evidence["judged"]
    assert (judged["relation"], judged["by"], judged["why"]) == ("same", "rules", "the same words")
    assert judged["cosine"] > 0.9
    assert len(plan.without([0])) == 0
    assert len(plan.only("merge")) == 0
    for wrong in ("no JSON", "[]", '{"id": 1}'):
        with pytest.raises(InvalidInputError):
            Plan.from_json(wrong)
    with pytest.raises(InvalidInputError, match="actions"):
        plan.without([7])
    with pytest.raises(InvalidInputError, match="kinds"):
        plan.only("burn")


def test_the_same_fact_becomes_one(memory: TreeTextMemory) -> None:
    twins(memory)
    before = memory.content_hash()
    plan = memory.reorganizer.plan()
    report = memory.reorganizer.apply(plan)
    assert [o.status for o in report.outcomes] == ["done"]
    assert memory.check() == []
    assert status(memory, "second") == "merged"
    kept = memory.get("first")
    assert (kept.metadata.tags, kept.metadata.sources) == (["tea", "drink"], ["a"])
    assert memory.search("green tea porto anna")[0].id == "first"
    assert "second" not in {hit.id for hit in memory.search("green tea porto anna")}
    around = {(n.type, n.direction, n.id): n for n in memory.neighbours("first") if n.kind == "memory"}
    assert {key[:3] for key in around} == {
        ("PARENT", "in", "topic"),
        ("PARENT", "out", "child"),
        ("CAUSES", "out", "child"),
    }
    assert around["CAUSES", "out", "child"].weight == 0.4
    assert memory.operations()[1].reason == "deduplicate: the same words"
    again = memory.reorganizer.apply(plan)
    assert [o.status for o in again.outcomes] == ["repeated"]
    assert len(memory.reorganizer.plan()) == 0
    memory.undo(report.outcomes[0].operation)
    assert memory.content_hash() == before
    assert memory.check() == []


def test_overlapping_facts_become_a_new_memory(memory: TreeTextMemory) -> None:
    memory.add({"id": "short", "memory": "The office wifi password hangs on the fridge."}, at=day(1))
    memory.add(
        {"id": "long", "memory": "The office wifi password hangs on the fridge in the small kitchen."}, at=day(9)
    )
    memory.add({"id": "why", "memory": "Visitors keep asking."}, at=day(1))
    memory.link("short", "RELATES_TO", "why", at=day(1))
    before = memory.content_hash()
    assert not memory.reorganizer.plan(kinds=["merge"]).actions, "nothing but a person joins texts into a new one"
    plan = memory.reorganizer.plan()
    versions = {i: memory.get(i).metadata.version for i in ("long", "short")}
    merge = Action(
        kind="merge", ids=("long", "short"), versions=versions, reason="one says all that the other says", confidence=1
    )
    report = memory.reorganizer.apply(plan.model_copy(update={"actions": {0: merge}}))
    assert [o.status for o in report.outcomes] == ["done"]
    made = memory.search("wifi password fridge")[0]
    assert made.memory == "The office wifi password hangs on the fridge in the small kitchen."
    assert set(made.metadata.info["merged_from"]) == {"short", "long"}
    assert {n.id for n in memory.neighbours(made.id, types=["MERGED_INTO"], direction="in")} <= {"short", "long"}
    assert {n.id for n in memory.neighbours(made.id, types=["RELATES_TO"])} == {"why"}
    assert memory.get("short", as_of=day(5)).memory.endswith("fridge.")
    assert status(memory, "long") == "merged"
    assert memory.check() == []
    memory.undo(report.outcomes[0].operation)
    assert memory.content_hash() == before
    assert memory.check() == []


def test_the_newer_takes_the_place_of_the_older(memory: TreeTextMemory) -> None:
    memory.add({"id": "old", "memory": "I live in Porto."}, at=day(1))
    memory.add({"id": "new", "memory": "I live in Ghent now."}, at=day(90))
    report = memory.reorganizer.run()
    assert [(o.kind.value, o.status) for o in report.outcomes] == [("supersede", "done")]
    assert memory.get("old", as_of=day(30)).metadata.valid_to == day(90)
    assert memory.get_by_ids(["old"]) == []
    assert {hit.id for hit in memory.search("Where do I live?")} == {"new"}
    assert memory.search("Where do I live?", include_superseded=True)[1].superseded_by == "new"
    assert memory.check() == []


def test_what_cannot_both_be_true_is_flagged(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=MiniLM())
    memory.add([{"id": "open", "memory": "The shop opens on Sundays."}], at=day(1))
    memory.add([{"id": "shut", "memory": "The shop does not open on Sundays."}], at=day(1))
    report = memory.reorganizer.run(kinds=["contradict"])
    assert report.count("done") == 1
    assert memory.search("Does the shop open on Sundays?")[0].contradicts


def test_causes_are_related(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=MiniLM())
    memory.add([{"id": "flood", "memory": "The river flooded the lower town."}], at=day(1))
    memory.add([{"id": "bridge", "memory": "The bridge is closed because the river flooded."}], at=day(2))
    memory.reorganizer.run()
    (edge,) = memory.neighbours("flood", types=["CAUSES"])
    assert (edge.direction, edge.id, edge.confidence) == ("out", "bridge", 75)


def test_what_came_after_is_related(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=MiniLM())
    memory.add([{"id": "course", "memory": "Mira finished her pottery course."}], at=day(1))
    memory.add([{"id": "shop", "memory": "Mira opened a small shop after she finished her pottery course."}], at=day(2))
    (action,) = memory.reorganizer.plan(kinds=["relate"]).actions.values()
    assert (action.edge, action.ids) == ("FOLLOWS", ("shop", "course"))
    memory.reorganizer.run()
    (edge,) = memory.neighbours("shop", types=["FOLLOWS"])
    assert (edge.direction, edge.id) == ("out", "course")
    assert not memory.reorganizer.plan(everything=True).actions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The rent of the flat is 900 euros.", "The rent of the flat is 950 euros."),
        ("Anna likes green tea from Porto.", "Hanna likes green tea from Porto."),
        ("The team meets every Monday at noon.", "The team meets every Tuesday at noon."),
        ("Anna beats Ben at chess.", "Ben beats Anna at chess."),
        ("The heating works in the north wing.", "The heating never works in the north wing."),
        ("I visited the old harbour with Mira.", "I visited the old harbour with Mira."),
        ("My sister likes old jazz clubs.", "My sister's husband likes old jazz clubs."),
        ("我喜欢喝三杯绿茶。", "我喜欢喝两杯绿茶。"),
        ("Is the shop open on Sundays?", "The shop is open on Sundays."),
    ],
)
def test_what_differs_is_never_one(memory: TreeTextMemory, one: str, other: str) -> None:
    memory.add(one, at=day(1))
    memory.add(other, at=day(50))
    assert not {"merge", "deduplicate"} & set(kinds(memory.reorganizer.plan()))


def test_what_belongs_to_others_and_what_is_frozen_is_left(memory: TreeTextMemory) -> None:
    memory.add({"id": "ours", "memory": TEA, "metadata": {"user_id": "u1"}}, at=day(1))
    memory.add({"id": "theirs", "memory": TEA, "metadata": {"user_id": "u2"}}, at=day(1))
    memory.add({"id": "public", "memory": TEA, "metadata": {"visibility": "public"}}, at=day(1))
    assert not {"merge", "deduplicate"} & set(kinds(memory.reorganizer.plan()))
    memory.add({"id": "again", "memory": TEA, "metadata": {"user_id": "u1"}}, at=day(2))
    plan = memory.reorganizer.plan(kinds=["deduplicate"])
    assert len(plan) == 1
    memory.freeze("ours")
    assert not {"deduplicate"} & set(kinds(memory.reorganizer.plan()))
    memory.unfreeze("ours")
    other = memory.cube(fresh_cube())
    other.add(TEA)
    assert len(other.reorganizer.plan()) == 0
    with pytest.raises(InvalidInputError, match="made for cube"):
        other.reorganizer.apply(plan)


def test_an_action_whose_memories_changed_is_skipped(memory: TreeTextMemory) -> None:
    twins(memory)
    plan = memory.reorganizer.plan()
    memory.update("second", "Anna likes black tea.", at=day(200))
    report = memory.reorganizer.apply(plan)
    assert (report.count("skipped"), report.outcomes[0].detail) == (1, "second changed since the plan was made")
    assert status(memory, "second") == "activated"


class Failing:
    """A store that goes away after so many changes."""

    def __init__(self, store: Any, left: int) -> None:
        self._store, self.left = store, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def apply(self, changes: ChangeSet, *, lease: Lease | None = None) -> Any:
        if self.left == 0:
            raise StoreUnavailableError("gone")
        self.left -= 1
        return self._store.apply(changes, lease=lease)


def test_a_run_that_was_cut_off_goes_on(memory: TreeTextMemory) -> None:
    for n, text in enumerate(["The lamp hangs over the old table.", "The dog sleeps under the kitchen bench."]):
        memory.add([{"id": f"{n}a", "memory": text}, {"id": f"{n}b", "memory": text}], at=day(n))
    plan = memory.reorganizer.plan(kinds=["deduplicate"])
    assert len(plan) == 2
    broken = TreeTextMemory(
        memory._context.config,
        embedder=memory._context.embedder,
        clock=memory._context.clock,
        store=Failing(memory.store, 1),
    )
    with pytest.raises(StoreUnavailableError):
        broken.reorganizer.apply(plan)
    assert memory.check() == []
    report = memory.reorganizer.apply(plan)
    assert sorted(o.status for o in report.outcomes) == ["done", "repeated"]
    assert sorted(status(memory, i) for i in ("0a", "0b", "1a", "1b")) == ["activated"] * 2 + ["merged"] * 2
    assert memory.check() == []


def test_one_worker_at_a_time(open_memory: OpenMemory) -> None:
    memory = open_memory()
    twins(memory)
    plan = memory.reorganizer.plan()
    lease = memory.store.lease(memory.cube_id, "another", turn.clock(), 3_600_000_000)
    assert lease is not None
    with pytest.raises(LeaseError, match="another worker"):
        memory.reorganizer.apply(plan)
    memory.store.release(lease)
    assert memory.reorganizer.apply(plan).count("done") == 1


def test_a_worker_waits_for_its_turn(open_memory: OpenMemory) -> None:
    memory = open_memory()
    twins(memory)
    lease = memory.store.lease(memory.cube_id, "another", turn.clock(), 3_600_000_000)
    assert lease is not None
    assert (memory.reorganizer.status().state, memory.reorganizer.status().worker) == ("running", "another")
    timer = threading.Timer(0.5, memory.store.release, [lease])
    timer.start()
    assert memory.reorganizer.run(wait=30).count("done") == 1
    timer.join()


def test_a_worker_that_lost_its_turn_writes_nothing(open_memory: OpenMemory) -> None:
    memory = open_memory()
    twins(memory)
    plan, before = memory.reorganizer.plan(), memory.content_hash()
    lost = memory.store.lease(memory.cube_id, "slow", turn.clock(), 1)
    time.sleep(0.01)
    held = memory.store.lease(memory.cube_id, "quick", turn.clock(), 3_600_000_000)
    assert lost is not None
    assert held is not None
    assert held.fence > lost.fence
    with pytest.raises(LeaseError, match="passed to another worker"):
        memory.reorganizer._applied(plan, lost, lambda: False)
    assert memory.content_hash() == before
    assert memory.reorganizer._applied(plan, held, lambda: False).count("done") == 1


def test_a_lease_is_kept_while_a_run_takes_long(open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "LEASE", 0.6)
    monkeypatch.setattr(turn, "HEARTBEAT", 0.1)
    memory = open_memory()
    memory.add("something", at=day(1))
    with memory.reorganizer._turn(0.0):
        time.sleep(1.5)
        assert memory.store.lease(memory.cube_id, "another", turn.clock(), 1_000) is None
    assert memory.store.lease(memory.cube_id, "another", turn.clock(), 1_000) is not None


def test_the_status_can_be_awaited(open_memory: OpenMemory) -> None:
    memory = open_memory()
    assert memory.reorganizer.status().state == "done"
    twins(memory)
    waits = memory.reorganizer.status()
    assert (waits.state, waits.last_run) == ("pending", None)
    assert waits.waiting == memory.stats().operations
    assert memory.reorganizer.wait(0.01).state == "pending"
    memory.reorganizer.start(interval=0.05)
    done = memory.reorganizer.wait(30)
    assert (done.state, done.waiting, done.worker) == ("done", 0, None)
    assert done.last_run is not None
    operations = memory.stats().operations
    time.sleep(0.5)
    assert memory.reorganizer.stop()
    assert memory.stats().operations == operations, "runs that find nothing leave nothing behind"


def test_a_run_that_fails_says_why_to_all(open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = open_memory()
    twins(memory)
    with monkeypatch.context() as patched:
        patched.setattr(planner, "planned", lambda *_: (_ for _ in ()).throw(EmbedderError("the model is gone")))
        with pytest.raises(EmbedderError):
            memory.reorganizer.run()
    failed = TreeTextMemory(
        memory._context.config, embedder=memory._context.embedder, store=memory.store
    ).reorganizer.status()
    assert (failed.state, failed.reason) == ("failed", "the model is gone")
    assert memory.reorganizer.run().count("done") == 1
    assert memory.reorganizer.status().state == "done"


def test_only_what_changed_is_looked_at(memory: TreeTextMemory) -> None:
    memory.add([f"Thing number {n} lies in drawer {n}." for n in range(30)], at=day(1))
    assert memory.reorganizer.plan().looked_at == 30
    memory.reorganizer.run()
    assert memory.reorganizer.plan().looked_at == 0
    memory.add({"id": "late", "memory": TEA})
    memory.add({"id": "later", "memory": TEA})
    plan = memory.reorganizer.plan()
    assert (plan.looked_at, kinds(plan)) == (2, ["deduplicate"])
    assert memory.reorganizer.plan(everything=True).looked_at == 32


def test_capacity_archives_the_least_valuable(memory: TreeTextMemory) -> None:
    memory.add([{"id": f"w{n}", "memory": f"Working on part {n}."} for n in range(6)], memory_type="WorkingMemory")
    memory.store.record_usage(memory.cube_id, {"w0": 1}, memory._context.now())
    memory.store.record_usage(memory.cube_id, {"w0": 1}, memory._context.now())
    memory.freeze("w1")
    report = memory.reorganizer.run(capacity={"WorkingMemory": 3}, kinds=["archive", "promote"])
    assert report.count("done") == 3
    assert memory.get("w0").metadata.status == "activated"
    assert status(memory, "w1") == "activated"
    assert sum(status(memory, f"w{n}") == "archived" for n in range(6)) == 3
    memory.reorganizer.run(capacity={"WorkingMemory": 0}, kinds=["archive", "promote"])
    assert memory.get("w0").metadata.memory_type == "LongTermMemory"
    assert {item.id for item in memory.get_working_memory()} >= {"w1"}
    memory.restore([f"w{n}" for n in range(6) if status(memory, f"w{n}") == "archived"])
    assert len(memory.get_working_memory()) == 5
    with pytest.raises(InvalidInputError, match="capacity"):
        memory.reorganizer.plan(capacity={"Dreams": 1})


def test_capacity_is_bounded_by_default(memory: TreeTextMemory) -> None:
    memory.add([{"id": f"w{n:02}", "memory": f"Working on part {n}."} for n in range(23)], memory_type="WorkingMemory")
    assert memory.store.sizes(memory.cube_id, memory._context.now()) == {"WorkingMemory": 23}
    assert not [a for a in memory.reorganizer.plan(capacity={}).actions.values() if a.kind == "archive"]
    plan = memory.reorganizer.plan(kinds=["archive"])
    assert len(plan) == 3
    memory.reorganizer.apply(plan)
    assert memory.store.sizes(memory.cube_id, memory._context.now()) == {"WorkingMemory": 20}
    assert len(memory.reorganizer.plan(everything=True, kinds=["archive"])) == 0


def test_memories_find_their_topic(memory: TreeTextMemory) -> None:
    boats = [
        f"The boat called {name} lies in the old harbour." for name in ("Alba", "Brisa", "Coral", "Duna", "Estrela")
    ]
    memory.add([{"id": f"boat{n}", "memory": text} for n, text in enumerate(boats)], at=day(1))
    memory.add([{"id": "odd", "memory": "Ben cooks rice on Mondays."}], at=day(1))
    before = memory.content_hash()
    report = memory.reorganizer.run(group=True, kinds=["group"])
    assert report.count("done") == 1
    (tree,) = memory.tree()
    assert tree.item.metadata.type == "topic"
    assert {"harbour", "boat"} & set(tree.item.memory.replace(",", "").split())
    assert {child.item.id for child in tree.children} == {f"boat{n}" for n in range(5)}
    assert memory.check() == []
    hits = memory.search("boat in the old harbour")
    assert tree.item.id not in {hit.id for hit in hits}
    assert {hit.id for hit in hits} >= {f"boat{n}" for n in range(5)}
    memory.add({"id": "late", "memory": "The boat called Foca lies in the old harbour."}, at=day(2))
    again = memory.reorganizer.run(group=True, kinds=["group"])
    assert again.count("done") == 1
    (tree,) = memory.tree()
    assert "late" in {child.item.id for child in tree.children}
    assert len(memory.reorganizer.plan(group=True, kinds=["group"], everything=True)) == 0
    memory.undo(again.outcomes[0].operation)
    memory.delete("late")
    memory.undo(report.outcomes[0].operation)
    memory.purge("late", reason="only for the test")
    assert memory.content_hash() == before
    assert memory.tree() == ()


def test_searches_count_what_they_return(open_memory: OpenMemory) -> None:
    memory = open_memory()
    first, second = memory.add(["Anna sings in the choir.", "Ben dances on Mondays."])
    for _ in range(3):
        memory.search("Anna choir", 1)
    memory.search("Ben dances", 1)
    assert memory._context.usage is not None
    memory._context.usage.flush()
    usage = memory.store.usage(memory.cube_id, [first, second])
    assert (usage[first][0], usage[second][0]) == (3, 1)
    silent = open_memory(record_usage=False)
    silent.search("Anna choir", 1)
    assert memory.store.usage(memory.cube_id, [first])[first][0] == 3


def test_counting_ends_its_thread_when_there_is_nothing_left(memory: TreeTextMemory) -> None:
    first = memory.add("Anna sings in the choir.")[0]
    usage = UsageLog(memory.store, memory._context.now, seconds=0.02)
    for times in (1, 2):
        usage.note([(memory.cube_id, first)])
        deadline = time.monotonic() + 10
        while usage._thread is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert usage._thread is None
        assert memory.store.usage(memory.cube_id, [first])[first][0] == times
    usage.close()


def test_a_store_that_fails_loses_counts_and_no_search(memory: TreeTextMemory) -> None:
    memory.add("Anna sings in the choir.")

    class Silent(Failing):
        def record_usage(self, *_: Any) -> None:
            raise StoreUnavailableError("gone")

    broken = TreeTextMemory(
        memory._context.config,
        embedder=memory._context.embedder,
        clock=memory._context.clock,
        store=Silent(memory.store, 0),
    )
    assert broken.search("Anna choir")
    assert broken._context.usage is not None
    broken._context.usage.close()
    assert broken.search("Anna choir")


def test_in_the_background(memory: TreeTextMemory) -> None:
    memory.reorganizer.start(interval=0.05)
    memory.reorganizer.start(interval=0.05)
    twins(memory)
    deadline = time.monotonic() + 30
    while status(memory, "second") != "merged" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert memory.reorganizer.stop()
    assert status(memory, "second") == "merged"
    assert memory.reorganizer.failure is None
    assert not [t for t in threading.enumerate() if t.name == "treemem-reorganizer"]
    memory.add({"id": "one", "memory": "The lamp hangs over the old table."}, at=day(5))
    memory.add({"id": "two", "memory": "The lamp hangs over the old table."}, at=day(6))
    assert memory.reorganizer.run().count("done") == 1, "only the worker was told to stop"
    assert memory.check() == []


TEXTS = (
    *(TEA, TEA.lower(), "Anna likes tea from Porto.", "I live in Porto.", "I live in Ghent.", "I don't live in Ghent."),
    *("The bridge is closed because the river flooded.", "The river flooded the lower town."),
    *("我住在北京。", "我搬到上海了。"),
)
EDGES = st.tuples(st.integers(0, 6), st.sampled_from(["PARENT", "CAUSES", "RELATES_TO"]), st.integers(0, 6))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(TEXTS), st.integers(0, 60)), min_size=2, max_size=7),
    st.lists(EDGES, max_size=5),
)
def test_undone_it_is_what_it_was(said: list[tuple[str, int]], links: list[tuple[int, str, int]]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        TreeTextMemory.open(f"{folder}/m.db", embedder=HashEmbedder(), clock=FakeClock()) as memory,
    ):
        for n, (text, when) in enumerate(said):
            memory.add({"id": f"m{n}", "memory": text}, at=day(when))
        for source, edge, target in links:
            if max(source, target) < len(said) and source != target:
                with contextlib.suppress(InvalidInputError):  # a second parent, or a cycle
                    memory.link(f"m{source}", edge, f"m{target}", at=day(61))
        before = memory.content_hash()
        report = memory.reorganizer.run(group=True)
        assert report.count("skipped") == 0
        assert memory.check() == []
        again = memory.reorganizer.run(everything=True, group=True)
        assert {o.kind.value for o in again.outcomes} <= {"relate", "merge", "supersede", "group"}
        for outcome in reversed((*report.outcomes, *again.outcomes)):
            memory.undo(outcome.operation)
            assert memory.check() == []
        assert memory.content_hash() == before


def test_closing_ends_every_worker(open_memory: OpenMemory) -> None:
    """Those of views too; none starts afterwards."""
    before = {t for t in threading.enumerate() if t.name == "treemem-reorganizer"}
    memory = open_memory()
    memory.add("a note")
    views = [memory, memory.cube(memory.cube_id + "-other"), memory.for_caller("ann")]
    for view in views:
        view.reorganizer.start(interval=0.05)
    memory.close()
    assert {t for t in threading.enumerate() if t.name == "treemem-reorganizer"} == before
    for view in views:
        with pytest.raises(StoreUnavailableError):
            view.reorganizer.start()
