"""The viewer over HTTP: what it says on both stores, and the walls before it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.conftest import OpenMemory
from tests.helpers import COMMAND, FakeClock, HashEmbedder, day, fresh_cube
from treemem import ConfigError, InvalidInputError, TreeTextMemory
from treemem.viewer import Viewer, layout, serve
from treemem.viewer.drawing import Drawing
from treemem.viewer.guards import LARGEST

ROOT = Path(__file__).parents[1]
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 1\"> & 'quoted'"


class Page:
    """Asks a viewer as its page does."""

    def __init__(self, viewer: Viewer) -> None:
        self.port = viewer.port
        self.token = viewer.url.partition("#token=")[2]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{viewer.port}", timeout=60)

    def raw(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return self.client.request(method, path, headers={"x-treemem-token": self.token, **(headers or {})}, **more)

    def read(self, name: str, code: int = 200, **values: Any) -> Any:
        answer = self.raw("GET", f"/api/{name}", params=values)
        assert answer.status_code == code, answer.text
        return answer.json()

    def change(self, name: str, code: int = 200, **values: Any) -> Any:
        answer = self.raw("POST", f"/api/{name}", json=values)
        assert answer.status_code == code, answer.text
        return answer.json()


View = Callable[..., Page]


@pytest.fixture
def view() -> Iterator[View]:
    """Opens viewers on memories; closes them at the end."""
    opened: list[Viewer] = []
    pages: list[Page] = []

    def open_it(memory: TreeTextMemory, *, write: bool = False) -> Page:
        opened.append(Viewer(memory, port=0, write=write))
        pages.append(Page(opened[-1]))
        return pages[-1]

    yield open_it
    for page in pages:
        page.client.close()
    for viewer in opened:
        viewer.close()


def fill(memory: TreeTextMemory) -> str:
    """A small memory with a history, a cause and a name that leads on to another memory; returns the home's id."""
    (home,) = memory.add("Mara lives in Porto.", at=day(0))
    memory.update(home, "Mara lives in Ghent.", at=day(100), reason="she moved")
    job, director = memory.add(
        ["Lena works at the Harbour Museum.", "The Harbour Museum has a director, Ines."], at=day(1)
    )
    memory.link(job, "CAUSES", director, at=day(1))
    memory.add({"id": "hostile", "memory": HOSTILE}, at=day(2))
    return home


def test_the_graph_at_a_moment(memory: TreeTextMemory, view: View) -> None:
    home = fill(memory)
    page = view(memory)
    now = page.read("graph")
    nodes = now["nodes"]
    texts = dict(zip(nodes["id"], nodes["text"], strict=True))
    assert texts[home] == "Mara lives in Ghent."
    assert texts["hostile"] == HOSTILE
    assert set(nodes["kind"]) == {"memory", "entity"}
    assert len({tuple(place) for place in zip(nodes["x"], nodes["y"], strict=True)}) == len(nodes["id"])
    edges = now["edges"]
    kinds = {now["types"][number] for number in edges["type"]}
    assert kinds == {"CAUSES", "MENTIONS"}
    assert all(0 <= end < len(nodes["id"]) for end in (*edges["source"], *edges["target"]))
    then = page.read("graph", as_of=day(50).isoformat())
    assert dict(zip(then["nodes"]["id"], then["nodes"]["text"], strict=True))[home] == "Mara lives in Porto."
    places = dict(zip(nodes["id"], zip(nodes["x"], nodes["y"], strict=True), strict=True))
    for node, *place in zip(then["nodes"]["id"], then["nodes"]["x"], then["nodes"]["y"], strict=True):
        assert tuple(place) == places.get(node, tuple(place)), "what is there at both moments lies at one place"
    assert page.read("graph", as_of="2020-01-01")["nodes"]["id"] == []
    assert page.read("graph", known_at="2020-01-01")["nodes"]["id"] == []
    memory.add({"id": "late", "memory": "Mara sings."})
    assert "late" in page.read("graph")["nodes"]["id"], "what others add is seen"


def test_what_cube_this_is(memory: TreeTextMemory, view: View) -> None:
    assert view(memory).read("about")["known"] is None
    fill(memory)
    about = view(memory, write=True).read("about")
    assert (about["cube"], about["memories"], about["write"]) == (memory.cube_id, 4, True)
    known = about["known"]
    assert sum(known["bars"]) == about["operations"] == len(memory.operations())
    assert known["last"] / 1000 >= memory.operations(limit=1)[0].recorded_at.timestamp() > known["first"] / 1000 - 1


def test_a_search_tells_the_way(memory: TreeTextMemory, view: View) -> None:
    fill(memory)
    page = view(memory)
    found = page.read("search", q="Lena works at the Harbour Museum", k=5)
    assert found["hits"][0]["memory"] == "Lena works at the Harbour Museum."
    nodes = set(page.read("graph")["nodes"]["id"])
    steps = [step for hit in found["hits"] for step in hit["path"]]
    assert steps
    assert all(step["source"] in nodes and step["target"] in nodes for step in steps), "ends are nodes of the graph"
    assert {stage["name"] for stage in found["stages"]} >= {"embed", "read", "rank"}
    assert "embedding" not in found["hits"][0]["fields"]
    before = page.read("search", q="Where does Mara live?", as_of=day(50).isoformat())
    assert before["hits"][0]["memory"] == "Mara lives in Porto."


def test_a_memory_with_its_history(memory: TreeTextMemory, view: View) -> None:
    home = fill(memory)
    page = view(memory)
    told = page.read("memory", id=home)
    assert told["item"]["memory"] == "Mara lives in Ghent."
    assert [v["memory"] for v in told["history"]] == [v.item.memory for v in memory.history(home)]
    assert told["history"][-1]["opened_by"]["reason"] == "she moved"
    assert any(edge["kind"] == "entity" and edge["label"] == "Mara" for edge in told["edges"])
    gone = page.read("memory", id=home, as_of="2020-01-01")
    assert (gone["item"], len(gone["history"])) == (None, len(told["history"]))
    assert page.read("memory", 404, id="nobody")["kind"] == "MemoryNotFoundError"
    assert "id" in page.read("memory", 400, id="")["error"]


def test_operations_page_by_page(memory: TreeTextMemory, view: View) -> None:
    fill(memory)
    page = view(memory)
    first = page.read("operations", limit=2)
    assert first["more"]
    rest = page.read("operations", before=first["operations"][-1]["recorded_at"])
    ids = [o["id"] for o in (*first["operations"], *rest["operations"])]
    assert ids == [o.id for o in memory.operations()]
    assert not rest["more"]


def test_what_an_operation_changed(memory: TreeTextMemory, view: View) -> None:
    home = fill(memory)
    page = view(memory)
    lines = page.read("operations")["operations"]
    at = next(i for i, line in enumerate(lines) if line["reason"] == "she moved")
    told = page.read("changed", since=lines[at]["recorded_at"], until=lines[at - 1]["recorded_at"])
    assert [(m["id"], m["kind"]) for m in told["memories"]] == [(home, "changed")]
    assert told["memories"][0]["text"].endswith("Mara lives in Ghent.")
    at = next(i for i, line in enumerate(lines) if line["kind"] == "link")
    told = page.read("changed", since=lines[at]["recorded_at"], until=lines[at - 1]["recorded_at"])
    assert [(e["kind"], e["type"]) for e in told["edges"]] == [("added", "CAUSES")]
    page.read("changed", 400, since="no time")


def test_what_will_be_known_is_what_is_known(memory: TreeTextMemory, view: View) -> None:
    fill(memory)
    page = view(memory)
    now = page.read("graph")["nodes"]["id"]
    last = memory.operations(limit=1)[0].recorded_at.isoformat()
    for known_at in (last, "2098-01-01"):
        assert page.read("graph", known_at=known_at)["nodes"]["id"] == now
        assert page.read("search", q="Mara", known_at=known_at)["hits"]


def test_the_browser_is_opened_without_the_token(small: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others see what a process is called with; the file that it is given is this user's alone."""
    opened: list[str] = []
    held: list[str] = []
    said: list[str] = []

    def look(url: str) -> None:
        opened.append(url)
        path = Path(url.removeprefix("file://"))
        held.append(path.read_text())
        assert path.stat().st_mode & 0o077 == 0
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", look)
    with pytest.raises(KeyboardInterrupt):
        serve(small, port=0, say=said.append)
    token = said[0].partition("#token=")[2]
    assert token not in opened[0]
    assert said[0] in held[0]
    assert not Path(opened[0].removeprefix("file://")).exists(), "it goes with the viewer"


def test_undo(memory: TreeTextMemory, view: View) -> None:
    home = fill(memory)
    moved = next(o for o in memory.operations() if o.reason == "she moved")
    assert "--write" in view(memory).change("undo", 403, operation=moved.id)["error"]
    assert memory.get(home).memory == "Mara lives in Ghent."
    page = view(memory, write=True)
    page.read("graph")
    page.change("undo", operation=moved.id)
    assert memory.get(home).memory == "Mara lives in Porto."
    newest = memory.operations(limit=1)[0]
    assert (newest.undoes, newest.actor) == (moved.id, "treemem view")
    graph = page.read("graph")["nodes"]
    assert dict(zip(graph["id"], graph["text"], strict=True))[home] == "Mara lives in Porto."
    assert page.change("undo", 404, operation="nothing")["kind"] == "OperationNotFoundError"
    assert page.change("undo", 400)["error"].startswith("operation: wanted a text")


def alike(memory: TreeTextMemory) -> None:
    memory.add(
        [f"Priya plays the cello in the city orchestra, concert {word}." for word in ("one", "two", "three", "four")]
    )
    memory.add(
        [{"id": "twin-1", "memory": "Jonas rows on the lake."}, {"id": "twin-2", "memory": "Jonas rows on the lake."}]
    )


def active(memory: TreeTextMemory) -> set[str]:
    return {item.id for page in memory.pages(statuses=["activated"]) for item in page.items}


def test_a_plan_is_shown_and_accepted_in_parts(memory: TreeTextMemory, view: View) -> None:
    alike(memory)
    before = memory.content_hash()
    reader = view(memory)
    shown = reader.read("plan", everything=1, group=1)
    kinds = {action["kind"] for action in shown["actions"]}
    assert "deduplicate" in kinds
    assert all(action["reason"] and action["memories"] for action in shown["actions"])
    reader.change("apply", 403, plan=shown["id"], actions=[0])
    assert memory.content_hash() == before, "a plan changes nothing, and a page that only reads accepts none"
    page = view(memory, write=True)
    plan = page.read("plan", everything=1, group=1)
    twins = {"twin-1", "twin-2"}
    (wanted,) = (action for action in plan["actions"] if {each["id"] for each in action["memories"]} == twins)
    assert wanted["kind"] == "deduplicate"
    report = page.change("apply", plan=plan["id"], actions=[wanted["number"]])
    assert [o["status"] for o in report["outcomes"]] == ["done"]
    assert len(twins & active(memory)) == 1
    page.change("undo", operation=report["outcomes"][0]["operation"])
    assert twins <= active(memory)
    assert "make a new one" in page.change("apply", 400, plan="another", actions=[0])["error"]
    assert "found 99" in page.change("apply", 400, plan=plan["id"], actions=[99])["error"]
    assert "list of numbers" in page.change("apply", 400, plan=plan["id"], actions=[True])["error"]


def test_a_caller_sees_its_own(memory: TreeTextMemory, view: View) -> None:
    memory.for_caller("anna").add({"id": "hers", "memory": "Anna has a secret."})
    memory.for_caller("ben").add({"id": "his", "memory": "Ben has a secret."})
    page = view(memory.for_caller("anna"))
    ids = page.read("graph")["nodes"]["id"]
    assert "hers" in ids
    assert "his" not in ids
    assert [hit["id"] for hit in page.read("search", q="secret")["hits"]] == ["hers"]
    page.read("memory", 404, id="his")
    assert len(page.read("operations")["operations"]) == 1
    both = [{"memory": f"{name} sings.", "metadata": {"user_id": name}} for name in ("anna", "ben")]
    hers, his = memory.add(both)
    ids = page.read("graph")["nodes"]["id"]
    assert hers in ids, "also what came in an operation that the caller does not see"
    assert his not in ids


@pytest.fixture
def small(tmp_path: Path) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder(), clock=FakeClock()) as memory:
        fill(memory)
        yield memory


def test_no_token_no_answer(small: TreeTextMemory, view: View) -> None:
    page = view(small, write=True)
    for given in ("", "x", page.token[:-1], page.token + "x", "é"):
        answer = page.client.get("/api/about", headers={"x-treemem-token": given.encode("utf-8")})
        assert answer.status_code == 401, given
    assert page.client.get("/api/about").status_code == 401
    assert page.client.get(f"/api/about?token={page.token}").status_code == 401, "a link is no token"
    assert page.client.post("/api/undo", json={"operation": "x"}).status_code == 401
    assert page.client.get("/api/nothing").status_code == 401, "nor does it say what there is"
    assert page.raw("GET", "/api/nothing").status_code == 404
    assert view(small).token != page.token, "each start has one of its own"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", ""])
def test_another_host_is_refused(small: TreeTextMemory, view: View, host: str) -> None:
    page = view(small)
    for path in ("/", "/api/about", "/static/js/main.js"):
        assert page.raw("GET", path, headers={"host": host.format(port=page.port)}).status_code == 421
    assert page.raw("GET", "/", headers={"host": f"localhost:{page.port}"}).status_code == 200


def test_another_origin_is_refused(small: TreeTextMemory, view: View) -> None:
    page = view(small, write=True)
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{page.port}", "http://127.0.0.1:1"):
        assert page.raw("GET", "/api/about", headers={"origin": origin}).status_code == 403
        assert page.raw("POST", "/api/undo", headers={"origin": origin}, json={}).status_code == 403
    assert page.raw("GET", "/api/about", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    own = f"http://127.0.0.1:{page.port}"
    answer = page.raw("GET", "/api/about", headers={"origin": own, "sec-fetch-site": "same-origin"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_only_what_is_served_is_served(small: TreeTextMemory, view: View) -> None:
    page = view(small, write=True)
    assert page.raw("GET", "/api/undo").status_code == 405, "a change is no GET"
    assert page.raw("POST", "/api/about", json={}).status_code == 405
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        assert page.raw(method, "/api/about").status_code == 405
    for path in ("/static/../routes.py", "/static/%2e%2e/routes.py", "/static/..%2froutes.py", "/static//etc/passwd"):
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
        connection.request("GET", path, headers={"x-treemem-token": page.token})
        assert connection.getresponse().status == 404, path
        connection.close()


def test_bodies_are_bounded_and_json(small: TreeTextMemory, view: View) -> None:
    page = view(small, write=True)
    assert page.change("undo", 413, operation="x" * 1_000_000)["error"].startswith(f"wanted at most {LARGEST}")
    json_type = {"content-type": "application/json"}
    assert page.raw("POST", "/api/undo", headers=json_type, content=b"[" * 60_000).status_code == 400
    assert page.raw("POST", "/api/undo", headers=json_type, content=b"[]").status_code == 400
    assert page.raw("POST", "/api/undo", headers=json_type, content=b"\xff").status_code == 400
    form = {"content-type": "text/plain"}
    assert page.raw("POST", "/api/undo", headers=form, content=b"{}").status_code == 415, "as a form of others sends it"
    for name, given in {"as_of": "soon", "k": "0", "q": "x" * 50_000}.items():
        answer = page.raw("GET", "/api/search", params={"q": "Mara", **{name: given}})
        assert answer.status_code in (200, 400), name
    assert page.read("about")["cube"] == small.cube_id


def test_headers_of_every_answer(small: TreeTextMemory, view: View) -> None:
    page = view(small)
    for answer in (
        page.raw("GET", "/"),
        page.raw("GET", "/api/about"),
        page.client.get("/api/about"),
        page.raw("GET", "/static/viewer.css"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


def test_the_page_names_no_other_place() -> None:
    static = ROOT / "treemem/viewer/static"
    page = (static / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", page), "no script within the page"
    assert not re.search(r"\bon\w+=|\bstyle=|<style", page)
    for path in (*static.glob("*.*"), *static.glob("js/*.js")):
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path
        )
        assert set(re.findall(r"https?://[^\s\"'`)]+", text)) <= {"http://www.w3.org/2000/svg"}, path
    assert "Permission is hereby granted" in (static / "vendor/cytoscape.LICENSE").read_text("utf-8")
    assert "Cytoscape" in (ROOT / "NOTICE").read_text("utf-8")


def test_the_address_and_the_port(small: TreeTextMemory) -> None:
    with Viewer(small, port=0) as viewer:
        assert re.fullmatch(rf"http://127\.0\.0\.1:{viewer.port}/#token=[\w-]{{40,}}", viewer.url)
        with pytest.raises(ConfigError, match=f"port {viewer.port}.*choose another"):
            Viewer(small, port=viewer.port)
        addresses = {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
        for address in addresses:
            with socket.socket() as outside:
                outside.settimeout(2)
                assert outside.connect_ex((address, viewer.port)) != 0 or address.startswith("127.")
    viewer.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{viewer.port}/")
    for port in (-1, 70_000, True, "80"):
        with pytest.raises(InvalidInputError, match="port"):
            Viewer(small, port=port)  # type: ignore[arg-type]
    assert small.search("Mara"), "the memory stays open"


def test_without_the_packages_it_says_which(small: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigError, match=r"treemem\[view\]"):
        serve(small, port=0, open_browser=False)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command(tmp_path: Path, stop: signal.Signals) -> None:
    with TreeTextMemory.open(tmp_path / "m.db") as memory:
        memory.for_caller("anna").add("Anna has a secret.")
        memory.for_caller("ben").add("Ben has a secret.")
    place = {"TREEMEM_STORE": str(tmp_path / "m.db"), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    command = [*COMMAND, "view", "--port", "0", "--no-open", "--user", "anna"]
    running = subprocess.Popen(
        command, env={**os.environ, **place}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    threading.Timer(60, running.kill).start()
    assert running.stdout is not None
    url = running.stdout.readline().strip()
    assert "read-only" in running.stdout.readline()
    port, token = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/#token=(.+)", url).groups()  # type: ignore[union-attr]
    answer = httpx.get(f"http://127.0.0.1:{port}/api/search?q=secret", headers={"x-treemem-token": token}, timeout=60)
    assert [hit["memory"] for hit in answer.json()["hits"]] == ["Anna has a secret."]
    busy = subprocess.run(
        [*COMMAND, "view", "--port", port, "--no-open"], env={**os.environ, **place}, capture_output=True, text=True
    )
    assert busy.returncode == 1
    assert f"port {port}" in busy.stderr
    running.send_signal(stop)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (0, "", "")


def test_control_c_waits_for_the_server_to_end(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "m.db") as memory:
        viewer = Viewer(memory, port=0)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            viewer.wait(60)
        assert "treemem-view" in {each.name for each in threading.enumerate()}
        viewer.close()
        assert "treemem-view" not in {each.name for each in threading.enumerate()}


def test_a_search_of_the_command_counts_nothing(tmp_path: Path) -> None:
    """The page that only reads does not even note what it found."""
    from typer.testing import CliRunner

    from treemem.cli import app, viewing

    seen: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("treemem.viewer.serve", lambda memory, **_: seen.append(memory.search("x")))
        patch.setattr(viewing.signal, "signal", lambda *_: None)
        store = str(tmp_path / "m.db")
        with TreeTextMemory.open(store) as memory:
            (added,) = memory.add("x marks the spot")
        result = CliRunner().invoke(app, ["view", "--store", store, "--no-open"])
        assert result.exit_code == 0, result.output
    assert [hit.id for hit in seen[0]] == [added]
    with TreeTextMemory.open(store) as memory:
        assert memory.get(added).metadata.usage == []


def test_places_are_the_same_each_time_and_apart() -> None:
    rng = np.random.default_rng(3)
    for count, joined in ((1, 0), (2, 1), (60, 90), (900, 1_500)):
        s, t = rng.integers(0, count, joined), rng.integers(0, count, joined)
        keep = s != t
        first = layout.positions(count, s[keep], t[keep], np.full(keep.sum(), 0.5))
        again = layout.positions(count, s[keep], t[keep], np.full(keep.sum(), 0.5))
        assert np.array_equal(first, again)
        assert np.isfinite(first).all()
        assert len(np.unique(first.round(1), axis=0)) == count
    chain = layout.positions(30, range(29), range(1, 30), [1.0] * 29)
    near = np.linalg.norm(chain[0] - chain[1])
    assert near * 3 < np.linalg.norm(chain[0] - chain[29]), "what is joined lies nearer"
    assert layout.positions(0, [], [], []).shape == (0, 2)


@pytest.mark.parametrize("count", [300, 1_000, 5_000])
def test_a_hub_stands_in_the_middle_of_its_leaves(count: int) -> None:
    points = layout.positions(count, [0] * (count - 1), range(1, count), [0.35] * (count - 1))
    away = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    assert away.max() < 5 * np.median(away), "no leaf far outside, by which all others would be a dot"
    assert away[0] < np.median(away) / 3
    assert _closest(points) > layout.SPACE / 4


def _closest(points: Any) -> float:
    from scipy.spatial import cKDTree

    return float(np.quantile(cKDTree(points).query(points, k=2)[0][:, 1], 0.05))


@pytest.mark.parametrize(("size", "seconds"), [(3, 8.0), (12, 15.0), (700, 8.0)])
def test_many_small_parts_take_seconds(size: int, seconds: float) -> None:
    """Measured as time of this process, so that a machine busy with others does not count; before: a minute."""
    count = {3: 9_000, 12: 2_400}.get(size, size)
    starts = [i for i in range(count - 1) if i % size != size - 1]
    begun = time.process_time()
    points = layout.positions(count, starts, [i + 1 for i in starts], [1.0] * len(starts))
    assert time.process_time() - begun < seconds
    assert _closest(points) > 10


def test_what_is_new_comes_beside_what_is_there(tmp_path: Path) -> None:
    import networkx

    def graph(nodes: int, edges: list[tuple[int, int]]) -> Any:
        made = networkx.MultiDiGraph()
        for i in range(nodes):
            made.add_node(f"{i:05}", kind="memory", label=str(i))
        for a, b in edges:
            made.add_edge(f"{a:05}", f"{b:05}", key="PARENT", weight=1.0)
        return made

    def places(graph: Any) -> dict[str, tuple[float, float]]:
        nodes = drawing.columns(graph)["nodes"]
        return dict(zip(nodes["id"], zip(nodes["x"], nodes["y"], strict=True), strict=True))

    with TreeTextMemory.open(tmp_path / "m.db") as memory:
        for first, then in ((10, 30), (10, 200), (2_000, 3_000)):
            drawing = Drawing(memory)
            before = places(graph(first, [(i, i + 1) for i in range(4)]))
            begun = time.process_time()
            after = places(graph(then, [(i, i + 1) for i in range(4)] + [(2, then - 1), (then - 1, then - 2)]))
            assert time.process_time() - begun < 5
            assert {node: after[node] for node in before} == before, "what was there lies where it lay"
            assert len(set(after.values())) == then
        old, new = after["00002"], after[f"{then - 1:05}"]
        assert np.hypot(old[0] - new[0], old[1] - new[1]) < 3 * layout.SPACE, "beside what it is joined to"


def test_one_memory_is_opened_from_each_store(open_memory: OpenMemory, view: View) -> None:
    """Two viewers on two memories do not see one another."""
    first, second = open_memory(), open_memory(cube=fresh_cube())
    first.add({"id": "one", "memory": "One."})
    assert view(second).read("graph")["nodes"]["id"] == []
    assert view(first).read("graph")["nodes"]["id"] == ["one"]
