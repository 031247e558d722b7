"""What only treemem has, over HTTP: graph, plans, whole memories as files; the description of all routes; fairness."""

from __future__ import annotations

import errno
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.helpers import HashEmbedder
from tests.rest_server import Caller, running, some_keys
from treemem import ConfigError, ConflictError, MiniLM, StoreError, StoreFullError, TreememError, TreeTextMemory
from treemem.reorganize.turn import Turn
from treemem.service.rest import app, codes
from treemem.service.rest.application import ROUTES
from treemem.service.rest.examples import QUESTIONS
from treemem.service.rest.models import Models
from treemem.service.rest.own import VERBS
from treemem.service.running import BusyError, Runner

EMBEDDER = MiniLM()


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path_factory.mktemp("rest") / "m.db", embedder=EMBEDDER) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(memory: TreeTextMemory) -> Iterator[str]:
    with running(app(memory, some_keys("own"), models=Models(EMBEDDER))) as address:
        yield address


@pytest.fixture
def caller(url: str) -> Caller:
    return Caller(url)


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _ids(caller: Caller, *texts: str, user: str = "g") -> list[str]:
    return list(caller.post(f"v1/add?user_id={user}", memories=list(texts))["ids"])


def test_the_graph(caller: Caller) -> None:
    rain, flood, boat = _ids(caller, "It rained for a week.", "The river rose.", "We took the boat.")
    caller.post("v1/link?user_id=g", source=rain, type="CAUSES", target=flood)
    caller.post("v1/link?user_id=g", source=flood, type="CAUSES", target=boat)
    way = caller.post("v1/path?user_id=g", source=rain, target=boat, types=["CAUSES"])["path"]
    assert way["nodes"] == [rain, flood, boat]
    near = caller.post("v1/neighbours?user_id=g", memory_id=flood, types=["CAUSES"])["neighbours"]
    assert {each["id"] for each in near} == {rain, boat}
    graph = caller.post("v1/subgraph?user_id=g", ids=[rain], depth=2, types=["CAUSES"])
    assert {node["id"] for node in graph["nodes"]} == {rain, flood, boat}


def test_walls_hold_for_the_graph(caller: Caller) -> None:
    one, two = _ids(caller, "The safe is behind the clock.", "The clock is in the hall.", user="secretive")
    caller.post("v1/link?user_id=secretive", source=one, type="RELATES_TO", target=two)
    assert caller.post("v1/neighbours?user_id=stranger", memory_id=one)["neighbours"] == []
    caller.refused("v1/get?user_id=stranger", codes.NO_MEMORY, 404, memory_id=one)
    assert caller.post("v1/list?user_id=stranger")["memories"] == []


def test_an_update_and_a_correction_are_told_apart(caller: Caller) -> None:
    (one,) = _ids(caller, "Anna lives in Porto.", user="t")
    caller.post("v1/update?user_id=t", memory_id=one, memory="Anna lives in Braga.", at="2999-01-01")
    assert caller.post("v1/get?user_id=t", memory_id=one)["memory"]["memory"] == "Anna lives in Porto."
    then = caller.post("v1/get?user_id=t", memory_id=one, as_of="2999-02-01")["memory"]["memory"]
    assert then == "Anna lives in Braga."
    caller.post("v1/correct?user_id=t", memory_id=one, memory="Anna lived in Faro.")
    assert caller.post("v1/get?user_id=t", memory_id=one)["memory"]["memory"] == "Anna lived in Faro."


def test_a_plan_is_shown_and_then_applied(caller: Caller) -> None:
    _ids(caller, "The gate code is 4711.", "The gate code is 4711.", user="p")
    plan = caller.post("v1/plan?user_id=p", everything=True)
    assert plan["actions"]
    assert caller.post("v1/plan/status")["state"] in ("pending", "done")
    report = caller.post("v1/plan/apply?user_id=p", plan=plan, only=[])
    assert report["outcomes"] == []
    report = caller.post("v1/plan/apply?user_id=p", plan=plan)
    assert {each["status"] for each in report["outcomes"]} == {"done"}
    again = caller.post("v1/plan/apply?user_id=p", plan=plan)
    assert {each["status"] for each in again["outcomes"]} == {"repeated"}
    caller.refused("v1/plan/apply?user_id=p", codes.PARAMETERS, 400, plan={"id": "p"})


def test_a_plan_waits_for_no_other_worker(memory: TreeTextMemory, caller: Caller) -> None:
    _ids(caller, "The bell is broken.", "The bell is broken.", user="w")
    plan = caller.post("v1/plan?user_id=w", everything=True)
    with Turn(memory.store, "own", "another worker"):
        caller.refused("v1/plan/apply?user_id=w", codes.NOT_ADDED, 409, plan=plan)
    caller.post("v1/plan/apply?user_id=w", plan=plan)


def test_a_whole_memory_goes_out_and_comes_in(url: str, caller: Caller) -> None:
    caller.add("moves", "My sister keeps bees in Porto.")
    out = caller.http.post(f"{url}/v1/export", json={"format": "archive"})
    assert out.status_code == 200
    assert out.headers["content-type"] == "application/jsonl"
    assert json.loads(out.text.splitlines()[0])
    other = Caller(url, "key-two")
    told = other.http.post(f"{url}/v1/import", content=out.content)
    assert told.status_code == 200, told.text
    assert told.json()["data"]["format"] == "archive"
    assert other.found("moves", "Who keeps bees?") == ["My sister keeps bees in Porto."]
    graph = caller.http.post(f"{url}/v1/export?user_id=moves", json={"format": "memos"})
    assert "bees" in graph.text
    for wrong in (b"", b"{", b"nothing of ours"):
        refused = caller.http.post(f"{url}/v1/import", content=wrong)
        assert refused.status_code == 400, wrong
        assert "/treemem-import" not in refused.text
    assert caller.http.post(f"{url}/v1/import?format=none", content=b"x").status_code == 400
    assert Caller(url, "key-read").http.post(f"{url}/v1/export", json={}).status_code == 403


def test_a_packed_archive_of_another_model_comes_in_where_that_is_asked_for(tmp_path: Path, url: str) -> None:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as other:
        other.add(["The mill stands by the river."], user_id="mill")
        other.export(tmp_path / "out.jsonl.zst")
    packed, third = (tmp_path / "out.jsonl.zst").read_bytes(), Caller(url, "key-three")
    refused = third.http.post(f"{url}/v1/import", content=packed)
    assert (refused.status_code, "reembed" in refused.text) == (400, True)
    told = third.http.post(f"{url}/v1/import?reembed=true", content=packed)
    assert told.status_code == 200, told.text
    assert third.found("mill", "Where is the mill?") == ["The mill stands by the river."]


def test_no_error_tells_where_a_file_lay(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[Path] = []

    def failing(memory: TreeTextMemory, path: Path, **_: Any) -> None:
        where.append(path)
        raise kinds[len(where) - 1](f"{path}: cannot be written beside {path.parent}")

    kinds: list[type[TreememError]] = [ConflictError, StoreFullError, ConfigError, StoreError]
    monkeypatch.setattr(TreeTextMemory, "export", failing)
    monkeypatch.setattr(TreeTextMemory, "import_", failing)
    for route, sent in (("export", b"{}"), ("import", b"x")) * 2:
        answer = caller.http.post(f"{caller.url}/v1/{route}", content=sent)
        assert answer.json()["code"] == codes.code_of(kinds[len(where) - 1]("x"))
        assert "cannot be written" in answer.text
        assert str(where[-1].parent) not in answer.text
        assert not where[-1].parent.exists()


def test_a_full_disk_is_told_while_a_file_comes_in(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(anyio.AsyncFile, "write", full)
    answer = caller.http.post(f"{caller.url}/v1/import", content=b"x")
    assert (answer.status_code, answer.json()["code"]) == (503, codes.MEMORY_SERVICE)
    assert "No space left" in answer.text


def _gone(url: str) -> socket.socket:
    """Return a connection that began an import and sends no more."""
    host, port = url.removeprefix("http://").split(":")
    sock = socket.create_connection((host, int(port)))
    head = f"POST /v1/import HTTP/1.1\r\nHost: {host}\r\nAuthorization: Token key-one\r\nContent-Length: 99\r\n\r\nx"
    sock.sendall(head.encode())
    return sock


def test_one_import_a_project_and_one_that_hangs_up(url: str, caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "treemem.service.rest")

    def status(key: str) -> int:
        return Caller(url, key).http.post(f"{url}/v1/import", content=b"{").status_code

    with _gone(url):
        wait_for(lambda: status("key-one") == 429)
        assert status("key-two") == 400  # of another project
    wait_for(lambda: status("key-one") == 400)
    assert "/v1/import gone" in caplog.text
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


@pytest.mark.parametrize(("user", "code"), [("", codes.EMPTY), ("u" * 101, codes.LONG_USER), ("%00", codes.PARAMETERS)])
def test_a_user_in_the_query_is_one_as_elsewhere(caller: Caller, user: str, code: int) -> None:
    for path in ("v1/list", "v1/add", "v1/export", "v1/import"):
        caller.refused(f"{path}?user_id={user}", code, 400)


def test_the_right_is_asked_for_before_the_body(url: str) -> None:
    reader = Caller(url, "key-read")
    for path in ("add/message", "v1/add", "v1/import", "delete/memory", "add/knowledgebase-file"):
        answer = reader.http.post(f"{url}/{path}", content=b"{", headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (403, codes.NO_RIGHT), path


def test_every_route_is_described_with_an_example(url: str, caller: Caller) -> None:
    made = caller.http.get(f"{url}/openapi.json").json()
    requests = {route.path: route.request for route in (*ROUTES, *VERBS)}
    assert requests.keys() <= made["paths"].keys()
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            assert operation["responses"].keys() == {"200", "4XX", "5XX"}, path
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if method == "post" and content is not None:
                assert content["example"] == QUESTIONS[path]
            if path in requests:
                requests[path].model_validate(QUESTIONS[path])


def test_who_waits_gets_a_place_by_turns() -> None:
    order: list[str] = []

    async def scene() -> None:
        runner = Runner(at_once=1, waiting=3)
        gate = anyio.Event()

        async def call(owner: str) -> None:
            await runner.run(lambda _: order.append(owner), owner=owner)

        async def first() -> None:
            await runner.run(lambda _: anyio.from_thread.run(gate.wait), owner="greedy")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await anyio.sleep(0.05)
            for _ in range(3):
                tasks.start_soon(call, "greedy")
            await anyio.sleep(0.02)
            with pytest.raises(BusyError, match="4 calls"):
                await call("greedy")
            tasks.start_soon(call, "modest")
            await anyio.sleep(0.02)
            gate.set()
        assert runner.calls == 0

    anyio.run(scene)
    assert order == ["greedy", "modest", "greedy", "greedy"]


def test_slow_calls_of_one_project_leave_places_to_others(memory: TreeTextMemory) -> None:
    async def scene() -> None:
        runner = Runner(at_once=4)
        gate = anyio.Event()
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(lambda: runner.run(lambda _: anyio.from_thread.run(gate.wait), owner="slow"))
            await anyio.sleep(0.05)
            with anyio.fail_after(5):
                assert await runner.run(lambda _: 42, owner="quick") == 42
            gate.set()
        assert runner.calls == 0

    anyio.run(scene)


def test_who_leaves_the_line_gives_the_turn_on() -> None:
    async def scene() -> None:
        runner = Runner(at_once=1)
        gate = anyio.Event()
        done: list[Any] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: runner.run(lambda _: anyio.from_thread.run(gate.wait), owner="a"))
            await anyio.sleep(0.05)
            with anyio.move_on_after(0.05):
                await runner.run(lambda _: done.append("never"), owner="b")
            assert runner.calls == 1
            gate.set()
            await runner.run(lambda _: done.append("then"), owner="c")
        assert done == ["then"]

    anyio.run(scene)
