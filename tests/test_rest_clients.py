"""The other public clients of MemOS's cloud, as they are published: its MCP server of npm, and its command line.

`.ci/service` installs them and names them: TREEMEM_MEMOS_MCP is the program of `@memtensor/memos-api-mcp` for Node.js,
TREEMEM_MEMOS_CLI the program `memos` of `@memtensor/memos-cloud-cli`. What is not named is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.openai_server import Script, serving
from tests.rest_server import running, some_keys
from treemem import MiniLM, OpenAILLM, TreeTextMemory
from treemem.service.rest import app
from treemem.service.rest.models import Models

MCP, CLI = os.environ.get("TREEMEM_MEMOS_MCP", ""), os.environ.get("TREEMEM_MEMOS_CLI", "")


def said(body: dict[str, Any]) -> Any:
    read = "response_format" in body  # extracting asks for what was claimed
    message = {"role": "assistant", "content": '{"items": []}' if read else "Your sister does."}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}


@pytest.fixture
def model() -> Iterator[Script]:
    with serving(said) as script:
        yield script


@pytest.fixture
def url(tmp_path: Path, model: Script) -> Iterator[str]:
    embedder, llm = MiniLM(), OpenAILLM("m", base_url=model.url, api_key="none")
    with TreeTextMemory.open(tmp_path / "m.db", embedder=embedder) as memory:
        with running(app(memory, some_keys("default"), models=Models(embedder, llm))) as address:
            yield address


@pytest.mark.skipif(not MCP, reason="TREEMEM_MEMOS_MCP names no program")
def test_the_tools_of_the_mcp_server(url: str, tmp_path: Path) -> None:
    place = {**os.environ, "MEMOS_BASE_URL": f"{url}/", "MEMOS_API_KEY": "key-one"}
    place |= {"MEMOS_USER_ID": "anna", "MEMOS_CHANNEL": "MEMOS"}
    (tmp_path / "leave.md").write_text("# Leave\n\nThirty days a year.\n")
    first = "Hello, I am Anna."

    async def scene() -> None:
        started = StdioServerParameters(command="node", args=[MCP], env=place)
        async with stdio_client(started) as (reading, writing), ClientSession(reading, writing) as session:
            await session.initialize()

            async def call(tool: str, *, fails: bool = False, **arguments: Any) -> Any:
                result = await session.call_tool(tool, arguments)
                text = "".join(getattr(part, "text", "") for part in result.content)
                assert bool(result.is_error) is fails, text
                return text if fails else json.loads(text)["data"]

            turn = [
                {"role": "user", "content": "My sister keeps bees in Porto."},
                {"role": "assistant", "content": "How nice!"},
            ]
            await call("add_message", conversation_first_message=first, messages=turn)
            asked = {"query": "Who keeps bees?", "conversation_first_message": first}
            found = (await call("search_memory", **asked))["memory_detail_list"]
            assert found[0]["memory_value"] == "My sister keeps bees in Porto."
            assert found[0]["relativity"] > 0.5
            assert "empty object" in await call("search_memory", fails=True, filter={}, **asked)
            every = {"knowledgebase_ids": ["all"], "include_skill": True, "include_tool_memory": True}
            assert (await call("search_memory", **asked, **every))["memory_detail_list"]
            page = await call("get_user_profile", include_preference=True, current=1, size=20)
            assert (page["total"], page["current"], page["size"]) == (1, 1, 20)
            await call("add_feedback", conversation_first_message=first, feedback_content="She lives in Braga now.")
            base = (await call("create_knowledge_base", knowledgebase_name="Handbook"))["id"]
            paper = {"content": str(tmp_path / "leave.md"), "file_name": "leave.md"}
            (file,) = await call("add_kb_document", knowledgebase_id=base, file=[paper])
            (told,) = (await call("get_kb_documents", file_ids=[file["id"]]))["file_detail_list"]
            assert told["status"] == "completed"
            days = {"query": "How many days of leave?", "conversation_first_message": first}
            found = (await call("search_memory", **days, knowledgebase_ids=[base]))["memory_detail_list"]
            assert found[0]["memory_value"] == "Thirty days a year."
            await call("delete_kb_documents", file_ids=[file["id"]])
            await call("remove_knowledge_base", knowledgebase_id=base)
            page = await call("get_user_profile", include_preference=False, current=1, size=20)
            await call("delete_memory", memory_ids=[each["id"] for each in page["memory_detail_list"]])
            page = await call("get_user_profile", include_preference=False, current=1, size=20)
            assert page["memory_detail_list"] == []

    anyio.run(scene)


@pytest.mark.skipif(not CLI, reason="TREEMEM_MEMOS_CLI names no program")
def test_the_command_line(url: str, tmp_path: Path) -> None:
    place = {**os.environ, "HOME": str(tmp_path), "MEMOS_BASE_URL": url, "MEMOS_API_KEY": "key-one"}
    place |= {"MEMOS_USER_ID": "anna", "MEMOS_CONVERSATION_ID": "c1", "NO_COLOR": "1"}

    def memos(*arguments: str, format: str = "json") -> Any:
        command = [CLI, *arguments, *(("--format", format) if format else ())]
        done = subprocess.run(command, env=place, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        if format != "json":
            return done.stdout
        told = json.loads(done.stdout)
        return told.get("data", told)

    memos("config", "set", "defaults.user_id", "anna", format="")
    task = memos("add", "My sister keeps bees in Porto.")["task_id"]
    (status,) = memos("status", task)
    assert status["status"] == "completed"
    (hit,) = memos("search", "Who keeps bees?")["memory_detail_list"]
    assert hit["memory_value"] == "My sister keeps bees in Porto."
    for shown in ("table", "markdown", "agent"):
        assert "Porto" in memos("search", "Who keeps bees?", format=shown), shown
        assert "Porto" in memos("get", "anna", format=shown), shown
    assert "user" in json.dumps(memos("origin", hit["id"], "--detail", "detail")["sources"])
    assert memos("message", "--limit", "3")["message_detail_list"][0]["role"] == "user"
    assert memos("feedback", "She lives in Braga now.")["success"]
    assert memos("chat", "Who keeps bees?")["response"] == "Your sister does."
    made = memos("extract", "I prefer window seats.")
    assert made["success"]
    assert "mat" in memos("rerank", "Where is the cat?", "The dog barks.", "The cat is on the mat.", format="table")
    base = memos("kb", "create", "--name", "Handbook")["id"]
    paper = [{"name": "leave.md", "content": "IyBMZWF2ZQoKVGhpcnR5IGRheXMgYSB5ZWFyLgo="}]
    (file,) = memos("kb", "add-file", "--kb-id", base, "--files", json.dumps(paper))
    ids = json.dumps([file["id"]])
    assert memos("kb", "get-file", "--file-ids", ids)["total"] == 1
    assert memos("kb", "list-file", "--kb-id", base)["total"] == 1
    assert memos("kb", "delete-file", "--kb-id", base, "--file-ids", ids)["success"]
    assert memos("kb", "remove", base)["success"]
    assert memos("delete", hit["id"])["success"]
    assert memos("delete", "--user-id", "anna")["success"]
