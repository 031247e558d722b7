"""The formats of files that `import_` reads and `export` writes, and what other verbs take and give in a program.
`treemem formats` lists them.
"""

from __future__ import annotations

from typing import NamedTuple

from treemem.ingest import exports


class Format(NamedTuple):
    """A format of files: what it is, the ends of names that stand for it, whether it can be read, and written."""

    name: str
    about: str
    suffixes: tuple[str, ...] = ()
    reads: bool = True
    writes: bool = False


FORMATS = (
    Format("archive", "everything of a cube, with its history; lossless", (".jsonl", ".jsonl.zst"), writes=True),
    Format("memos", "MemOS's textual_memory.json: its graphs and its lists", (".json",), writes=True),
    Format("mem0", "mem0's get_all() and search(), and its history() with all versions"),
    Format("graphiti", "a Neo4j database that Graphiti wrote: bolt://host:7687, neo4j+s://host/database"),
    Format("zep", "Zep's edges, nodes, episodes, summaries, messages and facts, as its SDK and API give them"),
    Format("letta", "Letta's agent files, and its passages, blocks and messages", (".af",)),
    Format("graphml", "GraphML, as Gephi, yEd and networkx read and write it", (".graphml",), writes=True),
    Format("cypher", "a script that makes the whole graph in an empty Neo4j", (".cypher",), False, True),
    Format("neo4j-csv", "a folder of CSV for neo4j-admin database import full", (), False, True),
    Format("neo4j-parquet", "the same as Parquet", (), False, True),
    *(Format(name, about) for name, about in exports.ABOUT.items()),
)

#: What a program takes from a memory and gives to it without a file.
OBJECTS = (
    Format("networkx", "a graph of networkx, in a program: to_networkx(), from_networkx()", writes=True),
    Format("pandas", "two DataFrames, of memories and edges, in a program: to_frames()", (), False, True),
    Format("polars", "the same of polars: to_frames('polars')", (), False, True),
)
