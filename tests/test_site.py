"""The documentation site is built without network, and a reader's browser asks nobody else for anything."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tests.helpers import script_of_docs

ROOT = Path(__file__).parents[1]
#: Attributes by which a page loads something, or sends its reader's data somewhere.
LOADS = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping"}


class Loads(HTMLParser):
    """What a page loads: the addresses of scripts, styles, pictures, fonts and frames."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.found += [value for name, value in named.items() if name in LOADS]
        if tag in ("link", "use", "image") and named.get("rel") not in ("canonical", "next", "prev"):
            self.found += [named[name] for name in ("href", "xlink:href") if name in named]


def named_in(nav: object) -> list[str]:
    """The pages that the navigation names."""
    if isinstance(nav, str):
        return [nav]
    each = nav.values() if isinstance(nav, dict) else nav
    assert isinstance(each, Iterable)
    return [page for part in each for page in named_in(part)]


def test_the_navigation_names_every_page_once() -> None:
    nav = named_in(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    pages = {page for page in script_of_docs("site").places().values() if page.endswith(".md")}
    assert len(nav) == len(set(nav))
    assert pages - set(nav) == {"project/readme.md"}, "pages that nobody finds: put them into nav of mkdocs.yml"
    assert set(nav) - pages == set(), "pages of nav that are not there"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("zensical") is None:
        if os.environ.get("TREEMEM_REQUIRE_EXTRAS") == "1":
            pytest.fail("zensical is not installed: pip install -e '.[docs]'")
        pytest.skip("needs zensical: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site") / "out"
    alone = ["unshare", "--net", "--map-root-user"]
    can = shutil.which("unshare") and subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    command = [*(alone if can else []), sys.executable, str(ROOT / "docs/site.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_all_pages_are_there(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {"index.html", "tutorial/index.html", "howto/time/index.html", "reference/index.html"} <= pages
    assert {"notebooks/01_first_memory/index.html", "project/changelog/index.html"} <= pages


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    count = 0
    for path in site.rglob("*.html"):
        loads = Loads()
        loads.feed(path.read_text("utf-8"))
        count += len(loads.found)
        assert [each for each in loads.found if re.match(r"(?:[a-z]+:)?//", each)] == [], path
    assert count > 100, "the test sees what pages load"
    for path in site.rglob("*.css"):
        assert re.findall(r"(?:url\(\s*['\"]?|@import\s+['\"]?)(?:https?:)?//[^)\s]+", path.read_text("utf-8")) == [], (
            path
        )
    for path in site.rglob("*.svg"):
        assert re.findall(r"(?:href|src)=\"(?!#)[^\"]*\"|url\((?!#)", path.read_text("utf-8")) == [], path


def test_links_of_the_built_pages_lead_somewhere(site: Path) -> None:
    ids = {path: set(re.findall(r'\bid="?([^"\s>]+)', path.read_text("utf-8"))) for path in site.rglob("*.html")}
    for path in ids:
        if path.name == "404.html":
            continue
        for link in re.findall(r'<a [^>]*?href="?([^"\s>]+)', path.read_text("utf-8")):
            target, _, anchor = link.partition("#")
            if "://" in link:
                continue
            meant = Path(os.path.normpath(path.parent / target)) if target else path
            meant = meant / "index.html" if meant.is_dir() else meant
            assert meant.exists(), (path, link)
            if anchor and meant in ids:
                assert anchor in ids[meant], (path, link)
