"""A server for the public conformance suite of the Model Context Protocol: ours, with the tools that the suite calls.

`python -m tests.mcp_conformance PORT` serves it over HTTP as `treemem mcp --http` does: the same guard, the same
application, the same handlers, over a memory in a file of its own. What the suite wants to be called is laid before
them. `.ci/mcp-conformance` runs the suite. What our server does not offer, and so the suite cannot find here, stands in
`tests/mcp_conformance.yaml`.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from tests.helpers import HashEmbedder
from treemem import InvalidInputError, TreeTextMemory
from treemem.schemas import answers, requests
from treemem.service.mcp import http
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.server import MemoryServer
from treemem.service.mcp.tools import Tool
from treemem.service.running import Progress


def _picture() -> str:
    """A red dot as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    dot = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + dot + chunk(b"IEND", b"")).decode()


def _sound() -> str:
    """A moment of silence as WAV."""
    body = (
        b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 8_000, 1, 8)
        + b"data"
        + struct.pack("<I", 8)
        + b"\x80" * 8
    )
    return base64.b64encode(b"RIFF" + struct.pack("<I", len(body)) + body).decode()


PICTURE, SOUND = _picture(), _sound()


def _text(text: str) -> types.TextContent:
    return types.TextContent(text=text)


def _image() -> types.ImageContent:
    return types.ImageContent(data=PICTURE, mime_type="image/png")


def _resource(uri: str, text: str, mime: str = "text/plain") -> types.EmbeddedResource:
    return types.EmbeddedResource(resource=types.TextResourceContents(uri=uri, mime_type=mime, text=text))


# ---- Tools that go our own way: through a thread, with progress and with errors -------------------------------------


def _fails(on: Binding, asked: requests.Nothing, progress: Progress) -> answers.Answer:
    raise InvalidInputError("This tool intentionally returns an error for testing")


def _goes_on(on: Binding, asked: requests.Nothing, progress: Progress) -> answers.Answer:
    for done in (0, 50, 100):
        progress(done, 100)
        time.sleep(0.06)
    return answers.Ids(ids=["done"])


OWN = (
    Tool("test_error_handling", "Fails", "Fails.", requests.Nothing, answers.Ids, "reads", _fails),
    Tool("test_tool_with_progress", "Goes on", "Goes on.", requests.Nothing, answers.Ids, "reads", _goes_on),
)

# ---- Tools, resources and prompts that only say what the suite wants to hear ----------------------------------------

CONTENTS: dict[str, list[Any]] = {
    "test_simple_text": [_text("This is a simple text response for testing.")],
    "test_image_content": [_image()],
    "test_audio_content": [types.AudioContent(data=SOUND, mime_type="audio/wav")],
    "test_embedded_resource": [_resource("test://embedded-resource", "This is an embedded resource content.")],
    "test_multiple_content_types": [
        _text("Multiple content types test:"),
        _image(),
        _resource("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ],
    # The suite looks at what comes beside their answers: no message of a log, and no request of the server's.
    "test_logging_tool": [_text("Nothing is logged to clients.")],
    "test_streaming_elicitation": [_text("Nothing is asked of clients.")],
}
#: A tool that wants a client that lends its model.
SAMPLES = "test_missing_capability"
_TEMPLATE = re.compile(r"test://template/([^/]+)/data")


def _held(uri: str) -> types.TextResourceContents | types.BlobResourceContents | None:
    """What stands under an address of the suite's."""
    if uri == "test://static-text":
        said = "This is the content of the static text resource."
        return types.TextResourceContents(uri=uri, mime_type="text/plain", text=said)
    if uri == "test://static-binary":
        return types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PICTURE)
    if (named := _TEMPLATE.fullmatch(uri)) is not None:
        data = {"id": named[1], "templateTest": True, "data": f"Data for ID: {named[1]}"}
        return types.TextResourceContents(uri=uri, mime_type="application/json", text=json.dumps(data))
    return None


def _said(name: str, given: Mapping[str, str]) -> list[Any] | None:
    """What a prompt of the suite's says."""
    embedded = "Embedded resource content for testing."
    said: dict[str, list[Any]] = {
        "test_simple_prompt": [_text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            _text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            _resource(given.get("resourceUri", ""), embedded),
            _text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [_image(), _text("Please analyze the image above.")],
    }
    return said.get(name)


ARGUMENTS = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": ["arg1", "arg2"],
    "test_prompt_with_embedded_resource": ["resourceUri"],
    "test_prompt_with_image": [],
}


def lay_before(server: MemoryServer) -> None:
    """Let a server answer what the suite asks, and everything else as it did."""
    protocol = server.protocol

    def before(method: str) -> tuple[Any, Any]:
        entry = protocol.get_request_handler(method)
        assert entry is not None
        return entry.params_type, entry.handler

    list_type, list_tools = before("tools/list")
    call_type, call_tool = before("tools/call")
    resources_type, list_resources = before("resources/list")
    read_type, read_resource = before("resources/read")
    templates_type, list_templates = before("resources/templates/list")
    prompts_type, list_prompts = before("prompts/list")
    prompt_type, get_prompt = before("prompts/get")

    async def tools(ctx: Any, params: Any) -> Any:
        found = await list_tools(ctx, params)
        schema = {"type": "object", "properties": {}}
        more = [
            types.Tool(name=name, description="For the suite.", input_schema=schema) for name in (*CONTENTS, SAMPLES)
        ]
        return found.model_copy(update={"tools": [*found.tools, *more]})

    async def call(ctx: Any, params: Any) -> Any:
        if params.name == SAMPLES and not getattr(ctx.session.client_capabilities, "sampling", None):
            wanted = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "wanted a client that samples", wanted)
        if params.name in CONTENTS:
            return types.CallToolResult(content=CONTENTS[params.name])
        return await call_tool(ctx, params)

    async def resources(ctx: Any, params: Any) -> Any:
        found = await list_resources(ctx, params)
        more = [
            types.Resource(uri=f"test://static-{kind}", name=kind, mime_type=mime)
            for kind, mime in (("text", "text/plain"), ("binary", "image/png"))
        ]
        return found.model_copy(update={"resources": [*found.resources, *more]})

    async def read(ctx: Any, params: Any) -> Any:
        held = _held(params.uri)
        return await read_resource(ctx, params) if held is None else types.ReadResourceResult(contents=[held])

    async def templates(ctx: Any, params: Any) -> Any:
        found = await list_templates(ctx, params)
        more = types.ResourceTemplate(name="test", uri_template="test://template/{id}/data")
        return found.model_copy(update={"resource_templates": [*found.resource_templates, more]})

    async def prompts(ctx: Any, params: Any) -> Any:
        found = await list_prompts(ctx, params)
        more = [
            types.Prompt(
                name=name,
                description="For the suite.",
                arguments=[types.PromptArgument(name=each, required=True) for each in wanted],
            )
            for name, wanted in ARGUMENTS.items()
        ]
        return found.model_copy(update={"prompts": [*found.prompts, *more]})

    async def prompt(ctx: Any, params: Any) -> Any:
        said = _said(params.name, params.arguments or {})
        if said is None:
            return await get_prompt(ctx, params)
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=each) for each in said])

    protocol.add_request_handler("tools/list", list_type, tools)
    protocol.add_request_handler("tools/call", call_type, call)
    protocol.add_request_handler("resources/list", resources_type, resources)
    protocol.add_request_handler("resources/read", read_type, read)
    protocol.add_request_handler("resources/templates/list", templates_type, templates)
    protocol.add_request_handler("prompts/list", prompts_type, prompts)
    protocol.add_request_handler("prompts/get", prompt_type, prompt)


def main(port: int) -> None:
    """Serve on a port of this machine until the process is told to end."""
    with tempfile.TemporaryDirectory() as folder:
        with TreeTextMemory.open(Path(folder) / "memory.db", embedder=HashEmbedder()) as memory:
            memory.add("Anna lives in Porto.")
            server = MemoryServer(Binding(memory), OWN)
            lay_before(server)
            http.serve(server, http.Door(port=port), lambda url: print(url, file=sys.stderr, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
