"""Chats that other programs exported are read whole: who said what and when; importing again adds nothing."""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import HashEmbedder
from treemem import InvalidInputError, TreeTextMemory
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
