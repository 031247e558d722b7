# Everything public, and where it is defined: type checkers read this file, and so does __init__.py when a name is used.

from .saver import TreememSaver, open_without_vectors
from .store import TreememStore

__all__ = ["TreememSaver", "TreememStore", "open_without_vectors"]
