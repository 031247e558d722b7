"""The tools of MemOS's MCP servers that have a counterpart here, under their names and with their arguments.

They are understood whenever a client calls them. A server lists them only where its binding says so: a model that sees
two names for one thing chooses badly. `docs/howto/mcp.md` says which names have no counterpart.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import Field

from treemem.errors import InvalidInputError
from treemem.schemas import answers, requests
from treemem.service.mcp import reading, tools, writing
from treemem.service.mcp.binding import Binding
from treemem.service.running import Progress

FirstMessage = Annotated[
    requests.Text | None, Field(description="The first message of the conversation; it says which one is meant.")
]
Conversation = Annotated[requests.Short | None, Field(description="The conversation by its id.")]
User = Annotated[str | None, Field(description="Must be the user whose memory this server serves.")]
CubeId = Annotated[str | None, Field(description="Must be the cube that this server serves.")]


class Message(requests.Request):
    """A message as MemOS writes it."""

    role: requests.Short
    content: Annotated[str, Field(max_length=requests.LONGEST)]
    chat_time: requests.Moment | None = None


class AddMessage(requests.Request):
    """`add_message`."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=requests.MOST_AT_ONCE)]
    conversation_first_message: FirstMessage = None
    conversation_id: Conversation = None
    user_id: User = None


class SearchMemory(requests.Request):
    """`search_memory`."""

    query: requests.Text
    conversation_first_message: FirstMessage = None
    conversation_id: Conversation = None
    filter: requests.Filter = None
    memory_limit_number: Annotated[int, Field(ge=1, le=100, description="How many hits at most.")] = 9
    relativity: Annotated[float | None, Field(ge=-1, le=1)] = None
    user_id: User = None


class SearchMemories(requests.Request):
    """`search_memories`."""

    query: requests.Text
    filter: requests.Filter = None
    user_id: User = None
    cube_ids: Annotated[list[str] | None, Field(max_length=1, description="Must be the cube of this server.")] = None


class GetMessage(requests.Request):
    """`get_message`."""

    conversation_id: Conversation = None
    conversation_first_message: FirstMessage = None
    message_limit_number: Annotated[int, Field(ge=1, le=200)] = 6
    user_id: User = None


class AddFeedback(requests.Request):
    """`add_feedback`."""

    feedback_content: requests.Text
    conversation_first_message: FirstMessage = None
    conversation_id: Conversation = None
    user_id: User = None


class AddMemory(requests.Request):
    """`add_memory`."""

    memory_content: requests.Text | None = None
    messages: Annotated[list[Message] | None, Field(min_length=1, max_length=requests.MOST_AT_ONCE)] = None
    user_id: User = None
    cube_id: CubeId = None


class OneMemory(requests.Request):
    """`get_memory`."""

    memory_id: requests.MemoryId
    user_id: User = None
    cube_id: CubeId = None


class UpdateMemory(OneMemory):
    """`update_memory`."""

    memory_content: requests.Text


class DeleteMemory(requests.Request):
    """`delete_memory`."""

    memory_ids: requests.Ids | None = None
    memory_id: requests.MemoryId | None = None
    user_id: User = None
    cube_id: CubeId = None


def _bound(on: Binding, asked: Any) -> None:
    """Raise InvalidInputError where a request names another user or cube than those that the server is bound to."""
    user, cubes = getattr(asked, "user_id", None), getattr(asked, "cube_ids", None) or []
    cube = getattr(asked, "cube_id", None)
    if user is not None and user != on.user_id:
        raise InvalidInputError("user_id: this server serves another view; leave it out, or start one with --user")
    if any(name != on.memory.cube_id for name in [*cubes, *([] if cube is None else [cube])]):
        raise InvalidInputError("cube_id: this server serves another cube; leave it out, or start one with --cube")


def _conversation(on: Binding, asked: Any) -> str | None:
    """Return the id of a conversation: what was given, or what MemOS's server makes of its first message."""
    if asked.conversation_id is not None or asked.conversation_first_message is None:
        return str(asked.conversation_id) if asked.conversation_id is not None else None
    said = f"{on.user_id or ''}\n{asked.conversation_first_message}"
    return hashlib.md5(said.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def _said(on: Binding, messages: list[Message], conversation: str | None, progress: Progress) -> answers.Answer:
    new = [requests.NewMessage(**message.model_dump()) for message in messages]
    asked = requests.AddMessages(messages=new, conversation_id=conversation)
    return writing.add_messages(on, asked, progress)


def _add_message(on: Binding, asked: AddMessage, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    return _said(on, asked.messages, _conversation(on, asked), progress)


def _search_memory(on: Binding, asked: SearchMemory, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    result = on.memory.search(
        asked.query,
        asked.memory_limit_number,
        filter=asked.filter,
        relativity=asked.relativity,
        conversation_id=_conversation(on, asked),
    )
    return reading.hits_of(result)


def _search_memories(on: Binding, asked: SearchMemories, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    return reading.hits_of(on.memory.search(asked.query, filter=asked.filter))


def _get_message(on: Binding, asked: GetMessage, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    conversation = _conversation(on, asked)
    if conversation is None:
        raise InvalidInputError("get_message: wanted conversation_id or conversation_first_message, found neither")
    found = on.memory.messages(conversation, limit=asked.message_limit_number)
    return answers.Messages(messages=[answers.Message.of(message) for message in found])


def _add_feedback(on: Binding, asked: AddFeedback, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    given = requests.Feedback(text=asked.feedback_content, conversation_id=_conversation(on, asked))
    return writing.feedback(on, given, progress)


def _add_memory(on: Binding, asked: AddMemory, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    if (asked.memory_content is None) == (asked.messages is None):
        raise InvalidInputError("add_memory: wanted one of memory_content and messages")
    if asked.messages is not None:
        return _said(on, asked.messages, None, progress)
    return answers.Ids(ids=on.memory.add([str(asked.memory_content)]))


def _get_memory(on: Binding, asked: OneMemory, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    return answers.OneMemory(memory=answers.Memory.of(on.memory.get(asked.memory_id)))


def _update_memory(on: Binding, asked: UpdateMemory, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    return answers.Receipt.of(on.memory.update(asked.memory_id, asked.memory_content))


def _delete_memory(on: Binding, asked: DeleteMemory, progress: Progress) -> answers.Answer:
    _bound(on, asked)
    ids = [*(asked.memory_ids or []), *([] if asked.memory_id is None else [asked.memory_id])]
    if not ids:
        raise InvalidInputError("delete_memory: wanted memory_ids or memory_id, found neither")
    return answers.Receipt.of(on.memory.delete(ids))


NAMES: tuple[tools.Tool, ...] = (
    tools.Tool(
        "add_message",
        "Remember messages",
        "MemOS's name for add_messages.",
        AddMessage,
        answers.Ids,
        "adds",
        _add_message,
    ),
    tools.Tool(
        "search_memory",
        "Search the memory",
        "MemOS's name for search.",
        SearchMemory,
        answers.Found,
        "reads",
        _search_memory,
    ),
    tools.Tool(
        "search_memories",
        "Search the memory",
        "MemOS's older name for search.",
        SearchMemories,
        answers.Found,
        "reads",
        _search_memories,
    ),
    tools.Tool(
        "get_message",
        "Read a conversation",
        "MemOS's name for messages.",
        GetMessage,
        answers.Messages,
        "reads",
        _get_message,
    ),
    tools.Tool(
        "add_feedback",
        "Say what is wrong",
        "MemOS's name for feedback.",
        AddFeedback,
        answers.Feedback,
        "changes",
        _add_feedback,
    ),
    tools.Tool("add_memory", "Remember", "MemOS's name for add.", AddMemory, answers.Ids, "adds", _add_memory),
    tools.Tool(
        "get_memory", "Read a memory", "MemOS's name for get.", OneMemory, answers.OneMemory, "reads", _get_memory
    ),
    tools.Tool(
        "update_memory",
        "The world changed",
        "MemOS's name for update.",
        UpdateMemory,
        answers.Receipt,
        "changes",
        _update_memory,
    ),
    tools.Tool(
        "delete_memory", "Forget", "MemOS's name for delete.", DeleteMemory, answers.Receipt, "changes", _delete_memory
    ),
)
