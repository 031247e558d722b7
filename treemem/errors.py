"""Every exception treemem raises on its own account.

TreememError
├── InvalidInputError           a value that cannot be stored or asked for; nothing was written
│   └── InvalidChangeError      a change set that breaks the graph's rules (missing node, PARENT cycle, ...)
├── MemoryNotFoundError         no such memory in this cube
├── MemoryExistsError           the id is taken by other content
├── FrozenMemoryError           the memory refuses changes until it is unfrozen
├── NotAllowedError             the caller may not change, or reach, what is somebody else's
├── OperationNotFoundError      no such operation in this cube
├── OperationMismatchError      the operation id was used for another change set
├── UndoRefusedError            later operations stand on what the operation did
├── ConflictError               the memory changed meanwhile; planning again did not help
├── ModelMismatchError          the cube was written with another embedding model
├── EmbedderError               the embedding model failed or returned something unusable
├── RerankerError               a reranker cannot be loaded, failed or returned something unusable
├── LLMError                    a language model failed or answered with something unusable
│   └── ReadingError            words were added, and not all of them could be read; nothing of them is lost
├── LeaseError                  another worker reorganizes the cube
├── TaskNotFoundError           no such task in this cube
├── QueueFullError              too many tasks of this cube wait already
├── ConfigError                 arguments, environment or files that contradict each other
└── StoreError                  the database
    ├── StoreUnavailableError   not reachable, silent, or gone in the middle
    ├── StoreTimeoutError       a read did not end in the time it was given
    ├── StoreFullError          no space left, or read-only
    └── SchemaError             not ours, newer than this code, or an index that differs
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class TreememError(Exception):
    """Base of every error that treemem raises on its own account.

    Can be pickled and copied with its attributes, whatever arguments its class takes: process pools do so.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args), self.__dict__


def _again(kind: type[TreememError], arguments: tuple[Any, ...]) -> TreememError:
    """Return an error of this kind without its `__init__`, which may want more than the message; attributes follow."""
    return kind.__new__(kind, *arguments)


class InvalidInputError(TreememError, ValueError):
    """A value that cannot be stored or asked for. Nothing was written."""


class InvalidChangeError(InvalidInputError):
    """A change set that breaks a rule of the graph. Nothing was written.

    `memories` holds the ids of the memories that the message names.
    """

    def __init__(self, message: str, memories: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.memories = tuple(memories)


class MemoryNotFoundError(TreememError, LookupError):
    """No such memory in this cube."""


class MemoryExistsError(TreememError):
    """The id is taken by a memory with other content; `update` changes it."""


class FrozenMemoryError(TreememError):
    """The memory is frozen and refuses every change but `unfreeze`."""


class NotAllowedError(TreememError):
    """The caller may not change what is somebody else's, nor reach beyond its own view. Nothing was written."""


class OperationNotFoundError(TreememError, LookupError):
    """No such operation in this cube."""


class OperationMismatchError(TreememError):
    """The operation id was used before, for a different change set."""


class UndoRefusedError(TreememError):
    """Undo is refused: later operations stand on what this one did.

    `operations` holds their ids, oldest first.
    """

    def __init__(self, message: str, operations: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.operations = tuple(operations)


class ConflictError(TreememError):
    """The touched memories changed between reading and writing. Nothing was written.

    `versions` maps a memory id to (expected version, found version); 0 means "does not exist".
    """

    def __init__(self, message: str, versions: dict[str, tuple[int, int]] | None = None) -> None:
        super().__init__(message)
        self.versions = dict(versions or {})


class ModelMismatchError(TreememError):
    """The cube's vectors were made by another embedding model."""


class EmbedderError(TreememError):
    """The embedding model failed or returned something unusable."""


class LeaseError(TreememError):
    """Another worker reorganizes the cube."""


class TaskNotFoundError(TreememError, LookupError):
    """No such task in this cube, or it is not this caller's."""


class QueueFullError(TreememError):
    """Too many tasks of this cube wait already. Nothing was written."""


class RerankerError(TreememError):
    """A reranker cannot be loaded, failed or returned something unusable."""


class LLMError(TreememError):
    """A language model failed or answered with something unusable.

    `reason` is timeout, status, connection, refused, cut, invalid, input or missing. `usage` is what the call took all
    the same (an LLMUsage), None where that is not known.
    """

    def __init__(self, message: str, reason: str, usage: Any = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.usage = usage


class ReadingError(LLMError):
    """Words were added, and a language model could not read all of them. Nothing of them is lost.

    `ids` are the memories that were added, `report` is the ReadingReport. `read(ids)` goes on with what is left.
    """

    def __init__(self, message: str, reason: str, ids: Sequence[str] = (), report: Any = None) -> None:
        super().__init__(message, reason)
        self.ids = tuple(ids)
        self.report = report


class ConfigError(TreememError):
    """Arguments, environment or files that contradict each other."""


class StoreError(TreememError):
    """The database refused or failed."""


class StoreUnavailableError(StoreError):
    """The database is not reachable, fell silent, or went away. A write may be retried with its operation id."""


class StoreTimeoutError(StoreError):
    """A read did not end in the time that it was given."""


class StoreFullError(StoreError):
    """The database cannot be written: no space left, or read-only. Nothing was written."""


class SchemaError(StoreError):
    """The database is not treemem's, is newer than this code, or has an index that differs from ours."""
