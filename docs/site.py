"""Builds the documentation site without network: `python docs/site.py [FOLDER]` writes it into `site/`, or the folder.

The pages are put together first: those of docs/, the files of the repository that they link to, and the notebooks as
Markdown. Then zensical makes HTML of them, as mkdocs.yml says; a link that leads nowhere ends the build.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

import nbformat

ROOT = Path(__file__).resolve().parents[1]
#: Pages that lie outside of docs/, and where the site has them.
OUTSIDE = {
    "README.md": "project/readme.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "benchmarks/RESULTS.md": "project/results.md",
}
#: Kinds of files that the site has of docs/.
KINDS = (".md", ".svg", ".png", ".css")
_LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^(```+|~~~+).*?^\1", re.MULTILINE | re.DOTALL)


def places() -> dict[str, str]:
    """Return where the site has the files of the repository: by their paths in it, the paths of the pages."""
    found = dict(OUTSIDE)
    for path in sorted((ROOT / "docs").rglob("*")):
        inside = path.relative_to(ROOT / "docs").as_posix()
        if path.suffix in KINDS:
            found[f"docs/{inside}"] = re.sub(r"(^|/)README\.md$", r"\1index.md", inside)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        found[f"notebooks/{path.name}"] = f"notebooks/{path.stem}.md"
    found["notebooks"] = "notebooks/index.md"
    found["docs/reference"] = "reference/index.md"
    return found


def put_together(folder: Path) -> None:
    """Write all pages into a folder."""
    where = places()
    for source, page in where.items():
        path, target = ROOT / source, folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            target.write_text(_notebook(path, target), "utf-8")
        elif source == "notebooks":
            target.write_text(_contents(path), "utf-8")
        elif path.suffix == ".md":
            target.write_text(moved(path.read_text("utf-8"), source, where), "utf-8")
        elif path.is_file():
            shutil.copyfile(path, target)


def moved(text: str, source: str, where: dict[str, str]) -> str:
    """Return a page with its links as the site needs them; a link to what the site lacks becomes its text."""

    def link(found: re.Match[str]) -> str:
        said, target = found.groups()
        path, hash_, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not path:
            return found[0]
        meant = os.path.normpath(PurePosixPath(source).parent / path)
        if not (ROOT / meant).exists():
            return found[0]  # the build says that it leads nowhere
        if meant not in where:
            return said
        return f"[{said}]({os.path.relpath(where[meant], PurePosixPath(where[source]).parent)}{hash_}{anchor})"

    parts, end = [], 0
    for fence in _FENCE.finditer(text):  # what stands in a fence is no link
        parts += [_LINK.sub(link, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(link, text[end:])])


def _contents(folder: Path) -> str:
    lines = ["# Notebooks\n", "Each runs from top to bottom, with its output. The files lie in `notebooks/`.\n"]
    for path in sorted(folder.glob("*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source.splitlines()
        lines.append(f"- [{first[0].lstrip('# ')}]({path.stem}.md)")
    return "\n".join(lines) + "\n"


def _notebook(path: Path, page: Path) -> str:
    """Return a notebook as Markdown; its pictures are written beside the page."""
    parts: list[str] = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"````python\n{cell.source}\n````")
        for count, output in enumerate(cell.outputs):
            data = output.get("data", {})
            if "image/png" in data:
                picture = page.with_name(f"{path.stem}-{number}-{count}.png")
                picture.write_bytes(base64.b64decode(data["image/png"]))
                parts.append(f"![What the cell draws]({picture.name})")
            elif text := (output.get("text") or data.get("text/plain", "")).rstrip():
                parts.append(f"````text\n{text}\n````")
    return "\n\n".join(parts) + f"\n\nThe file: `notebooks/{path.name}`\n"


def build(target: Path) -> None:
    """Build the site into a folder, which is written anew; raise CalledProcessError where a link leads nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copyfile(ROOT / "mkdocs.yml", work / "mkdocs.yml")
        put_together(work / "docs")
        subprocess.run([sys.executable, "-m", "zensical", "build", "--strict"], cwd=work, check=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work / "site", target)


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "site")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
