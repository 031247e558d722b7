"""A conversation of a memory as the frameworks want one: messages that come back as they were given."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel

from treemem.errors import InvalidInputError, MemoryNotFoundError, TreememError
from treemem.integrations.keeping import hide_seen
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.records import LoggedMessage
from treemem.storable import cleaned

P = ParamSpec("P")
R = TypeVar("R")
#: Characters of one piece of what is kept beside a message, which takes no longer texts, and of the text of a message.
_PIECE, _TEXT = 4_000, 1_000_000
#: The key of `info` under which a text is kept as it was, where a memory cannot hold all its characters.
_EXACT = "exact"
#: Bytes of the name of a conversation, and what stands before one whose characters are escaped, or that is too long.
_NAME, _ESCAPED, _HASHED = 2_000, "json:", "sha:"
#: Of how many messages a conversation is read at once.
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """What a framework's message says, and the whole of it as JSON; `more` is what treemem reads beside the text."""

    role: str
    text: str
    whole: Any
    more: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """The messages of one conversation, in their order; `key` names the framework whose messages are kept whole.

    Every message that is written is a new one, also if it says what another said. What is popped or cleared is hidden:
    `memory.restore` brings it back, `memory.purge` erases it.
    """

    memory: TreeTextMemory
    conversation_id: str
    key: str

    def read(self, limit: int | None = None) -> list[LoggedMessage]:
        """Return the messages, or the last `limit` of them, also 0. Raises InvalidInputError."""
        if limit == 0 and type(limit) is int:
            return []
        many = isinstance(limit, int) and limit > _MOST  # all that there can be
        return self.memory.messages(conversation(self.conversation_id), limit=None if many else limit)

    def write(self, messages: Iterable[Said]) -> list[str]:
        """Add messages at the end, as one operation, and return their ids."""
        made = [
            {
                **cleaned(dict(each.more or {})),
                "role": each.role,
                "content": storable(each.text),
                self.key: in_pieces(each.whole),
            }
            for each in messages
        ]
        if not made:
            return []
        return self.memory.add_messages(
            made,
            conversation_id=conversation(self.conversation_id),
            operation_id=str(uuid.uuid4()),  # so that all are new, whatever they say
        )

    def whole(self, message: LoggedMessage) -> Any:
        """Return a message as the framework gave it, None for one that came in another way."""
        kept = message.extra.get(self.key)
        return of_pieces(kept) if isinstance(kept, list) else None

    def pop(self) -> LoggedMessage | None:
        """Hide the last message and return it, None where there is none; of two who pop, each gets another one."""
        while last := self.read(1):
            try:
                self.memory.delete(last[0].id)
            except MemoryNotFoundError:  # somebody was faster
                continue
            return last[0]
        return None

    def clear(self) -> None:
        """Hide all messages."""
        hide_seen(self.memory, [each.id for each in self.read()])

    def replace(self, messages: Iterable[Said]) -> None:
        """Put messages in place of those that are there, which stay where the new ones cannot be written."""
        before = [each.id for each in self.read()]
        after = self.write(messages)
        try:
            hide_seen(self.memory, before)
        except TreememError:
            hide_seen(self.memory, after)
            raise


def in_pieces(value: Any) -> list[str]:
    """Return a JSON value as texts that a message can keep; whatever characters it has, they come back."""
    try:
        text = json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"message: wanted what JSON can say, found {error}"[:300]) from error
    return [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)]


def dumped(model: BaseModel, **options: Any) -> Any:
    """Return a pydantic model as JSON. Raises InvalidInputError for what JSON cannot say."""
    try:
        return model.model_dump(mode="json", **options)
    except ValueError as error:
        raise InvalidInputError(f"{type(model).__name__}: wanted what JSON can say, found {error}"[:300]) from error


def of_pieces(pieces: Sequence[str]) -> Any:
    """Return the value that `in_pieces` was given."""
    return json.loads("".join(pieces))


def storable(text: str) -> str:
    """Return a text without what a memory cannot hold: NUL, half characters, and what is too long."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:_TEXT]


def exactly(text: str) -> dict[str, Any]:
    """Return what of `info` keeps a text as it was, nothing where a memory can hold it; `as_it_was` reads it."""
    return {} if storable(text) == text else {_EXACT: in_pieces(text)}


def as_it_was(item: TextualMemoryItem) -> str:
    """Return the text of a memory as a framework gave it."""
    kept = item.metadata.info.get(_EXACT)
    return str(of_pieces(kept)) if isinstance(kept, list) else item.memory


def without_exact(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `info` of a memory without what `exactly` has put there."""
    return {name: value for name, value in info.items() if name != _EXACT}


def conversation(name: str) -> str:
    """Return the conversation of a session, whatever it is called: names with odd characters are escaped."""
    made = str(name)
    if storable(made) != made or not made.strip() or made.startswith((_ESCAPED, _HASHED)):
        made = f"{_ESCAPED}{json.dumps(made)}"
    return made if len(made.encode()) <= _NAME else f"{_HASHED}{hashlib.sha256(made.encode()).hexdigest()}"


def session(conversation_id: str) -> str:
    """Return what the session of a conversation is called."""
    escaped = conversation_id.startswith(_ESCAPED)
    return str(json.loads(conversation_id.removeprefix(_ESCAPED))) if escaped else conversation_id


async def finished(verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a verb in a thread; who is cancelled meanwhile waits until it is done, since it cannot be stopped."""
    running = asyncio.ensure_future(asyncio.to_thread(verb, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            try:
                await asyncio.wait({running})
            except asyncio.CancelledError:
                continue
        raise
