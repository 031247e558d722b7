"""One way to write a record as bytes, and two hashes that do not depend on order."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from treemem.temporal import to_micros

Vector = npt.NDArray[np.float32]
#: Several vectors, one a row: float32, shape (vectors, dimension).
Vectors = npt.NDArray[np.float32]
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(record: Any) -> str:
    """Return JSON with sorted keys and no spaces; NaN and infinities raise ValueError."""
    return _CANONICAL.encode(record)


def request_json(request: Any) -> str:
    """Return one JSON for all equal requests: whatever order their keys have, whatever type their numbers and times.

    A time is its microseconds, a whole number has no fraction, a vector is the hash of its float32 numbers.
    """
    plain = _REQUEST.encode(request)
    return _PART.sub(_without_fraction, plain) if ".0" in plain or "e+" in plain else plain


def number(value: float | None) -> float | None:
    """Return a whole number without a fraction, any other as it is; where it is known to be one this is quicker."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_fraction(match: re.Match[str]) -> str:
    """Return a text as it is, and a number, which is whole, without a fraction."""
    part = match.group()
    return part if part[0] == '"' else str(int(float(part)))


def _of_request(value: Any) -> Any:
    """Return what stands for a value that JSON does not know."""
    if isinstance(value, np.ndarray):
        return "sha256:" + hashlib.sha256(np.ascontiguousarray(value, dtype="<f4").tobytes()).hexdigest()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return to_micros(value)
    raise TypeError(f"{type(value).__name__} is no part of a request")


_REQUEST = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_of_request
)
#: A whole number with a fraction, 5.0, -0.0 or 1e+20, or a text, which may look so too.
_PART = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d{1,30}(?:\.\d{1,30})?e\+\d{1,3}|-?\d{1,30}\.0(?!\d)')


def farthest_norm(vectors: Vectors) -> float:
    """Return the norm of the vector whose norm is farthest from 1; NaN where one has none."""
    norms = np.linalg.norm(vectors, axis=1)
    return float(norms[np.argmax(np.abs(norms - 1.0))])


def encode_vectors(vectors: Vectors) -> str:
    """Return vectors, one after the other, as base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(vectors, dtype="<f4").tobytes()).decode("ascii")


def set_hash(records: Iterable[Any]) -> str:
    """Return a hash of a multiset of records: the sum of SHA-256 over their canonical JSON, modulo 2^256, in hex."""
    total = 0
    for record in records:
        total += int.from_bytes(hashlib.sha256(canonical_json(record).encode()).digest(), "big")
    return f"{total % (1 << 256):064x}"
