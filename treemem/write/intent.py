"""Who changes a cube, why, and under which name: what every change says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intent:
    """The id of an operation, None for one of its own; who does it (default: the configuration's actor); and why."""

    operation_id: str | None = None
    actor: str | None = None
    reason: str | None = None

    @property
    def repeatable(self) -> bool:
        """Whether the same change may come again: its id was given by whoever asks for it."""
        return self.operation_id is not None
