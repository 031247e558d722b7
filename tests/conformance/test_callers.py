"""Callers are walls: every verb, by the table in docs/architecture.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import day
from tests.verbs import CALLS, verbs
from treemem import (
    InvalidChangeError,
    InvalidInputError,
    MemoryNotFoundError,
    NotAllowedError,
    OperationNotFoundError,
    Plan,
    TextualMemoryItem,
    TreememError,
    TreeTextMemory,
    UndoRefusedError,
)
from treemem.reorganize.plan import ActionKind

PAGE = Path(__file__).parents[2] / "docs/architecture.md"
ROW = re.compile(r"^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def rules() -> dict[str, tuple[str, str]]:
    """What a caller sees and may change, by verb."""
    section = PAGE.read_text("utf-8").split("## Callers\n")[1].split("\n## ")[0]
    found: dict[str, tuple[str, str]] = {}
    for names, sees, changes in ROW.findall(section):
        for name in re.findall(r"`([\w.]+)`", names):
            assert name not in found, f"{name} stands twice in the table"
            found[name] = (sees, changes)
    return found


RULES = rules()


def test_the_table_names_every_verb() -> None:
    assert set(verbs()) == set(RULES) - {"store"}


@pytest.fixture
def shared(memory: TreeTextMemory) -> TreeTextMemory:
    """Ann's private memory that was public once, her public one, one that was private, hers and bob's, nobody's."""
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ann.add({"id": "secret", "memory": "Ann's secret on tea."}, at=day(0))
    ann.add({"id": "public", "memory": "Ann's note on tea for all."}, at=day(0), visibility="public")
    ann.add({"id": "opened", "memory": "Ann hid her tea."}, at=day(0))
    ann.update("opened", "Ann shows her tea.", at=day(10), visibility="public")
    ann.link("secret", "RELATES_TO", "public", at=day(0))
    bob.add({"id": "bobs", "memory": "Bob's note on tea."}, at=day(0))
    memory.add({"id": "nobodys", "memory": "A note on tea of nobody."}, at=day(0))
    return memory


def before(memory: TreeTextMemory, *ids: str) -> Any:
    return [repr(memory.history(i)) for i in ids]


@pytest.mark.parametrize("verb", verbs())
def test_what_a_caller_changes(shared: TreeTextMemory, verb: str, tmp_path: Path) -> None:
    """No verb changes what is somebody else's, whichever memory it is given; whole-cube verbs are refused."""
    bob = shared.for_caller("bob")
    _, changes = RULES[verb]
    untouched = before(shared, "secret", "public", "opened")
    for memory_id in ("secret", "public", "opened"):
        try:
            CALLS[verb](bob, memory_id, "tea", tmp_path)
        except TreememError as error:
            refused: TreememError | None = error
        else:
            refused = None
        if changes.startswith("refused") and verb not in ("for_caller", "drop"):
            assert isinstance(refused, NotAllowedError), verb
        if changes.startswith(("own states", "memories all")) and verb not in ("delete_all", "purge"):
            wanted = verb == "replace_working_memory"
            assert (refused is None) == wanted, (verb, memory_id)
    assert before(shared, "secret", "public", "opened") == untouched
    assert shared.check() == []


def test_what_is_refused_about_the_whole_cube(shared: TreeTextMemory) -> None:
    bob = shared.for_caller("bob")
    for ask in (
        bob.drop,
        bob.check,
        bob.content_hash,
        bob.reembed,
        bob.reindex,
        lambda: bob.store,
        lambda: bob.for_caller("ann"),
    ):
        with pytest.raises(NotAllowedError, match="user 'bob'"):
            ask()
    with pytest.raises(NotAllowedError):
        bob.for_caller("bob", "s1")
    with pytest.raises(NotAllowedError):
        bob.search("tea", user_id="ann")
    assert {h.id for h in bob.for_caller("bob").search("tea", 20)} == {"public", "opened", "bobs", "nobodys"}
    assert {h.id for h in bob.cube(bob.cube_id).search("tea", 20)} == {"public", "opened", "bobs", "nobodys"}


def test_states_are_seen_one_by_one(shared: TreeTextMemory) -> None:
    bob = shared.for_caller("bob")
    assert [v.item.memory for v in bob.history("opened")] == ["Ann shows her tea."]
    assert len(shared.history("opened")) > 1
    assert bob.get_by_ids(["opened"], as_of=day(5)) == []
    with pytest.raises(MemoryNotFoundError):
        bob.history("secret")
    assert "Ann hid" not in str(bob.diff(day(0)))
    seen = bob.stats()
    assert (seen.memories, seen.states < shared.stats().states) == (4, True)


@pytest.mark.parametrize("verb", ["update", "correct", "expire", "delete", "archive", "freeze", "purge"])
def test_what_is_public_is_read_and_not_changed(shared: TreeTextMemory, verb: str) -> None:
    bob = shared.for_caller("bob")
    untouched = before(shared, "public", "opened")
    arguments: dict[str, Any] = {"visibility": "private", "user_id": "bob"} if verb in ("update", "correct") else {}
    for memory_id in ("public", "opened"):
        with pytest.raises(NotAllowedError):
            getattr(bob, verb)(memory_id, **arguments)
    if verb in ("update", "correct"):
        with pytest.raises(NotAllowedError):
            getattr(bob, verb)("public", "Taken over.")
    assert before(shared, "public", "opened") == untouched


def test_what_is_nobodys_is_everybodys_but_has_no_new_owner(shared: TreeTextMemory) -> None:
    bob = shared.for_caller("bob")
    bob.update("nobodys", "A note on green tea.")
    assert shared.get("nobodys").memory == "A note on green tea."
    for change in ({"user_id": "bob"}, {"visibility": "public"}, {"session_id": "s1"}):
        with pytest.raises(NotAllowedError, match="its owner alone"):
            bob.update("nobodys", **change)


def test_the_owner_changes_who_sees_it(shared: TreeTextMemory) -> None:
    ann, bob = shared.for_caller("ann"), shared.for_caller("bob")
    ann.update("public", visibility="private")
    assert bob.get_by_ids(["public"]) == []
    with pytest.raises(NotAllowedError):
        ann.update("public", user_id="bob")


@pytest.mark.parametrize(
    "write",
    [
        lambda m: m.add("planted", user_id="ann"),
        lambda m: m.add({"memory": "planted", "metadata": {"user_id": "ann"}}),
        lambda m: m.add_messages([{"content": "planted", "metadata": {"user_id": "ann"}}]),
        lambda m: m.add_messages([{"content": "planted"}], user_id="ann"),
        lambda m: m.replace_working_memory({"memory": "planted", "metadata": {"user_id": "ann"}}),
    ],
)
def test_a_caller_writes_as_itself(shared: TreeTextMemory, write: Any) -> None:
    with pytest.raises(NotAllowedError, match="writes as itself"):
        write(shared.for_caller("bob"))
    with pytest.raises(NotAllowedError):
        write(shared.for_caller(session_id="s1"))
    write(shared.for_caller("ann"))
    assert [h.metadata.user_id for h in shared.search("planted", 5) if h.memory == "planted"] == ["ann"]


def test_a_session_memory_wants_a_session(memory: TreeTextMemory) -> None:
    for write in (
        lambda: memory.add("x", visibility="session"),
        lambda: memory.add_messages([{"content": "x"}], visibility="session"),
        lambda: memory.update(memory.add("y")[0], visibility="session"),
    ):
        with pytest.raises(InvalidInputError, match="session_id"):
            write()
    (i,) = memory.for_caller("ann", "s1").add("z", visibility="session")
    assert memory.get(i).metadata.session_id == "s1"


@pytest.mark.parametrize(
    "write",
    [
        lambda m, **g: m.add("planted", **g),
        lambda m, **g: m.add({"memory": "planted", "metadata": g}),
        lambda m, **g: m.add({"memory": "planted", **g}, at=day(0)),
        lambda m, **g: m.add(TextualMemoryItem(memory="planted", metadata=g)),
        lambda m, **g: m.add_messages([{"content": "planted", "metadata": g}]),
        lambda m, **g: m.add_messages([{"content": "planted", "chat_time": day(0)}], conversation_id=f"c{len(g)}", **g),
        lambda m, **g: m.replace_working_memory({"memory": "planted", "metadata": g}),
    ],
)
def test_what_a_session_without_a_user_adds_is_the_sessions(memory: TreeTextMemory, write: Any) -> None:
    session = memory.for_caller(session_id="s1")
    (i,) = write(session)
    assert session.get(i).metadata.visibility == "session"
    for other in (memory.for_caller(session_id="s2"), memory.for_caller("eve"), memory.for_caller("eve", "s2")):
        assert other.get_by_ids([i]) == []
    assert memory.for_caller("ann", "s1").get(i).memory == "planted"
    before = memory.content_hash()
    with pytest.raises(InvalidInputError, match="visibility: 'private' wants a user"):
        write(session, visibility="private")
    assert memory.content_hash() == before
    with pytest.raises(NotAllowedError):
        session.update(i, visibility="private")
    with pytest.raises(NotAllowedError):
        session.correct(i, visibility="private")
    (public,) = write(session, visibility="public")
    assert memory.for_caller("eve").get(public).memory == "planted"
    assert memory.get(memory.for_caller("ann", "s1").add("hers")[0]).metadata.visibility == "private"
    assert memory.get(memory.add("nobody's")[0]).metadata.visibility == "private"


@pytest.mark.parametrize("type", ["PARENT", "SUPERSEDES", "MERGED_INTO"])
def test_edges_that_change_their_target_want_both_owners(shared: TreeTextMemory, type: str) -> None:
    bob = shared.for_caller("bob")
    with pytest.raises(NotAllowedError):
        bob.link("bobs", type, "public")
    with pytest.raises(NotAllowedError):
        bob.link("public", "RELATES_TO", "bobs")
    with pytest.raises(MemoryNotFoundError):
        bob.link("bobs", "RELATES_TO", "secret")
    bob.link("bobs", "RELATES_TO", "public")
    bob.link("bobs", type, "nobodys")


def test_refusals_name_nothing_hidden(shared: TreeTextMemory) -> None:
    bob = shared.for_caller("bob")
    shared.link("secret", "PARENT", "nobodys", operation_id="hidden-operation")
    with pytest.raises(InvalidChangeError) as refused:
        bob.link("bobs", "PARENT", "nobodys")
    assert "secret" not in str(refused.value)
    bob.update("bobs", "Bob's other note.", operation_id="first")
    shared.update("bobs", "x", user_id="ann", operation_id="hidden-too")
    with pytest.raises(TreememError) as undone:
        bob.undo("first")
    assert "hidden-too" not in str(undone.value)
    assert not isinstance(undone.value, UndoRefusedError) or "hidden-too" not in undone.value.operations


def test_a_plan_gives_no_rights(shared: TreeTextMemory) -> None:
    bob = shared.for_caller("bob")
    version = max(v.version for v in shared.history("secret"))
    action = {
        "kind": "archive",
        "ids": ["secret"],
        "versions": {"secret": version},
        "reason": "x",
        "confidence": 1.0,
        "evidence": {},
    }
    plan = Plan.model_validate({"id": "x", "cube": shared.cube_id, "until": 1, "looked_at": 1, "actions": {0: action}})
    assert [o.status for o in bob.reorganizer.apply(plan).outcomes] == ["skipped"]
    assert shared.get("secret").metadata.status == "activated"
    shared.add(
        [{"id": "s1", "memory": "Ann takes lithium."}, {"id": "s2", "memory": "Ann takes lithium"}], user_id="ann"
    )
    assert "lithium" not in bob.reorganizer.plan(everything=True, group=True).model_dump_json()
    assert "lithium" in shared.for_caller("ann").reorganizer.plan(everything=True).model_dump_json()


def test_an_operation_of_others_is_not_undone(shared: TreeTextMemory) -> None:
    shared.for_caller("ann").update("public", "Ann's other note.", operation_id="hers")
    bob = shared.for_caller("bob")
    assert "hers" in {o.id for o in bob.operations()}
    with pytest.raises(NotAllowedError):
        bob.undo("hers")
    shared.for_caller("ann").update("secret", "Ann's other secret.", operation_id="hidden")
    with pytest.raises(OperationNotFoundError):
        bob.undo("hidden")


def test_two_callers_have_conversations_of_one_name(memory: TreeTextMemory) -> None:
    ids = [
        memory.for_caller(user).add_messages([{"content": "Hello!", "chat_time": day(0)}], conversation_id="1")
        for user in ("ann", "bob")
    ]
    assert ids[0] != ids[1]
    assert memory.stats().memories == 2
    assert (
        memory.add_messages([{"content": "Hello!", "chat_time": day(0)}], conversation_id="1", user_id="ann") == ids[0]
    )


@pytest.mark.parametrize("edge", ["PARENT", "SUPERSEDES", "MERGED_INTO", "DERIVED_FROM"])
def test_a_plan_makes_no_edge_that_a_hand_could_not(shared: TreeTextMemory, edge: str) -> None:
    bob = shared.for_caller("bob")
    versions = {i: max(v.version for v in shared.history(i)) for i in ("bobs", "public")}
    action = {"kind": "relate", "ids": ["public", "bobs"], "edge": edge, "versions": versions, "reason": "x"}
    action |= {"confidence": 1.0, "evidence": {}}
    plan = Plan.model_validate({"id": "y", "cube": shared.cube_id, "until": 1, "looked_at": 1, "actions": {0: action}})
    assert [o.status for o in bob.reorganizer.apply(plan).outcomes] == ["skipped"]
    assert shared.check() == []


def applied(memory: TreeTextMemory, number: int, **action: Any) -> str:
    """What an action of a plan made by hand says when this caller applies it."""
    whole = {"reason": "x", "confidence": 1.0, **action}
    data = {"id": f"by-hand-{number}", "cube": memory.cube_id, "until": 1, "looked_at": 1, "actions": {0: whole}}
    (outcome,) = memory.reorganizer.apply(Plan.model_validate(data)).outcomes
    return outcome.detail if outcome.status == "skipped" else outcome.status


@pytest.mark.parametrize("kind", ActionKind)
def test_a_plan_tells_nothing_of_what_is_hidden(shared: TreeTextMemory, kind: ActionKind) -> None:
    """Whatever a hidden memory is, and whichever version is guessed, the answer is that of one that does not exist."""
    ann, bob = shared.for_caller("ann"), shared.for_caller("bob")
    ann.add([{"id": "frozen", "memory": "Ann's frozen tea."}, {"id": "deleted", "memory": "Ann's cold tea."}])
    ann.freeze("frozen")
    ann.delete("deleted")
    ann.link("secret", "PARENT", "frozen")
    own = {"bobs": shared.get("bobs").metadata.version}
    many = kind not in (ActionKind.ARCHIVE, ActionKind.EXPIRE, ActionKind.PROMOTE, ActionKind.ACTIVATE)
    options = {"edge": "RELATES_TO"} if kind in (ActionKind.RELATE, ActionKind.CONTRADICT) else {}
    options |= {"text": "Topic: tea"} if kind in (ActionKind.GROUP, ActionKind.SPLIT) else {}
    before, number = shared.content_hash(), 0
    for hidden in ("secret", "frozen", "deleted", "nowhere"):
        for version in range(4):
            for ids in ([hidden, "bobs"], ["bobs", hidden]) if many else ([hidden],):
                versions = {hidden: version, **(own if many else {})}
                number += 1
                said = applied(bob, number, kind=kind, ids=ids, versions=versions, **options)
                assert said.replace(hidden, "x").startswith("no memory 'x' in cube"), (hidden, version, said)
                assert said.replace(hidden, "x") == applied(
                    bob,
                    number + 1_000,
                    kind=kind,
                    ids=[i if i == "bobs" else "y" for i in ids],
                    versions={"y": version, **(own if many else {})},
                    **options,
                ).replace("'y'", "'x'")
    assert shared.content_hash() == before


def test_a_plan_names_nothing_hidden_where_it_breaks_a_rule(shared: TreeTextMemory) -> None:
    bob = shared.for_caller("bob")
    shared.link("secret", "PARENT", "nobodys")
    versions = {i: shared.get(i).metadata.version for i in ("bobs", "nobodys")}
    said = applied(bob, 1, kind="relate", ids=["bobs", "nobodys"], versions=versions, edge="PARENT")
    assert "rule of the graph" in said
    assert "secret" not in said


@pytest.mark.parametrize("kind", ["merge", "deduplicate", "join"])
@pytest.mark.parametrize(
    "other", [{"user_id": "bob"}, {"user_id": "ann", "visibility": "public"}, {"session_id": "s"}, {}]
)
def test_what_others_see_never_becomes_one(memory: TreeTextMemory, kind: str, other: dict[str, str]) -> None:
    memory.add({"id": "one", "memory": "Ann's secret on tea.", "user_id": "ann"}, at=day(0))
    memory.add({"id": "two", "memory": "A note on milk.", **other}, at=day(0))
    memory.add({"id": "three", "memory": "Ann's note on milk.", "user_id": "ann"}, at=day(0))
    before = memory.content_hash()
    for number, ids in enumerate((["one", "two"], ["two", "one"])):
        versions = {i: memory.get(i).metadata.version for i in ids}
        assert "never become one" in applied(memory, number, kind=kind, ids=ids, versions=versions)
    assert memory.content_hash() == before
    versions = {i: memory.get(i).metadata.version for i in ("one", "three")}
    assert applied(memory, 7, kind=kind, ids=["one", "three"], versions=versions) == "done"


def test_a_purge_of_ones_own_erases_nothing_of_others(shared: TreeTextMemory) -> None:
    ann, bob = shared.for_caller("ann"), shared.for_caller("bob")
    bob.add({"id": "source", "memory": "Bob's report."}, visibility="public")
    ann.add({"id": "derived", "memory": "Ann's private note."})
    with pytest.raises(NotAllowedError, match="DERIVED_FROM"):
        ann.link("derived", "DERIVED_FROM", "source")  # it would keep Bob from purging his own
    shared.link("derived", "DERIVED_FROM", "source")
    with pytest.raises(NotAllowedError, match="ask whoever"):
        bob.purge("source")
    assert ann.get("derived").memory == "Ann's private note."
    shared.purge("source")
    assert shared.get_by_ids(["derived"]) == []


def test_working_memory_takes_no_id_over(shared: TreeTextMemory) -> None:
    ann, bob = shared.for_caller("ann"), shared.for_caller("bob")
    ann.delete("secret")
    with pytest.raises(TreememError):
        bob.replace_working_memory([{"id": "secret", "memory": "taken"}])
    ann.restore("secret")
    assert ann.get("secret").memory == "Ann's secret on tea."


def test_a_callers_run_leaves_the_rest_to_be_looked_at(shared: TreeTextMemory) -> None:
    shared.for_caller("ann").add([{"id": "h1", "memory": "Ann likes Rome."}, {"id": "h2", "memory": "Ann likes Rome"}])
    shared.for_caller("bob").reorganizer.run()
    assert shared.reorganizer.plan().looked_at > 0


def test_one_mixed_memory_keeps_no_verb_from_the_others(memory: TreeTextMemory) -> None:
    """A memory that was nobody's and is Ann's, public, from a day on: Bob's own go, it stays as it is."""
    bob = memory.for_caller("bob")
    for name in ("long", "working"):
        verb = memory.add if name == "long" else memory.replace_working_memory
        verb([{"id": f"mixed-{name}", "memory": "It was nobody's."}])
        memory.update(f"mixed-{name}", "It is Ann's.", at=day(9_000), user_id="ann", visibility="public")
    bob.add({"id": "bobs", "memory": "Bob's."})
    bob.replace_working_memory([{"id": "kept", "memory": "Bob's work."}])
    bob.delete_all()
    left = {"mixed-long", "mixed-working"}
    assert {n["id"] for n in memory.get_all()["nodes"]} == left
    assert all(s.closed_by is None for i in left for s in memory.store.history(memory.cube_id, [i])[-2:])
