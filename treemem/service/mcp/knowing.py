"""The tools that read what is known of tools, skills and knowledge bases."""

from __future__ import annotations

from treemem.schemas import answers, known, requests
from treemem.schemas.plain import plain
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.tools import Tool
from treemem.service.running import Progress


def _tools(on: Binding, asked: known.AskTools, progress: Progress) -> answers.Answer:
    verbs = on.memory.tools
    if asked.question is None:
        found = verbs.list(as_of=asked.as_of)
    else:
        found = verbs.search(asked.question, asked.limit, as_of=asked.as_of)
    shown = [known.Tool.of(each) for each in found[: asked.limit]]
    return known.Tools(tools=shown, more=len(found) - len(shown))


def _skills(on: Binding, asked: known.AskSkills, progress: Progress) -> answers.Answer:
    verbs = on.memory.skills
    if asked.skill is not None:
        return known.Skills(skills=[known.Skill.of(verbs.get(asked.skill, as_of=asked.as_of))], more=0)
    found = verbs.list(as_of=asked.as_of)
    shown = [known.Skill.of({**plain(each), "text": None}) for each in found[: asked.limit]]
    return known.Skills(skills=shown, more=len(found) - len(shown))


def _bases(on: Binding, asked: requests.Nothing, progress: Progress) -> answers.Answer:
    return known.KnowledgeBases(
        knowledge_bases=[known.KnowledgeBase.of(each) for each in on.memory.knowledge_bases.list()]
    )


KNOWING: tuple[Tool, ...] = (
    Tool(
        "tools",
        "What came of calling tools",
        "Tools that were called before: what each is, how often it worked, calls like the question, what failed and "
        "what then worked. Ask it before you call a tool that you may have called before.",
        known.AskTools,
        known.Tools,
        "reads",
        _tools,
    ),
    Tool(
        "skills",
        "How things are done",
        "Skills: procedures that were kept, with their steps; by name one of them whole.",
        known.AskSkills,
        known.Skills,
        "reads",
        _skills,
    ),
    Tool(
        "knowledge_bases",
        "List knowledge bases",
        "The knowledge bases that may be read beside this memory.",
        requests.Nothing,
        known.KnowledgeBases,
        "reads",
        _bases,
    ),
)
