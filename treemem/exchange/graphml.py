"""GraphML (http://graphml.graphdrawing.org): a networkx graph as a file that Gephi, yEd and networkx read, and back.

A value that GraphML has no type for (a list, a dict, a text with characters that XML cannot hold) is written as JSON
under its name with `__json` behind it, and read back as it was; what is None is left out.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from treemem.counting import refuse_dense_json, refuse_dense_xml
from treemem.errors import InvalidInputError
from treemem.exchange import files

if TYPE_CHECKING:
    import networkx

JSON = "__json"
#: What XML 1.0 cannot hold, or does not give back as it was.
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A document type can make a small file as large as memory; GraphML needs none.
_DOCTYPE = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_GRAPHS = re.compile(r"<graph[\s>/]")
_MOST_BYTES = 1 << 30


def flat(graph: networkx.Graph[Any]) -> networkx.Graph[Any]:
    """Return a copy of a graph whose attributes are texts, numbers and booleans alone, as files want them."""
    copied = graph.copy()
    for data in (
        copied.graph,
        *(d for _, d in copied.nodes(data=True)),
        *(each[-1] for each in copied.edges(data=True)),
    ):
        plain = dict(filter(None, (_flat(name, value) for name, value in data.items())))
        data.clear()
        data.update(plain)
    return copied


def _flat(name: str, value: Any) -> tuple[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, str):
        if _NO_XML.search(value) is None:
            return name, value
    elif isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return name, value
    return name + JSON, json.dumps(value, default=str)


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
    """Return whether a file that begins so is GraphML."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"<graphml" in head


def read(path: Path) -> networkx.Graph[Any]:
    """Return the graph of a file, or raise InvalidInputError."""
    import networkx as nx

    raw = files.read(path, _MOST_BYTES)
    refuse_dense_xml(raw, path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: no UTF-8 at byte {error.start}; save it as UTF-8") from error
    if _DOCTYPE.search(text):
        raise InvalidInputError(f"{path}: has a document type, which GraphML does not need; take it out")
    if len(_GRAPHS.findall(text)) > 1:
        raise InvalidInputError(f"{path}: has several graphs, or one in another; write each into a file of its own")
    try:
        graph = nx.parse_graphml(text, force_multigraph=True)
    except Exception as error:  # of the parser of XML, of networkx, of a number that is none
        raise InvalidInputError(f"{path}: no GraphML ({type(error).__name__}: {error})") from error
    for data_of in (graph.graph, *(d for _, d in graph.nodes(data=True)), *(d for *_, d in graph.edges(data=True))):
        for name in [name for name in data_of if name.endswith(JSON)]:
            refuse_dense_json(str(data_of[name]).encode(errors="surrogatepass"), f"{path}: {name}")
            try:
                data_of[name.removesuffix(JSON)] = json.loads(data_of.pop(name))
            except (TypeError, ValueError, RecursionError) as error:
                raise InvalidInputError(f"{path}: {name}: no JSON ({error})") from error
    return graph
