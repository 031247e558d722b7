"""What Graphiti keeps in a Neo4j database, as a plain graph: read in one read transaction, without its vectors.

Rows are streamed, a thousand at a time. Nothing there is changed: the session is one for reading. Its nodes are told
from ours, which are called Entity too, by their `uuid` and `group_id`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import neo4j
import neo4j.spatial
import neo4j.time
from neo4j.exceptions import AuthError, ConfigurationError, DriverError, Neo4jError

from treemem.checks import shown
from treemem.errors import ConfigError, InvalidInputError, StoreError
from treemem.exchange.facts import Knowledge
from treemem.exchange.graph import Refused
from treemem.locations import NEO4J_SCHEMES, checked_location
from treemem.store.neo4j.connection import new_driver
from treemem.store.neo4j.faults import translate
from treemem.store.neo4j.statements import CYPHER

#: Where user and password come from, where the URI names none.
USER, PASSWORD = "TREEMEM_GRAPHITI_USER", "TREEMEM_GRAPHITI_PASSWORD"
#: Rows that the server sends before it waits.
_AT_ONCE = 1_000
#: Seconds that are waited for a connection.
_TIMEOUT = 30.0


class Source(NamedTuple):
    """A database of theirs: a driver, the name of the database (None: the server's default), how errors call it."""

    driver: neo4j.Driver
    database: str | None
    name: str


@contextlib.contextmanager
def opened(source: Any) -> Iterator[Source]:
    """Open a database by its URI. Raises InvalidInputError, StoreError, neither of which shows a password."""
    if not isinstance(source, str) or "://" not in source:
        raise InvalidInputError("path: wanted the URI of a Neo4j database, such as neo4j://host:7687/database")
    try:
        found = checked_location(source)
        uri = found["store"]
        user = found.get("user") or os.environ.get(USER) or "neo4j"
        password = found.get("password") or os.environ.get(PASSWORD)
        driver = new_driver(uri, (user, password) if password else None, _TIMEOUT)
    except ConfigError:  # what it says is of the settings of a memory
        named = source.strip().partition("://")[0].lower()
        scheme = named if named in NEO4J_SCHEMES else "neo4j"  # anything else may be a password
        raise InvalidInputError(
            f"path: wanted {scheme}://host:7687 or {scheme}://host:7687/database, found something else; "
            f"set {USER} and {PASSWORD} to say who you are there"
        ) from None
    except (ConfigurationError, ValueError) as error:
        raise InvalidInputError(f"path: {uri} is no usable Neo4j URI ({error})") from None
    with driver:
        yield Source(driver, found.get("database"), uri.partition("?")[0])


@contextlib.contextmanager
def reading(source: Source) -> Iterator[neo4j.Transaction]:
    """Open a transaction that can only read; what fails in it is raised as an error of ours."""
    try:
        with (
            source.driver.session(
                database=source.database,
                default_access_mode=neo4j.READ_ACCESS,
                fetch_size=_AT_ONCE,
                notifications_min_severity="OFF",
            ) as session,
            session.begin_transaction() as transaction,
        ):
            yield transaction
    except AuthError:
        raise StoreError(f"{source.name} refused the user name or password; set {USER} and {PASSWORD}") from None
    except (Neo4jError, DriverError) as error:
        raise translate(error, source.name) from error


def knowledge(source: Any, group_ids: Sequence[str] | None, mine: tuple[str, str], refused: Refused) -> Knowledge:
    """Return what a database of Graphiti's says, of all groups or of some. Raises InvalidInputError where it is none,
    or has no such group, and StoreError.
    """
    groups = None if group_ids is None else _groups(group_ids)
    found = Knowledge("graphiti", mine, refused)
    with opened(source) as place, reading(place) as transaction:
        _require_theirs(transaction, place.name, groups)
        for row, labels in _rows(transaction, "entities", groups):
            found.entity({**row, "labels": labels})
        for row, mentions in _rows(transaction, "episodes", groups):
            found.episode(row, mentions)
        for (row,) in _rows(transaction, "facts", groups):
            found.fact(row)
        for kind in ("communities", "sagas"):
            topics = list(_rows(transaction, kind, groups))
            for row, _ in topics:
                found.topic(row)
            for row, members in topics:
                found.gather(row, members)
        for earlier, later in _rows(transaction, "order", groups):
            found.follows(later, earlier)
    return found


def _groups(given: Any) -> list[str]:
    many = [given] if isinstance(given, str) else given
    if not isinstance(many, Sequence) or isinstance(many, bytes) or not all(isinstance(each, str) for each in many):
        raise InvalidInputError(f"group_ids: wanted ids of groups, found {shown(given)}")
    if not many:
        raise InvalidInputError("group_ids: wanted at least one, found none; leave it out for all groups")
    return list(many)


def _require_theirs(transaction: neo4j.Transaction, name: str, groups: list[str] | None) -> None:
    there = [group for group, _ in _rows(transaction, "groups", groups)]
    if not there:
        raise InvalidInputError(
            f"{name}: wanted a database that Graphiti wrote, found no node Entity or Episodic with a uuid, a group_id "
            "and a created_at in it"
        )
    if groups is not None and (gone := [group for group in groups if group not in there]):
        some = ", ".join(shown(group) for group in there[:20])
        raise InvalidInputError(f"group_ids: {name} has no group {shown(gone[0])}; there are {some}")


def _rows(transaction: neo4j.Transaction, name: str, groups: list[str] | None) -> Iterator[list[Any]]:
    """Yield the rows of a statement in `cypher/graphiti/` as JSON has them."""
    (text,) = CYPHER.script("graphiti", name)
    query: Any = text
    for record in transaction.run(query, {"groups": groups}):
        yield [_plain(value) for value in record.values()]


def _plain(value: Any) -> Any:
    """Return a value of Neo4j as JSON has it, times in ISO 8601."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (neo4j.time.DateTime, neo4j.time.Date, neo4j.time.Time, neo4j.time.Duration)):
        return value.iso_format()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, neo4j.spatial.Point):
        return {"srid": value.srid, "coordinates": list(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return str(value)
