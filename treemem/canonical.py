"""One way to write a record as bytes, and two hashes that do not depend on order."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from treemem.temporal import to_micros

Vector = npt.NDArray[np.float32]
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(record: Any) -> str:
    """Return JSON with sorted keys and no spaces; NaN and infinities raise ValueError."""
    return _CANONICAL.encode(record)


def request_json(request: Any) -> str:
    """Return one JSON for all equal requests: whatever order their keys have, whatever type their numbers and times.

    A time is its microseconds, a whole number has no fraction, a vector is the hash of its float32 numbers.
    """
    return canonical_json(_normal(request))


def _normal(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(name): _normal(each) for name, each in value.items()}
    if isinstance(value, np.ndarray):
        return "sha256:" + hashlib.sha256(np.ascontiguousarray(value, dtype="<f4").tobytes()).hexdigest()
    if isinstance(value, (list, tuple)):
        return [_normal(each) for each in value]
    return to_micros(value) if isinstance(value, datetime) else value


_AS_THEY_ARE = frozenset({str, int, bool, type(None)})


def encode_vector(vector: Vector) -> str:
    """Return a vector as base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(vector, dtype="<f4").tobytes()).decode("ascii")


def set_hash(records: Iterable[Any]) -> str:
    """Return a hash of a multiset of records: the sum of SHA-256 over their canonical JSON, modulo 2^256, in hex."""
    total = 0
    for record in records:
        total += int.from_bytes(hashlib.sha256(canonical_json(record).encode()).digest(), "big")
    return f"{total % (1 << 256):064x}"
