"""What a line of an archive may take: no small file makes a process large, and whatever can be added comes back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archives import lines_of, write_back
from tests.helpers import HashEmbedder
from treemem import InvalidInputError, TreeTextMemory
from treemem.counting import has_more_parts, width_of
from treemem.exchange import format
from treemem.exchange.archive import batches
from treemem.exchange.format import ARCHIVE, MAX_LINE, MAX_PARTS, MAX_WIDTH, too_large
from treemem.storable import MAX_CHARACTERS, MAX_IN_ALL, MAX_TEXT, MAX_VALUES

GRIN = "\U0001f600"
#: Imports a file and prints the most memory that the process ever had, in MB.
MEASURED = r"""
import re, sys
from pathlib import Path
from tests.helpers import HashEmbedder
from treemem import TreeTextMemory
with TreeTextMemory.open(sys.argv[2], embedder=HashEmbedder()) as memory:
    memory.import_(sys.argv[1])
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as opened:
        yield opened


@pytest.mark.parametrize("sign", [GRIN, pytest.param("\x01", marks=pytest.mark.slow)])
def test_the_largest_memory_comes_back(memory: TreeTextMemory, tmp_path: Path, sign: str) -> None:
    half = [sign * (MAX_TEXT - 1)] * (MAX_CHARACTERS // MAX_TEXT)
    memory.add({"id": "a", "memory": "a" + sign * (MAX_TEXT - 1), "info": {"x": half[:-1]}, "sources": half})
    with pytest.raises(InvalidInputError, match=f"at most {MAX_IN_ALL} fit"):
        memory.add({"id": "b", "memory": "b", "info": {"x": half}, "sources": half, "background": sign * 9})
    with pytest.raises(InvalidInputError, match=f"at most {MAX_IN_ALL} fit"):
        memory.update("a", info={"x": half}, background=sign * 9)
    path = memory.export(tmp_path / "all.jsonl")
    copy = memory.cube("copy")
    copy.import_(path)
    assert copy.get("a").memory == memory.get("a").memory
    assert copy.get("a").metadata.sources == half


@pytest.mark.slow
def test_as_many_values_as_there_can_be_come_back(memory: TreeTextMemory, tmp_path: Path) -> None:
    many = [{"k": ""}] * (MAX_VALUES // 2)
    names: dict[str, Any] = {name: ["x"] * MAX_VALUES for name in ("tags", "usage")}
    memory.add({"id": "a", "memory": "a" + "," * (MAX_TEXT - 1), "info": {"x": many[1:]}, "sources": many, **names})
    path = memory.export(tmp_path / "all.jsonl")
    copy = memory.cube("copy")
    copy.import_(path)
    assert copy.get("a").metadata.sources == many


def test_what_is_too_large_is_told_before_it_is_parsed() -> None:
    assert too_large(b'"' + b"a" * (MAX_LINE - 2) + b'"') is None
    assert "longer" in str(too_large(b"a" * (MAX_LINE + 1)))
    wide = MAX_WIDTH // 4 - 10
    for sign in (GRIN.encode(), rb"\ud83d\ude00", rb"\uD83D\uDE00"):
        assert too_large(b'"' + b"a" * (wide - 20) + sign + b'"') is None
        assert "in memory" in str(too_large(b'"' + b"a" * (wide + 20) + sign + b'"'))
    assert too_large(b"[" + b"0," * (MAX_PARTS - 2) + b"0]") is None
    for many in (b"[],", b'"a",'):
        assert "strings, commas and brackets" in str(too_large(b"[" + many * MAX_PARTS + b"0]"))
    assert too_large(b'["' + b",[{" * MAX_PARTS + b'"]') is None, "signs in a string are none"


def test_parts_are_those_of_the_parsed_value() -> None:
    for text, parts in (('{"a":[1,2],"b":"x,[{\\",\\\\"}', 7), ('["' + "\\" * 5, 2), ('"é,"', 1), ("[[],[]]", 4)):
        data = text.encode() + b" " * 20
        assert not has_more_parts(data, parts)
        assert has_more_parts(data, parts - 1)
    assert [width_of(each.encode()) for each in ("", "aé", "a日", f"a{GRIN}", "é日" + GRIN)] == [0, 2, 4, 8, 12]


def test_a_row_that_could_not_be_loaded_is_not_written(
    memory: TreeTextMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.add([{"id": "a", "memory": "Anna sings."}, {"id": "long", "memory": "la " * 3_000}])
    monkeypatch.setattr(format, "_SHORT", 0)
    monkeypatch.setattr(format, "MAX_LINE", 5_000)
    with pytest.raises(InvalidInputError, match="state long: its row is longer than 5000 bytes"):
        memory.export(tmp_path / "all.jsonl")
    assert not (tmp_path / "all.jsonl").exists()


def test_a_small_file_takes_no_more_than_that(memory: TreeTextMemory, tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    memory.add_messages([{"content": "Anna sings."}])
    lines = lines_of(memory.dump(tmp_path / "sound"))
    source = next(line["source"] for line in lines if "source" in line)
    source["content"] = "a" * (MAX_WIDTH // 4 - 2_000) + GRIN
    plain = write_back(tmp_path / "large", lines) / ARCHIVE
    packed = tmp_path / "x.jsonl.zst"
    packed.write_bytes(zstandard.ZstdCompressor().compress(plain.read_bytes()))
    assert packed.stat().st_size < 10_000
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, packed, tmp_path / "n.db"], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) < 500


def test_a_batch_is_bounded_by_what_it_holds(memory: TreeTextMemory) -> None:
    memory.add([{"id": f"m{n}", "memory": "x"} for n in range(40)])
    states = list(memory.store.all_states(memory.cube_id))
    info = memory.store.cube(memory.cube_id)
    assert info is not None
    assert [len(each) for each in batches((("state", state) for state in states), info)] == [40]
    for state in states:
        state.fields["memory"] = "x" * MAX_TEXT  # type: ignore[index]
    assert [len(each) for each in batches((("state", state) for state in states), info)] == [17, 17, 6]
