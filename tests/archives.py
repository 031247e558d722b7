"""Archives to damage: a small cube with everything in it, its lines, and lines written back as an archive."""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from treemem import InvalidInputError, TreeTextMemory
from treemem.canonical import canonical_json
from treemem.exchange.format import ARCHIVE, ORDERED, VERSION, record_hash
from treemem.temporal import to_micros

Lines = list[dict[str, Any]]


def small(memory: TreeTextMemory) -> None:
    """Fill a cube with a little of each kind: messages, names, versions, a moved child, a purge, a large operation."""
    memory.add_messages([{"content": "Anna moved to Porto.", "chat_time": "2025-01-10 10:00:00"}], conversation_id="c")
    memory.add([{"id": "top", "memory": "Towns"}, {"id": "home", "memory": "Anna lives in Porto."}], at=day(0))
    memory.add({"id": "note", "memory": "Ben likes trams.", "tags": ["tram"], "info": {"n": 1, "deep": {"a": [1.5]}}})
    memory.link("top", "PARENT", "home", at=day(0))
    memory.link("home", "CAUSES", "note", weight=0.5)
    memory.update("home", "Anna lives in Ghent.", at=day(100))
    memory.unlink("top", "PARENT", "home")
    memory.link("note", "PARENT", "home")
    memory.add({"id": "gone", "memory": "A secret."})
    memory.purge("gone", reason="asked for")
    memory.store.record_usage(memory.cube_id, {"home": 3, "note": 1}, to_micros(day(200)))


def lines_of(folder: Path) -> Lines:
    return [json.loads(line) for line in (folder / ARCHIVE).read_text("utf-8").splitlines()]


def of(kind: str, lines: Lines, number: int = 0) -> Any:
    """The row of the n-th record of a kind."""
    return [line[kind] for line in lines if kind in line][number]


def write_back(folder: Path, lines: Lines, *, version: int = VERSION, hashed: bool = True) -> Path:
    """Write lines as an archive of a version; if it is to be `hashed`, with the hashes of what they say now."""
    folder.mkdir(parents=True, exist_ok=True)
    head, *records = [dict(line) for line in lines]
    if "version" in head:
        head["version"] = version
    records = [r for r in records if "end" not in r]
    if version < ORDERED and head.get("cut") is None:
        head.pop("cut", None)
    if version == 1:
        records = [{k: v for k, v in r.items() if k != "sha256"} for r in records]
        records.append({"end": len(records)})
    elif hashed:
        digest = hashlib.sha256(canonical_json(head).encode())
        for record in records:
            (kind,) = record.keys() - {"sha256"}
            record["sha256"] = record_hash(
                kind, json.dumps(record[kind], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            )
            digest.update(b"\n" + record["sha256"].encode())
        records.append({"end": len(records), "sha256": digest.hexdigest()})
    else:
        records.append(lines[-1])
    (folder / ARCHIVE).write_text("".join(json.dumps(line) + "\n" for line in [head, *records]))
    return folder


def mutated(data: bytes, rng: random.Random) -> bytes:
    """An archive with one random fault: a byte, a cut, lines swapped, doubled or left out, a JSON value changed."""
    kind = rng.randrange(6)
    if kind == 0:
        at = rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
    if kind == 1:
        at = rng.randrange(len(data))
        return data[:at] + data[min(len(data), at + rng.choice([1, 10, 1_000, len(data)])) :]
    if kind == 2:
        at = rng.randrange(len(data))
        return data[:at] + rng.randbytes(rng.choice([1, 3, 50])) + data[at:]
    rows = data.splitlines(keepends=True)
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    if kind == 3:
        rows[i], rows[j] = rows[j], rows[i]
    elif kind == 4:
        rows[i : i + 1] = [] if rng.random() < 0.5 else [rows[i], rows[i]]
    else:
        value = json.loads(rows[i])
        _change(value, rng)
        rows[i] = json.dumps(value).encode() + b"\n"
    return b"".join(rows)


def _change(value: Any, rng: random.Random) -> None:
    holder, keys = value, list(value)
    while True:
        key = rng.choice(keys)
        inner = holder[key]
        if isinstance(inner, (dict, list)) and inner and rng.random() < 0.8:
            holder, keys = inner, list(inner if isinstance(inner, dict) else range(len(inner)))
            continue
        holder[key] = rng.choice(
            [None, True, 0, -1, 1.5, 1 << 70, "", "x", "../../x", "\x1b[2J", [], {}, [[]], "9" * 30, inner]
        )
        return


def survives(open_cube: Callable[[], TreeTextMemory], folder: Path, original: tuple[str, dict[str, int]]) -> str:
    """Load an archive that may be damaged: "refused" with nothing written, or "loaded" and equal to the original."""
    cube = open_cube()
    try:
        cube.load(folder)
    except InvalidInputError:
        assert cube.store.cube(cube.cube_id) is None
        assert not any(cube.store.counts(cube.cube_id).values())
        return "refused"
    assert cube.check() == []
    assert said(cube) == original
    cube.store.erase(cube.cube_id)
    return "loaded"


def said(cube: TreeTextMemory) -> tuple[str, dict[str, int]]:
    """What a cube says, where names do not depend on the cube."""
    rows = [
        [n if n != "vectors" else "", getattr(s, n).tobytes().hex() if n == "vectors" else getattr(s, n)]
        for s in cube.store.all_states(cube.cube_id)
        for n in s.__slots__
    ]
    operations = sorted(
        canonical_json([o.id, o.kind, o.recorded_at, o.receipt]) for o in cube.store.all_operations(cube.cube_id)
    )
    plain = canonical_json([rows, operations, cube.store.tombstones(cube.cube_id)])
    return hashlib.sha256(plain.encode()).hexdigest(), cube.store.counts(cube.cube_id)


def main(rounds: int) -> None:
    """Damage an archive many times, each time another way."""
    with tempfile.TemporaryDirectory() as place:
        memory = TreeTextMemory.open(Path(place) / "m.db", embedder=HashEmbedder(), clock=FakeClock(), cube="fuzz")
        small(memory)
        data = (memory.dump(Path(place) / "x") / ARCHIVE).read_bytes()
        found = {"refused": 0, "loaded": 0}
        for seed in range(rounds):
            (Path(place) / "x" / ARCHIVE).write_bytes(mutated(data, random.Random(seed)))
            found[survives(lambda: memory.cube(fresh_cube("f")), Path(place) / "x", said(memory))] += 1
        sys.stdout.write(f"{rounds} mutations: {found}\n")
        memory.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
