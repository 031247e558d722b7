"""Archives in Zstandard: the same rows, and no packed file that is damaged or hostile does any harm."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from tests.archives import small
from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, fresh_cube
from treemem import ConfigError, InvalidInputError, TreeTextMemory


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as opened:
        small(opened)
        yield opened


def test_it_unpacks_to_the_archive(memory: TreeTextMemory, tmp_path: Path) -> None:
    packed, bare = memory.export(tmp_path / "all.jsonl.zst"), memory.export(tmp_path / "all.jsonl")
    with packed.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        assert stream.read() == bare.read_bytes()
    assert packed.stat().st_size < bare.stat().st_size / 2
    assert packed.stat().st_mode & 0o077 == 0


def test_it_is_read_on_both_stores(memory: TreeTextMemory, tmp_path: Path, open_memory: OpenMemory) -> None:
    packed = memory.export(tmp_path / "ALL.JSONL.ZST")
    for format in ("auto", "archive"):
        copy = open_memory(cube=fresh_cube())
        assert copy.import_(packed, format=format).rows > 0
        assert copy.check() == []
        now = memory.operations()[0].recorded_at
        found = [[h.id for h in each.search("Where does Anna live?", as_of=now)] for each in (copy, memory)]
        assert found[0] == found[1]


def test_what_is_damaged_is_refused(memory: TreeTextMemory, tmp_path: Path) -> None:
    data = memory.export(tmp_path / "all.jsonl.zst").read_bytes()
    unpacked = memory.export(tmp_path / "all.jsonl").read_bytes()
    copy = memory.cube("copy")
    wrong = tmp_path / "wrong.jsonl.zst"
    for place in range(0, len(data), max(1, len(data) // 60)):
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]):
            if _unpacked(damaged) == unpacked:
                continue  # one bit of the size of the window, say: nothing that the archive says is changed
            wrong.write_bytes(damaged)
            with pytest.raises(InvalidInputError):
                copy.import_(wrong, format="archive")
    assert copy.stats().states == 0


def _unpacked(data: bytes) -> bytes | None:
    try:
        with zstandard.ZstdDecompressor().stream_reader(data) as stream:
            return stream.read()
    except zstandard.ZstdError:
        return None


def test_a_bomb_is_refused_in_bounded_memory(memory: TreeTextMemory, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.jsonl.zst"
    with bomb.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as stream:
        for _ in range(4_000):
            stream.write(b" " * (1 << 20))  # four gigabytes in one line
    assert bomb.stat().st_size < 1 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInputError, match="longer than"):
        memory.cube("copy").import_(bomb, format="archive")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # kilobytes


def test_a_line_of_countless_values_is_refused_in_bounded_memory(memory: TreeTextMemory, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.jsonl.zst"
    with bomb.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as stream:
        stream.write(b'{"format":"treemem-archive","version":[')
        for _ in range(20):
            stream.write(b"[]," * (1 << 20))
        stream.write(b"1]}\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInputError, match="strings, commas and brackets"):
        memory.cube("copy").import_(bomb, format="archive")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # kilobytes


def test_without_the_package_it_says_what_to_install(
    memory: TreeTextMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = memory.export(tmp_path / "all.jsonl.zst")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ConfigError, match=r"treemem\[zstd\]"):
        memory.export(tmp_path / "more.jsonl.zst")
    with pytest.raises(ConfigError, match=r"treemem\[zstd\]"):
        memory.cube("copy").import_(packed)
    assert not (tmp_path / "more.jsonl.zst").exists()
