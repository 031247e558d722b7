"""What a search can be asked for beside its words, and that each stage can be switched off; on both stores."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from treemem import (
    CallableReranker,
    InvalidInputError,
    SearchOptions,
    StoreTimeoutError,
    TreeTextMemory,
)
from treemem.store.neo4j.store import Neo4jStore
from treemem.store.protocol import Recall, Subgraph

TALK = [
    ("Mira met Jonas in Porto.", 0),
    ("Jonas works at the harbour.", 1),
    ("The harbour closes in May.", 2),
    ("Mira paints boats.", 3),
    ("Boats are repaired at the harbour.", 4),
    ("Porto has a long bridge.", 5),
]


def filled(memory: TreeTextMemory) -> TreeTextMemory:
    memory.add_messages(
        [{"id": f"t{n}", "content": text, "chat_time": day(n)} for n, (text, _) in enumerate(TALK)],
        conversation_id="harbour",
    )
    return memory


def test_one_hop_two_and_three(memory: TreeTextMemory) -> None:
    ids = memory.add([{"id": f"n{i}", "memory": text} for i, text in enumerate(["alpha", "beta", "gamma", "delta"])])
    for source, target in itertools.pairwise(ids):
        memory.link(source, "CAUSES", target)
    only = {"vector_limit": 0, "walk_seeds": 1}
    for hops in range(4):
        found = memory.search("alpha", options=SearchOptions(hops=hops, **only))
        assert [hit.id for hit in found] == ids[: hops + 1]
        assert [len(hit.path) for hit in found] == list(range(hops + 1))


def test_every_stage_can_be_switched_off(memory: TreeTextMemory) -> None:
    filled(memory)
    question = "Where does Jonas work?"
    everything = memory.search(question, explain=True)
    assert everything.explanation is not None
    assert [s.name for s in everything.explanation.stages] == ["embed", "read", "rank", "settle", "finish"]

    def account(**options: Any) -> tuple[Any, Any]:
        result = memory.search(question, options=SearchOptions(**options), explain=True)
        assert result.explanation is not None
        return result, dict(result.explanation.stages[1].sizes)

    assert account(vector_limit=0)[1]["vector seeds"] == 0
    assert account(text_limit=0)[1]["text seeds"] == 0
    unwalked, sizes = account(hops=0)
    assert sizes["edges"] == 0
    assert all(not hit.path for hit in unwalked)
    assert account(edge_types=["FOLLOWS"])[1]["names"] == 0
    assert account(fan_out=1)[1]["edges"] < dict(everything.explanation.stages[1].sizes)["edges"]
    plain, _ = account(walk_weight=0, hops=0, confidence_weight=0, supersession=False)
    assert plain[0].path == ()


def test_more_than_a_few_of_a_type_are_left_out(memory: TreeTextMemory) -> None:
    memory.add([f"Anna likes tea number {i}." for i in range(6)], memory_type="UserMemory")
    memory.add([f"Tea shop number {i} is near Anna." for i in range(6)])
    found = memory.search("Anna tea", 8, limits={"UserMemory": 2})
    kinds = Counter(hit.metadata.memory_type for hit in found)
    assert kinds == {"UserMemory": 2, "LongTermMemory": 6}
    assert not memory.search("Anna tea", limits={"UserMemory": 0, "LongTermMemory": 0})
    with pytest.raises(InvalidInputError, match="limits"):
        memory.search("Anna", limits={"Dreams": 1})
    with pytest.raises(InvalidInputError, match="limits"):
        memory.search("Anna", limits={"UserMemory": -1})


def test_repetition_is_left_out_or_weighed(memory: TreeTextMemory) -> None:
    memory.add(["Anna likes green tea."] * 3, tags=["same"])
    memory.add(["Anna likes red tea from Porto.", "Ben likes coffee."])
    assert len(memory.search("Anna likes green tea", 4)) == 4
    alike = memory.search("Anna likes green tea", 5, dedup="similarity")
    assert sorted(Counter(hit.memory for hit in alike).values()) == [1, 1, 1]
    spread = memory.search("Anna likes green tea", 2, dedup="mmr", options=SearchOptions(mmr_relevance=0.3))
    assert len({hit.memory for hit in spread}) == 2
    assert all(hit.metadata.embedding is None for hit in (*alike, *spread))
    with pytest.raises(InvalidInputError, match="dedup"):
        memory.search("Anna", dedup="all")  # type: ignore[arg-type]


def test_the_conversation_that_goes_on_is_preferred(memory: TreeTextMemory) -> None:
    for name in ("one", "two"):
        memory.add_messages(
            [{"id": name, "content": "The train leaves at nine.", "chat_time": day(1)}], conversation_id=name
        )
    assert memory.search("When does the train leave?", conversation_id="two")[0].id == "two"
    assert memory.search("When does the train leave?", conversation_id="one")[0].id == "one"


def test_priors_weigh_alike_answers(memory: TreeTextMemory) -> None:
    memory.add([{"id": "sure", "memory": "The lake is cold."}], at=day(1))
    memory.add([{"id": "unsure", "memory": "The lake is cold.", "metadata": {"confidence": 20}}], at=day(300))
    assert [hit.id for hit in memory.search("lake cold")] == ["sure", "unsure"]
    newer = SearchOptions(confidence_weight=0, recency_weight=0.5)
    assert [hit.id for hit in memory.search("lake cold", options=newer)] == ["unsure", "sure"]


def test_what_a_person_said_comes_before_what_an_assistant_said(memory: TreeTextMemory) -> None:
    said = "The train to Porto leaves at nine."
    memory.add_messages(
        [
            {"id": "answer", "role": "assistant", "content": said, "chat_time": day(1)},
            {"id": "told", "role": "user", "content": said, "chat_time": day(2)},
        ]
    )

    def gain(question: str, **options: float) -> float:
        hits = {hit.id: hit.score for hit in memory.search(question, options=SearchOptions(**options))}  # type: ignore[arg-type]
        return hits["told"] - hits["answer"]

    assert gain("When does the train to Porto leave?") > gain("When does the train to Porto leave?", assistant_weight=0)
    for question in ("When did you say the train to Porto leaves?", "你说去 Porto 的 train 几点？"):
        assert gain(question) == gain(question, assistant_weight=0)


def test_what_a_message_tells_comes_before_what_it_asks(memory: TreeTextMemory) -> None:
    memory.add_messages(
        [
            {"id": "asks", "role": "user", "content": "When does the train to Porto leave?", "chat_time": day(1)},
            {"id": "tells", "role": "user", "content": "When the train to Porto leaves, I wave.", "chat_time": day(2)},
        ]
    )

    def gain(question: str, **options: float) -> float:
        hits = {hit.id: hit.score for hit in memory.search(question, options=SearchOptions(**options))}  # type: ignore[arg-type]
        return hits["tells"] - hits["asks"]

    assert gain("When does the train to Porto leave?") > gain("When does the train to Porto leave?", question_weight=0)
    asked = "What was asked about the train to Porto?"
    assert gain(asked) == pytest.approx(gain(asked, question_weight=0), abs=1e-3)  # the text index weighs by all cubes


def test_what_somebody_said_whom_the_question_names_comes_first(memory: TreeTextMemory) -> None:
    said = "The lake was far too cold to swim in."
    memory.add_messages(
        [
            {"id": f"m{i}", "role": "user", "name": name, "content": said, "chat_time": day(1)}
            for i, name in enumerate(("Ana", "Ben Ode"))
        ],
    )

    def gain(question: str, **options: float) -> float:
        hits = {hit.id: hit.score for hit in memory.search(question, options=SearchOptions(**options))}  # type: ignore[arg-type]
        return hits["m1"] - hits["m0"]

    asked = "What did Ben Ode say of the lake?"
    assert gain(asked) > gain(asked, speaker_weight=0)
    assert gain("What of the lake, Ode?") == pytest.approx(gain("What of the lake, Ode?", speaker_weight=0), rel=1e-5)


def test_a_reranker_orders_and_a_failing_one_degrades(open_memory: OpenMemory) -> None:
    filled(open_memory())

    def by_length(_: str, texts: Sequence[str]) -> list[float]:
        return [-float(len(text)) for text in texts]

    result = open_memory(reranker=CallableReranker(by_length)).search("Jonas harbour", 6)
    texts = [hit.memory for hit in result]
    assert texts == sorted(texts, key=len)
    assert result[0].score == 1.0
    assert result.degraded == ()

    def broken(_: str, texts: Sequence[str]) -> list[float]:
        raise RuntimeError("no more memory on the device")

    bare = [hit.id for hit in open_memory().search("Jonas harbour", 6)]
    faults: list[Callable[[str, Sequence[str]], list[float]]] = [
        broken,
        lambda _, texts: [1.0],
        lambda _, texts: [float("nan")] * len(texts),
    ]
    for fault in faults:
        memory = open_memory(reranker=CallableReranker(fault, "faulty"))
        found = memory.search("Jonas harbour", 6)
        assert [hit.id for hit in found] == bare
        assert "faulty failed" in found.degraded[0]
    off = open_memory(reranker=CallableReranker(broken)).search("Jonas harbour", 6, options=SearchOptions(rerank=0))
    assert off.degraded == ()


def test_a_reranker_does_not_put_the_stale_before_the_new(open_memory: OpenMemory) -> None:
    memory = open_memory(reranker=CallableReranker(lambda _, texts: [float("lives" in text) for text in texts]))
    memory.add_messages(
        [
            {"id": "old", "content": "I live in Beijing, where my sister lives.", "chat_time": day(1)},
            {"id": "new", "content": "I moved to Shanghai.", "chat_time": day(100)},
        ]
    )
    found = memory.search("Where do I live now?")
    assert [hit.id for hit in found][:2] == ["new", "old"]
    assert found[1].superseded_by == "new"


def test_the_relevant_subgraph(memory: TreeTextMemory) -> None:
    filled(memory)
    graph = memory.get_relevant_subgraph("harbour", 2, depth=1)
    plain = graph.plain()
    ids = {node["id"] for node in plain["nodes"]}
    assert all({edge["source"], edge["target"]} <= ids for edge in plain["edges"])
    assert {"FOLLOWS", "MENTIONS"} <= {edge["type"] for edge in plain["edges"]}
    assert plain["nodes"][0]["score"] == 1.0
    assert graph.to_networkx().number_of_nodes() == len(plain["nodes"])
    assert len(memory.get_relevant_subgraph("nothing at all", 1, depth=0).memories) <= 1
    with pytest.raises(InvalidInputError, match="cube"):
        memory.get_relevant_subgraph("harbour", cubes=[memory.cube_id])


class SlowStore:
    """A store whose walk takes long, so many seconds for 0, 1, 2 hops; a recall that was given less gives up."""

    def __init__(self, store: Any, seconds: Sequence[float]) -> None:
        self._store = store
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def recall(self, recall: Recall, pick: Any) -> tuple[Subgraph, list[Any]]:
        needed = self._seconds[recall.hops]
        if recall.seconds is not None and needed > recall.seconds:
            time.sleep(recall.seconds)
            raise StoreTimeoutError("slow")
        time.sleep(needed)
        result: tuple[Subgraph, list[Any]] = self._store.recall(replace(recall, seconds=None), pick)
        return result


def test_a_slow_store_gets_a_shorter_walk(memory: TreeTextMemory) -> None:
    filled(memory)
    slow = TreeTextMemory(
        memory._context.config,
        embedder=memory._context.embedder,
        clock=memory._context.clock,
        store=SlowStore(memory.store, (0, 0.05, 2.0)),
    )
    assert slow.search("harbour").degraded == ()
    one = slow.search("harbour", budget=3)
    assert one.degraded == ("a walk of 2 hops did not fit the time budget: 1 hop",)
    started = time.perf_counter()
    none = slow.search("harbour", budget=0.05, explain=True)
    assert time.perf_counter() - started < 2
    assert none.degraded[-1] == "a walk of 1 hop did not fit the time budget: the seeds alone"
    assert [hit.id for hit in none] == [hit.id for hit in slow.search("harbour", options=SearchOptions(hops=0))]


@pytest.mark.filterwarnings("ignore:unclosed  Session:ResourceWarning")  # neo4j's, where its connection went under it
def test_the_store_keeps_its_time(memory: TreeTextMemory) -> None:
    filled(memory)
    result = memory.search("harbour", budget=0.0)
    assert len(result) > 0
    assert "the seeds alone" in result.degraded[-1]
    tight = memory.search("harbour", budget=0.000_5)
    assert [hit.id for hit in tight] == [hit.id for hit in result]
    assert memory.search("harbour", budget=60).degraded == ()
    with pytest.raises(InvalidInputError, match="budget"):
        memory.search("harbour", budget=-1)


@pytest.mark.neo4j
def test_a_search_is_three_statements_or_two(neo4j_uri: str) -> None:
    """The time, the walk, the texts; a fourth only where a filter that the index cannot express leaves too few, and one
    for what was said before, where there are messages among the hits. Where the time stood still between two searches,
    the third does not ask for it.
    """
    memory = TreeTextMemory.open(
        neo4j_uri, cube=fresh_cube(), embedder=HashEmbedder(), clock=FakeClock(), record_usage=False
    )
    with memory:
        filled(memory)
        memory.add([f"Filler number {n} about the harbour." for n in range(60)], tags=["filler"])
        store = memory.store
        assert isinstance(store, Neo4jStore)

        def statements(**search: Any) -> int:
            before = store.statements
            memory.search("Where does Jonas work?", **search)
            return store.statements - before

        assert statements() == 4
        plain = {"memory_types": ["OuterMemory"]}
        memory.add([f"Jonas works at place {n}." for n in range(5)], memory_type="OuterMemory")
        assert statements(**plain) == 3
        assert statements(explain=True, dedup="mmr", limits={"UserMemory": 1}, as_of=day(100)) == 4
        assert statements(options=SearchOptions(hops=3), **plain) == 2
        assert statements(filter={"status": "activated"}, **plain) == 2
        assert statements(known_at=memory.operations()[0].recorded_at, **plain) == 2
        memory.add("A rare one.", tags=["rare"])
        assert statements(filter={"tags": {"contains": "rare"}}) == 5, "the time that it took for granted had gone on"


def test_search_goes_on_beside_writes(open_memory: OpenMemory) -> None:
    """Read committed: every hit is a state that was committed, whole, and the count never falls."""
    memory = open_memory()
    memory.add([{"id": f"k{n}", "memory": "The kettle is blue."} for n in range(3)], at=day(1))
    stop = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for n in range(40):
                memory.update(f"k{n % 3}", f"The kettle is blue, said {n}.", at=day(2))
        except BaseException as error:
            failures.append(error)
        finally:
            stop.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not stop.is_set():
        hits = memory.search("kettle blue")
        assert len({hit.id for hit in hits}) == len(hits) <= 3
        assert all(hit.memory.startswith("The kettle is blue") for hit in hits)
    thread.join()
    assert not failures
    assert {hit.id for hit in memory.search("kettle blue")} == {"k0", "k1", "k2"}


@pytest.mark.parametrize(
    "query",
    [
        "a", "我", "?", " . ", "the of and", "🙂", "🙂🙂 !!", "x" * 10_000, "why " * 2_500, "AND OR NOT", 'a" OR "b',
        "(((", "title:*", "+a -b !c && || ^2 ~1 [a TO b] {a TO b} \\ /.*/", "NEAR(a b, 3)", "a*", '"',
        "'; DROP TABLE state; --",
        "*:*", "\u0301", "\u200b", "$cube", "{}", "`",
    ],
)  # fmt: skip
def test_odd_questions_are_answered(memory: TreeTextMemory, query: str) -> None:
    memory.add(["Anna lives in Porto.", "我住在北京。", "🙂 is a smile"])
    assert len(memory.search(query)) <= 3
    assert len(memory.search(query, options=SearchOptions(vector_limit=0))) <= 3


def test_mixed_chinese_and_english(memory: TreeTextMemory) -> None:
    memory.add(
        [
            {"id": "dev", "memory": "用户喜欢用Python写数据分析脚本。"},
            {"id": "trip", "memory": "我预订了去广州的暑假旅行,想住7 Days Inn连锁酒店。"},
            {"id": "tea", "memory": "She likes 龙井茶 from Hangzhou."},
            {"id": "dog", "memory": "小狗的名字叫Max。"},
        ]
    )
    for question, wanted in [
        ("他用什么语言做数据分析?", "dev"),
        ("广州有什么酒店", "trip"),
        ("龙井", "tea"),
        ("what is the name of the dog, 小狗?", "dog"),
        ("Python 脚本", "dev"),
    ]:
        found = memory.search(question, options=SearchOptions(vector_limit=0))
        assert found[0].id == wanted, question


def test_what_says_it_itself_comes_before_the_remark_behind_it(memory: TreeTextMemory) -> None:
    """The walk gives a remark nearly what the statement before it has; `told_weight` tells them apart."""
    said = [
        ("Ana", "Good morning, it is cold today."),
        ("Ana", "My sister has adopted a grey parrot from the shelter."),
        ("Ben", "How lovely, what a nice thing to do for it, I am so glad for all of you."),
        ("Ana", "We will have lunch on Sunday."),
    ]
    memory.add_messages(
        [{"id": f"p{n}", "name": name, "content": text, "chat_time": day(1)} for n, (name, text) in enumerate(said)],
        conversation_id="parrot",
    )
    alone = SearchOptions(vector_limit=0, session_weight=0)
    question = "Who has adopted the parrot from the shelter?"
    before = memory.search(question, 4, options=replace(alone, told_weight=0), when="now")
    after = memory.search(question, 4, options=alone, when="now")
    share = {name: {hit.id: hit.score for hit in hits} for name, hits in (("before", before), ("after", after))}
    assert after[0].id == "p1"
    assert {hit.id for hit in after} == {hit.id for hit in before}
    assert share["after"]["p2"] < 0.5 * share["before"]["p2"]
