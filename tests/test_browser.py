"""The style, the saved queries and the guide, in the real Neo4j Browser."""

from __future__ import annotations

import html
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer.testing

from tests.chromium import browser as chromium
from tests.conftest import servers_of_its_own
from tests.helpers import COMMAND, HashEmbedder
from tests.neo4j_browser import Neo4jBrowser, saved_query
from tests.neo4j_server import LTS, Server
from treemem import TreeTextMemory
from treemem.cli import app
from treemem.cli.browser import GUIDE, MOST, QUERIES, STYLE, kit, server, title
from treemem.store.neo4j.statements import folder

TITLES = [title(p.read_text("utf-8")) for p in sorted((folder() / "explore").iterdir(), key=lambda p: p.name)]
#: What the guide sets before the queries are asked.
PARAMETERS = [html.unescape(text) for text in re.findall(r">(:param[^<]{1,999})</pre>", kit()[GUIDE].decode())]


def test_the_guide_and_the_page_set_what_the_queries_ask_for() -> None:
    texts = [p.read_text("utf-8") for p in (folder() / "explore").iterdir()]
    wanted = {name for text in texts for name in re.findall(r"\$(\w{1,40})", text)}
    assert set(re.findall(r"(\w{1,40})(?:: '| =>)", " ".join(PARAMETERS))) == wanted
    page = (Path(__file__).parents[1] / "docs/browser.md").read_text("utf-8")
    assert all(f"```text\n{parameters}\n```" in page for parameters in PARAMETERS)


def test_the_queries_are_in_the_order_in_which_a_person_asks() -> None:
    assert [each[:3] for each in TITLES] == [f"{n:02d} " for n in range(1, len(TITLES) + 1)]
    assert all(len(each) <= 90 for each in TITLES)


def test_the_kit_is_always_the_same_bytes() -> None:
    assert kit() == kit()
    with zipfile.ZipFile(io.BytesIO(kit()[QUERIES])) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(TITLES) + 1
    assert b"{{" not in kit()[GUIDE]


def test_the_colours_are_those_of_the_viewer() -> None:
    style, script = kit()[STYLE].decode(), files("treemem.viewer").joinpath("static/js/palette.js").read_text("utf-8")
    light = dict(re.findall(r'(\w+): "(#\w+)"', script.partition("const DARK")[0]))
    names = {"Memory": "memory", "LongTermMemory": "memory", "Topic": "topic", "Entity": "entity", "Source": "source"}
    styled = dict(re.findall(r"^(?:node|relationship)\.(\w+) \{[^}]*?[ {]color: (#\w+)", style, re.MULTILINE))
    shared = {name: colour for name, colour in styled.items() if names.get(name, name) in light}
    assert len(shared) >= 20
    assert shared == {name: light[names.get(name, name)] for name in shared}


def test_the_kit_is_written_into_a_folder(tmp_path: Path) -> None:
    done = typer.testing.CliRunner().invoke(app, ["browser", "--to", str(tmp_path / "kit"), "--json"])
    assert done.exit_code == 0, done.output
    assert {p.name: p.read_bytes() for p in (tmp_path / "kit").iterdir()} == kit()


def test_a_port_that_is_taken_is_named() -> None:
    with server(0) as taken:
        port = taken.server_address[1]
        assert taken.server_address[0] == "127.0.0.1"
        done = subprocess.run(
            [sys.executable, "-m", "treemem", "browser", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"port {port} cannot be listened on" in done.stderr


@pytest.fixture
def served() -> Iterator[ThreadingHTTPServer]:
    with server(0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def ask(serving: ThreadingHTTPServer, method: str, path: str) -> httpx.Response:
    return httpx.request(method, f"http://localhost:{serving.server_port}{path}", timeout=60)


def test_a_file_is_served_as_a_server_does(served: ThreadingHTTPServer) -> None:
    found = ask(served, "GET", f"/{STYLE}?x=1")
    assert (found.status_code, found.content) == (200, kit()[STYLE])
    assert "server" not in found.headers
    head = ask(served, "HEAD", f"/{STYLE}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == found.headers
    assert ask(served, "GET", "/nothing").status_code == 404
    assert ask(served, "HEAD", "/nothing").status_code == 404


def test_who_is_silent_is_hung_up_on(served: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.RequestHandlerClass, "timeout", 0.3)
    with socket.create_connection(("127.0.0.1", served.server_port), timeout=30) as silent:
        assert silent.recv(1) == b""
    assert ask(served, "GET", f"/{STYLE}").status_code == 200


def test_so_many_are_answered_at_once(served: ThreadingHTTPServer) -> None:
    with ExitStack() as held:

        def another() -> socket.socket:
            return held.enter_context(socket.create_connection(("127.0.0.1", served.server_port), timeout=5))

        silent = [another() for _ in range(MOST)]
        assert another().recv(1) == b""
        silent[0].sendall(f"GET /{STYLE} HTTP/1.0\r\n\r\n".encode())
        with silent[0].makefile("rb") as answer:
            assert answer.read().endswith(kit()[STYLE])
    for _ in range(100):
        try:
            assert ask(served, "GET", f"/{STYLE}").status_code == 200
            break
        except httpx.TransportError:
            time.sleep(0.05)
    else:
        pytest.fail("no place was given back")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_what_to_type_in_whole_lines_and_ends_when_told(stop: signal.Signals) -> None:
    running = subprocess.Popen(
        [*COMMAND, "browser", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "40"},
    )
    assert running.stdout is not None
    lines = [running.stdout.readline() for _ in range(5)]
    assert lines[0] == "In Neo4j Browser:\n"
    assert re.fullmatch(rf"Saved queries: http://localhost:\d{{1,5}}/{QUERIES} is a file .{{20,99}}\n", lines[3])
    assert lines[4] == "Ctrl-C ends.\n"
    running.send_signal(stop)
    _, errors = running.communicate(timeout=30)
    assert (running.returncode, errors) == (0, "")


@pytest.fixture(scope="module")
def neo4j(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for own in servers_of_its_own(tmp_path_factory.mktemp("browser")):
        with TreeTextMemory.open(own.uri, cube="demo", embedder=HashEmbedder()) as memory:
            memory.add([{"id": i, "memory": f"note {i}"} for i in ("a", "b", "c", "old")], entities=["Lena"])
            memory.add({"id": "likes", "memory": "She likes tea.", "memory_type": "PreferenceMemory"})
            memory.add({"id": "top", "memory": "all notes", "type": "topic"})
            for each in ("a", "b", "c", "old", "likes"):
                memory.link("top", "PARENT", each)
            memory.link("a", "CAUSES", "b")
            memory.update("b", "another note")
            memory.expire("old")
        yield own


def colours(frame: Any) -> list[tuple[str, str]]:
    """What is written in each node of a drawn graph, and its colour."""
    found = frame.locator("svg g.node").evaluate_all(
        "nodes => nodes.map(n => [Array.from(n.querySelectorAll('text'), t => t.textContent.trim()).join(' '),"
        " n.querySelector('circle.b-outline').getAttribute('fill')])"
    )
    return sorted((" ".join(text.split()), colour.upper()) for text, colour in found)


@pytest.mark.neo4j
@pytest.mark.skipif(LTS, reason="the same Browser")
def test_in_the_browser(neo4j: Server) -> None:
    with server(0) as kit_server, chromium() as launched:
        threading.Thread(target=kit_server.serve_forever, daemon=True).start()
        where = f"http://localhost:{kit_server.server_address[1]}"
        page = launched.new_page(viewport={"width": 1400, "height": 1000})
        browser = Neo4jBrowser(page, neo4j.uri, neo4j.http)
        browser.run(f":style {where}/{STYLE}").locator("text=node.Topic").wait_for()

        # Kinds of memories, a topic, names, former and current states are of different colours.
        browser.run(":params {cube: 'demo', id: 'b'}")
        drawn = dict(colours(browser.draw("MATCH (n:Memory|Entity {cube_id: 'demo'}) RETURN n")))
        assert drawn["note a"] == drawn["note c"] == drawn["another note"]
        assert len({drawn[text] for text in ("note a", "note old", "She likes tea.", "all notes", "Lena")}) == 5
        drawn_versions = colours(browser.draw(saved_query("05_versions")))
        assert [text for text, _ in drawn_versions] == ["another note", "another note", "note b", "note b"]
        assert len({colour for _, colour in drawn_versions}) == 3

        # The guide is shown; its parameters, as they stand there, are those that the queries ask for.
        frame = browser.run(f":play {where}/{GUIDE}")
        frame.locator("text=A memory is a graph").wait_for()
        for parameters in PARAMETERS:
            browser.run(parameters)
        for _ in range(20):  # the lines of a block are done one after the other, some after its frame is there
            asked = browser.run("RETURN $as_of < $from AND $from < $to AND $to.month = 6 AND $cube = 'demo' AS set")
            page.wait_for_timeout(1_000)
            if re.search(r"^\s*true\s*$", asked.inner_text(), re.MULTILINE):
                break
        else:
            pytest.fail("not all parameters are set")

        # The saved queries are taken as they are.
        browser.drop(QUERIES, kit()[QUERIES])
        page.click("[data-testid=navigationFavorites]")
        page.click("text=treemem >> nth=0")
        page.locator(f"text={TITLES[0]}").first.wait_for()
        assert page.locator("li, div").filter(has_text=TITLES[-1]).count()
        kit_server.shutdown()


@pytest.mark.neo4j
@pytest.mark.skipif(LTS, reason="the same Browser")
def test_in_the_query_tool(neo4j: Server, tmp_path: Path) -> None:
    """The Browser to come, which the server carries as a preview, imports the same file."""
    path = tmp_path / QUERIES
    path.write_bytes(kit()[QUERIES])
    with chromium() as launched:
        page = launched.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"http://127.0.0.1:{neo4j.http}/browser/preview/", wait_until="domcontentloaded")
        page.click("text=Cancel")
        page.click('[aria-label="Cypher panel"]')
        page.set_input_files("input[type=file]", str(path))
        page.locator("text=Cypher import completed").first.wait_for()
        page.locator("[role=treegrid] [role=row]").first.press("ArrowRight")
        page.locator(f"text={TITLES[0].replace(':', ' -')}").first.wait_for()
        shown = page.locator("[role=treegrid]").inner_text().splitlines()
        assert shown == ["treemem", *(f"{each.replace(':', ' -')}.cypher" for each in TITLES)]
