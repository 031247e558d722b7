"""Runs a program with MemOS's own client, of the interpreter that this is started with: `launch.py PROGRAM`.

The package's top level imports half a gigabyte that the client does not need; empty packages stand in for it and for
`memos.api`, while the client itself, its models and all else are the installed ones, unchanged.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
import types


def main() -> None:
    found = importlib.util.find_spec("memos")
    assert found is not None
    assert found.submodule_search_locations is not None
    for name, below in (("memos", ""), ("memos.api", "/api")):
        package = types.ModuleType(name)
        package.__path__ = [each + below for each in found.submodule_search_locations]
        sys.modules[name] = package
    runpy.run_path(sys.argv[1], run_name="__main__")


main()
