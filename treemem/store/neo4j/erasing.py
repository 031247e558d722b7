"""Erasing a cube in parts, while others may write: two marks on its node say what goes on.

`erasing` is set in one transaction with the look at the cube, and is never taken back: from then on the rest belongs to
nobody, `cube` does not show it, and whoever comes to write erases it first. `sealed_until` (microseconds of the
machine's clock) makes writers wait while a backup is made; it is renewed, so that one that was killed holds up nobody
for long.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from neo4j.exceptions import Neo4jError

from treemem.errors import StoreError
from treemem.store.neo4j.connection import Connection, Transaction
from treemem.store.neo4j.rows import cube_info
from treemem.store.neo4j.statements import statement
from treemem.store.protocol import CubeInfo

log = logging.getLogger("treemem.neo4j")
#: Seconds for which a cube is sealed, between renewals, and between looks at a sealed one.
SEAL, RENEWED, LOOK = 20.0, 5.0, 0.1


class BeingErasedError(Exception):
    """Leaves the transaction: what is left of an erased cube has to go first."""


class SealedError(Exception):
    """Leaves the transaction: a backup is being made, after which the cube is erased."""


def refuse(row: Mapping[str, Any]) -> None:
    """Leave the transaction, whose lock on the cube is taken, if nobody may write to the cube now.

    A node that was erased while its lock was waited for fails the transaction, or reads as one without properties.
    """
    if row["erasing"] or row["clock"] is None:
        raise BeingErasedError
    if row["sealed_until"] is not None and row["sealed_until"] > machine_time():
        raise SealedError


def vanished(error: StoreError) -> bool:
    """Return whether a transaction failed because the node whose lock it waited for was erased."""
    return isinstance(error.__cause__, Neo4jError) and node_vanished(error.__cause__)


def node_vanished(error: Neo4jError) -> bool:
    """Return whether the server says so."""
    return (error.code or "").endswith("EntityNotFound")


def begin(tx: Transaction, cube: str, only: CubeInfo | None) -> bool:
    """Mark a cube as being erased if it is the one that was seen; return whether it is."""
    found = tx.run(statement("hold_cube"), cube=cube)
    if not found or found[0]["clock"] is None or (only is not None and cube_info(found[0]) != only):
        return False
    tx.run(statement("mark_cube"), cube=cube, erasing=True, sealed_until=None, holder=None)
    return True


class Seal:
    """Keeps writers out of a cube while the block runs; gives the cube as it is, None if there is none."""

    def __init__(self, connection: Connection, cube: str) -> None:
        self._connection, self._cube = connection, cube
        self._holder = str(uuid.uuid4())
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="treemem-seal", daemon=True)

    def __enter__(self) -> CubeInfo | None:
        info = self._connection.write(lambda tx: self._set(tx, SEAL))
        self._heart.start()
        return info

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        self._heart.join()
        try:
            self._connection.write(lambda tx: self._set(tx, 0.0))
        except StoreError as error:  # it runs out by itself
            log.warning("cube %s: it could not be opened to writers at once: %s", self._cube, error)

    def _beat(self) -> None:
        while not self._ended.wait(RENEWED):
            try:
                self._connection.write(lambda tx: self._set(tx, SEAL))
            except StoreError:
                continue  # one that ran out is noticed where the cube is erased: only the one that was seen is

    def _set(self, tx: Transaction, seconds: float) -> CubeInfo | None:
        found = tx.run(statement("hold_cube"), cube=self._cube)
        if not found or found[0]["erasing"] or found[0]["clock"] is None:
            return None
        if found[0]["sealed_by"] != self._holder:
            if not seconds:
                return None
            refuse(found[0])
        until, holder = (machine_time() + int(seconds * 1_000_000), self._holder) if seconds else (None, None)
        tx.run(statement("mark_cube"), cube=self._cube, erasing=None, sealed_until=until, holder=holder)
        return cube_info(found[0])


def machine_time() -> int:
    """Return the machine's time in microseconds, by which seals run out."""
    return time.time_ns() // 1_000
