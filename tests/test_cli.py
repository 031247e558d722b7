"""The command line from the outside: every command, its JSON, its exit codes, its messages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.commands import Shell
from tests.files import pdf
from tests.graphiti import graph
from tests.helpers import fresh_cube
from treemem.cli import app
from treemem.cli.shell import console

COMMANDS = sorted(c.name or c.callback.__name__ for c in app.registered_commands if c.callback)
ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_every_command_does_its_work(shell: Shell, tmp_path: Path) -> None:
    (home,) = shell.json("add", "Anna lives in Porto.", "--at", "2025-01-01", "--tag", "home")["ids"]
    assert len(shell.json("add", "-", stdin="one line\nanother line\n")["ids"]) == 2
    said = [{"role": "user", "content": "Ben sings.", "chat_time": "2025-02-01"}]
    (tmp_path / "said.jsonl").write_text("\n".join(map(json.dumps, said)))
    shell.run("add", "--messages", "said.jsonl", "--operation-id", "talk")
    shell.run("add", "--messages", "said.jsonl", "--operation-id", "talk")
    assert shell.json("stats")["memories"] == 4
    shell.run("add", "--messages", "said.jsonl", "--conversation", "song")
    shell.run("add", "--messages", "said.jsonl", "--conversation", "song", "--operation-id", "song")
    assert [m["content"] for m in shell.json("messages", "song")] == ["Ben sings.", "Ben sings."]
    assert "Ben sings." in shell.run("messages", "song", "--limit", "1")
    assert "song" in shell.run("messages")
    shell.run("undo", "song")
    assert [each["messages"] for each in shell.json("messages")] == [1]
    found = shell.json("search", "Where does Anna live?", "-k", "1", "--filter", '{"tags": {"contains": "home"}}')
    assert [hit["id"] for hit in found["hits"]] == [home]
    assert "Anna lives in Porto." in shell.run("search", "Where does Anna live?", "--as-of", "2025-06-01")
    assert shell.json("get", home)["memory"] == "Anna lives in Porto."
    assert "tags: ['home']" in shell.run("get", home)
    assert shell.json("history", home)[0]["version"] == 1
    assert "2025-01-01 00:00 to open" in shell.run("history", home)
    trail = shell.json("operations")
    assert [o["kind"] for o in trail] == ["undo", "add_messages", "add_messages", "add_messages", "add", "add"]
    assert "brings it back" in shell.run("undo", "talk", "--reason", "by mistake")
    assert shell.json("operations", "--limit", "1")[0]["reason"] == "by mistake"
    shell.run("add", "The spare key hangs behind the door.", "The spare key hangs behind the door")
    assert "deduplicate" in shell.run("reorganize", "--dry-run", "--no-capacity", "--expire", "WorkingMemory=30")
    assert shell.json("reorganize", "--status")["state"] == "pending"
    done = json.loads(shell.run("reorganize", "--kind", "deduplicate", "--json"))
    assert [each["status"] for each in done["report"]["outcomes"]] == ["done"]
    assert shell.run("check").strip() == "sound"
    assert "up to date" in shell.run("migrate")
    assert shell.json("reembed")["states"] == 0
    assert shell.json("reindex")["states"] == 0
    assert shell.json("dump", "saved")["folder"] == "saved"
    rows = shell.json("load", "saved", "--cube", shell.cube + "-restored")["rows"]
    assert rows > 10
    assert "sound" in shell.run("check", "--cube", shell.cube + "-restored")


def test_demo_as_json(shell: Shell, tmp_path: Path) -> None:
    answers = shell.json("demo", "--store", str(tmp_path / "demo.db"))["questions"]
    assert len(answers) == 7
    assert answers[-1]["hits"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["get", "missing"], 1, "treemem history shows"),
        (["history", "missing"], 1, "no memory 'missing'"),
        (["undo", "missing"], 1, "treemem operations lists them"),
        (["add"], 1, "give texts, or --messages"),
        (["add", " "], 1, "nothing but white space"),
        (["add", "--messages", "nowhere.json"], 1, "nowhere.json"),
        (["search", "x", "--filter", "{"], 1, "no JSON"),
        (["search", "x", "--filter", '{"shoe": 1}'], 1, "wanted one of"),
        (["search", "x", "-k", "0"], 1, "top_k: wanted 1 to"),
        (["load", "nowhere"], 1, "treemem dump writes them"),
        (["dump", "empty"], 1, "nothing to dump"),
        (["reorganize", "--expire", "WorkingMemory"], 1, "TYPE=DAYS"),
        (["stats", "--store", "mysql://x"], 1, "mysql:// is unknown"),
        (["stats", "--config", "none.toml"], 1, "cannot be read"),
        (["nonsense"], 2, "No such command"),
        (["search"], 2, "Missing argument"),
    ],
)
def test_errors_say_the_next_step(run: Callable[..., Result], arguments: list[str], code: int, said: str) -> None:
    assert said in re.sub(r"\s+", " ", run(*arguments, code=code).stderr)


def test_errors_as_json(run: Callable[..., Result]) -> None:
    (out,) = run("get", "missing", "--json", code=1).stdout.splitlines()
    assert json.loads(out)["kind"] == "MemoryNotFoundError"


def test_a_config_file(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(f'store = "{tmp_path / "other.db"}"\ncube = "fromfile"\n')
    assert json.loads(run("stats", "--config", "settings.toml", "--json").stdout)["cube"] == "fromfile"
    assert (tmp_path / "other.db").exists()


def bare(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Runs treemem with bytes, on a store in the folder."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("TREEMEM_")} | options.pop("env", {})
    place = {"TREEMEM_STORE": str(folder / "m.db"), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [sys.executable, "-m", "treemem", *arguments],
        stderr=subprocess.PIPE,
        cwd=folder,
        env=place | environment,
        timeout=120,
        **options,
    )


HOSTILE = "see \x1b]0;PWNED\x07\x1b]52;c;cm0=\x07\x1b[2J\x9b31m\u202eevil\u2066\r\x7f [/red] [bold]火[/bold] :smile:"


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_loses_nothing(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(console, "width", width)
    monkeypatch.setattr("treemem.cli.lists.on_terminal", lambda: True)
    run("add", "abcdefghij" * 12, "--reason", "klmnopqrst" * 12)
    for command, text in (("search", "abcdefghij"), ("operations", "klmnopqrst")):
        out = run(command, *(["abcdefghij"] if command == "search" else [])).stdout
        assert "…" not in out
        assert sum(map(out.count, set(text))) >= 120


def test_texts_are_shown_as_texts(run: Callable[..., Result]) -> None:
    (name,) = json.loads(run("add", HOSTILE, "--reason", HOSTILE, "--tag", HOSTILE, "--json").stdout)["ids"]
    for command in (["search", "evil"], ["get", name], ["history", name], ["operations"]):
        out = run(*command).stdout
        assert "…" not in out
        assert "[/red] [bold]火[/bold] :smile:" in out
        assert r"\x1b]52;c" in out
        assert r"\u202eevil" in out
        run(*command, "--json")
    assert json.loads(run("get", name, "--json").stdout)["memory"] == HOSTILE
    assert json.loads(run("operations", "--json").stdout)[0]["reason"] == HOSTILE
    run("search", "evil", "--explain")
    run("search", "before I moved [/red] \x1b]0;x\x07")
    assert "[/red]" in run("search", "before I moved [/red]").stdout
    run("reorganize", "--dry-run", "--everything")


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", HOSTILE],
        ["history", "[/red]"],
        ["undo", HOSTILE],
        ["search", "x", "--filter", HOSTILE],
        ["search", "x", "--filter", json.dumps({HOSTILE: 1})],
        ["search", "x", "--when", HOSTILE],
        ["search", "x", "--as-of", "[/red]"],
        ["search", "x", "--memory-type", HOSTILE],
        ["reorganize", "--kind", HOSTILE],
        ["reorganize", "--expire", f"{HOSTILE}=1"],
        ["operations", "--since", HOSTILE],
        ["load", HOSTILE],
        ["stats", "--store", f"{HOSTILE}://x"],
        ["stats", "--cube", HOSTILE],
        ["add", "--messages", HOSTILE],
        ["stats", "--config", HOSTILE],
        [HOSTILE],
        ["stats", f"--{HOSTILE}"],
        ["search", "x", "-k", HOSTILE],
        ["get", "x", "--known-at", HOSTILE, "--json"],
    ],
    ids=lambda arguments: " ".join(a for a in arguments if HOSTILE not in a),
)
def test_errors_show_texts_as_texts(run: Callable[..., Result], arguments: list[str]) -> None:
    assert run(*arguments, code=None).exit_code in (1, 2)


ODD = ["-1", "0", "1.5", "nan", "inf", "-inf", "1e400", "9" * 30, "-" + "9" * 30, "9" * 5_000, "", " ", "١٢"]


@pytest.mark.parametrize("number", ODD, ids=lambda text: text[:12])
@pytest.mark.parametrize(
    "before",
    [
        ["search", "x", "--top-k"],
        ["operations", "--limit"],
        ["reorganize", "--dry-run", "--watch"],
        ["search", "x", "--as-of"],
        ["search", "x", "--when"],
        ["search", "x", "--filter"],
        ["operations", "--since"],
        ["add", "text", "--at"],
    ],
    ids=" ".join,
)
def test_odd_numbers_are_refused_in_a_sentence(run: Callable[..., Result], before: list[str], number: str) -> None:
    run(*before, number, code=None)


@pytest.mark.parametrize("days", ODD, ids=lambda text: text[:12])
def test_odd_days_are_refused(run: Callable[..., Result], days: str) -> None:
    assert run("reorganize", "--dry-run", "--expire", f"WorkingMemory={days}", code=None).exit_code in (0, 1)


@pytest.mark.parametrize("seconds", ["-1", "0", "nan", "inf", "1e300"])
def test_odd_seconds_are_refused(run: Callable[..., Result], seconds: str) -> None:
    assert "--watch: wanted seconds" in run("reorganize", "--watch", seconds, code=1).output


CONTENTS = {
    "nothing": b"",
    "deep": b"[" * 100_000,
    "deep lines": b'{"content": ' + b"[" * 100_000,
    "a huge number": b"[" + b"9" * 5_000 + b"]",
    "no UTF-8": b'[{"content": "\xff\xfe"}]',
    "a number": b"3",
    "strings": b'["a", "b"]',
    "null": b"[null]",
    "an object": b'{"messages": []}',
    "not a number": b'[{"content": NaN}]',
    "half a pair": b'[{"content": "\\ud800"}]',
    "NUL": b'[{"content": "a\\u0000b"}]',
    "cut": b'[{"content": "a"}, {"conte',
    "odd time": b'[{"content": "a", "chat_time": 1e400}]',
    "zeros": b"\x00" * 1_000,
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_odd_files_are_refused_in_a_sentence(run: Callable[..., Result], tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd").write_bytes(content)
    run("add", "--messages", "odd", code=None)
    (tmp_path / "odd.json").write_bytes(content)
    run("stats", "--config", "odd.json", code=1)
    (tmp_path / "odd.toml").write_bytes(b"a = " + content)
    run("stats", "--config", "odd.toml", code=1)
    run("load", "odd", code=1)
    run("stats", "--store", "odd", code=None)
    assert json.loads(run("stats", "--json").stdout)["cube"] == "default"


@pytest.mark.parametrize(
    "place", [".", "/", "missing/..", "~nobody-of-this-name/m.db", "x" * 5_000, "a/b", "/dev/null/m.db"]
)
def test_odd_places_are_refused_in_a_sentence(run: Callable[..., Result], tmp_path: Path, place: str) -> None:
    (tmp_path / "a").write_text("a file")
    run("stats", "--store", place, code=1)
    run("stats", "--config", place, code=1)
    run("add", "--messages", place, code=1)
    run("load", place, code=1)


def test_json_lines_end_at_line_feeds_alone(run: Callable[..., Result], tmp_path: Path) -> None:
    texts = ["one\u2028two", "three\x85four", "five\x0bsix\x0cseven", "eight\u2029\x1cnine"]
    lines = [json.dumps({"role": "user", "content": text}, ensure_ascii=False) for text in texts]
    for start, text in (("", "\n".join(lines)), ("\ufeff", "\r\n".join(lines) + "\r\n")):
        (tmp_path / "said.jsonl").write_bytes((start + text).encode())
        cube = f"lines-{len(start)}"
        ids = json.loads(run("add", "--messages", "said.jsonl", "--cube", cube, "--json").stdout)["ids"]
        kept = [json.loads(run("get", name, "--cube", cube, "--json").stdout)["memory"] for name in ids]
        assert kept == texts
    (tmp_path / "wide.json").write_bytes(json.dumps([{"content": "火"}], ensure_ascii=False).encode("utf-16"))
    (name,) = json.loads(run("add", "--messages", "wide.json", "--cube", "wide", "--json").stdout)["ids"]
    assert json.loads(run("get", name, "--cube", "wide", "--json").stdout)["memory"] == "火"
    (tmp_path / "said.jsonl").write_text('{"content": "fine"}\n\n{"content": \n')
    assert "said.jsonl, line 3" in run("add", "--messages", "said.jsonl", code=1).output


def test_lines_of_standard_input(run: Callable[..., Result]) -> None:
    stdin = "\ufeffone\u2028two\r\n\r\nthree\x85four\n火".encode()
    ids = json.loads(run("add", "-", "--json", stdin=stdin).stdout)["ids"]
    kept = [json.loads(run("get", name, "--json").stdout)["memory"] for name in ids]
    assert kept == ["one\u2028two", "three\x85four", "火"]
    assert "no UTF-8 at byte 4" in run("add", "-", code=1, stdin=b"good\xff").output


def test_the_environment_is_kept(run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "nobody's")
    monkeypatch.setenv("TREEMEM_ACTOR", "me")
    monkeypatch.setenv("TREEMEM_USER_ID", "ann")
    (name,) = json.loads(run("add", "mine", "--json").stdout)["ids"]
    assert [o["actor"] for o in json.loads(run("operations", "--json").stdout)] == ["me", "treemem command line"]
    assert json.loads(run("get", name, "--json").stdout)["metadata"]["user_id"] == "ann"
    (tmp_path / "c.toml").write_text('actor = "of the file"')
    run("add", "more", "--config", "c.toml")
    assert json.loads(run("operations", "--limit", "1", "--json").stdout)[0]["actor"] == "of the file"


def test_migrate_says_what_ran(run: Callable[..., Result]) -> None:
    first = json.loads(run("migrate", "--json").stdout)
    assert first["ran"]
    assert json.loads(run("migrate", "--json").stdout) == {**first, "ran": []}
    assert first["ran"][0] in run("migrate", "--store", "another.db").stdout


def test_the_demo_goes_to_the_store_of_the_environment(run: Callable[..., Result], tmp_path: Path) -> None:
    assert json.loads(run("demo", "--json").stdout)["location"] == str(tmp_path / "m.db")


def test_secrets_are_not_told(run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.toml").write_text('passwrod = "hunter2SECRET"\n')
    out = run("stats", "--config", "c.toml", code=1).output
    assert "did you mean password" in out
    assert "SECRET" not in out
    out = run("stats", "--store", "neo4j:SECRET@localhost:7687", code=1).output
    assert "neo4j://localhost:7687" in out
    assert "SECRET" not in out
    for arguments in (["import"], ["import", "--format", "mem0"], ["export"], ["backup"], ["restore"], ["compare"]):
        for server in ("neo4j:/me:SECRET@h", "bolt+x://me:SECRET@h"):
            out = run(*arguments, server, code=1).output
            assert "wanted a path" in out
            assert "SECRET" not in out
    monkeypatch.setenv("TREEMEM_EMBEDDER_APIKEY", "sk-SECRET")
    out = run("stats", code=1).output
    assert "TREEMEM_EMBEDDER_API_KEY" in out
    assert "SECRET" not in out


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"PYTHONIOENCODING": "cp1252"}, {"LANG": "C", "LC_ALL": "C"}])
def test_output_is_utf8_wherever_it_goes(tmp_path: Path, settings: dict[str, str]) -> None:
    assert bare(tmp_path, "add", "火 is fire", env=settings).returncode == 0
    for arguments in (["search", "fire"], ["search", "fire", "--json"], ["get", "火"]):
        done = bare(tmp_path, *arguments, env=settings)
        assert "火" in (done.stdout + done.stderr).decode("utf-8")
        assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    assert bare(tmp_path, "add", *(f"Note {i} on gardens. " + "x" * 2_000 for i in range(40))).returncode == 0
    commands = (["search", "gardens", "--json", "-k", "40"], ["stats"], ["--help"], ["get", "missing", "--json"])
    for arguments in commands:
        with Path("/dev/full").open("wb") as full:
            done = bare(tmp_path, *arguments, stdout=full)
        assert done.returncode == 1
        assert b"treemem: " in done.stderr
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in commands[:3]:
        done = bare(tmp_path, *arguments, stdout=writer)
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr
    os.close(writer)
    command = f"{sys.executable} -m treemem stats --store m.db >&-"
    done = subprocess.run(command, shell=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=-1)
    assert b"Traceback" not in done.stderr


def test_completion_and_version(run: Callable[..., Result]) -> None:
    assert "treemem" in run("--version").stdout
    assert "--install-completion" in run("--help").stdout
    command = f"{sys.executable} -m treemem --show-completion; true"  # for the shell that runs it
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert "complete_bash" in done.stdout, done.stderr


def test_chats_are_imported_once(shell: Shell, tmp_path: Path) -> None:
    said = [
        {"id": n, "type": "message", "date_unixtime": str(1_736_503_200 + n), "from": who, "text": text}
        for n, (who, text) in enumerate([("Bo", "I keep bees."), ("Ann", "What breed?"), ("Bo", "Carniolan.")])
    ]
    for until, added in ((2, 2), (3, 1), (3, 0)):
        chat = {"name": "Bo", "id": 7, "messages": said[:until]}
        (tmp_path / "result.json").write_text(json.dumps(chat))
        done = shell.json("import", "result.json")
        assert (done["conversations"], done["messages"], done["memories"]) == (1, until, added)
    assert [m["content"] for m in shell.json("messages", "telegram-7")] == [each["text"] for each in said]
    said[1]["date_unixtime"] = "soon"
    (tmp_path / "odd.json").write_text(json.dumps({"name": "Bo", "id": 8, "messages": said}))
    assert "left out: telegram-8, message 1" in shell.run("import", "odd.json")
    (tmp_path / "note.txt").write_text("no chat")
    assert "found a text that begins" in shell.run("import", "note.txt", code=1)


@pytest.mark.neo4j
def test_a_graph_of_graphiti_is_imported(shell: Shell, neo4j_uri: str) -> None:
    with graph(neo4j_uri) as made:
        fact = made.fact(made.entity("Ann", "Ann sails."), made.entity("Ben"), "Ann knows Ben.")
        done = shell.json("import", neo4j_uri, "--group", made.group)
        assert (done["format"], done["memories"]) == ("graphiti", 3)
        assert shell.json("get", fact)["memory"] == "Ann knows Ben."
        assert "no group" in shell.run("import", neo4j_uri, "--group", "nobody", code=1)
    assert "graphiti" in shell.run("formats")


def test_archives_are_compared_cut_and_merged(shell: Shell) -> None:
    shell.json("add", "Anna lives in Porto.", "--tag", "home")
    shell.json("add", "Ben likes trams.")
    told = shell.json("export", "all.jsonl")["archive_hash"]
    assert told in shell.run("export", "all.jsonl")
    assert shell.json("compare", "all.jsonl") == {"equal": True, "file": told, "cube": told}
    homes = shell.json("export", "homes.jsonl", "--filter", '{"tags": {"contains": "home"}}')
    assert homes["archive_hash"] != told
    assert "differ" in shell.run("compare", "homes.jsonl", code=1)
    assert "JSON" in shell.run("export", "homes.jsonl", "--filter", "home", code=1)
    assert "wanted" in shell.run("export", "below.jsonl", "--below", "no id!", code=1)
    other = ("--cube", fresh_cube("other"))
    shell.json("add", "Carl sings.", *other)
    assert "merge" in shell.run("import", "homes.jsonl", *other, code=1)
    assert shell.json("import", "homes.jsonl", "--merge", *other)["memories"] == 1
    assert shell.json("import", "homes.jsonl", "--merge", "--reembed", *other)["rows"] == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    assert f"treemem {command}" in text, "docs/command-line.md"


def test_documents(run: Callable[..., Result], tmp_path: Path) -> None:
    guide = tmp_path / "guide.md"
    guide.write_text("# Guide\n\nPress the green button.\n")
    place = ["--store", str(tmp_path / "m.db"), "--json"]
    (added,) = json.loads(run("add-documents", str(guide), "--id", "guide", *place).stdout)["documents"]
    assert (added["title"], len(added["added"])) == ("Guide", 1)
    guide.write_text("# Guide\n\nPress the red button.\n")
    shown = run("add-documents", str(guide), "--id", "guide", *place[:2]).stdout
    assert "guide" in shown
    (listed,) = json.loads(run("documents", *place).stdout)
    assert (listed["document_id"], listed["name"]) == ("guide", "guide.md")
    assert "Guide" in run("documents", *place[:2]).stdout
    (hit,) = json.loads(run("search", "which button", *place).stdout)["hits"]
    assert hit["memory"] == "Press the red button."
    some = json.loads(run("add-documents", str(guide), str(tmp_path / "no.md"), *place).stdout)
    assert [Path(each["file"]).name for each in some["left_out"]] == ["no.md"]
    wrong = run("add-documents", str(tmp_path / "no.md"), *place, code=1)
    assert "cannot be read" in json.loads(wrong.stdout)["error"]
    run("add-documents", str(guide), "b.md", "--id", "x", *place, code=1)
    (scanned := tmp_path / "scan.pdf").write_bytes(pdf("The ferries of the islands.", None))
    assert "pages that are pictures: 2" in " ".join(run("add-documents", str(scanned), *place[:2]).stdout.split())
    assert json.loads(run("add-documents", str(scanned), *place).stdout)["documents"][0]["unread"] == [2]
    assert "brings them back" in run("remove-documents", "guide", *place[:2]).stdout
    run("remove-documents", "nothing", *place, code=1)


def test_of_a_long_memory_a_search_shows_the_part_that_was_asked_for(run: Callable[..., Result]) -> None:
    filler = "Rain delayed the second half of the rehearsal. " * 40
    run("add", filler + "The spare key is under the blue flowerpot. " + filler)
    shown = " ".join(run("search", "spare key").stdout.split())
    assert "flowerpot" in shown
    assert shown.count("Rain") < 20
    found = json.loads(run("search", "spare key", "--json").stdout)["hits"][0]
    assert "blue flowerpot" in found["passage"]
    assert len(found["passage"]) < 900 < len(found["memory"])


def test_tasks(run: Callable[..., Result]) -> None:
    assert "holds nothing" in run("tasks", "--add", "reindex", code=1).output
    run("add", "Anna lives in Porto.")
    assert "no tasks" in run("tasks").output
    task = json.loads(run("tasks", "--add", "reindex", "--json").stdout)
    assert (task["status"], task["kind"]) == ("waiting", "reindex")
    assert json.loads(run("work", "--once", "--json").stdout) == {"tasks": 1, "failed": []}
    assert json.loads(run("tasks", task["id"], "--wait", "5", "--json").stdout)["status"] == "done"
    assert "states: 0" in run("tasks", "--status", "done").output
    other = json.loads(run("tasks", "--add", "reorganize", "--json").stdout)["id"]
    assert "cancelled" in run("tasks", other, "--cancel").output
    assert json.loads(run("tasks", other, "--retry", "--json").stdout)["status"] == "waiting"
    assert [each["id"] for each in json.loads(run("tasks", "--json").stdout)] == [other, task["id"]]
    assert "1 tasks" in run("work", "--once", "--every-cube", "--threads", "2").output
    for arguments, said in (
        (["--wait", "1"], "wanted the ID of one task"),
        ([other, "--cancel", "--retry"], "leave one of the two out"),
        (["--status", "gone"], "waiting, running, done, failed"),
        (["nothing"], "no task 'nothing'"),
        ([other, "--retry"], "is done"),
        (["--add", "dance"], "wanted one of read, reindex, reorganize"),
    ):
        assert said in run("tasks", *arguments, code=1).output
    assert "every_cube" in run("work", "--once", "--cube", "a", "--every-cube", code=1).output


def test_feedback_and_preferences(run: Callable[..., Result], tmp_path: Path) -> None:
    (code,) = json.loads(run("add", "The gate code is 4711.", "--json").stdout)["ids"]
    words = "No, the gate code is 4712."
    shown = run("feedback", words, "--about", code, "--dry-run").stdout
    assert "would change 1 memory" in shown
    assert "4711" in json.loads(run("get", code, "--json").stdout)["memory"]
    plan = json.loads(run("feedback", words, "--about", code, "--operation-id", "once", "--json").stdout)
    assert (plan["applied"], plan["answer"], plan["changes"][0]["action"]) == (True, "changed 1 memory", "correct")
    assert "4712" in json.loads(run("get", code, "--json").stdout)["memory"]
    assert "before" in run("feedback", words, "--about", code, "--operation-id", "once").stdout
    run("undo", "once")
    assert "4711" in json.loads(run("get", code, "--json").stdout)["memory"]
    assert "treemem undo" in run("feedback", "From now on, answer in German.", "--user", "ann").stdout
    assert "answer in German" in run("preferences").stdout
    profile = json.loads(run("preferences", "--user", "ann", "--json").stdout)
    assert [each["topic"] for each in profile["preferences"]] == ["answers"]
    assert json.loads(run("preferences", "--user", "bob", "--json").stdout)["preferences"] == []
    run("feedback", words, "--about", "nothing", code=1)
