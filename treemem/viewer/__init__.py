"""A local page on a memory: the graph, searches with their paths, both times, histories, plans, undo (extra `view`).

`treemem view` serves it from the command line, `serve` and `Viewer` from Python.
"""

from treemem.viewer.serving import Viewer, serve

__all__ = ["Viewer", "serve"]
