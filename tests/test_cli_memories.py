"""Commands over single memories and lists: list, update, delete, message, status, extract, rerank, the three forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.commands import Shell
from tests.openai_server import serving
from tests.readers import ANNA, FISH, PORTO, RITA, reading
from treemem import TreeTextMemory
from treemem.cli.wording import COMMANDS, in_commands
from treemem.errors import InvalidInputError

Run = Callable[..., Result]
LONG = "Anna keeps the spare key of the summer house " + "behind the third flower pot " * 12 + "in Porto."


def test_a_memory_is_listed_changed_and_deleted(shell: Shell) -> None:
    (anna,) = shell.json("add", "Anna lives in Porto.", "--at", "2025-01-01", "--tag", "home")["ids"]
    (ben,) = shell.json("add", "Ben sings.", "--user", "ben")["ids"]
    assert {each["id"] for each in shell.json("list")["memories"]} == {anna, ben}
    tagged = shell.json("list", "--filter", '{"tags": {"contains": "home"}}')["memories"]
    assert [each["id"] for each in tagged] == [anna]
    first = shell.json("list", "--limit", "1")
    second = shell.json("list", "--limit", "1", "--cursor", first["cursor"])
    assert {each["id"] for page in (first, second) for each in page["memories"]} == {anna, ben}
    assert "treemem list --cursor" in shell.run("list", "--limit", "1")
    assert "treemem undo" in shell.run("update", anna, "Anna lives in Lisbon.", "--at", "2026-01-01")
    assert shell.json("get", anna)["memory"] == "Anna lives in Lisbon."
    assert "Porto" in shell.run("list", "--as-of", "2025-06-01", "--filter", '{"tags": {"contains": "home"}}')
    assert "corrected" in shell.run("update", anna, "-", "--correct", "--tag", "city", stdin="Anna lives in Faro.\n")
    assert shell.json("get", anna)["metadata"]["tags"] == ["city"]
    shell.run("update", ben, "Ben dances.", "--user", "ann", code=1)
    gone = shell.json("delete", anna, "--reason", "moved")["operation"]
    assert [each["id"] for each in shell.json("list")["memories"]] == [ben]
    shell.run("undo", gone)
    assert anna in shell.run("search", "Where does Anna live?")
    shell.run("update", anna, code=1)
    assert "leave --as-of" in shell.run("list", "--cursor", "x", "--as-of", "2025-01-01", code=2)


def test_a_user_sees_its_own(shell: Shell) -> None:
    ids = {}
    for user in ("ann", "ben"):
        add = ("add", f"My locker is number {len(user) + ord(user[0])}.", "--user", user)
        ids[user] = shell.json(*add)["ids"][0]
    with TreeTextMemory.open(cube=shell.cube) as memory:
        for user, each in ids.items():
            memory.for_caller(user).update(each, {"visibility": "private"})
    assert [each["id"] for each in shell.json("list", "--user", "ann")["memories"]] == [ids["ann"]]
    assert [each["id"] for each in shell.json("search", "locker", "--user", "ben")["hits"]] == [ids["ben"]]
    shell.run("get", ids["ben"], "--user", "ann", code=1)
    shell.run("delete", ids["ben"], "--user", "ann", code=1)
    assert shell.json("status", "--user", "ann")["memory"]["memories"] == 1


def test_a_conversation_is_read_back(shell: Shell, tmp_path: Path) -> None:
    said = [{"role": "user", "content": f"Line {n} is about parcel {n}."} for n in range(4)]
    (tmp_path / "said.json").write_text(json.dumps(said))
    shell.run("add", "--messages", "said.json", "--conversation", "talk")
    assert [m["content"] for m in shell.json("message", "talk")] == [m["content"] for m in said]
    assert [m["content"][:6] for m in shell.json("message", "talk", "--before", "3", "--limit", "1")] == ["Line 1"]
    assert shell.json("message", "talk") == shell.json("messages", "talk")
    assert shell.run("message", "none").strip() == "no messages"


def test_the_state_of_a_task_and_of_the_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "Anna lives in Porto.")
    task = json.loads(run("tasks", "--add", "reorganize", "--json").stdout)["id"]
    assert json.loads(run("status", task, "--json").stdout)["status"] == "waiting"
    whole = json.loads(run("status", "--json").stdout)
    assert (whole["memory"]["memories"], whole["tasks"]["waiting"]) == (1, 1)
    assert {"treemem", "python", "sqlite"} == set(whole["versions"])
    assert json.loads(run("work", "--once", "--json").stdout) == {"tasks": 1, "failed": []}
    run("status", task)
    failed = json.loads(run("tasks", "--add", "reorganize", "--json").stdout)["id"]

    def broken(*_: object, **__: object) -> None:
        raise InvalidInputError("broken on purpose")

    monkeypatch.setattr("treemem.reorganize.reorganizer.Reorganizer.run", broken)
    told = json.loads(run("work", "--once", "--every-cube", "--json", code=1).stdout)
    assert told == {"tasks": 1, "failed": [failed]}
    run("status", failed, code=1)
    assert json.loads(run("work", "--once", "--json").stdout) == {"tasks": 0, "failed": []}


def test_three_forms_of_a_list(run: Run) -> None:
    odd = "a | b <script>\nnext *line*"
    ids = json.loads(run("add", LONG, odd, "--json").stdout)["ids"]
    for command in (["list"], ["search", "spare key"]):
        table = run(*command).stdout
        assert LONG in table  # in a pipe whole, on one line
        assert ids[0] in table
        assert json.loads(run(*command, "--format", "json").stdout) is not None
        lines = run(*command, "--format", "markdown").stdout.splitlines()
        assert set(lines[1]) == {"|", " ", "-"}
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    shown = run("list", "--format", "markdown").stdout
    assert r"a \| b \<script\><br>next \*line\*" in shown
    for command in (["operations"], ["messages"], ["documents"], ["tasks"], ["status"], ["history", ids[0]]):
        run(*command, "--format", "markdown")
        json.loads(run(*command, "--format", "json").stdout)
    assert "differ" in run("list", "--json", "--format", "table", code=2).output
    run("list", "--format", "html", code=2)
    assert json.loads(run("list", "--limit", "0", "--format", "json", code=1).stdout)["kind"] == "InvalidInputError"


def test_texts_are_ordered(run: Run, tmp_path: Path) -> None:
    texts = ["Flask is a web framework.", "Bread is baked from flour.", "A cat sleeps."]
    found = json.loads(run("rerank", "How is bread made?", *texts, "--json").stdout)
    assert found["texts"][0]["index"] == 1
    assert found["reranker"].startswith("cosine/")
    assert "Bread" in run("rerank", "How is bread made?", "-", "-k", "1", stdin="\n".join(texts).encode()).stdout
    for wrong in (["rerank", "x", " "], ["rerank", " ", "x"], ["rerank", "x", "y", "-k", "0"]):
        run(*wrong, code=1)
    run("rerank", "x", code=2)
    assert not list(tmp_path.iterdir())


def test_extract_says_what_it_wants(run: Run, tmp_path: Path) -> None:
    assert "language model" in run("extract", "Anna likes tea.", code=1).output
    for wrong in ([], ["x", "--conversation", "c"], ["--conversation", "c", "--at", "2025-01-01"]):
        run("extract", *wrong, code=1)
    assert not (tmp_path / "m.db").exists()


def test_extract_shows_what_a_model_finds_and_writes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(reading(PORTO, FISH, RITA)) as script:
        monkeypatch.setenv("TREEMEM_LLM_PROVIDER", "ollama")
        monkeypatch.setenv("TREEMEM_LLM_MODEL", "m")
        monkeypatch.setenv("TREEMEM_LLM_BASE_URL", script.url)
        (tmp_path / "said.json").write_text(json.dumps(ANNA))
        found = json.loads(run("extract", "--messages", "said.json", "--json").stdout)
        assert "I live in Porto" in [each["quote"] for each in found["items"]]
        assert found["dry_run"] is True
        found = json.loads(run("extract", "I live in Porto.", "--at", "2025-05-07", "--json").stdout)
        assert len(found["read"]) == 1
        assert sum(found["dropped_by_reason"].values()) == 1  # nobody there is called Anna
        assert not (tmp_path / "m.db").exists()
        run("add", "--messages", "said.json", "--conversation", "talk")
        before = json.loads(run("stats", "--json").stdout)
        assert "nothing was written" in run("extract", "--conversation", "talk").stdout
        assert json.loads(run("stats", "--json").stdout) == before


def test_errors_name_commands() -> None:
    assert in_commands("no memory 'x'; history() shows it") == "no memory 'x'; treemem history shows it"
    assert in_commands("no knowledge base 'x'; knowledge_bases.list() has them, make() makes one").endswith(
        "treemem kb list has them, treemem kb make makes one"
    )
    assert in_commands("no skill 'x'; skills.list() has them").endswith("treemem skills list has them")
    assert in_commands("'add()' and a.add() and subgraph() stay") == "'add()' and a.add() and subgraph() stay"
    assert in_commands("task 'x' is done; add() makes another one").endswith(
        "treemem tasks --add KIND makes another one"
    )
    from typer.main import get_command

    from treemem.cli import app

    there = get_command(app).commands  # type: ignore[attr-defined]
    assert {command.split()[0] for command in COMMANDS.values()} <= set(there)
