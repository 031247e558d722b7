"""Chats that other programs exported are read whole: who said what and when; importing again adds nothing."""

from __future__ import annotations

import gzip
import json
import os
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import HashEmbedder
from treemem import InvalidInputError, TreeTextMemory
from treemem.exchange.formats import FORMATS
from treemem.ingest.exports import READERS, read_export


def node(key: str, parent: str | None, role: str, *parts: Any, at: float = 0.0, **message: Any) -> dict[str, Any]:
    said = {"id": f"m-{key}", "author": {"role": role}, "create_time": 1_736_503_200.5 + at, **message}
    return {"id": key, "parent": parent, "children": [], "message": {**said, "content": {"parts": list(parts)}}}


CHATGPT = [
    {
        "title": "Bees",
        "conversation_id": "c-1",
        "current_node": "d",
        "mapping": {
            "root": {"id": "root", "parent": None, "children": ["a"], "message": None},
            "a": node("a", "root", "system", "", metadata={"is_visually_hidden_from_conversation": True}),
            "b": node("b", "a", "user", "I keep bees.", {"asset_pointer": "file-1"}, at=1),
            "x": node("x", "b", "assistant", "An answer that was thrown away.", at=2),
            "c": node("c", "b", "assistant", "What breed?", at=3),
            "d": node("d", "c", "user", "Carniolan.", at=4),
        },
    }
]
SECOND = json.loads(json.dumps(CHATGPT).replace('"m-', '"n-').replace("c-1", "c-2"))
CLAUDE = [
    {
        "uuid": "talk-1",
        "name": "Bees",
        "chat_messages": [
            {"uuid": "a", "sender": "human", "text": "I keep bees.", "created_at": "2025-01-10T10:00:01Z"},
            {
                "uuid": "b",
                "sender": "assistant",
                "text": "",
                "content": [{"type": "text", "text": "What breed?"}],
                "created_at": "2025-01-10T10:00:02Z",
            },
        ],
    }
]
TELEGRAM = {
    "name": "Bo",
    "type": "personal_chat",
    "id": 17,
    "messages": [
        {"id": 1, "type": "service", "date_unixtime": "1736503200", "action": "create"},
        {"id": 2, "type": "message", "date_unixtime": "1736503201", "from": "Bo", "text": "I keep bees."},
        {
            "id": 3,
            "type": "message",
            "date_unixtime": "1736503201",
            "from": "Ann",
            "text": ["See ", {"type": "link", "text": "example.org"}, "!"],
        },
        {"id": 4, "type": "message", "date_unixtime": "1736503202", "from": "Bo", "text": "", "photo": "1.jpg"},
    ],
}
SLACK_USERS = [{"id": "U1", "name": "bo", "profile": {"real_name": "Bo Bee"}}, {"id": "U2", "name": "ann"}]
SLACK_DAY = [
    {"type": "message", "user": "U2", "text": "What breed, <@U1>?", "ts": "1736503202.000200"},
    {"type": "message", "user": "U1", "text": "I keep bees.", "ts": "1736503201.000100"},
    {"type": "message", "subtype": "channel_join", "user": "U2", "text": "joined", "ts": "1736503200.000100"},
]
WHATSAPP = {
    "german": "10.01.25, 10:00 - Nachrichten sind verschlüsselt.\n10.01.25, 10:00 - Bo: I keep bees.\nTwo hives.\n"
    "31.01.25, 22:05 - Ann: What breed: Carniolan?\n",
    "ios": "\u200e[10/01/2025, 10:00:00] Bo: I keep bees.\nTwo hives.\n"
    "[31/01/2025, 22:05:00] Ann: What breed: Carniolan?\n",
    "american": "1/10/25, 10:00\u202fAM - Bo: I keep bees.\nTwo hives.\n"
    "1/31/25, 10:05\u202fPM - Ann: What breed: Carniolan?\n",
    "iso": "2025-01-10, 10:00 - Bo: I keep bees.\r\nTwo hives.\r\n2025-01-31, 22:05 - Ann: What breed: Carniolan?\r\n",
}
FINETUNING = [
    {"messages": [{"role": "user", "content": "yes"}]},
    {"messages": [{"role": "assistant", "content": "ok"}]},
]
LANGCHAIN = [
    {"type": "human", "data": {"content": "I keep bees."}},
    {"type": "ai", "data": {"content": "What breed?"}},
]


def written(folder: Path, name: str, data: Any) -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data, ensure_ascii=False), "utf-8")
    return path


def imported(path: Path, format: str = "auto") -> list[list[tuple[str, str | None, str]]]:
    """What the memory has after importing twice: per conversation who said what."""
    with TreeTextMemory.open(path.parent / f"{path.name}.db", embedder=HashEmbedder()) as memory:
        chats = read_export(path, format)[1]
        for _ in range(2):
            for chat in chats:
                operation = chat.id if chat.exact else None
                memory.add_messages(chat.messages, conversation_id=chat.id, operation_id=operation)
        return [[(m.role, m.name, m.content) for m in memory.messages(chat.id)] for chat in chats]


TOLD = [("user", "Bo", "I keep bees."), ("user", "Ann", "See example.org!"), ("user", "Bo", "")]
PLAIN = '{"role": "user", "content": "one\u2028two"}\n{"role": "assistant", "content": "What breed?"}\n'
ASKED = [("user", None, "I keep bees."), ("assistant", None, "What breed?")]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("conversations.json", CHATGPT, [[*ASKED, ("user", None, "Carniolan.")]]),
        ("claude.json", CLAUDE, [ASKED]),
        ("result.json", TELEGRAM, [TOLD]),
        ("all.json", {"chats": {"list": [TELEGRAM]}}, [TOLD]),
        ("2025-01-10.json", SLACK_DAY, [[("user", "U1", "I keep bees."), ("user", "U2", "What breed, @U1?")]]),
        ("tune.jsonl", "\n".join(map(json.dumps, FINETUNING)), [[("user", None, "yes")], [("assistant", None, "ok")]]),
        ("chain.json", LANGCHAIN, [ASKED]),
        ("plain.jsonl", PLAIN, [[("user", None, "one\u2028two"), ASKED[1]]]),
    ],
)
def test_an_export_is_read(tmp_path: Path, name: str, data: Any, expected: Any) -> None:
    assert imported(written(tmp_path, name, data)) == expected


@pytest.mark.parametrize("kind", WHATSAPP)
def test_whatsapp(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, "WhatsApp Chat with Bo.txt", WHATSAPP[kind])
    (chat,) = read_export(path)[1]
    assert [m["chat_time"] for m in chat.messages] == ["2025-01-10T10:00:00", "2025-01-31T22:05:00"]
    assert imported(path) == [[("user", "Bo", "I keep bees.\nTwo hives."), ("user", "Ann", "What breed: Carniolan?")]]
    with zipfile.ZipFile(tmp_path / "chat.zip", "w") as archive:
        archive.write(path, "_chat.txt")
    assert imported(tmp_path / "chat.zip") == imported(path)


def test_slack_folder_and_zip(tmp_path: Path) -> None:
    (tmp_path / "export" / "general").mkdir(parents=True)
    written(tmp_path / "export", "users.json", SLACK_USERS)
    written(tmp_path / "export" / "general", "2025-01-10.json", SLACK_DAY)
    expected = [[("user", "Bo Bee", "I keep bees."), ("user", "ann", "What breed, @Bo Bee?")]]
    assert imported(tmp_path / "export") == expected
    with zipfile.ZipFile(tmp_path / "slack.zip", "w") as archive:
        for file in (tmp_path / "export").rglob("*.json"):
            archive.write(file, str(file.relative_to(tmp_path / "export")))
    assert imported(tmp_path / "slack.zip") == expected


@pytest.mark.parametrize(
    "text", ["", "just a note\nand another", "{", "[1, 2]", "{}", "[]", '{"a": 1}', "[" * 100_000, "null", "7", "\x00"]
)
def test_what_is_no_export_is_refused(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, "odd.json", text)
    with pytest.raises(InvalidInputError):
        read_export(path)[1]
    for name in READERS:
        with suppress(InvalidInputError):
            assert not any(chat.messages for chat in read_export(path, name)[1] if name != "messages")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_export(tmp_path / "missing.json")[1]
    (tmp_path / "latin.txt").write_bytes("10.01.25, 10:00 - Bo: hé".encode("latin-1"))
    with pytest.raises(InvalidInputError, match="UTF-8"):
        read_export(tmp_path / "latin.txt")[1]
    with pytest.raises(InvalidInputError, match="format"):
        read_export(tmp_path / "latin.txt", "word")[1]
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04" + b"\x00" * 40)
    with pytest.raises(InvalidInputError):
        read_export(tmp_path / "bad.zip")[1]


@pytest.mark.parametrize("folder", ["", "export-2025/"])
@pytest.mark.parametrize(
    ("name", "members", "expected"),
    [
        (
            "chatgpt",
            {"conversations.json": CHATGPT, "user.json": {"id": "u"}, "message_feedback.json": [], "chat.html": "<p>"},
            [[*ASKED, ("user", None, "Carniolan.")]],
        ),
        (
            "chatgpt",
            {
                "conversations-000.json": CHATGPT,
                "conversations-001.json": SECOND,
                "shared_conversations.json": [{"id": "s", "conversation_id": "c-1", "title": "Bees"}],
            },
            2 * [[*ASKED, ("user", None, "Carniolan.")]],
        ),
        ("claude", {"conversations.json": CLAUDE, "users.json": [{"uuid": "u"}], "projects.json": []}, [ASKED]),
        ("telegram", {"result.json": TELEGRAM, "messages.txt": "x"}, [TOLD]),
        ("claude", {"talks.json": CLAUDE}, [ASKED]),
        (
            "finetuning",
            {"tune.jsonl": "\n".join(map(json.dumps, FINETUNING))},
            [[("user", None, "yes")], [(*ASKED[1][:2], "ok")]],
        ),
    ],
)
def test_archives_and_folders_of_exports(
    tmp_path: Path, folder: str, name: str, members: dict[str, Any], expected: Any
) -> None:
    texts = {folder + n: d if isinstance(d, str) else json.dumps(d) for n, d in members.items()}
    beside = {"__MACOSX/._conversations.json": b"\x00\x05\xff"}  # what macOS puts into archives
    path = _zipped(tmp_path / "export.zip", {**{n: t.encode() for n, t in texts.items()}, **beside})
    for format in ("auto", name):
        assert read_export(path, format)[0] == name
        assert imported(path, format) == expected
    for file, text in texts.items():
        (tmp_path / "unpacked" / file).parent.mkdir(parents=True, exist_ok=True)
        written(tmp_path / "unpacked", file, text)
    if name != "finetuning":
        assert read_export(tmp_path / "unpacked")[0] == name
        assert len(read_export(tmp_path / "unpacked", name)[1]) == len(expected)


def test_what_lies_beside_a_conversation_does_not_matter(tmp_path: Path) -> None:
    beside = {"file-1.txt": "caf\u00e9".encode("latin-1"), "file-2.json": b"{", "file-3.json": b"\xff\x00"}
    path = _zipped(tmp_path / "g.zip", {"conversations.json": json.dumps(CHATGPT).encode(), **beside})
    assert read_export(path)[0] == "chatgpt"
    (tmp_path / "g").mkdir()
    for name, content in {"result.json": json.dumps(TELEGRAM).encode(), **beside}.items():
        (tmp_path / "g" / name).write_bytes(content)
    assert read_export(tmp_path / "g")[0] == "telegram"
    broken = _zipped(tmp_path / "b.zip", {"conversations.json": json.dumps(CHATGPT)[:-9].encode(), "user.json": b"{}"})
    for format in ("auto", "claude"):
        with pytest.raises(InvalidInputError, match=r"conversations.json: no JSON"):
            read_export(broken, format)


def constructed(kind: str, **fields: Any) -> dict[str, Any]:
    """A message as LangChain's `dumpd` writes it."""
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": fields}


DUMPED = [
    constructed("HumanMessage", content="I keep bees.", type="human"),
    constructed("AIMessage", content="What breed?"),
]
TEXTS = [json.dumps(each) for each in LANGCHAIN]
ROWS = [{"id": n, "session_id": s, "message": text} for n, (s, text) in enumerate(zip("aabb", 2 * TEXTS, strict=True))]
CHAIN_STATE = {"messages": DUMPED, "turns": 1}
CRITIC = {"type": "chat", "data": {"content": "Too short.", "role": "critic", "type": "chat"}}
CHUNK = {"type": "AIMessageChunk", "data": {"content": "What breed?", "type": "AIMessageChunk", "tool_call_chunks": []}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (DUMPED, [ASKED]),
        (CHAIN_STATE, [ASKED]),
        ({"values": CHAIN_STATE, "next": []}, [ASKED]),
        ({"messages": [{"type": "human", "content": "I keep bees."}, {**CHUNK["data"]}]}, [ASKED]),
        ([*LANGCHAIN, CRITIC], [[*ASKED, ("user", "critic", "Too short.")]]),
        ([LANGCHAIN[0], CHUNK], [ASKED]),
        (
            [*LANGCHAIN, {"type": "chat", "data": {"content": "Buzz.", "role": "assistant"}}],
            [[*ASKED, (*ASKED[1][:2], "Buzz.")]],
        ),
        (ROWS, [ASKED, ASKED]),
        (ROWS[::-1], [ASKED, ASKED]),
        ([{"session_id": 7, "message": json.loads(text)} for text in TEXTS], [ASKED]),
        ([{"SessionId": "x", "History": text} for text in TEXTS], [ASKED]),
        (TEXTS, [ASKED]),
        (TEXTS[::-1], [ASKED]),
        ({"first": LANGCHAIN, "second": DUMPED}, [ASKED, ASKED]),
    ],
)
def test_histories_of_langchain(tmp_path: Path, data: Any, expected: Any) -> None:
    path = written(tmp_path, "chain.json", data)
    assert read_export(path)[0] == "messages"
    assert imported(path) == expected


def test_two_users_read_one_history_of_langchain(tmp_path: Path) -> None:
    said = [constructed(kind, content=text, id=f"run-{text}") for kind, text in (("HumanMessage", "I keep bees."),) * 2]
    said[1] = constructed("AIMessage", content="What breed?", id="run-2")
    named = [{**each, "data": {**each["data"], "id": f"n-{n}"}} for n, each in enumerate(LANGCHAIN)]
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        for data in (said, named):
            path = written(tmp_path, f"chain-{len(data[0])}.json", data)
            for user in ("ann", "ben"):
                view = memory.for_caller(user)
                for new in (2, 0):
                    assert view.import_(path, remember="all").memories == new
                found = [(m.role, m.name, m.content) for m in view.messages(path.stem)]
                assert found == ASKED
        half = written(tmp_path, "half.json", '[{"role": "user", "content": "hi", "id": "\\ud800"}]')
        for view in (memory, memory.for_caller("ann")):
            with pytest.raises(InvalidInputError, match="id"):
                view.import_(half)


def test_a_state_of_langgraph_may_grow(tmp_path: Path) -> None:
    path = written(tmp_path, "thread.json", CHAIN_STATE)
    with TreeTextMemory.open(tmp_path / "g.db", embedder=HashEmbedder()) as memory:
        memory.import_(path)
        more = constructed("HumanMessage", content="Carniolan, they are calm bees.", type="human")
        done = memory.import_(written(tmp_path, "thread.json", {"messages": [*DUMPED, more]}), remember="all")
        assert (done.format, done.conversations, done.messages) == ("messages", 1, 3)
        assert [talk.id for talk in memory.conversations()] == ["thread"]
        assert memory.messages("thread")[-1].content == "Carniolan, they are calm bees."


def test_what_a_tool_answered_beside_a_user_is_kept(tmp_path: Path) -> None:
    said = [
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "12 degrees"}]},
        {"type": "text", "text": "And tomorrow?"},
    ]
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        memory.add_messages([{"role": "user", "content": said}], conversation_id="oslo")
        (message,) = memory.messages("oslo")
        assert (message.role, message.content) == ("user", "And tomorrow?")
        assert message.as_dict()["parts"] == [said[0]]


SHAPES: dict[str, tuple[Any, str]] = {
    "[]": ([], "an empty list"),
    "no messages": ({"edges": []}, "an object with edges"),
    "preferences": ([{"preference": "tea", "reason": "x"}] * 2, "a list of 2, an object with preference, reason"),
    "an odd item": ([7, {"a": 1}, {"a": 2}], "a list of 3, an object with a, but item 0 is a number"),
    "html": ("<!DOCTYPE html><p>hi", "HTML or XML that begins with"),
    "empty": ("", "an empty file"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_refusal_says_what_was_found_and_what_is_read(tmp_path: Path, name: str) -> None:
    data, found = SHAPES[name]
    path = written(tmp_path, "odd.json", data)
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        with pytest.raises(InvalidInputError) as refusal:
            memory.import_(path)
        assert found in str(refusal.value)
        listed = str(refusal.value).partition("wanted a file of ")[2].partition(", found")[0].split(", ")
        assert listed == [each.name for each in FORMATS if each.reads and each.name != "graphiti"]
        with pytest.raises(InvalidInputError) as refusal:
            memory.import_(path, format="chatgpt")
        assert f"wanted an export of chatgpt, found {found}" in str(refusal.value)
        assert "Error" not in str(refusal.value)


def test_packed_files_and_archives_in_archives_are_named(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        memory.add("Ann sings.")
        packed = tmp_path / "conversations.json.gz"
        packed.write_bytes(gzip.compress(json.dumps(CLAUDE).encode()))
        inside = _zipped(tmp_path / "a.zip", {"a.jsonl": memory.export(tmp_path / "a.jsonl").read_bytes()})
        marked = tmp_path / "marked.jsonl"
        marked.write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.jsonl").read_bytes())
        assert memory.cube("copy").import_(marked).memories == 1
        for path, told in ((packed, "packed with gzip; unpack it"), (inside, "a ZIP archive with a.jsonl")):
            for format in ("auto", "mem0", "chatgpt"):
                with pytest.raises(InvalidInputError, match=re.escape(told)):
                    memory.import_(path, format=format)
            with pytest.raises(InvalidInputError, match="is packed with"):
                memory.import_(path, format="archive")


def test_messages_are_a_list_or_one(tmp_path: Path) -> None:
    assert imported(written(tmp_path, "one.json", {"id": "m", "role": "user", "content": "hi"}), "messages") == [
        [("user", None, "hi")]
    ]
    for data, found in (("just a text", "a text that begins"), ({"a": 1}, "an object with a")):
        with pytest.raises(InvalidInputError, match=f"wanted an export of messages, found {found}"):
            read_export(written(tmp_path, "odd.json", data), "messages")


KEYS = "mapping message author role content parts uuid chat_messages sender messages id from text ts type chats list"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "user", "2025-01-10.json", "[]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=4),
    max_leaves=12,
)


@given(data=JSON, name=st.sampled_from([*READERS, "auto"]))
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: Any, name: str) -> None:
    path = written(tmp_path_factory.getbasetemp(), "any.json", data)
    with suppress(InvalidInputError):
        for chat in read_export(path, name)[1]:
            assert chat.id
            assert chat.messages


def _zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_odd_exports_end_in_a_sentence(tmp_path: Path) -> None:
    deep = _zipped(tmp_path / "deep.zip", {"ch/2024-01-01.json": b"[" * 200_000})
    told = tmp_path / "telegram.json"
    message = '{"id": 1e999, "type": "message", "date": "2024-01-01T10:00:00", "from": "Ann", "text": "hi"}'
    told.write_text('{"name": "x", "type": "personal_chat", "id": 1, "messages": [' + message + "]}")
    slack = _zipped(tmp_path / "slack.zip", {"ch/2024-01-01.json": b'[{"ts": "' + b"9" * 4_000 + b'", "text": "a"}]'})
    cut = _zipped(tmp_path / "cut.zip", {"ch/2024-01-01.json": os.urandom(5_000)})
    raw = bytearray(cut.read_bytes())
    raw[100:140] = os.urandom(40)
    cut.write_bytes(raw)
    headless = _zipped(tmp_path / "headless.zip", {"ch/2024-01-01.json": b"[]"})
    raw = bytearray(headless.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at : at + 4] = b"XXXX"
    headless.write_bytes(raw)
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    for path in (deep, told, slack, cut, headless, pipe, Path("/dev/zero"), Path("a\0b")):
        with suppress(InvalidInputError):  # and nothing else
            read_export(path)[1]
