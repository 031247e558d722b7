"""The viewer's page in a real Chromium: what a person sees and does, with the mouse and with the keyboard alone."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.chromium import browser
from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, day
from tests.test_viewer import HOSTILE, alike, fill
from treemem import TreeTextMemory
from treemem.viewer import Viewer

#: How long the page may take, also on a machine that is busy with other tests.
PATIENCE = 30_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


class Looked:
    """A page of the viewer in a browser, and what it asked for and complained about."""

    def __init__(self, chromium: Any, viewer: Viewer, patience: int = PATIENCE) -> None:
        self.asked: set[str] = set()
        self.complaints: list[str] = []
        self.page = chromium.new_page(viewport={"width": 1440, "height": 900})
        self.page.set_default_timeout(patience)
        self.page.on("request", lambda request: self.asked.add(urlsplit(request.url).netloc))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(viewer.url)
        self.page.wait_for_selector("body[data-ready]")

    def drawn(self, name: str) -> Any:
        return self.page.evaluate(f"treemem.lookedAt().{name}")

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def texts(self, selector: str) -> list[str]:
        return list(self.page.locator(selector).all_inner_texts())


@contextlib.contextmanager
def looking(
    chromium: Any, memory: TreeTextMemory, *, write: bool = False, patience: int = PATIENCE
) -> Iterator[Looked]:
    """Yield the page on a memory; afterwards nothing was complained about and no other host was asked."""
    with Viewer(memory, port=0, write=write) as viewer:
        looked = Looked(chromium, viewer, patience)
        try:
            yield looked
            assert looked.complaints == []
            assert looked.asked == {f"127.0.0.1:{viewer.port}"}
        finally:
            looked.page.close()


def test_a_search_draws_hits_and_the_way(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    expected = memory.search("Lena works at the Harbour Museum", explain=True)
    with looking(chromium, memory) as looked:
        looked.page.fill("#question", "Lena works at the Harbour Museum")
        looked.keys("Enter")
        looked.page.wait_for_selector(".hit")
        assert len(looked.texts(".hit")) == len(expected)
        assert expected[0].memory in looked.texts(".hit")[0]
        assert set(looked.drawn("hits")) == {hit.id for hit in expected}
        steps = {step.type for hit in expected for step in hit.path}
        assert steps
        assert {edge.split(" ")[1] for edge in looked.drawn("way")} == steps
        looked.page.click("#clear")
        assert looked.drawn("hits") == []


def test_the_times_change_what_is_seen(chromium: Any, memory: TreeTextMemory) -> None:
    home = fill(memory)
    with looking(chromium, memory) as looked:
        page = looked.page
        page.fill("#filter", "Mara lives")
        assert looked.texts(".row .label") == ["Mara lives in Ghent."]
        page.fill("#as_of-text", "2025-02-01")
        page.keyboard.press("Enter")
        page.wait_for_selector(".row >> text=Mara lives in Porto.")
        assert page.locator(".time.past").count() == 1
        page.click("#as_of-now")
        page.wait_for_selector(".row >> text=Mara lives in Ghent.")
        page.focus("#known_at-slider")
        page.keyboard.press("Home")
        page.wait_for_selector(".row >> text=Mara lives in Porto.")
        page.keyboard.press("End")
        page.wait_for_selector(".row >> text=Mara lives in Ghent.")
        page.fill("#as_of-text", "2020-01-01")
        page.keyboard.press("Enter")
        page.wait_for_selector("#empty >> text=Nothing was known to hold")
        page.fill("#as_of-text", "no date")
        page.keyboard.press("Enter")
        page.wait_for_selector("#toast >> text=no date that can be read")
        assert page.get_attribute("#as_of-text", "aria-invalid") == "true"
    assert memory.get(home).memory == "Mara lives in Ghent."


def test_the_history_is_a_line(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    with looking(chromium, memory) as looked:
        page = looked.page
        page.click(".row >> text=Mara lives in Ghent.")
        page.wait_for_selector(".version")
        assert [text.split(" ")[0] for text in looked.texts(".version")] == ["v1", "v2", "v3"]
        assert "believed" in looked.texts(".version.gone")[0]
        assert page.locator(".version.gone").count() == 1
        assert "she moved" in page.inner_text(".version-text")
        assert looked.texts(".version-text del") == ["Porto."]
        page.click(".version >> text=v2")
        page.wait_for_selector(".version-text >> text=Mara lives in Porto.")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector(".version-text >> text=Version 3")
        page.click("text=See the change")
        page.wait_for_selector(".operation:focus >> text=she moved")


def test_ordinary_moments_are_taken_and_odd_ones_refused(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    with looking(chromium, memory) as looked:
        page = looked.page
        page.focus("#known_at-slider")
        looked.keys("End", "ArrowLeft")
        page.wait_for_selector(".row >> text=Mara lives in Ghent.")
        page.fill("#known_at-text", "2090-01-01")
        looked.keys("Enter")
        assert page.input_value("#known_at-text") == "now", "nothing more is known later"
        for text in ("03.05.2025", "1", "2025-02-30", "2025-01-01 25:00"):
            page.fill("#as_of-text", text)
            looked.keys("Enter")
            page.wait_for_selector("#as_of-text[aria-invalid]")
        assert looked.drawn("nodes") > 0
        page.click("#as_of-now", force=True)


def test_the_printed_address_works_in_a_tab_that_is_open(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    with Viewer(memory, port=0) as viewer:
        looked = Looked(chromium, viewer)
        looked.page.evaluate("sessionStorage.setItem('treemem-token', 'of an earlier start')")
        looked.page.reload()
        looked.page.wait_for_selector("#empty >> text=token of this start")
        assert not looked.page.is_visible("#refresh")
        looked.page.goto(viewer.url)
        looked.page.wait_for_selector("body[data-ready]")
        assert "token" not in looked.page.url
        looked.page.close()


def test_a_change_says_what_it_changed_and_an_undo_can_be_undone(chromium: Any, memory: TreeTextMemory) -> None:
    home = fill(memory)
    with looking(chromium, memory, write=True) as looked:
        page = looked.page
        page.click("#tab-changes")
        moved = page.locator(".operation").filter(has_text="she moved")
        moved.get_by_text("What changed").click()
        moved.get_by_text("Mara lives in Ghent.").click()
        page.wait_for_selector(".says-all >> text=Mara lives in Ghent.")
        page.click("#tab-changes")
        moved.get_by_role("button", name="Undo").click()
        page.wait_for_selector(".operation:focus >> text=(taken back)")
        assert memory.get(home).memory == "Mara lives in Porto."
        page.click("#toast >> text=Undo that")
        page.wait_for_function("!document.getElementById('changes').innerText.includes('she moved (taken back)')")
        page.wait_for_selector(".operation:has-text('she moved') >> text=Undo")
        assert memory.get(home).memory == "Mara lives in Ghent."


def test_what_a_memory_says_stays_text(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    memory.add(
        {"id": "bold", "memory": "<b>bold</b>", "metadata": {"key": HOSTILE, "tags": [HOSTILE], "info": {"a": HOSTILE}}}
    )
    memory.link("hostile", "RELATES_TO", "bold", properties={"why": HOSTILE}, reason=HOSTILE)
    with looking(chromium, memory) as looked:
        page = looked.page
        page.fill("#question", HOSTILE)
        page.keyboard.press("Enter")
        page.wait_for_selector(".hit")
        assert any("<script>" in text for text in looked.texts(".hit"))
        for name in ("<script>", "<b>bold"):
            page.fill("#filter", name)
            page.locator(".row").first.click()
            page.wait_for_selector(f".says-all >> text={name}")
        page.click("#tab-changes")
        page.wait_for_selector(".operation >> text=<script>")
        assert page.locator("main script, main img, .says-all *, .row b").count() == 0
        assert page.evaluate("window.hacked") is None


def test_a_plan_is_accepted_and_undone(chromium: Any, memory: TreeTextMemory) -> None:
    alike(memory)
    with looking(chromium, memory, write=True) as looked:
        page = looked.page
        page.click("#tab-plan")
        page.click("#make-plan")
        page.wait_for_selector(".action")
        many = page.locator(".action").count()
        assert many >= 2
        first = page.locator(".action").first
        kind = first.locator(".kind").inner_text()
        first.locator("text=Show in the graph").click()
        assert page.evaluate("treemem.lookedAt().nodes") > 0
        page.locator(".action").nth(1).get_by_role("button", name="Drop").click()
        assert page.locator(".action").count() == many - 1
        before = memory.content_hash()
        page.locator(".action").first.get_by_role("button", name="Accept").click()
        page.wait_for_selector(".action.done")
        assert memory.content_hash() != before
        newest = memory.operations(limit=5)
        assert any(o.actor == "reorganizer" and o.reason and o.reason.startswith(kind) for o in newest)
        page.click("#tab-changes")
        page.locator(".operation").filter(has_text="reorganizer").get_by_role("button").first.click()
        page.wait_for_selector("#toast >> text=Taken back")
        page.wait_for_selector(".operation >> text=(taken back)")
        assert memory.content_hash() == before


def test_who_only_reads_cannot_change(chromium: Any, memory: TreeTextMemory) -> None:
    alike(memory)
    with looking(chromium, memory) as looked:
        page = looked.page
        assert page.inner_text("#access") == "read-only"
        page.click("#tab-plan")
        page.click("#make-plan")
        page.wait_for_selector(".action .reason")
        assert page.get_by_role("button", name="Accept").count() == 0
        page.click("#tab-changes")
        page.wait_for_selector(".operation")
        assert page.get_by_role("button", name="Undo").count() == 0


def test_with_the_keyboard_alone(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    with looking(chromium, memory) as looked:
        page = looked.page
        focused = "document.activeElement.id || document.activeElement.className"
        looked.keys("/")
        assert page.evaluate(focused) == "question"
        page.keyboard.type("Mara lives in Ghent")
        looked.keys("Enter")
        page.wait_for_selector(".hit:focus")
        looked.keys("ArrowDown", "ArrowUp", "Enter")
        page.wait_for_selector(".says-all >> text=Mara lives in Ghent.")
        looked.keys("Escape")
        page.wait_for_selector("#memory >> text=Choose a node")
        looked.keys("Escape")
        page.wait_for_selector("#found", state="hidden")
        looked.keys("l", "End", "Home", "ArrowDown", "Enter")
        page.wait_for_selector(".row.active[aria-selected=true]")
        page.wait_for_selector("#memory .says-all")
        zoom = looked.drawn("zoom")
        looked.keys("g", "+")
        assert looked.drawn("zoom") > zoom
        looked.keys("c")
        page.wait_for_selector(".operation")
        looked.keys("?")
        page.wait_for_selector("#help[open]")
        looked.keys("Escape")
        page.wait_for_selector("#help", state="hidden")
        seen = set()
        looked.keys("m")
        for _ in range(60):
            looked.keys("Tab")
            seen.add(page.evaluate(focused))
        assert {
            "question",
            "filter",
            "nodes",
            "graph",
            "as_of-slider",
            "known_at-text",
            "tab-memory",
            "refresh",
        } <= seen


def test_it_is_named_for_those_who_do_not_see(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    with looking(chromium, memory) as looked:
        nameless = looked.page.evaluate(
            """() => [...document.querySelectorAll('button, input, [role], section')].filter((e) =>
                !(e.ariaLabel || e.textContent.trim() || e.labels?.length || e.getAttribute('aria-labelledby')
                || ['presentation', 'status', 'alert'].includes(e.role))).map((e) => e.outerHTML.slice(0, 80))"""
        )
        assert nameless == []
        assert looked.page.locator("#nodes[aria-activedescendant]").count() == 1


def test_a_tree_stands_from_left_to_right(chromium: Any, memory: TreeTextMemory) -> None:
    fill(memory)
    memory.add([{"id": "top", "memory": "Work"}, {"id": "leaf", "memory": "Ines leads."}], at=day(3))
    memory.link("top", "PARENT", "leaf", at=day(3))
    with looking(chromium, memory) as looked:
        web = looked.page.evaluate("['top', 'leaf'].map((id) => treemem.lookedAt().place(id))")
        looked.keys("a")
        top, leaf = looked.page.evaluate("['top', 'leaf'].map((id) => treemem.lookedAt().place(id))")
        assert top["x"] + 50 < leaf["x"]
        assert abs(top["y"] - leaf["y"]) < 2
        looked.page.click("#arrange >> text=Web")
        again = looked.page.evaluate("['top', 'leaf'].map((id) => treemem.lookedAt().place(id))")
        assert [p["x"] for p in again] == pytest.approx([p["x"] for p in web], abs=2)
        looked.page.click('#legend [data-name="entity"]')
        nodes = looked.drawn("nodes")
        assert "Mara" not in looked.texts(".row .label")
        looked.page.click('#legend [data-name="entity"]')
        assert looked.drawn("nodes") > nodes


def test_an_effect_stands_right_of_its_cause_below_one_topic(chromium: Any, memory: TreeTextMemory) -> None:
    memory.add([{"id": i, "memory": f"Said {i}."} for i in ("top", "rain", "flood")], at=day(3))
    for leaf in ("rain", "flood"):
        memory.link("top", "PARENT", leaf, at=day(3))
    memory.link("rain", "CAUSES", "flood", at=day(3))
    with looking(chromium, memory) as looked:
        looked.keys("a")
        top, rain, flood = looked.page.evaluate("['top', 'rain', 'flood'].map((id) => treemem.lookedAt().place(id).x)")
        assert top + 50 < rain < flood - 50


def test_an_empty_cube_says_so(chromium: Any, open_memory: OpenMemory) -> None:
    with looking(chromium, open_memory()) as looked:
        assert "This cube is empty" in looked.page.inner_text("#empty")
        looked.page.fill("#question", "Anything?")
        looked.keys("Enter")
        looked.page.wait_for_selector("#found-title >> text=No hits")


def test_a_viewer_that_ended_is_told(chromium: Any, tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        memory.add("Anna sings.")
        viewer = Viewer(memory, port=0)
        looked = Looked(chromium, viewer)
        viewer.close()
        looked.page.fill("#question", "Anna")
        looked.keys("Enter")
        looked.page.wait_for_selector("#toast >> text=does not answer")
        looked.page.close()


FRAMES = """() => {
  const box = document.getElementById('graph').getBoundingClientRect();
  const target = document.querySelector('#graph > div');
  let frames = 0; const begun = performance.now();
  return new Promise((done) => {
    const frame = () => {
      frames += 1;
      const gone = performance.now() - begun;
      const place = { clientX: box.x + 300, clientY: box.y + 300, deltaY: gone < 1500 ? -20 : 20 };
      target.dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, ...place }));
      if (gone < 3000) requestAnimationFrame(frame); else done(frames / gone * 1000);
    };
    requestAnimationFrame(frame);
  });
}"""


@pytest.mark.slow
def test_ten_thousand_memories_stay_fluid(chromium: Any, open_memory: OpenMemory) -> None:
    rng = random.Random(7)
    people = ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas", "Klara", "Lena")
    things = ("garden", "violin", "museum", "marathon", "bakery", "library", "orchestra", "bicycle", "chess", "ferry")
    memory = open_memory()
    memory.add(
        {
            "id": f"m{n}",
            "memory": f"{rng.choice(people)} saw the {rng.choice(things)} number {n} in Porto.",
            "metadata": {},
        }
        for n in range(10_000)
    )
    begun = time.perf_counter()
    with looking(chromium, memory, patience=120_000) as looked:
        page = looked.page
        assert time.perf_counter() - begun < 120, "ready within a time that a busy machine keeps, too"
        assert looked.drawn("nodes") >= 10_000
        assert looked.drawn("edges") >= 10_000
        zoom = looked.drawn("zoom")
        rate = page.evaluate(FRAMES)
        assert rate > 5, f"{rate:.1f} frames a second"
        page.fill("#question", "Anna saw the garden")
        page.keyboard.press("Enter")
        page.wait_for_selector(".hit")
        assert len(looked.drawn("hits")) == 10
        page.fill("#filter", "number 5000 ")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.wait_for_selector(".says-all >> text=number 5000 ")
        assert page.locator(".row").count() < 200
        assert zoom > 0
