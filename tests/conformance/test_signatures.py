"""Every public signature, found by reflection, given wrong types, sizes and nestings: a result, or a TreememError."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest

from tests.helpers import Parrot
from tests.verbs import verbs
from treemem import InvalidInputError, Plan, SearchOptions, TreememError, TreeTextMemory, When


def _deep(n: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(n):
        found = [found]
    return found


def _cycle() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["self"] = found
    return found


#: Values that no parameter wants; functions make those that can be used once.
ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "zero": lambda: 0,
    "negative": lambda: -1,
    "huge": lambda: 2**70,
    "nan": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "empty": lambda: "",
    "white": lambda: " \n",
    "NUL": lambda: "a\x00b",
    "surrogate": lambda: "a\ud800b",
    "long": lambda: "x" * 200_000,
    "word": lambda: "nothing-known",
    "bytes": lambda: b"\xff\x00",
    "list": lambda: [],
    "list of None": lambda: [None],
    "list of odd things": lambda: [object(), 1, b"x"],
    "dict": lambda: {},
    "dict of odd things": lambda: {1: object(), None: None},
    "dict of text": lambda: {"a": "b"},
    "object": object,
    "set": lambda: {1, "a"},
    "class": lambda: int,
    "generator": lambda: (n for n in range(3)),
    "array": lambda: np.zeros((2, 3)),
    "deep": lambda: _deep(5_000),
    "deep dict": lambda: {"memory": "x", "metadata": {"info": {"deep": _deep(5_000)}}},
    "cycle": _cycle,
    "last day": lambda: date(9999, 12, 31),
    "first moment": lambda: datetime.fromisoformat("0001-01-01"),
    "path": lambda: Path("/dev/null/nothing"),
}


def _plan(memory: TreeTextMemory) -> Plan:
    return Plan(id="p", cube=memory.cube_id, until=0, looked_at=0, actions={})


#: What each verb needs to be called at all.
NEEDED: dict[str, Callable[[TreeTextMemory, Path], dict[str, Any]]] = {
    "add": lambda m, d: {"memories": "x"},
    "add_documents": lambda m, d: {"documents": "x"},
    "add_events": lambda m, d: {"events": {"action": "clicked"}},
    "add_messages": lambda m, d: {"messages": [{"content": "x"}]},
    "backup": lambda m, d: {"path": d / "backup.db"},
    "chat": lambda m, d: {"message": "tea", "llm": Parrot()},
    "context": lambda m, d: {"question": "tea"},
    "cube": lambda m, d: {"name": m.cube_id},
    "diff": lambda m, d: {"known_at_1": "2001-01-01"},
    "drop": lambda m, d: {"backups": d / "backups"},
    "dump": lambda m, d: {"folder": d / "dump"},
    "export": lambda m, d: {"path": d / "x.graphml"},
    "feedback": lambda m, d: {"text": "No, a drinks coffee."},
    "preferences.add": lambda m, d: {"text": "Likes tea."},
    "knowledge_bases.add_documents": lambda m, d: {"name": "handbook", "documents": "x"},
    **dict.fromkeys(
        [f"knowledge_bases.{verb}" for verb in ("documents", "get", "make", "share")], lambda m, d: {"name": "handbook"}
    ),
    "knowledge_bases.drop": lambda m, d: {"name": "handbook", "backups": d / "backups"},
    **dict.fromkeys(
        [f"knowledge_bases.{verb}" for verb in ("purge", "remove_documents")],
        lambda m, d: {"name": "handbook", "ids": "b"},
    ),
    "skills.add": lambda m, d: {"name": "press", "description": "To press it.", "steps": ["Press it."]},
    "skills.apply": lambda m, d: {"plan": m.skills.propose()},
    **dict.fromkeys(("tools.forget", "tools.get"), lambda m, d: {"name": "press"}),
    "tools.register": lambda m, d: {"schema": {"name": "press", "description": "Presses it."}},
    "tools.search": lambda m, d: {"question": "press"},
    "skills.import_": lambda m, d: {"path": d / "nothing"},
    **dict.fromkeys(("skills.export", "skills.get"), lambda m, d: {"name": "press"}),
    "preferences.forget": lambda m, d: {"memory_id": "a"},
    "from_networkx": lambda m, d: {"graph": networkx.DiGraph()},
    "get_by_ids": lambda m, d: {"ids": ["a"]},
    "get_relevant_subgraph": lambda m, d: {"query": "tea"},
    "import_": lambda m, d: {"path": d / "nothing"},
    "link": lambda m, d: {"source": "a", "type": "CAUSES", "target": "b"},
    "load": lambda m, d: {"folder": d / "nothing"},
    "path": lambda m, d: {"source": "a", "target": "b"},
    "replace_working_memory": lambda m, d: {"memories": []},
    "search": lambda m, d: {"query": "tea"},
    "subgraph": lambda m, d: {"ids": ["a"]},
    "undo": lambda m, d: {"operation": "nothing"},
    "unlink": lambda m, d: {"source": "a", "type": "CAUSES", "target": "b"},
    "update": lambda m, d: {"memory_id": "a", "new": "x"},
    "correct": lambda m, d: {"memory_id": "a", "new": "x"},
    "wait_for": lambda m, d: {"bookmarks": []},
    "with_clock": lambda m, d: {"clock": m._context.clock},
    "reorganizer.apply": lambda m, d: {"plan": _plan(m)},
    "reorganizer.schedule": lambda m, d: {"conversation": "tea"},
    "reorganizer.start": lambda m, d: {},
    "reorganizer.wait": lambda m, d: {"timeout": 0.0},
    "tasks.add": lambda m, d: {"kind": "reindex"},
    "tasks.wait": lambda m, d: {"task_id": "a", "timeout": 0.0},
    "tasks.work": lambda m, d: {"once": True},
    **dict.fromkeys(("tasks.get", "tasks.cancel", "tasks.retry"), lambda m, d: {"task_id": "a"}),
    **dict.fromkeys(
        ("archive", "delete", "remove_documents", "freeze", "purge", "restore", "unfreeze"), lambda m, d: {"ids": "b"}
    ),
    **dict.fromkeys(("expire", "explain", "get", "history", "neighbours", "subtree"), lambda m, d: {"memory_id": "a"}),
}
#: Parameters that wait, or run beside the test.
LONG = {("reorganizer.wait", "timeout"), ("reorganizer.stop", "timeout"), ("reorganizer.run", "wait")}
LONG |= {("reorganizer.apply", "wait"), ("tasks.stop", "timeout"), ("tasks.wait", "timeout")}
#: What would reach the cubes of other tests.
LONG |= {("tasks.work", "every_cube"), ("tasks.start", "every_cube"), ("tasks.work", "once")}
#: Names that metadata and further keywords may have.
KEYWORDS = {
    "add": ("metadata", "info", "tags", "embedding", "valid_from", "id", "confidence", "sources", "visibility", "key"),
    "update": ("metadata", "info", "tags", "embedding", "memory_time", "status", "visibility"),
    "add_documents": ("metadata", "info", "tags", "user_id", "sources", "key"),
    "add_events": ("metadata", "info", "tags", "user_id"),
    "add_messages": ("metadata", "info", "tags", "user_id"),
}


def parameters(memory: TreeTextMemory) -> Iterator[tuple[str, Callable[..., Any], str]]:
    for verb in verbs():
        owner = getattr(memory, verb.rpartition(".")[0]) if "." in verb else memory
        method = getattr(owner, verb.rpartition(".")[2])
        for name, parameter in inspect.signature(method).parameters.items():
            if (verb, name) in LONG:
                continue
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                yield from ((verb, method, keyword) for keyword in KEYWORDS.get(verb, ()))
            else:
                yield verb, method, name


def result(call: Callable[..., Any], arguments: dict[str, Any]) -> str | None:
    """Call, and use up what it returns; return where a raw exception came from, None if none did."""
    try:
        found = call(**arguments)
        if isinstance(found, Iterator):
            for _ in zip(range(3), found, strict=False):
                pass
    except TreememError as refused:
        return None if str(refused) else f"{type(refused).__name__} says nothing"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:80]} ({Path(place.filename).name}:{place.lineno})"
    return None


@pytest.mark.slow
def test_every_signature(memory: TreeTextMemory, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every odd value for every parameter on the embedded store; on Neo4j, whose calls take ten times as long, each
    parameter has a sixth of them, the next one another sixth.
    """
    monkeypatch.chdir(tmp_path)
    raw: list[str] = []
    tried = 0
    step = 6 if backend == "neo4j" else 1
    for place, (verb, method, name) in enumerate(parameters(memory)):
        for odd, made in list(ODD.items())[place % step :: step]:
            if verb in ("drop", "purge") or not memory.stats().memories:
                gone = [i for i in "ab" if not memory.store.history(memory.cube_id, [i])]
                memory.add([{"id": i, "memory": f"{i} drinks tea."} for i in gone])
            if odd == "class" and name in ("progress", "count_tokens"):
                continue  # a function of the caller's may raise what it likes
            arguments = {**NEEDED.get(verb, lambda m, d: {})(memory, tmp_path), name: made()}
            wrong = result(method, arguments)
            tried += 1
            if verb.endswith(".start"):
                memory.reorganizer.stop()
                memory.tasks.stop()
            if wrong is not None:
                raw.append(f"{verb}({name}={odd}): {wrong}")
    assert tried > 7_000 / step
    assert not raw, "\n".join(raw)
    assert memory.check() == []


@pytest.mark.parametrize("odd", ODD)
def test_data_classes(odd: str) -> None:
    value = ODD[odd]
    for call in (
        *(lambda n=n: SearchOptions(**{n: value()}) for n in inspect.signature(SearchOptions).parameters),
        lambda: When.at(value()),
        lambda: When.during(value(), value()),
        lambda: Plan.model_validate({"id": "p", "cube": "c", "until": 0, "looked_at": 0, "actions": {}}).only(value()),
    ):
        assert result(call, {}) is None, (odd, result(call, {}))


@pytest.mark.parametrize(
    ("given", "kwargs", "said"),
    [
        (("a",), {"as_off": "2020-01-01"}, "did you mean 'as_of'"),
        ((), {}, "memory_id is missing"),
        (("a", "b", "c"), {}, "found 3"),
        (("a",), {"memory_id": "b"}, "given twice"),
    ],
)
def test_names_of_arguments(memory: TreeTextMemory, given: Any, kwargs: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        memory.get(*given, **kwargs)
