"""Some of the mutations of `python -m benchmarks.fuzz_archives`: none becomes something else, none leaves a trace."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzz_archives import fuzz


def test_changed_archives_are_refused_or_are_what_they_say(tmp_path: Path) -> None:
    found = fuzz(tmp_path, 300)
    assert found.faults == []
    assert {outcome for _, outcome in found.counts} == {"refused", "loaded"}
