"""GraphML (http://graphml.graphdrawing.org): a networkx graph as a file that Gephi, yEd and networkx read, and back.

Values that GraphML has no type for are flattened: JSON under their name with `__json` behind it. What somebody else
calls so is theirs, and is left as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat

from treemem.counting import refuse_dense_xml
from treemem.errors import InvalidInputError
from treemem.exchange import files
from treemem.exchange.flattening import flat, full
from treemem.exchange.memos import OURS

if TYPE_CHECKING:
    import networkx

_MOST_BYTES = 1 << 30


def write(graph: networkx.MultiDiGraph[Any], file: IO[bytes]) -> None:
    """Write a graph into an open file. Its edges are numbered: ids of edges are unique in GraphML, types are not."""
    import networkx as nx
    from networkx.readwrite.graphml import GraphMLWriter

    numbered: networkx.MultiDiGraph[Any] = nx.MultiDiGraph(**graph.graph)
    numbered.add_nodes_from(graph.nodes(data=True))
    for number, (source, target, data) in enumerate(graph.edges(data=True)):
        numbered.add_edge(source, target, key=f"e{number}", **data)
    writer = GraphMLWriter(encoding="utf-8", prettyprint=False)
    writer.add_graph_element(flat(numbered))
    writer.dump(file)


def fits(head: bytes) -> bool:
    """Return whether a file that begins so is GraphML, under whatever prefix."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and (b"<graphml" in start or b":graphml" in start)


def read(path: Path) -> networkx.Graph[Any]:
    """Return the graph of a file, or raise InvalidInputError."""
    import networkx as nx

    raw = files.read(path, _MOST_BYTES)
    refuse_dense_xml(raw, path)
    try:
        text = raw.decode(_looked_at(raw, path)).removeprefix("\ufeff")
        graph = nx.parse_graphml(text, force_multigraph=True)
    except InvalidInputError:
        raise
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: no {error.encoding} at byte {error.start}; save it as UTF-8") from error
    except Exception as error:  # of the parser of XML, of networkx, of a number that is none
        raise InvalidInputError(f"{path}: no GraphML ({type(error).__name__}: {error})") from error
    if not graph.graph.get(OURS):
        return graph
    try:
        for data in (graph.graph, *(d for _, d in graph.nodes(data=True)), *(d for *_, d in graph.edges(data=True))):
            plain = full(data)
            data.clear()
            data.update(plain)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from error
    return graph


def _looked_at(raw: bytes, path: Path) -> str:
    """Return the encoding of a file of XML with one graph, or raise InvalidInputError, expat.ExpatError.

    A document type can make a small file as large as memory; GraphML needs none.
    """
    encodings = ["utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"]
    graphs = 0

    def declared(_: str, encoding: str | None, __: int) -> None:
        if encoding:
            encodings.append(encoding)

    def doctype(*_: object) -> None:
        raise InvalidInputError(f"{path}: has a document type, which GraphML does not need; take it out")

    def started(name: str, _: object) -> None:
        nonlocal graphs
        graphs += name.rpartition(":")[2] == "graph"
        if graphs > 1:
            raise InvalidInputError(f"{path}: has several graphs, or one in another; write each into a file of its own")

    parser = expat.ParserCreate()
    parser.XmlDeclHandler, parser.StartDoctypeDeclHandler, parser.StartElementHandler = declared, doctype, started
    parser.Parse(raw, True)
    return encodings[-1]
