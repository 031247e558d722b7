"""Links of the pages, the README, the changelog and the notebooks lead to files and headings that are there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest

from tests.helpers import script_of_docs

ROOT = Path(__file__).parents[1]
FILES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "benchmarks").rglob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]
_FENCE = re.compile(r"^(```+|~~~+).*?^\1`*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def prose(path: Path) -> str:
    """What a page says without its examples."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text("utf-8")
    return _FENCE.sub("", text)


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in _HEADING.findall(prose(path)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(path: Path) -> list[str]:
    return _LINK.findall(_CODE.sub("", prose(path)))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for link in links(path):
        target, _, anchor = link.partition("#")
        if "://" in link:
            parts = urlsplit(link)
            assert parts.scheme == "https", link
            assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link
            continue
        meant = path.parent / target if target else path
        assert meant.exists(), link
        if anchor:
            assert anchor in anchors(meant), link


def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One, two\n\n[a](#one-two) [b](none.md) `[c](none)`\n\n```\n[d](none)\n```\n")
    assert links(page) == ["#one-two", "none.md"]
    assert anchors(page) == {"one-two"}


def test_the_site_keeps_links_between_moved_pages() -> None:
    site = script_of_docs("site")
    where = site.places()
    text = "[a](../CHANGELOG.md#x) [b](howto/time.md) [c](../cypher/explore/) [d](https://neo4j.com)\n```\n[e](../README.md)\n```\n"
    assert site.moved(text, "docs/howto.md", where) == (
        "[a](project/changelog.md#x) [b](howto/time.md) c [d](https://neo4j.com)\n```\n[e](../README.md)\n```\n"
    )
