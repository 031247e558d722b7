"""Opening waits for indexes that are still being made, says how far they are, and stops where they get no further."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from treemem import SchemaError
from treemem.store.neo4j import schema


class Told:
    """A connection to a server whose one index gets on with every look at it."""

    uri = "bolt://server"

    def __init__(self, *states: tuple[str, float]) -> None:
        self.states = list(states)

    def look(self, text: str) -> list[dict[str, Any]]:
        state, percent = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        row = {"name": "treemem_text", "state": state, "populationPercent": percent, "failureMessage": "no room"}
        return [row, {**row, "name": "of_others", "state": "FAILED"}]


def waited(server: Told, **limits: float) -> None:
    schema.wait_for_indexes(server, server.look(""), **limits)  # type: ignore[arg-type]


def test_it_waits(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(schema, "_TELL", 0.2)
    server = Told(("POPULATING", 0.0), ("POPULATING", 40.0), ("POPULATING", 41.0), ("ONLINE", 100.0))
    with caplog.at_level(logging.WARNING, "treemem.store"):
        waited(server)
    assert server.states == [("ONLINE", 100.0)]
    assert "treemem_text 4" in caplog.text


def test_what_failed_or_stands_still_is_told() -> None:
    with pytest.raises(SchemaError, match="no room"):
        waited(Told(("POPULATING", 3.0), ("FAILED", 3.0)))
    with pytest.raises(SchemaError, match=r"treemem_text 7\.0 %"):
        waited(Told(("POPULATING", 7.0)), stalled=0.3)
