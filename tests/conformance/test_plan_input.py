"""Plans that people write: what cannot be done is refused, and no plan and no model makes a text that is no memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import day
from treemem import InvalidInputError, LLMError, Plan, TreeTextMemory
from treemem.models.llm import LLMUsage
from treemem.reorganize import naming
from treemem.reorganize.plan import Action, ActionKind, as_reason

UNKEPT = ["a\x00b", "", "  ", "x" * 3_000_000, "half \ud800"]


def written(memory: TreeTextMemory, **action: Any) -> str:
    """A plan of one action as JSON, for memories as they are."""
    ids = action.get("ids", ["one", "two"])
    known = {i: memory.get(i).metadata.version for i in ids if isinstance(i, str) and memory.get_by_ids([i])}
    whole = {"kind": "group", "ids": ids, "versions": known, "reason": "by hand", "confidence": 1.0, **action}
    plan = {"id": "by-hand", "cube": memory.cube_id, "until": 1, "looked_at": 2, "actions": {"0": whole}}
    return json.dumps(plan)


@pytest.fixture
def two(memory: TreeTextMemory) -> TreeTextMemory:
    memory.add([{"id": "one", "memory": "Anna sails."}, {"id": "two", "memory": "Ben cooks."}], at=day(1))
    return memory


@pytest.mark.parametrize(
    "action",
    [
        *({"kind": kind, "text": text} for kind in ("group", "merge", "split") for text in UNKEPT),
        *(
            {"kind": kind, "ids": ["one"], "edge": "RELATES_TO"}
            for kind in ("relate", "contradict", "supersede", "merge", "deduplicate", "join", "group", "split")
        ),
        *({"kind": kind} for kind in ("archive", "expire", "promote", "activate")),
        *({"kind": "relate", "edge": edge} for edge in ("NOPE", None, "", "MENTIONS", "\ud800", 7)),
        {"kind": "split"},
        {"kind": "group", "edge": "NOPE"},
        {"kind": "relate", "edge": "CAUSES", "ids": ["one", "one"]},
        {"ids": ["one", "\ud800"]},
        {"ids": ["one", "a\x00b"]},
        {"ids": []},
        {"reason": "\ud800"},
        {"reason": "a\x00b"},
        {"reason": "x" * 1_000_001},
        {"evidence": {"texts": {"one": "\ud800"}}},
        {"versions": {"one": 1, "two": 1, "three": 1}},
        {"versions": {"one": -1, "two": 1}},
        {"versions": {"one": 1 << 70, "two": 1}},
        {"confidence": float("nan")},
    ],
    ids=lambda action: str(action)[:60].encode("ascii", "backslashreplace").decode(),
)
def test_an_action_that_cannot_be_done_is_refused(two: TreeTextMemory, action: dict[str, Any]) -> None:
    before = two.content_hash()
    with pytest.raises(InvalidInputError):
        Plan.from_json(written(two, **action))
    sound = Plan.from_json(written(two, text="Topic: people"))
    wrong = sound.actions[0].model_copy(update={"text": None, **action})
    with pytest.raises(InvalidInputError):
        two.reorganizer.apply(sound.model_copy(update={"actions": {0: wrong}}))
    assert two.content_hash() == before
    assert two.check() == []


@pytest.mark.parametrize("kind", ActionKind)
def test_memories_of_which_nothing_is_known_any_more_are_skipped(two: TreeTextMemory, kind: ActionKind) -> None:
    two.add({"id": "three", "memory": "Carl reads."}, operation_id="added")
    version = two.get("three").metadata.version
    two.undo("added")
    one = kind in (ActionKind.ARCHIVE, ActionKind.EXPIRE, ActionKind.PROMOTE, ActionKind.ACTIVATE)
    ids = ["three"] if one else ["three", "one"]
    versions = {i: two.get(i).metadata.version if i != "three" else version for i in ids}
    action = {"kind": kind, "ids": ids, "versions": versions, "edge": "RELATES_TO", "text": "Topic: x"}
    report = two.reorganizer.apply(Plan.from_json(written(two, **action)))
    assert [o.status for o in report.outcomes] == ["skipped"]


@pytest.mark.parametrize("id", ["", "\ud800", "a b", "x" * 200])
def test_a_plan_has_an_id_that_names_operations(two: TreeTextMemory, id: str) -> None:
    with pytest.raises(InvalidInputError):
        Plan.from_json(json.dumps({**json.loads(written(two, text="Topic: people")), "id": id}))


@pytest.mark.parametrize("text", [None, 7, "[" * 100_000, "\ud800"])
def test_what_is_no_json_is_no_plan(text: Any) -> None:
    with pytest.raises(InvalidInputError, match="plan"):
        Plan.from_json(text)


def test_texts_that_are_too_long_together_are_not_merged(open_memory: OpenMemory) -> None:
    memory = open_memory()
    memory.add([{"id": "one", "memory": "One word. " * 99_999 + "a" * 9}, {"id": "two", "memory": "Two."}])
    report = memory.reorganizer.apply(Plan.from_json(written(memory, kind="merge")))
    assert [o.status for o in report.outcomes] == ["skipped"]
    assert "1000000 fit" in report.outcomes[0].detail
    assert {i.id for i in memory.get_by_ids(["one", "two"])} == {"one", "two"}
    assert memory.check() == []


class Model:
    """A language model that names every topic alike."""

    name = "test/names"
    usage = LLMUsage()

    def __init__(self, says: str) -> None:
        self.says = says

    def complete(self, system: str, data: str, answer: Any, **_: Any) -> Any:
        raise LLMError("not asked", "refused")


@pytest.mark.parametrize("name", UNKEPT)
def test_a_name_that_cannot_be_kept_leaves_the_one_by_words(
    open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    memory = open_memory()
    texts = [f"The boat called {name} lies in the old harbour." for name in ("Alba", "Brisa", "Coral", "Duna")]
    memory.add([{"id": f"boat{n}", "memory": text} for n, text in enumerate(texts)], at=day(1))

    def ask(_: Any, __: str, data: str, wanted: Any, **___: Any) -> Any:
        groups = [{"n": group["n"], "name": name} for group in json.loads(data)["groups"]]
        value = wanted.model_construct(groups=[naming._Name.model_construct(**group) for group in groups])
        return type("Answer", (), {"value": value, "usage": LLMUsage()})

    monkeypatch.setattr(naming, "ask", ask)
    by_words = memory.reorganizer.plan(group=True, kinds=["group"])
    (kept,) = by_words.actions.values()
    (found,), notes, _ = naming.named(Model(name), [kept])  # type: ignore[arg-type]
    if len(name) < 100:
        assert found.text == kept.text
        assert len(notes) == 1
    memory.reorganizer.apply(by_words.model_copy(update={"actions": {0: found}}))
    (tree,) = memory.tree()
    assert len(tree.item.memory) < 100
    assert memory.check() == []


@pytest.mark.parametrize("reason", ["a\x00b", "x" * 2_000_000, "half \ud800", ""])
def test_what_a_model_says_becomes_a_reason(reason: str) -> None:
    action = Action(kind="archive", ids=("one",), versions={"one": 1}, reason=as_reason(reason), confidence=1)
    assert len(action.reason) <= 500
    action.model_dump_json()
