"""add/message, add/feedback, get/status: what is written, and how far it is."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from treemem.errors import InvalidInputError
from treemem.memory import TreeTextMemory
from treemem.service.rest import details, requests
from treemem.service.rest.codes import NO_TASK, NOT_LINKED, UNSUPPORTED, Refusal
from treemem.service.rest.projects import Project, caller_of
from treemem.temporal import parse_time

#: The day and the hour of a time in Chinese, such as 2025年9月12日 早上8点.
_CHINESE = re.compile(
    r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})[日号]?\s*"
    r"(凌晨|早上|上午|中午|下午|傍晚|晚上)?\s*(?:([0-9]{1,2})[点时:]([0-9]{1,2})?分?)?"
)
#: What Python says beside a message: whose it is, and which one, is for the request to say.
_OURS = frozenset({"id", "sequence", "metadata"})
_AFTER_NOON = ("下午", "傍晚", "晚上")
#: The kinds that adding makes by itself.
_MADE = {"detail_factual", "preference"}


def add_message(project: Project, body: requests.AddMessage) -> dict[str, Any]:
    """Add messages for each user, or each agent where there is no user, and to the bases that are named."""
    if body.allow_memory_view is not None and not set(body.allow_memory_view) >= _MADE:
        raise Refusal(
            UNSUPPORTED, "allow_memory_view: detail_factual and preference are always made; name both, or leave it out"
        )
    bases = project.searched(body.allow_knowledgebase_ids, NOT_LINKED)
    task = str(uuid.uuid4())
    conversation = body.conversation_id or str(uuid.uuid4())
    messages = [readable(message) for message in body.messages]
    views = [project.of_user(user) for user in body.user_id]
    views = views or [project.of_agent(agent) for agent in body.agent_id]
    written = written_by(body, body.agent_id[0] if body.agent_id else None)
    for number, view in enumerate(views):
        _add(view, messages, conversation, f"{task}.{number}", written)
    shared = {**written, "visibility": "public", "memory_type": "KnowledgeBaseMemory"}
    for number, base in enumerate(bases):
        owner = base.for_caller(caller_of(body.user_id[0])) if body.user_id else base
        _add(owner, messages, conversation, f"{task}.kb{number}", shared)
    return {"success": True, "task_id": task, "status": "running" if body.async_mode else "completed"}


def written_by(body: requests.Written, agent_id: str | None) -> dict[str, Any]:
    """Return the fields that a request gives to all that it writes."""
    given: dict[str, Any] = {"tags": body.tags, "info": body.info, "app_id": body.app_id, "agent_id": agent_id}
    if body.allow_public:
        given["visibility"] = "public"
    return {name: value for name, value in given.items() if value}


def _add(
    view: TreeTextMemory,
    messages: list[dict[str, Any]],
    conversation: str,
    operation: str,
    written: Mapping[str, Any],
) -> list[str]:
    return view.add_messages(messages, conversation_id=conversation, operation_id=operation, **written)


def readable(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message with a time that is understood, and the name of who spoke.

    A time in words that no rule reads is kept beside the message: what was said is not lost for it.
    """
    given = {name: value for name, value in message.items() if name not in _OURS}
    if given.get("role_name") and not given.get("name"):
        given["name"] = str(given["role_name"])
    said = given.pop("chat_time", None)
    if said is None or said == "":
        return given
    try:
        parse_time(said, "chat_time")
        given["chat_time"] = said
    except InvalidInputError:
        read = _chinese(said)
        given["chat_time" if read else "chat_time_said"] = read or str(said)[:200]
    return given


def _chinese(said: Any) -> str | None:
    """Return a time in Chinese as ISO 8601, None for what is none."""
    found = _CHINESE.fullmatch(said.strip()) if isinstance(said, str) else None
    if found is None:
        return None
    year, month, day, part, hour, minute = found.groups()
    of_day = int(hour or 0)
    if part in _AFTER_NOON and of_day < 12:
        of_day += 12
    written = f"{int(year):04}-{int(month):02}-{int(day):02}T{of_day:02}:{int(minute or 0):02}:00"
    try:
        parse_time(written, "chat_time")
    except InvalidInputError:
        return None
    return written


def add_feedback(project: Project, body: requests.AddFeedback) -> dict[str, Any]:
    """Let what a user says about what is remembered change it, in the bases that are named, too."""
    bases = project.searched(body.allow_knowledgebase_ids, NOT_LINKED)
    task = str(uuid.uuid4())
    views = [project.of_user(body.user_id), *(base.for_caller(caller_of(body.user_id)) for base in bases)]
    for number, view in enumerate(views):
        view.feedback(body.feedback_content, conversation_id=body.conversation_id, operation_id=f"{task}.{number}")
    return {"success": True, "task_id": task, "status": "completed"}


def get_status(project: Project, body: requests.GetStatus) -> list[dict[str, Any]]:
    """Tell how far a task is. What was answered is committed, so that there is nothing between done and unknown."""
    store, cube, operation = project.whole.store, project.whole.cube_id, f"{body.task_id}.0"
    found = store.operations(cube, ids=[operation], limit=1)
    if not found:
        raise Refusal(NO_TASK, "task_id: this project has no such task")
    status = {"done": "completed", "open": "running"}.get(found[0].status, "failed")
    answer: dict[str, Any] = {"task_id": body.task_id, "status": status}
    if status == "completed":
        touched = store.touched(cube, operation)
        opened = {state.memory_id: state for state in touched.states_opened}
        closed = {state.memory_id for state in touched.states_closed}
        kinds: dict[str, dict[str, list[str]]] = {}
        for memory_id, state in opened.items():
            view = details.view_named(str(state.fields.get("memory_type")))
            kinds.setdefault(view, {"memory_ids": []})["memory_ids"].append(memory_id)
        answer["memory_views"] = {
            "added": sorted(opened.keys() - closed),
            "updated": sorted(opened.keys() & closed),
            "deleted": sorted(closed - opened.keys()),
            **kinds,
        }
    return [answer]
