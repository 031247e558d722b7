"""update/memory and delete/memory: an id is looked for in the whole project."""

from __future__ import annotations

from typing import Any

from treemem.service.rest import details, requests
from treemem.service.rest.codes import NO_MEMORY, NO_USER, PARAMETERS, Refusal
from treemem.service.rest.filters import translated
from treemem.service.rest.projects import Project, caller_of

#: Kinds of memories as `memory_type` of delete/memory says them.
_TYPES = {
    "detail_factual": details.FACTS,
    "preference": details.PREFERENCES,
    "tool_memory": details.TOOLS,
    "skill": details.SKILLS,
}


def update_memory(project: Project, body: requests.UpdateMemory) -> dict[str, Any]:
    """Say anew what a memory says, how it is called, or whether searches find it."""
    if body.status == "resolving":
        raise Refusal(PARAMETERS, "status: wanted activated, archived or deleted; nothing here is being resolved")
    cube, item = project.found(body.memory_id)
    if body.content is not None or body.title is not None:
        titled = {} if body.title is None else {"key": body.title}
        cube.update(item.id, body.content, **titled)
    if body.status == "deleted":
        cube.delete(item.id)
    elif body.status == "archived":
        cube.archive(item.id)
    elif body.status == "activated" and item.metadata.status != "activated":
        cube.restore(item.id)
    return {"success": True, "memory_id": item.id}


def delete_memory(project: Project, body: requests.DeleteMemory) -> dict[str, Any]:
    """Hide memories by their ids, all of a user's, those an agent was there for, or those that pass a filter."""
    types = None if body.memory_type is None else _TYPES.get(body.memory_type, (body.memory_type,))
    if body.memory_ids and types is not None:
        raise Refusal(PARAMETERS, "memory_type: says which of somebody's memories; with memory_ids leave it out")
    if body.memory_ids:
        by_cube: dict[str, list[str]] = {}
        cubes = {}
        for memory_id in dict.fromkeys(body.memory_ids):
            cube, item = project.found(memory_id)
            cubes[cube.cube_id] = cube
            by_cube.setdefault(cube.cube_id, []).append(item.id)
        for name, ids in by_cube.items():
            cubes[name].delete(ids)
        return {"success": True}
    if body.user_id and types is None:
        ids = _all_of(project, body.user_id)
        if not ids:
            raise Refusal(NO_USER, "user_id: this project has nothing of such a user")
        project.whole.delete(ids)
        return {"success": True}
    view, tree = project.whole, translated(body.filter)
    if body.user_id:
        view, tree = project.of_user(body.user_id), project.owned_by(body.user_id)
    elif body.agent_id:
        tree = {"agent_id": body.agent_id}
    pages = view.pages(filter=tree, memory_types=types)
    ids = [item.id for page in pages for item in page.items]
    if not ids:
        raise Refusal(NO_USER if body.user_id or body.agent_id else NO_MEMORY, "there is no such memory")
    view.delete(ids)
    return {"success": True}


def _all_of(project: Project, user_id: str) -> list[str]:
    """Return all memories that say only what is a user's own, whenever it held; what is nobody's is not the user's."""
    whole, caller = project.whole, caller_of(user_id)
    own: set[str] = set()
    others: set[str] = set()
    for state in whole.store.all_states(whole.cube_id):
        if state.closed_by is None:
            if state.fields.get("user_id") != caller:
                others.add(state.memory_id)
            elif state.fields["status"] != "deleted":
                own.add(state.memory_id)
    return sorted(own - others)
