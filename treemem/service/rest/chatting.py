"""chat: an answer of the memory's language model, whole or as it comes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from treemem.chat.answer import ChatAnswer, ChatStream
from treemem.memory import TreeTextMemory
from treemem.models.llm import LLM
from treemem.service.rest import details, requests
from treemem.service.rest.adding import written_by
from treemem.service.rest.codes import UNSUPPORTED, Refusal
from treemem.service.rest.filters import translated
from treemem.service.rest.projects import Project


def chat(project: Project, body: requests.Chat, llm: LLM) -> ChatAnswer | ChatStream:
    """Return an answer, or the stream of one. Raises LLMError."""
    if body.internet_search:
        raise Refusal(UNSUPPORTED, "internet_search: this service asks nothing of the internet")
    if body.allow_knowledgebase_ids:
        raise Refusal(UNSUPPORTED, "allow_knowledgebase_ids: what is said in a chat stays with its user")
    view = project.of_user(body.user_id)
    bases = [base.cube_id for base in project.searched(body.knowledgebase_ids)]
    most = body.most(body.memory_limit_number) or 1
    search: dict[str, Any] = {
        "filter": translated(body.filter),
        "memory_types": details.FACTS if body.memory_limit_number else details.SKILLS,
        "relativity": details.cosine_of(body.relativity),
        "cubes": [view.cube_id, *bases] if bases else None,
    }
    preferences = body.most(body.preference_limit_number) if body.include_preference else 0
    plain = not written_by(body, body.agent_id)
    shared: dict[str, Any] = {
        "llm": llm,
        "conversation_id": body.conversation_id,
        "system": body.system_prompt,
        "top_k": most,
        "preferences": preferences,
        "tools": body.most(body.tool_memory_limit_number) if body.include_tool_memory else 0,
        "max_tokens": body.max_tokens,
        "remember": body.add_message_on_answer and plain,
        **{name: value for name, value in search.items() if value is not None},
    }
    if body.stream:
        stream: ChatStream = view.chat(body.query, stream=True, **shared)
        return stream
    answer: ChatAnswer = view.chat(body.query, **shared)
    return answer


def remember(project: Project, body: requests.Chat, answer: ChatAnswer) -> None:
    """Add question and answer with the fields that the request gives them; without any the chat itself has done so."""
    given = written_by(body, body.agent_id)
    if not given or not body.add_message_on_answer:
        return
    said: list[Mapping[str, Any]] = [
        {"role": "user", "content": body.query},
        {"role": "assistant", "content": answer.text},
    ]
    view: TreeTextMemory = project.of_user(body.user_id)
    view.add_messages(said, conversation_id=body.conversation_id, operation_id=f"{uuid.uuid4()}.0", **given)


def event(kind: str, text: str) -> bytes:
    """Return an event of a stream: reasoning, text, end or error, with its text."""
    data = json.dumps({"type": kind, "data": text}, ensure_ascii=False)
    return f"event: message\ndata: {data}\n\n".encode("utf-8", "replace")
