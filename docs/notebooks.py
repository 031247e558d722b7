"""Runs the notebooks and keeps what they print: `python docs/notebooks.py [NAME ...]`; a test compares it.

`TREEMEM_NEO4J_URI` names the server for those that need one (`"neo4j": true` in their metadata).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

#: The tag of a cell that shows what vectors found.
APPROXIMATE = "approximate"
FOLDER = Path(__file__).parents[1] / "notebooks"


def notebooks() -> list[Path]:
    """Return the files, in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def executed(path: Path) -> nbformat.NotebookNode:
    """Return a notebook as it is after a run from top to bottom in an empty folder; raise CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata = {"tags": [APPROXIMATE]} if _is_approximate(cell) else {}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = _joined(cell.outputs)
    kept = {name: notebook.metadata[name] for name in ("kernelspec", "neo4j") if name in notebook.metadata}
    notebook.metadata = nbformat.from_dict(kept)
    return notebook


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return the outputs of a cell with what was printed in one piece, however it came, and without numbers of runs."""
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        stream = output.get("name")  # none for a picture or a result
        if stream and kept and kept[-1].get("name") == stream:
            kept[-1].text += output.text
        else:
            kept.append(output)
        if output.output_type == "execute_result":
            output.execution_count = None
    return kept


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what the cells of a notebook say in text; a picture counts as one, whatever its bytes.

    Of a cell whose scores or order hang on how a processor rounds the model's numbers, the number of lines.
    """
    said = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            text = "a picture" if "image/png" in data else output.get("text") or data.get("text/plain", "")
            said.append(f"{len(text.splitlines())} lines" if _is_approximate(cell) else text)
    return said


def _is_approximate(cell: nbformat.NotebookNode) -> bool:
    return APPROXIMATE in cell.metadata.get("tags", ())


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    wanted = sys.argv[1:]
    if unknown := set(wanted) - {each.name for each in notebooks()}:
        sys.exit(f"there is no {', '.join(sorted(unknown))}")
    for each in notebooks():
        if not wanted or each.name in wanted:
            nbformat.write(executed(each), each)
            print(each.name)  # noqa: T201
