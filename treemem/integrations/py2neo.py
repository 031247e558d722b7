"""A py2neo Graph on the database of a memory (extra `py2neo`).

py2neo is no longer developed: 2021.2.4 is its last version. Over Bolt it connects to Neo4j 5.26 and 2026.09, reads and
writes; over HTTP it does not. For new code take the driver (`neo4j`), which treemem itself uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from treemem.errors import ConfigError, InvalidInputError, StoreUnavailableError
from treemem.memory import TreeTextMemory

if TYPE_CHECKING:
    from py2neo import Graph

_OTHERWISE = "use the driver: neo4j.GraphDatabase.driver(uri, auth=...)"


def graph(memory: TreeTextMemory) -> Graph:
    """Return a py2neo Graph on the same server, user and database as the memory's, with connections of its own.

    It sees every cube of the database: callers and cubes are walls of treemem, not of the server. Do not write to
    treemem's nodes with it: what `memory.check()` promises holds for what treemem wrote. Raises InvalidInputError for
    a memory on the embedded store, or whose connection cannot be repeated; ConfigError without py2neo;
    StoreUnavailableError if py2neo cannot connect.
    """
    try:
        from py2neo import Graph
    except ImportError as error:
        raise ConfigError(f"py2neo is not installed: pip install 'treemem[py2neo]', or {_OTHERWISE}") from error
    from treemem.store.neo4j.store import Neo4jStore

    store = memory.store
    if not isinstance(store, Neo4jStore):
        raise InvalidInputError("graph: the memory lies in an embedded file, py2neo speaks to Neo4j; see to_networkx()")
    way = store.way
    if way is None:
        raise InvalidInputError(
            "graph: the memory uses a driver that it was given, or certificates of its own, which py2neo cannot take "
            f"over; make a py2neo.Graph yourself, or {_OTHERWISE}"
        )
    try:
        # without credentials py2neo would take those of the environment, which may be another server's
        made = Graph(way.uri, auth=way.auth or ("neo4j", ""), name=way.database)
        made.run("RETURN 1")
    except Exception as error:  # py2neo raises errors of many kinds, none of them ours
        raise StoreUnavailableError(f"{store.location}: py2neo cannot connect ({error}); {_OTHERWISE}") from error
    return made
