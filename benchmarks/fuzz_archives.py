"""Damaged and hostile archives: `python -m benchmarks.fuzz_archives [--mutations 10000] [--seed 0]`.

Archives of a small cube with everything in it, of three versions, plain and in Zstandard, are changed in one or several
places: bits and bytes, lines swapped, doubled, left out or joined, the file cut, JSON values replaced, with the hashes
that stood there or with new ones that fit. Each is imported into a cube that does not exist. It may be refused, by an
error of treemem, and then nothing is written; or loaded, and then the cube is sound and holds exactly what the file
says. Anything else is a fault, and is told with the number of the mutation, whose file is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from tests.archives import Lines, small
from tests.helpers import FakeClock, HashEmbedder
from treemem import TreememError, TreeTextMemory
from treemem.canonical import canonical_json
from treemem.exchange.format import VERSION, record_hash
from treemem.temporal import END

CUBE = "fuzz"
#: The most that one file may take: seconds of a slow machine, bytes beside what the process has.
SECONDS, MEMORY = 60.0, 4 << 30
#: What JSON values are replaced by; every kind of value, and what has a meaning somewhere in an archive.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 1.5, -0.0, 1e300, 1 << 62, 1 << 63, 1 << 70, -(1 << 70), END, END - 1, END + 1,
    10**400, "", " ", "x", "../../x", "/etc/passwd", "..", "\x1b[2J", "a\x00b", "\ud800", "é" * 500, "9" * 30, "NaN",
    "open", "purge", "PARENT", "memory", "entity", [], {}, [[]], [None], {"": 1}, {"a": {"a": {}}}, "AAAA", "AAAAgD8=",
)  # fmt: skip


@dataclass
class Found:
    """What became of the mutations, by what was done to the file; faults as text."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def told(self) -> str:
        """Return the counts as a table."""
        names = sorted({name for name, _ in self.counts})
        lines = [f"{'':24} refused  loaded"]
        lines += [f"{n:24} {self.counts[n, 'refused']:7} {self.counts[n, 'loaded']:7}" for n in names]
        return "\n".join(lines)


# ---- Changes of bytes ------------------------------------------------------------------------------------------------


def flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def cut_out(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice([1, 10, 1_000]) :]


def cut_off(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def put_in(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    some = rng.choice([rng.randbytes(3), b"\n", b"\r\n", b"\x00", b" ", b"[" * 5_000, b'{"a":' * 5_000, b"9" * 6_000])
    return data[:at] + some + data[at:]


def spell(data: bytes, rng: random.Random) -> bytes:
    """Put what JSON libraries read and JSON does not have in the place of a number."""
    word = rng.choice([b"NaN", b"Infinity", b"-Infinity", b"1e999", b"0x10", b"01", b"1_000", b"-0", b"1E2"])
    places = [at for at in range(1, len(data)) if data[at - 1 : at] == b":" and data[at : at + 1].isdigit()]
    at = rng.choice(places or [0])
    end = at
    while data[end : end + 1].isdigit():
        end += 1
    return data[:at] + word + data[end:]


# ---- Changes of lines ------------------------------------------------------------------------------------------------


def move_lines(data: bytes, rng: random.Random) -> bytes:
    rows = data.splitlines(keepends=True)
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    change = rng.randrange(5)
    if change == 0:
        rows[i], rows[j] = rows[j], rows[i]
    elif change == 1:
        del rows[i]
    elif change == 2:
        rows.insert(j, rows[i])
    elif change == 3:
        rows[i] = rows[i].rstrip(b"\n")
    else:
        rows[i:] = rows
    return b"".join(rows)


# ---- Changes of values -----------------------------------------------------------------------------------------------


def change_value(lines: Lines, rng: random.Random) -> None:
    """Replace, or take away, one value somewhere in a line."""
    holder, key = _place(rng.choice(lines), rng)
    change = rng.randrange(6)
    if change == 0 and isinstance(holder, dict):
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[rng.choice(["extra", "", "id", "a\x00"])] = rng.choice(VALUES)
    elif change == 2 and isinstance(holder[key], int) and not isinstance(holder[key], bool):
        holder[key] += rng.choice([-1, 1, -1_000_000, 1_000_000, 1 << 40])
    elif change == 3:
        holder[key] = _elsewhere(lines, rng)
    else:
        holder[key] = rng.choice(VALUES)


def change_ids(lines: Lines, rng: random.Random) -> None:
    """Let a row name what another row names: ids of others, of nobody, of another cube."""
    names = ("id", "memory_id", "source", "target", "opened_by", "closed_by", "part_of", "undoes", "cube")
    given = [(row, name) for line in lines for row in _rows(line) for name in names if name in row]
    row, name = rng.choice(given)
    other, its = rng.choice(given)
    row[name] = other[its] if rng.random() < 0.8 else "of-another-cube"


def change_times(lines: Lines, rng: random.Random) -> None:
    """Let a row have the times of others, or such that there cannot be."""
    names = ("recorded_at", "recorded_from", "recorded_to", "valid_from", "valid_to", "clock", "chat_time")
    given = [(row, name) for line in lines for row in _rows(line) for name in names if name in row]
    row, name = rng.choice(given)
    other, its = rng.choice(given)
    row[name] = other[its] if rng.random() < 0.6 else rng.choice([END, END + 1, -(1 << 62), 0, 1.5, "now", None])


def change_lines(lines: Lines, rng: random.Random) -> None:
    """Swap, double or leave out records."""
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    change = rng.randrange(3)
    if change == 0:
        lines[i], lines[j] = lines[j], lines[i]
    elif change == 1:
        del lines[i]
    else:
        lines.insert(j, json.loads(json.dumps(lines[i])))


def change_version(lines: Lines, rng: random.Random) -> None:
    """Say that the file is of another version."""
    lines[0]["version"] = rng.choice([*range(-1, VERSION + 3), 1 << 70, "1", None, 1.0, True, []])


def nest(lines: Lines, rng: random.Random) -> None:
    """Put something deep, or much, somewhere."""
    deep: Any = []
    for _ in range(rng.choice([90, 101, 900])):
        deep = [deep] if rng.random() < 0.5 else {"a": deep}
    holder, key = _place(rng.choice(lines), rng)
    holder[key] = rng.choice([deep, [0] * 200_000, {str(n): n for n in range(2_000)}, "x" * 1_100_000, "9" * 5_000])


def _rows(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (each for each in (line, *line.values()) if isinstance(each, dict))


def _place(value: Any, rng: random.Random) -> tuple[Any, Any]:
    """Return a list or dict somewhere in a value, and a place in it."""
    while True:
        key = rng.choice(list(value if isinstance(value, dict) else range(len(value))))
        if not isinstance(value[key], (dict, list)) or not value[key] or rng.random() < 0.2:
            return value, key
        value = value[key]


def _elsewhere(lines: Lines, rng: random.Random) -> Any:
    holder, key = _place(rng.choice(lines), rng)
    return json.loads(json.dumps(holder[key]))


BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip, cut_out, cut_off, put_in, spell, move_lines)
JSON: tuple[Callable[[Lines, random.Random], None], ...] = (
    change_value, change_ids, change_times, change_lines, change_version, nest,
)  # fmt: skip


def rewritten(lines: Lines) -> bytes:
    """Return lines as an archive whose hashes and counts fit what they say, as far as they can."""
    head, *records = lines
    records = [line for line in records if "end" not in line]
    hashed = head.get("version") != 1
    digest = hashlib.sha256(canonical_json(head).encode(errors="surrogatepass"))
    written = [head]
    for record in records:
        kinds = [name for name in record if name != "sha256"]
        if hashed and kinds:
            text = canonical_json(record[kinds[0]])
            record = record | {"sha256": record_hash(kinds[0], text)}
            digest.update(b"\n" + record["sha256"].encode())
        elif not hashed:
            record = {name: value for name, value in record.items() if name != "sha256"}
        written.append(record)
    written.append({"end": len(records)} | ({"sha256": digest.hexdigest()} if hashed else {}))
    return b"".join(json.dumps(line).encode() + b"\n" for line in written)


def mutated(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return an archive changed in one of many ways, and the name of the way."""
    if rng.random() < 0.35:
        change = rng.choice(BYTES)
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            data = change(data, rng) or b"\n"
        return change.__name__, data
    lines = [json.loads(line) for line in data.splitlines()]
    alter = rng.choice(JSON)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        alter(lines, rng)
    if rng.random() < 0.75:
        return f"{alter.__name__}, new hashes", rewritten(lines)
    return alter.__name__, b"".join(json.dumps(line).encode() + b"\n" for line in lines)


# ---- What must become of it ------------------------------------------------------------------------------------------


def originals(folder: Path) -> list[bytes]:
    """Return archives of a small cube: as it is, as it was once, and of earlier versions."""
    with TreeTextMemory.open(folder / "original.db", embedder=HashEmbedder(), clock=FakeClock(), cube=CUBE) as memory:
        small(memory)
        whole = memory.export(folder / "whole.jsonl").read_bytes()
        middle = memory.operations()[4].recorded_at
        early = memory.export(folder / "early.jsonl", known_at=middle).read_bytes()
    older = []
    for version in (1, 2):
        lines = [json.loads(line) for line in early.splitlines()]
        lines[0] = {name: value for name, value in lines[0].items() if name != "cut"} | {"version": version}
        for line in lines:
            del line.get("tombstone", [])[3:]
        older.append(rewritten(lines))
    return [whole, whole, early, *older]


def content(data: bytes) -> list[str]:
    """Return the records of an archive in an order of their own, equal numbers spelled alike.

    Entities are called by what they are, since one whose id is not that of its name gets another. Entities and
    sources that no edge leads to belong to no memory, and are in no archive.
    """
    lines = [json.loads(line) for line in data.splitlines()]
    rows = [[kind, row] for line in lines[1:] for kind, row in line.items() if kind not in ("sha256", "end")]
    names = {row["id"]: [row["kind"], row["name"]] for kind, row in rows if kind == "entity"}
    ends = {row["target"] for kind, row in rows if kind == "edge"}
    rows = [[kind, row] for kind, row in rows if kind not in ("entity", "source") or row["id"] in ends]
    for kind, row in rows:
        if kind == "entity":
            del row["id"]
        if kind == "edge":
            row["properties"] = row.get("properties") or {}
            if row["target_kind"] == "entity":
                row["target"] = names[row["target"]]
        if kind == "tombstone":
            del row[3:]  # which versions before 5 do not have
    return sorted(canonical_json(_numbers(row)) for row in rows)


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def outcome(memory: TreeTextMemory, place: Path, data: bytes, packed: bool, rng: random.Random) -> str:
    """Import what may be no archive; return "refused" or "loaded". Raises AssertionError, and whatever is a fault."""
    packing = zstandard.ZstdCompressor(level=1, write_checksum=True)  # as `export` does
    place.write_bytes(packing.compress(data) if packed else data)
    if packed and rng.random() < 0.3:
        place.write_bytes(flip(place.read_bytes(), rng))
    refusal = ""
    try:
        done = memory.import_(place, format="archive" if rng.random() < 0.7 else "auto")
    except TreememError as error:
        refusal = f"{type(error).__name__}: {error}"
    if refusal:
        assert memory.store.cube(CUBE) is None, f"refused ({refusal}), and the cube is there"
        assert not any(memory.store.counts(CUBE).values()), f"refused ({refusal}), and rows are there"
        assert len(refusal) < 2_000, f"an error of {len(refusal)} characters"
        return "refused"
    assert done.format == "archive", f"read as {done.format}"
    assert memory.check() == [], "loaded, and not sound"
    written = memory.export(place.with_name("again.jsonl")).read_bytes()
    assert content(written) == content(data), "loaded, and not what the file says"
    memory.store.erase(CUBE)
    return "loaded"


@contextmanager
def working(folder: Path) -> Iterator[TreeTextMemory]:
    """Open the memory into which all is imported."""
    with TreeTextMemory.open(
        folder / "fuzz.db", embedder=HashEmbedder(), clock=FakeClock(), cube=CUBE, record_usage=False
    ) as memory:
        yield memory


def fuzz(folder: Path, mutations: int, seed: int = 0, said: Callable[[str], object] | None = None) -> Found:
    """Import that many changed archives and return what became of them; faults are kept in the folder."""
    found = Found()
    given = originals(folder)
    with working(folder) as memory:
        for number in range(seed, seed + mutations):
            rng = random.Random(number)
            name, data = mutated(rng.choice(given), rng)
            place, begun = folder / f"mutation-{number}.jsonl", time.perf_counter()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            try:
                found.counts[name, outcome(memory, place, data, rng.random() < 0.3, rng)] += 1
            except Exception as error:
                where = "".join(traceback.format_tb(error.__traceback__)[-1:]).strip().replace("\n", " ")
                found.faults.append(f"mutation {number} ({name}): {type(error).__name__}: {error} {where}"[:600])
                memory.store.erase(CUBE)
                continue
            took = time.perf_counter() - begun
            found.slowest = max(found.slowest, took)
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024
            if took > SECONDS or grown > MEMORY:
                found.faults.append(f"mutation {number} ({name}): {took:.1f} s, {grown} bytes")
                continue
            place.unlink()
            if said is not None and (number - seed + 1) % 500 == 0:
                said(f"{number - seed + 1} mutations, {len(found.faults)} faults")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the number of the first mutation")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    begun = time.perf_counter()
    found = fuzz(folder, arguments.mutations, arguments.seed, lambda text: print(text, flush=True))
    print(found.told())
    print(f"{arguments.mutations} mutations in {time.perf_counter() - begun:.0f} s, slowest {found.slowest:.2f} s")
    if found.faults:
        sys.exit("\n".join([f"{len(found.faults)} faults; the files are in {folder}", *found.faults[:50]]))
    shutil.rmtree(folder)
    print("no faults: what was refused wrote nothing, what was loaded is what the file said")


if __name__ == "__main__":
    main()
