"""Requests as JSON: equal ones give one text, whatever types their numbers have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treemem.canonical import canonical_json, request_json
from treemem.temporal import to_micros

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([0.0, -0.0, 5.0, 1e15, 1e16, 1.5e16, -1e300, 1e-7, 2.5, 100.05]),
        st.text(),
        st.sampled_from(['costs 5.0 "now"', "1e+20", '\\"5.0', "\n5.0"]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def plainly(value: Any) -> Any:
    """A value with every whole number without a fraction."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: plainly(each) for name, each in value.items()}
    return [plainly(each) for each in value] if isinstance(value, list) else value


@given(VALUES)
def test_a_request_is_its_values_and_no_types(value: Any) -> None:
    assert request_json(value) == canonical_json(plainly(value))


@given(VALUES)
def test_lists_and_tuples_are_one(value: Any) -> None:
    assert request_json([value, [1]]) == request_json((value, (1.0,)))


def test_times_and_vectors() -> None:
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    assert request_json({"at": moment}) == request_json({"at": to_micros(moment)})
    one, other = np.ones(3, dtype=np.float32), np.ones(3, dtype=np.float64)
    assert request_json({"v": one}) == request_json({"v": other}) != request_json({"v": one * 2})
    assert request_json({"n": 5.0, "v": one}) == request_json({"n": 5, "v": other})


def test_what_json_does_not_know_is_refused() -> None:
    for value in (object(), {1, 2}, [5.0, object()]):
        with pytest.raises(TypeError):
            request_json(value)
