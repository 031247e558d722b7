"""treemem: graph-native, time-versioned knowledge memory for AI agents.

Everything public is imported from here. `__init__.pyi` says what that is and where it is defined; a name is imported
when it is first used, so `import treemem` itself costs next to nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
