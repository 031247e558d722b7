"""Files of others that have more values than their bytes let expect are refused before they are parsed."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers import HashEmbedder
from treemem import InvalidInputError, TreeTextMemory
from treemem.counting import refuse_dense_json
from treemem.ingest import exports, opening

#: Two and a half million empty lists, in 7.5 MB.
LISTS = b"[]," * 2_500_000
XML = b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed">'


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as opened:
        yield opened


def folder(path: Path, data: bytes) -> Path:
    (path / "day").mkdir(parents=True)
    (path / "day" / "2024-01-01.json").write_bytes(data)
    return path


def packed(path: Path, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", data)
    return path


def plain(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


DENSE: dict[str, tuple[Callable[[Path, bytes], Path], bytes]] = {
    "graph.json": (plain, b'{"nodes":[' + LISTS + b"[]]}"),
    "list.json": (plain, b"[" + LISTS + b"[]]"),
    "lines.jsonl": (plain, b"[" + LISTS + b"[]]\n{}"),
    "folder": (folder, b"[" + LISTS + b"[]]"),
    "chats.zip": (packed, b"[" + LISTS + b"[]]"),
    "graph.graphml": (plain, XML + b"<a/>" * 1_200_000 + b"</graph></graphml>"),
}


@pytest.mark.parametrize("name", DENSE)
def test_dense_files_are_refused_soon(memory: TreeTextMemory, tmp_path: Path, name: str) -> None:
    make, data = DENSE[name]
    path = make(tmp_path / name, data)
    started = time.process_time()
    with pytest.raises(
        InvalidInputError, match=r"more than [\d,]+ (strings, commas and brackets|tags) in [\d,]+ bytes"
    ):
        memory.import_(path)
    assert time.process_time() - started < 10


def test_a_zip_archive_that_unpacks_to_much_more_than_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "x.zip", b'["' + b"a" * 1_000_000 + b'"]')
    with pytest.raises(InvalidInputError, match=r"wanted"):
        exports.read_export(path)
    monkeypatch.setattr(opening, "LEAST_BYTES", 100_000)
    with pytest.raises(InvalidInputError, match=r"unpacks to [\d,]+ bytes; at most [\d,]+ are read"):
        exports.read_export(path)


def test_json_as_dense_as_exports_are_is_none_of_them() -> None:
    node = {
        "id": "n",
        "parent": "m",
        "children": ["o"],
        "message": {"author": {"role": "user", "name": None}, "w": 1.0},
    }
    vector = [0.0] * 384
    for each in (node, vector, {"id": 1, "memory": "x", "metadata": {"tags": [], "info": {}, "embedding": vector}}):
        text = json.dumps(each, separators=(",", ":")).encode()
        refuse_dense_json(b"[" + b",".join([text] * (40_000_000 // len(text))) + b"]", "an export")
