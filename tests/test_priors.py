"""How much of a text only asks."""

from __future__ import annotations

import pytest

from treemem.search.priors import asking


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("Where do you live?", 0.8, 0.9),
        ("Great! Where do you live?", 0.5, 0.8),
        ("I live in Porto.", 0, 0),
        ("I live in Porto. And you?", 0.1, 0.5),
        ("你住在哪里？", 0.7, 1),
        ("", 0, 0),
        ("?", 0, 0),
        (
            "I have to move out by the end of June and need a flat with two rooms near the harbour for at most 900 "
            "euros a month, could you help me to plan the search?",
            0,
            0,
        ),
    ],
)
def test_asking(text: str, least: float, most: float) -> None:
    assert least <= asking(text) <= most
