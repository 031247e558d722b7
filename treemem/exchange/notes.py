"""What an import reads as something else: counted, with some of the words."""

from __future__ import annotations

from collections import Counter

from treemem.checks import shown


class Notes:
    """Counts what is read as something else, by what was done about it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, dict[str, None]] = {}

    def note(self, what: str, example: object = None) -> None:
        """Count something once more, with an example of it."""
        self._counts[what] += 1
        examples = self._examples.setdefault(what, {})
        if example is not None and len(examples) < 3:
            examples[shown(example)] = None

    def told(self) -> list[str]:
        """Return what was noted, with how often and some of the words."""
        return [
            f"{what} ({count}{', such as ' + ', '.join(some) if (some := list(self._examples[what])) else ''})"
            for what, count in sorted(self._counts.items())
        ]
