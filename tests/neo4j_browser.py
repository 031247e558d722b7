"""Neo4j Browser in Chromium, as a person uses it."""

from __future__ import annotations

import base64
from typing import Any

from treemem.store.neo4j.statements import folder

#: Milliseconds that Browser may take for one thing.
_WAIT = 60_000


def saved_query(name: str) -> str:
    """Return a query of cypher/explore/ without its comments, as Browser's editor takes it."""
    text = (folder() / "explore" / f"{name}.cypher").read_text("utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("//"))


class Neo4jBrowser:
    """Neo4j Browser, connected to a server without a password."""

    def __init__(self, page: Any, uri: str, http: int) -> None:
        self.page = page
        page.set_default_timeout(_WAIT)
        for _ in range(4):
            page.goto(
                f"http://127.0.0.1:{http}/browser/?connectURL={uri}&preselectAuthMethod=NO_AUTH",
                wait_until="domcontentloaded",
            )
            page.wait_for_selector("[data-testid=connect], [data-testid=editor-Run]")
            if self._connects():
                return
        shown = page.inner_text("body")[:2_000]
        raise TimeoutError(f"Neo4j Browser does not connect to its server. It shows: {shown}")

    def _connects(self) -> bool:
        """Wait until Browser is connected. It connects by itself, and may then say so, or not, or show its form."""
        for second in range(1, _WAIT // 1_000):
            self.page.wait_for_timeout(1_000)
            if self.page.locator("text=You are connected").first.is_visible():
                return True
            form = self.page.locator("[data-testid=connect]").first
            if form.is_visible():
                if form.is_enabled() and second % 10 == 1:
                    form.click()
            elif second % 10 == 0 and self._answers():
                return True
        return False

    def _answers(self) -> bool:
        frame = self.run("RETURN 40 + 2 AS answer")
        self.page.wait_for_timeout(2_000)
        return "42" in frame.inner_text()

    def run(self, text: str) -> Any:
        """Run a query or a command of Browser; return the frame with its answer."""
        before = self.page.locator("[data-testid=frame]").count()
        self.page.click("[data-testid=activeEditor] .monaco-editor")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)
        self.page.click("[data-testid=editor-Run]")
        self.page.wait_for_function("n => document.querySelectorAll('[data-testid=frame]').length > n", arg=before)
        return self.page.locator("[data-testid=frame]").first

    def draw(self, text: str) -> Any:
        """Run a query; return its frame when the graph of its answer is drawn and lies still."""
        frame = self.run(text)
        frame.locator("svg g.node").first.wait_for()
        before, now = "", "nothing yet"
        while before != now:  # until a second passes in which nothing moves
            self.page.wait_for_timeout(1_000)
            before, now = now, frame.locator("svg").first.inner_html()
        return frame

    def drop(self, name: str, data: bytes) -> None:
        """Let a file fall onto the page."""
        held = self.page.evaluate_handle(
            """([name, data]) => {
                const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0))
                const held = new DataTransfer()
                held.items.add(new File([bytes], name, {type: 'application/zip'}))
                return held
            }""",
            [name, base64.b64encode(data).decode()],
        )
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event(".filedrop", event, {"dataTransfer": held})
