"""Fine reading on both stores: words first, items with their evidence, items that follow what they were read from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.test_provenance import everywhere
from tests.conftest import OpenMemory
from tests.openai_server import Script, serving
from tests.readers import ANNA, COFFEE, FISH, GHENT, PORTO, RITA, SHANGHAI, ZH, claiming, reading, shown
from tests.test_fine import answered
from treemem import Added, InvalidInputError, OpenAILLM, ReadingError, ReadingReport, ReadItem, TreeTextMemory

TOKEN = "zqxquetzal"


GOOD = reading(PORTO, FISH, RITA, GHENT, COFFEE, SHANGHAI)


@pytest.fixture(scope="module")
def one_server() -> Iterator[Script]:
    with serving(GOOD) as script:
        yield script


@pytest.fixture
def server(one_server: Script) -> Script:
    one_server.default = GOOD
    one_server.next.clear()
    one_server.requests.clear()
    return one_server


@pytest.fixture
def memory(open_memory: OpenMemory, server: Script) -> TreeTextMemory:
    llm = OpenAILLM("m", base_url=server.url, api_key="k", timeout=5.0, max_retries=0)
    return open_memory(llm=llm)


def by_text(report: ReadingReport) -> dict[str, ReadItem]:
    return {item.text: item for item in report.items}


def is_there(memory: TreeTextMemory, memory_id: str) -> bool:
    return bool(memory.get_by_ids([memory_id]))


def test_words_first_then_what_they_say(memory: TreeTextMemory, server: Script) -> None:
    ids = memory.add_messages(ANNA, conversation_id="talk", mode="fine")
    assert [m.content for m in memory.messages("talk")] == [each["content"] for each in ANNA]
    assert len(server.requests) == 1
    items = {i.memory: i for i in memory.get_by_ids([n["id"] for n in memory.get_all()["nodes"]]) if i.id not in ids}
    stated = "Anna: I don't eat fish."  # a preference that was noted without a model
    assert set(items) == {PORTO[1]["text"], FISH[1]["text"], RITA[1]["text"], stated}
    home, fish, rita = (items[each[1]["text"]].metadata for each in (PORTO, FISH, RITA))
    assert (home.type, home.memory_type, home.conversation_id) == ("fact", "LongTermMemory", "talk")
    assert home.info["kind"] == "fact"
    assert (home.info["speaker"], home.info["about"], home.info["modality"]) == ("Anna", "Anna", "asserted")
    assert (home.info["prompt"], home.info["model"]) == ("read.v1", "openai/m")
    assert (fish.memory_type, fish.preference_type) == ("PreferenceMemory", "explicit_preference")
    assert fish.info["polarity"] == "negative"
    assert (rita.type, rita.info["modality"], rita.info["time"]) == ("event", "planned", "next Friday")
    assert str(rita.memory_time).startswith("2025-05-09")
    assert str(rita.valid_from) == "2025-05-07 10:02:00+00:00"
    told = memory.explain(items[RITA[1]["text"]].id)
    assert (told.kind, told.prompt, told.model, told.made_by) == ("item", "read.v1", "openai/m", "read")
    (quote,) = told.quotes
    assert (quote.source, quote.text, quote.speaker) == (ids[2], RITA[0], "Anna")
    assert str(quote.said_at) == "2025-05-07 10:02:00+00:00"
    assert "Anna, 2025-05-07 10:02: 'My sister Rita" in str(told)
    assert memory.explain(ids[0]).kind == "message"
    assert memory.check() == []


def test_reading_again_asks_for_nothing_and_stores_nothing(memory: TreeTextMemory, server: Script) -> None:
    ids = memory.add_messages(ANNA, conversation_id="talk")
    assert server.requests == []
    first = memory.read(conversation_id="talk")
    assert first.is_whole
    assert set(first.read) == set(ids)
    assert (first.windows, first.calls, len(first.added)) == (1, 1, 3)
    before = memory.content_hash()
    for report in (
        memory.read(),
        memory.read(ids),
        memory.read(since="2001-01-01"),
        memory.read(conversation_id="talk"),
    ):
        assert (report.calls, report.read, report.items) == (0, (), ())
        assert set(report.unchanged) == set(ids)
    again = memory.read(ids, again=True)
    assert again.calls == 1
    assert {item.became for item in again.items} == {"there"}
    memory.update(ids[0], tags=["home"])  # no new text
    assert memory.read().calls == 0
    assert memory.content_hash() != before
    memory.delete(first.added[0])
    memory.purge(first.added[1])
    assert memory.read(ids, again=True).added == ()  # what was deleted or erased does not come back


def test_turn_by_turn_reads_each_message_once_with_those_before(memory: TreeTextMemory, server: Script) -> None:
    for each in ANNA:
        memory.add_messages([each], conversation_id="talk", remember="all", mode="fine")
    windows = [shown(request) for request in server.requests]
    assert [[line["text"] for line in each["lines"]] for each in windows] == [[each["content"]] for each in ANNA]
    assert [len(each["before"]) for each in windows] == [0, 1, 2]
    assert windows[1]["before"][0]["text"] == ANNA[0]["content"]
    assert "Anna lives in Porto." in windows[1]["known"]


def test_short_messages_cost_one_call_for_twenty(memory: TreeTextMemory, server: Script) -> None:
    talk = [{"role": "user", "content": f"Line number {n} of a talk about tea."} for n in range(60)]
    memory.add_messages(talk, conversation_id="talk", remember="all")
    report = memory.read()
    assert len(report.read) == 60
    assert report.calls == report.windows == len(server.requests) == 3
    assert report.calls <= len(talk) / 10


def test_a_dry_run_writes_nothing(memory: TreeTextMemory) -> None:
    ids = memory.add_messages(ANNA, conversation_id="talk")
    before = memory.content_hash(), memory.stats()
    report = memory.read(ids, dry_run=True)
    assert {item.became for item in report.items} == {"found"}
    assert (memory.content_hash(), memory.stats()) == before
    assert memory.read(ids).added == tuple(item.id for item in report.items)


def test_chinese(memory: TreeTextMemory) -> None:
    memory.add_messages(ZH, conversation_id="谈话", mode="fine")
    hits = {hit.memory: hit.metadata for hit in memory.search("小王下个月去哪里？", top_k=10)}
    plan = hits["小王下个月要去上海。"]
    assert (plan.info["modality"], plan.info["kind"], plan.info["time"]) == ("quoted", "plan", "下个月")
    assert plan.info["starts"].startswith("2025-06-01")
    (coffee,) = [n for n in memory.get_all()["nodes"] if n["memory"] == "用户不喝咖啡。"]
    assert coffee["metadata"]["info"]["about"] == "user"


def test_documents_and_plain_memories_are_read_too(memory: TreeTextMemory, server: Script) -> None:
    server.default = reading(
        ("The pump wants oil every year", {"kind": "procedure", "text": "The pump wants oil every year."}),
        ("Jonas repairs boats", {"text": "Jonas repairs boats."}),
    )
    (added,) = memory.add_documents({"id": "guide", "text": "# Pump\n\nThe pump wants oil every year."}, mode="fine")
    (plain,) = memory.add("Jonas repairs boats in Faro.")
    report = memory.read()
    assert (report.read, report.unchanged) == ((plain,), added.added)
    items = {n["memory"]: n["metadata"] for n in memory.get_all()["nodes"]}
    pump = items["The pump wants oil every year."]
    assert pump["memory_type"] == "KnowledgeBaseMemory"
    (found,) = [n["id"] for n in memory.get_all()["nodes"] if n["metadata"]["info"].get("kind") == "procedure"]
    told = memory.explain(found)
    assert told.quotes[0].source in added.added
    assert told.quotes[0].role == "document"
    memory.add_documents({"id": "guide", "text": "# Pump\n\nThe pump is gone now, and nobody knows where it went."})
    assert not is_there(memory, found)
    memory.add_documents({"id": "guide", "text": "# Pump\n\nThe pump wants oil every year."})
    assert is_there(memory, found)
    assert memory.read(added.id).calls == 0


def test_what_is_known_gets_one_more_source(memory: TreeTextMemory) -> None:
    ids = memory.add_messages(ANNA, conversation_id="talk", mode="fine")
    (again,) = memory.add_messages(
        [{"role": "user", "name": "Anna", "content": "As I said, I don't eat fish.", "chat_time": "2025-06-01"}],
        conversation_id="later",
    )
    report = memory.read(again)
    (item,) = report.items
    assert (item.became, report.added) == ("known", ())
    told = memory.explain(item.id)
    assert [(quote.source, quote.again) for quote in told.quotes] == [(ids[0], False), (again, True)]
    memory.delete(ids[0])
    assert is_there(memory, item.id)  # it is still said
    gone = memory.delete(again)
    assert not is_there(memory, item.id)
    memory.undo(gone.operation)
    assert is_there(memory, item.id)
    memory.purge(again)  # its words are not from there
    memory.restore(ids[0])
    assert is_there(memory, item.id)
    assert [quote.source for quote in memory.explain(item.id).quotes] == [ids[0]]


def test_a_plain_memory_that_is_said_again_outlives_who_says_it(memory: TreeTextMemory, server: Script) -> None:
    server.default = reading(("Jonas repairs boats", {"text": "Jonas repairs boats."}))
    (plain,) = memory.add("Jonas repairs boats.", at="2025-01-01")
    memory.read()
    (said,) = memory.add_messages([{"role": "user", "content": "You know, Jonas repairs boats. Lots."}])
    assert memory.read(said).items[0].became == "known"
    memory.purge(said)
    assert memory.get(plain).memory == "Jonas repairs boats."


def test_what_somebody_said_never_becomes_one_with_what_was_read_in_it(memory: TreeTextMemory, server: Script) -> None:
    server.default = reading(("Jonas repairs boats.", {"text": "Jonas repairs boats."}))
    (said,) = memory.add_messages([{"role": "user", "content": "Jonas repairs boats."}], operation_id="o", mode="fine")
    memory.reorganizer.run(everything=True, ask=False)
    assert {n["metadata"]["status"] for n in memory.get_all()["nodes"]} == {"activated"}
    undone = memory.undo("o")  # and undoing an addition takes along what was read in it, and brings it back
    assert memory.get_all()["nodes"] == []
    memory.undo(undone.operation)
    assert len(memory.get_all()["nodes"]) == 2
    assert is_there(memory, said)
    assert memory.check() == []


def test_a_change_ends_an_item_from_when_it_is_told(memory: TreeTextMemory) -> None:
    said = memory.add_messages(ANNA, conversation_id="talk", mode="fine")
    (moved,) = memory.add_messages(
        [{"role": "user", "name": "Anna", "content": "I moved to Ghent.", "chat_time": "2025-06-01"}],
        conversation_id="talk",
    )
    report = memory.read()
    (item,) = report.items
    (porto,) = item.superseded
    assert memory.history(porto)[0].item.memory == "Anna lives in Porto."
    assert memory.get(porto, as_of="2025-05-20").memory == "Anna lives in Porto."
    assert not is_there(memory, porto)
    assert is_there(memory, said[0])  # what was said stays
    assert [(n.type, n.id) for n in memory.neighbours(item.id, types=["SUPERSEDES"], as_of="2025-06-01")] in (
        [],
        [("SUPERSEDES", porto)],
    )
    operation = next(o.id for o in memory.operations() if o.kind == "read")
    memory.undo(operation)
    assert is_there(memory, porto)
    assert not is_there(memory, item.id)
    assert is_there(memory, moved)
    assert memory.check() == []


def test_nobody_ends_what_another_said_or_what_is_not_asserted(memory: TreeTextMemory, server: Script) -> None:
    memory.add_messages(ANNA, conversation_id="talk", mode="fine")
    server.default = reading(("Anna moved to Ghent", {"text": "Anna moved to Ghent."}))
    for role, name, text in (
        ("user", "Bob", "Anna moved to Ghent."),
        ("assistant", "Helper", "Anna moved to Ghent."),
        ("user", "Anna", 'My novel begins: "Anna moved to Ghent".'),
        ("user", "Anna", "If Anna moved to Ghent, what then?"),
    ):
        one = {"role": role, "name": name, "content": text}
        (said,) = memory.add_messages([one], conversation_id="talk", remember="all")
        report = memory.read(said)
        assert [item.superseded for item in report.items] == [()], text
    assert "Anna lives in Porto." in {n["memory"] for n in memory.get_all()["nodes"]}


def test_what_contradicts_is_flagged_and_hidden_by_nothing(memory: TreeTextMemory, server: Script) -> None:
    server.default = reading(
        ("I eat fish and rice", {"text": "Anna eats fish and rice every day at home."}),
        ("I never eat fish", {"text": "Anna never eats fish and rice every day at home.", "polarity": "negative"}),
    )
    texts = ("I eat fish and rice every day at home.", "I never eat fish and rice every day at home.")
    for text in texts:
        memory.add_messages([{"role": "user", "name": "Anna", "content": text}], conversation_id="talk", mode="fine")
    items = [n for n in memory.get_all()["nodes"] if n["metadata"]["info"].get("kind")]
    assert len(items) == 2
    edges = {(e["type"]) for e in memory.get_all()["edges"]}
    assert "CONTRADICTS" in edges
    assert "SUPERSEDES" not in edges


def test_purge_erases_the_item_and_every_trace(memory: TreeTextMemory, server: Script, location: str) -> None:
    server.default = reading(
        (f"code is {TOKEN}", {"text": f"The code is {TOKEN}.", "entities": [TOKEN], "reasoning": f"{TOKEN} was said."}),
        ("Yes, that one", {"text": f"The user uses {TOKEN}.", "about": "user"}),
    )
    said = memory.add_messages(
        [
            {"role": "user", "content": f"My code is {TOKEN}."},
            {"role": "assistant", "content": "The one for the door?"},
            {"role": "user", "content": "Yes, that one."},
        ],
        conversation_id="talk",
        remember="all",
        mode="fine",
    )
    items = [n["id"] for n in memory.get_all()["nodes"] if n["metadata"]["info"].get("kind")]
    assert len(items) == 2  # the second one has the word of the message before: it goes with it
    memory.purge(said[0])
    assert memory.get_by_ids(items) == []
    assert memory.check() == []
    for text in everywhere(memory, location):
        assert TOKEN not in text.lower()


def test_what_is_private_stays_so(memory: TreeTextMemory, server: Script) -> None:
    ann, ben = memory.for_caller("ann"), memory.for_caller("ben")
    ann.add_messages(ANNA, conversation_id="talk", mode="fine")
    items = [n["id"] for n in ann.get_all()["nodes"] if n["metadata"]["info"].get("kind")]
    assert len(items) == 3
    assert ben.get_all()["nodes"] == []
    with pytest.raises(LookupError):
        ben.explain(items[0])
    assert ben.read().calls == 0
    (public,) = memory.add("Anna lives in Porto, says the town.", visibility="public", user_id="carl")
    (secret,) = memory.add("Porto is where Dora hides.", user_id="dora")
    server.requests.clear()
    memory.read(public)
    (request,) = server.requests
    assert shown(request)["known"] == []  # what others keep for themselves is not shown beside it
    memory.read(secret)
    with pytest.raises(LookupError):
        ann.read(secret)


def test_whose_it_is_follows_the_message(memory: TreeTextMemory) -> None:
    (said,) = memory.add_messages([ANNA[0]], conversation_id="talk", user_id="ann", visibility="public", mode="fine")
    ben = memory.for_caller("ben")
    assert any(hit.memory == "Anna lives in Porto." for hit in ben.search("Where does Anna live?"))
    memory.for_caller("ann").update(said, visibility="private")
    assert list(ben.search("Where does Anna live?")) == []


def test_items_end_and_change_with_what_was_said(memory: TreeTextMemory) -> None:
    ids = memory.add_messages(ANNA, conversation_id="talk")
    found = by_text(memory.read())
    home, rita = found["Anna lives in Porto."].id, found[RITA[1]["text"]].id
    ended = memory.expire(ids[0])
    assert not is_there(memory, home)
    assert memory.get(home, as_of="2025-05-20").memory == "Anna lives in Porto."
    memory.undo(ended.operation)
    assert is_there(memory, home)
    corrected = memory.correct(ids[2], "My sister Clara visits next Friday.")
    assert not is_there(memory, rita)
    memory.undo(corrected.operation)
    assert is_there(memory, rita)
    memory.correct(ids[2], "Oh, by the way: My sister Rita visits next Friday.")  # it still says so
    assert is_there(memory, rita)
    memory.delete(rita)
    memory.delete(ids[2])
    memory.restore(ids[2])
    assert not is_there(memory, rita)  # whoever deleted the item itself meant it
    memory.freeze(home)
    memory.delete(ids[0])
    assert is_there(memory, home)
    assert memory.check() == []


def test_a_failed_reading_keeps_the_words_and_goes_on(memory: TreeTextMemory, server: Script) -> None:
    server.next.append(500)
    with pytest.raises(ReadingError, match=r"the words were added, 0 of them read.*scripted 500") as failed:
        memory.add_messages(ANNA, conversation_id="talk", mode="fine")
    assert len(failed.value.ids) == 3
    assert failed.value.reason == "status"
    assert failed.value.report.failed[0].ids == failed.value.ids
    assert [m.content for m in memory.messages("talk")] == [each["content"] for each in ANNA]
    assert len(memory.read(failed.value.ids).added) == 3
    assert memory.add_messages(ANNA, conversation_id="talk", mode="fine") == list(failed.value.ids)


def test_without_a_model_nothing_is_written(open_memory: OpenMemory) -> None:
    bare = open_memory()
    for call in (
        lambda: bare.add_messages(ANNA, mode="fine"),
        lambda: bare.add_documents("A text.", mode="fine"),
        lambda: bare.read(),
    ):
        with pytest.raises(InvalidInputError, match=r"asks a language model, and there is none.*Nothing was written"):
            call()
    with pytest.raises(InvalidInputError, match="mode: wanted one of fast, fine, async, found 'deep'"):
        bare.add_messages(ANNA, mode="deep")
    assert bare.stats().states == 0


def test_what_is_asked_for_is_checked(memory: TreeTextMemory) -> None:
    (one,) = memory.add("Jonas repairs boats.")
    with pytest.raises(InvalidInputError, match="give one of ids, since and conversation_id"):
        memory.read(one, since="2025-01-01")
    with pytest.raises(LookupError, match="no memory 'nobody'"):
        memory.read("nobody")
    with pytest.raises(InvalidInputError, match="llm: read wants a language model"):
        memory.read(one, llm="gpt")  # type: ignore[arg-type]
    with pytest.raises(LookupError, match="no memory 'nobody'"):
        memory.explain("nobody")


def test_a_message_that_goes_while_it_is_read_is_left(memory: TreeTextMemory, server: Script) -> None:
    ids = memory.add_messages(ANNA, conversation_id="talk")
    model = server.default

    def meanwhile(body: dict[str, Any]) -> Any:
        memory.purge(ids[0])
        return model(body)

    server.next.append(meanwhile)
    report = memory.read(ids)
    assert [each.reason for each in report.failed] == ["changed"]
    assert report.failed[0].ids == (ids[0],)
    assert {item.text for item in report.items} == {RITA[1]["text"]}
    server.default = claiming({"text": "Anna lives in Porto.", "quote": "I live in Porto"})
    assert memory.read().calls == 0
    assert memory.check() == []


def test_words_first_and_a_worker_reads_them(memory: TreeTextMemory, server: Script) -> None:
    added = memory.add_messages(ANNA, conversation_id="talk", mode="async", operation_id="once")
    assert isinstance(added, Added)
    assert server.requests == []
    assert [m.content for m in memory.messages("talk")] == [each["content"] for each in ANNA]
    (task,) = memory.tasks.list()
    assert (added.task_ids, task.kind, task.status) == ((task.id,), "read", "waiting")
    again = memory.add_messages(ANNA, conversation_id="talk", mode="async", operation_id="once")
    assert (again, len(memory.tasks.list())) == (added, 1)
    server.next.append((503, "busy"))
    memory.tasks.work(once=True)  # this clock moves on by itself, so that the pause before another try is over at once
    done = memory.tasks.get(task.id)
    assert (done.status, done.attempts, done.result["read"], done.result["added"]) == ("done", 2, len(set(added)), 3)
    memory.tasks.add("read", {"ids": list(added)})
    memory.tasks.work(once=True)
    assert memory.tasks.list()[0].result["calls"] == 0
    (fish,) = memory.preferences.list()
    assert (fish.kind, fish.polarity) == ("explicit", "against")


def test_documents_are_read_by_a_worker(memory: TreeTextMemory, server: Script) -> None:
    added = memory.add_documents({"id": "note", "text": "# Home\n\nI live in Porto.\n"}, mode="async")
    assert isinstance(added, Added)
    assert added[0].document_id == "note"
    memory.tasks.work(once=True)
    assert memory.tasks.wait(added.task_ids[0]).status == "done"
    assert len(server.requests) == 1


def test_without_a_model_nothing_waits_for_one(open_memory: OpenMemory) -> None:
    memory = open_memory()
    with pytest.raises(InvalidInputError, match="async"):
        memory.add_messages(ANNA, mode="async")
    assert (memory.tasks.list(), memory.stats().memories) == ([], 0)


def test_a_worker_without_a_model_leaves_reading_to_another(
    open_memory: OpenMemory, memory: TreeTextMemory, server: Script
) -> None:
    added = memory.add_messages(ANNA, conversation_id="talk", mode="async")
    assert isinstance(added, Added)
    assert open_memory().tasks.work(once=True) == 0
    assert memory.tasks.get(added.task_ids[0]).status == "waiting"
    with pytest.raises(InvalidInputError, match="wants ids"):
        memory.tasks.add("read")


def test_what_a_model_takes_that_answers_badly_is_counted(memory: TreeTextMemory, server: Script) -> None:
    server.default = lambda body: answered(body, {"nonsense": 1})
    added = memory.add_messages(ANNA[:1], conversation_id="talk", mode="async")
    assert isinstance(added, Added)
    memory.tasks.work(once=True)
    task = memory.tasks.get(added.task_ids[0])
    assert task.attempts > 1
    assert task.usage.requests == 2 * task.attempts
    assert task.usage.prompt_tokens > 0
