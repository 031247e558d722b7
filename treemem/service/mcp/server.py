"""The server: what the protocol asks becomes a call of a tool, a resource or a prompt, in a thread.

Whatever goes wrong in a tool is told as the result of the tool, so that a model can read it and do better. What a
client asks that no server could answer, such as a tool that there is not, is an error of the protocol.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from treemem._version import __version__
from treemem.checks import shown
from treemem.errors import InvalidInputError, MemoryNotFoundError, TreememError
from treemem.schemas import answers
from treemem.schemas.written import as_json
from treemem.service.mcp import memos_names, prompts, resources
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.knowing import KNOWING
from treemem.service.mcp.reading import READING
from treemem.service.mcp.tools import Tool, offered
from treemem.service.mcp.writing import WRITING
from treemem.service.running import Progress, Runner

T = TypeVar("T")
Asked: TypeAlias = ServerRequestContext[Any]
_logger = logging.getLogger(__name__)

#: Characters of an answer as JSON. A client that asks for more is told to ask for less.
LONGEST_ANSWER = 2_000_000
_UNFORESEEN = "not foreseen: the server made a mistake; its log says more"
_INSTRUCTIONS = (
    "A memory of what people and programs said, with the times when each thing held and when it was learned. Search it "
    "before you answer what earlier conversations may tell. {writing} "
) + answers.ABOUT
_WRITING = (
    "Keep what is said with add_messages, single statements with add. When the world changed, update; when the memory "
    "was wrong, correct; undo takes any operation back."
)
#: Lists of tools, prompts and templates stay as they are while a server runs.
_FIXED = CacheHint(ttl_ms=3_600_000, scope="public")


class MemoryServer:
    """A server of the protocol over one memory. `protocol` is the SDK's server, which both transports drive.

    `more` are further tools of whoever makes it.
    """

    def __init__(self, binding: Binding, more: Sequence[Tool] = ()) -> None:
        self._on = binding
        self._tools = offered((*READING, *KNOWING, *WRITING, *memos_names.NAMES, *more), binding)
        hidden = () if binding.memos_names else memos_names.NAMES
        unlisted = {tool.name for tool in hidden}
        self._listed = [tool.listed() for name, tool in self._tools.items() if name not in unlisted]
        self._runner = Runner()
        writing = "It is read-only." if binding.read_only else _WRITING
        self.protocol: Server[Any] = Server(
            "treemem",
            version=__version__,
            title="treemem",
            description="Graph-native, time-versioned memory",
            instructions=_INSTRUCTIONS.format(writing=writing),
            cache_hints={"tools/list": _FIXED, "prompts/list": _FIXED, "resources/templates/list": _FIXED},
            get_tool_input_schema=self._input_schema,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
            on_completion=self._complete,
        )

    def _input_schema(self, name: str) -> dict[str, Any] | None:
        return next((tool.input_schema for tool in self._listed if tool.name == name), None)

    # ---- Tools --------------------------------------------------------------------------------------------------

    async def _list_tools(self, ctx: Asked, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        _no_cursor(params)
        return types.ListToolsResult(tools=self._listed)

    async def _call_tool(self, ctx: Asked, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {shown(params.name)}; tools/list names them")

        def work(progress: Progress) -> tuple[dict[str, Any], str]:
            answer = tool.call(self._on, tool.request.read(tool.name, params.arguments or {}), progress).json_able()
            text = as_json(answer)
            if len(text) > LONGEST_ANSWER:
                raise InvalidInputError(
                    f"{tool.name}: the answer has {len(text)} characters, and at most {LONGEST_ANSWER} are sent; "
                    "ask for less"
                )
            return answer, text

        try:
            answer, text = await self._runner.run(work, ctx.session.report_progress)
        except TreememError as error:
            return _failed(str(error), type(error).__name__)
        except Exception as error:
            _logger.exception("the tool %s failed", tool.name)
            return _failed(_UNFORESEEN, type(error).__name__)
        return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=answer)

    # ---- Resources ----------------------------------------------------------------------------------------------

    async def _list_resources(
        self, ctx: Asked, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        cursor = None if params is None else params.cursor
        page = await self._asked(lambda: resources.listed(self._on, cursor))
        return types.ListResourcesResult(resources=page.resources, next_cursor=page.cursor)

    async def _list_templates(
        self, ctx: Asked, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        _no_cursor(params)
        return types.ListResourceTemplatesResult(resource_templates=list(resources.TEMPLATES))

    async def _read_resource(self, ctx: Asked, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        text = await self._asked(lambda: as_json(resources.read(self._on, params.uri).json_able()), uri=params.uri)
        held = types.TextResourceContents(uri=params.uri, mime_type=resources.MIME, text=text)
        return types.ReadResourceResult(contents=[held])

    # ---- Prompts ------------------------------------------------------------------------------------------------

    async def _list_prompts(self, ctx: Asked, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        _no_cursor(params)
        return types.ListPromptsResult(prompts=list(prompts.PROMPTS))

    async def _get_prompt(self, ctx: Asked, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        text = await self._asked(lambda: prompts.written(self._on, params.name, params.arguments or {}))
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(messages=[message])

    async def _complete(self, ctx: Asked, params: types.CompleteRequestParams) -> types.CompleteResult:
        template = params.ref.uri if isinstance(params.ref, types.ResourceTemplateReference) else ""
        name, begun = params.argument.name, params.argument.value
        values, more = await self._asked(lambda: resources.completed(self._on, template, name, begun))
        return types.CompleteResult(completion=types.Completion(values=values, has_more=more))

    async def _asked(self, work: Callable[[], T], uri: str | None = None) -> T:
        """Return what `work` does in a thread; raise an error of the protocol where that is refused or fails."""
        data = None if uri is None else {"uri": uri}
        try:
            return await self._runner.run(lambda progress: work())
        except (InvalidInputError, MemoryNotFoundError) as error:
            raise MCPError(types.INVALID_PARAMS, str(error), data) from error
        except TreememError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error), data) from error
        except Exception as error:
            _logger.exception("a request failed")
            raise MCPError(types.INTERNAL_ERROR, _UNFORESEEN, data) from error


def _failed(sentence: str, kind: str) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=sentence)], is_error=True, _meta={"treemem/error": kind}
    )


def _no_cursor(params: types.PaginatedRequestParams | None) -> None:
    """Raise an error of the protocol for a cursor: a list that is given whole has none."""
    if params is not None and params.cursor is not None:
        raise MCPError(types.INVALID_PARAMS, "cursor: this list has one page")
