"""The package as users meet it: exported names, import time, errors, version."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import treemem
from treemem import errors

ROOT = Path(__file__).parents[1]


def test_exported_names_are_exactly_the_public_ones() -> None:
    for name in treemem.__all__:
        assert hasattr(treemem, name)
    own = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert own <= set(treemem.__all__), "an error that users cannot catch by name"


def test_errors_form_one_tree_and_shadow_nothing() -> None:
    import builtins

    for name, value in vars(errors).items():
        if inspect.isclass(value) and value.__module__ == errors.__name__:
            assert issubclass(value, treemem.TreememError)
            assert not hasattr(builtins, name)
            assert name in (errors.__doc__ or ""), f"{name} is not in the tree at the top of its module"


@pytest.mark.parametrize(("statement", "seconds"), [("import treemem", 0.5), ("from treemem import *", 1.5)])
def test_import_is_light(statement: str, seconds: float) -> None:
    code = (
        f"import sys, time; t = time.process_time(); {statement}; t = time.process_time() - t; "
        "heavy = ('torch', 'scipy', 'onnxruntime', 'networkx', 'neo4j', 'typer', 'mcp'); "
        "heavy = [m for m in heavy if m in sys.modules]; "
        "import json; print(json.dumps([t, heavy]))"
    )
    best, heavy = min(
        json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )
    assert heavy == []
    assert best < seconds


def test_typed_and_licensed() -> None:
    assert (ROOT / "treemem/py.typed").exists()
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "all-MiniLM-L6-v2" in (ROOT / "NOTICE").read_text()


@pytest.mark.parametrize("folder", ["treemem/store/sqlite/migrations", "cypher/schema"])
def test_migrations_are_numbered_without_gaps(folder: str) -> None:
    numbers = [int(p.name[:4]) for p in sorted((ROOT / folder).iterdir())]
    assert numbers == list(range(1, len(numbers) + 1))


def test_nobody_reaches_into_another_object() -> None:
    """Private attributes are used on `self` and `cls` alone; what a named tuple names so is public."""
    reached = []
    for path in sorted((Path(treemem.__file__).parent).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
                if not own and node.attr not in ("_replace", "_asdict", "_fields"):
                    reached.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    assert [each for each in reached if "view._take" not in each] == []
