"""Graphs whose attributes are texts, numbers and booleans alone, as files of graphs want them, and back.

A value of another kind (a list, a dict, a text with characters that XML cannot hold) is JSON under its name with
`__json` behind it; what is None is left out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from treemem.counting import refuse_dense_json
from treemem.errors import InvalidInputError

if TYPE_CHECKING:
    import networkx

JSON = "__json"
#: What XML 1.0 cannot hold, or does not give back as it was.
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def flat(graph: networkx.Graph[Any]) -> networkx.Graph[Any]:
    """Return a copy of a graph whose attributes are texts, numbers and booleans alone."""
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


def full(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as they were before they were flattened, or raise InvalidInputError."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        if not isinstance(name, str) or not name.endswith(JSON):
            found[name] = value
            continue
        refuse_dense_json(str(value).encode(errors="surrogatepass"), name)
        try:
            found[name.removesuffix(JSON)] = json.loads(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"{name}: no JSON ({error})") from error
    return found
