"""Skills as they are kept: a SkillMemory whose text is the whole SKILL.md, its parts in `info`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treemem.contents import SKILL_FILE, SKILL_TYPE, is_skill
from treemem.context import Context
from treemem.ingest.skills import SkillText
from treemem.write.intent import Intent
from treemem.write.named import Named, named_id, write_named

#: The field of `info` in which the parts of a skill stand.
FIELD = "skill"


def skill_id(cube: str, owner: Mapping[str, Any], name: str) -> str:
    """Return the id of an owner's skill of a name: a user's, or of a session that has no user."""
    return named_id("skill", cube, owner, name)


def write_skill(
    ctx: Context,
    skill: SkillText,
    at: int | None,
    intent: Intent,
    *,
    owner: Mapping[str, Any] | None = None,
    evidence: Sequence[str] = (),
) -> str:
    """Store a skill, or its next version, and return its id, as `write_named` does."""
    metadata = {
        "memory_type": SKILL_TYPE,
        "type": "procedure",
        "key": skill.name,
        "sources": [{"type": SKILL_FILE}],
        "info": _info(skill),
    }
    one = Named("skill", skill.name, skill.text, metadata, is_skill)
    return write_named(ctx, one, at, intent, owner=owner, evidence=evidence)


def _info(skill: SkillText) -> dict[str, Any]:
    told = {"name": skill.name, "description": skill.description}
    return {FIELD: {**told, "steps": list(skill.steps), "examples": list(skill.examples)}}
