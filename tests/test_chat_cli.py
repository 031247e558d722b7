"""treemem chat, on a local server: one question, standard input, JSON, and a talk in a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.openai_server import Script, Streamed, serving
from tests.test_llm_streams import openai_chunks
from treemem import LLMError, TreeTextMemory
from treemem.cli import app

ROOT = Path(__file__).parents[1]


def said(body: dict[str, Any]) -> Any:
    """Says where Anna lives, as a stream where one is wanted."""
    if body.get("stream"):
        return Streamed(*openai_chunks("She lives ", "in \x1b[31mPorto."))
    message = {"role": "assistant", "content": "She lives in Porto."}
    counts = {"prompt_tokens": 9, "completion_tokens": 4}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": counts}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    with serving(said) as script:
        for name, value in {
            "TREEMEM_STORE": str(tmp_path / "m.db"),
            "TREEMEM_LLM__PROVIDER": "ollama",
            "TREEMEM_LLM__MODEL": "m",
            "TREEMEM_LLM__BASE_URL": script.url,
        }.items():
            monkeypatch.setenv(name, value)
        with TreeTextMemory.open() as memory:
            memory.add({"id": "porto", "memory": "Anna lives in Porto."})
        yield script


def run(*arguments: str, code: int = 0, stdin: str | None = None) -> Result:
    done = CliRunner().invoke(app, ["chat", *arguments], input=stdin)
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_a_question_is_answered(server: Script) -> None:
    done = run("Where does Anna live?", "--sources", "--conversation", "talk")
    assert done.stdout == "She lives in \\x1b[31mPorto.\n"
    assert "porto  - [" in done.stderr
    assert "Anna lives in Porto." in server.requests[0]["messages"][-1]["content"]
    piped = run("--conversation", "talk", "--no-remember", stdin="Where does Anna live?\n")
    assert piped.stdout == done.stdout
    told = json.loads(run("Where does Anna live?", "--conversation", "talk", "--json", "--everything").stdout)
    assert (told["text"], told["used"], told["usage"]["completion_tokens"]) == ("She lives in Porto.", ["porto"], 4)
    with TreeTextMemory.open() as memory:
        assert [each.role for each in memory.messages("talk")] == ["user", "assistant"] * 2
    assert len(server.requests[-1]["messages"]) == 4


def test_what_cannot_be_answered_is_told(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    server.next.append((404, {"error": {"message": "model 'm' not found, try pulling it first"}}))
    done = run("Where does Anna live?", code=1)
    assert "try pulling it first" in done.stderr
    run("x", "--no-remember", "--everything", code=1)
    monkeypatch.delenv("TREEMEM_LLM__MODEL")
    assert "wanted a model" in run("x", code=1).stderr
    for name in ("PROVIDER", "BASE_URL"):
        monkeypatch.delenv(f"TREEMEM_LLM__{name}")
    assert "name one in the settings" in run("x", code=1).stderr
    with TreeTextMemory.open() as memory:
        assert memory.conversations() == []


def test_a_connection_that_is_cut_leaves_the_question(server: Script) -> None:
    server.next.append(lambda body: Streamed(*openai_chunks("She li", ended=None), "cut"))
    with TreeTextMemory.open() as memory:
        with pytest.raises(LLMError, match="cut"):
            list(memory.chat("Where does Anna live?", conversation_id="talk", stream=True))
        assert [each.content for each in memory.messages("talk")] == ["Where does Anna live?"]


def test_a_terminal_talks_on(server: Script, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "treemem", "chat", "--conversation", "talk"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    os.close(theirs)
    server.next.append((400, {"error": "out of memory"}))
    os.write(ours, b"Where does Anna live?\nWhere does she live?\nAnd since when?\n\n")
    out, told = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, told
    assert out.decode().count("She lives in") == 2
    assert "out of memory" in told.decode()
    assert [len(each["messages"]) for each in server.requests] == [2, 2, 4]
