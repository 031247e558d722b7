"""Takes the pictures of docs/viewer.md: `python docs/screenshots_viewer.py`, with Chromium and treemem[view,test]."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.chromium import browser
from treemem import TreeTextMemory
from treemem.demo import replay
from treemem.viewer import Viewer

FOLDER = Path(__file__).with_name("pictures")


def search(page: Any) -> None:
    """A question over two hops."""
    page.fill("#question", "Who is the director of the museum where Lena works?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    page.click(".hit >> nth=1")
    page.wait_for_selector(".version")


def history(page: Any) -> None:
    """A memory that changed twice, as of the spring."""
    page.fill("#filter", "Mara lives")
    page.fill("#as_of-text", "2025-07-01")
    page.keyboard.press("Enter")
    page.click(".row >> text=Mara lives in Ghent.")
    page.wait_for_selector(".version")


def tree(page: Any) -> None:
    """Topics over what belongs together."""
    page.locator('#legend [data-name="entity"]').click()
    page.click("#arrange >> text=Tree")
    page.click(".row >> text=The picnic that never was")
    page.wait_for_selector(".version")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, TreeTextMemory.open(Path(folder) / "demo.db", cube="demo") as memory:
        for _ in replay(memory):
            pass
        with Viewer(memory, port=0, write=True) as viewer, browser() as chromium:
            for name, scheme, act in (
                ("search", "light", search),
                ("history", "dark", history),
                ("tree", "light", tree),
            ):
                page = chromium.new_page(viewport={"width": 1440, "height": 860}, color_scheme=scheme)
                page.goto(viewer.url)
                page.wait_for_selector("body[data-ready]")
                act(page)
                page.evaluate("document.getElementById('where').lastChild.textContent = 'demo.db'")
                page.wait_for_timeout(1_500)
                page.screenshot(path=FOLDER / f"viewer-{name}.png")
                page.close()


if __name__ == "__main__":
    main()
