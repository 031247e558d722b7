"""Google's Agent Development Kit on a memory (extra `google-adk`): a memory service."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from treemem.errors import InvalidInputError, MemoryExistsError, TreememError
from treemem.integrations.keeping import id_of, missing, put
from treemem.integrations.nearest import plain
from treemem.integrations.talk import as_it_was, conversation, exactly, finished, storable, without_exact
from treemem.memory import TreeTextMemory
from treemem.storable import cleaned

try:
    from google.adk.events import Event
    from google.adk.memory import BaseMemoryService
    from google.adk.memory.base_memory_service import SearchMemoryResponse
    from google.adk.memory.memory_entry import MemoryEntry
    from google.adk.sessions import Session
    from google.genai.types import Content, Part
except ImportError as error:
    raise missing("google-adk", "google-adk", error) from error


log = logging.getLogger("treemem.integrations")


class TreememMemoryService(BaseMemoryService):
    """What users and agents said, and memories that are added, each user of each app apart.

    A user of an app is the caller `app/user` of the memory. A session becomes a conversation; its events are known
    again by their ids, so that a session that goes on adds what is new; one whose text has changed since stays as it
    was first said, and a warning is logged. `search` goes to `memory.search`.
    """

    def __init__(self, memory: TreeTextMemory, *, top_k: int = 10, **search: Any) -> None:
        self.memory = memory
        self._top_k, self._search = top_k, search

    def of(self, app_name: str, user_id: str) -> TreeTextMemory:
        """Return the memory as a user of an app sees it."""
        return self.memory.for_caller(f"{_quoted(app_name)}/{_quoted(user_id)}")

    async def add_session_to_memory(self, session: Session) -> None:
        """Keep what was said in a session."""
        await finished(self._keep, session.app_name, session.user_id, session.events, session.id)

    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Keep what was said in some events; `custom_metadata` becomes the `info` of their memories."""
        await finished(self._keep, app_name, user_id, events, session_id, custom_metadata)

    async def add_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Add memories; one that has the id of another is an update of it."""
        records = []
        for entry in memories:
            text = _text(entry.content)
            if text.strip():
                info = {**cleaned({**(custom_metadata or {}), **entry.custom_metadata, "author": entry.author})}
                key = id_of("adk", app_name, user_id, entry.id) if entry.id else None
                kept = {**{k: v for k, v in info.items() if v is not None}, **exactly(text)}
                records.append((key, {"memory": plain(text), "info": kept}))
        view = self.of(app_name, user_id)
        await finished(_add, view, [(entry_id, record) for entry_id, record in records])

    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        """Return the memories that answer a question best."""
        view = self.of(app_name, user_id)
        asked = storable(query)
        hits = await finished(view.search, asked, self._top_k, **self._search) if asked.strip() else []
        return SearchMemoryResponse(memories=[_entry(hit) for hit in hits])

    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        """Hide the memory that has the id of an entry that was found. Raises MemoryNotFoundError."""
        if memory_id is not None:
            await finished(self.of(app_name, user_id).delete, memory_id)

    def _keep(
        self,
        app: str,
        user: str,
        events: Iterable[Event],
        session_id: str | None,
        info: Mapping[str, object] | None = None,
    ) -> None:
        messages = []
        for event in events:
            text = _text(event.content)
            if text.strip():
                said = {
                    "role": "user" if event.author == "user" else "assistant",
                    "content": plain(text),
                    "id": id_of("adk", app, user, session_id or "", event.id),
                    "chat_time": _time(event.timestamp),
                    "metadata": {"info": {**cleaned({**(info or {}), "author": event.author}), **exactly(text)}},
                }
                messages.append(said)
        if messages:
            _say(self.of(app, user), messages, session_id)


def _say(view: TreeTextMemory, messages: Sequence[Mapping[str, Any]], session_id: str | None) -> None:
    """Add messages but those that are known already and say something else now."""
    try:
        talk = None if session_id is None else conversation(session_id)
        view.add_messages(messages, conversation_id=talk, on_error=_known)
    except MemoryExistsError as error:  # found out while writing: without a session, or by somebody faster
        if len(messages) == 1:
            _known(0, error)
            return
        for message in messages:
            _say(view, [message], session_id)


def _known(position: int, error: TreememError) -> None:
    if not isinstance(error, MemoryExistsError):
        raise error
    log.warning("an event stays as it was first said: %s", error)


def _time(timestamp: float) -> str:
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInputError(
            f"timestamp: wanted seconds since 1970, found {timestamp!r} ({error}); give the event another time"
        ) from error


def _add(view: TreeTextMemory, records: Sequence[tuple[str | None, dict[str, Any]]]) -> None:
    new = [record for key, record in records if key is None]
    if new:
        view.add(new)
    put(view, [{"id": key, **record} for key, record in records if key is not None])


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="surrogatepass")


def _text(content: Content | None) -> str:
    parts = content.parts if content is not None and content.parts else []
    return "\n".join(part.text for part in parts if part.text and not part.thought)


def _entry(hit: Any) -> MemoryEntry:
    info = without_exact(hit.metadata.info)
    author = info.get("author")
    return MemoryEntry(
        id=hit.id,
        content=Content(role="user" if author == "user" else "model", parts=[Part(text=as_it_was(hit))]),
        author=author if isinstance(author, str) else None,
        timestamp=hit.metadata.valid_from.isoformat() if hit.metadata.valid_from else None,
        custom_metadata={name: value for name, value in info.items() if name != "author"},
    )
