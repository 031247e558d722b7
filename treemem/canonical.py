"""One way to write a record as bytes, and two hashes that do not depend on order."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(record: Any) -> str:
    """Return JSON with sorted keys and no spaces; NaN and infinities raise ValueError."""
    return _CANONICAL.encode(record)


def encode_vector(vector: Vector) -> str:
    """Return a vector as base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(vector, dtype="<f4").tobytes()).decode("ascii")


def set_hash(records: Iterable[Any]) -> str:
    """Return a hash of a multiset of records: the sum of SHA-256 over their canonical JSON, modulo 2^256, in hex."""
    total = 0
    for record in records:
        total += int.from_bytes(hashlib.sha256(canonical_json(record).encode()).digest(), "big")
    return f"{total % (1 << 256):064x}"
