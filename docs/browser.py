"""Take the pictures of docs/browser.md: the demo in the real Neo4j Browser, in Chromium without a window.

    python docs/browser.py bolt://127.0.0.1:7687 7474

with the server's address and its HTTP port; it asks for no password. Needs the test extra and Chromium.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.chromium import browser as chromium
from tests.neo4j_browser import Neo4jBrowser, saved_query
from treemem import TreeTextMemory
from treemem.cli.browser import GUIDE, STYLE, server
from treemem.demo import replay

PICTURES = Path(__file__).parent / "pictures"
PARAMETERS = ":params {cube: 'demo', id: 'mara-home', name: 'Lena', seed: 'd26', hit: 'd28'}"
QUERIES = ("01_here", "02_about", "03_causes", "04_tree", "05_versions", "13_way")


def main(uri: str, http: int) -> None:
    """Load the demo, and take a picture of each query's graph and of the guide."""
    with TreeTextMemory.open(uri, cube="demo") as memory:
        for _ in replay(memory):
            pass
    PICTURES.mkdir(exist_ok=True)
    with server(0) as kit, chromium() as launched:
        threading.Thread(target=kit.serve_forever, daemon=True).start()
        where = f"http://localhost:{kit.server_address[1]}"
        page = launched.new_page(viewport={"width": 1300, "height": 900})
        browser = Neo4jBrowser(page, uri, http)
        browser.run(f":style {where}/{STYLE}").locator("text=node.Topic").wait_for()
        browser.run(PARAMETERS)
        for name in QUERIES:
            frame = browser.draw(saved_query(name))
            frame.locator("[title=Fullscreen]").click()
            panel = frame.locator("[aria-label='Collapse the node properties display']")
            if panel.count():  # else it stayed as it was left
                panel.first.click()
            page.wait_for_timeout(1_500)
            page.locator("[aria-label='zoom-to-fit']").first.click()
            page.wait_for_timeout(1_500)
            page.screenshot(path=PICTURES / f"browser-{name[3:]}.png")
            page.locator("[title='Close fullscreen']").click()
        frame = browser.run(f":play {where}/{GUIDE}")
        frame.locator("text=A memory is a graph").wait_for()
        page.wait_for_timeout(500)
        frame.screenshot(path=PICTURES / "browser-guide.png")
        kit.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
