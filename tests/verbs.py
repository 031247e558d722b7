"""Every public verb, found by reflection, with a call of it; a new verb without one fails the tests that use these."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networkx

from tests.helpers import Parrot
from treemem import TreeTextMemory
from treemem.knowledge.bases import KnowledgeBases
from treemem.knowledge.preferences import Preferences
from treemem.knowledge.skills import Skills
from treemem.knowledge.tools import Tools
from treemem.reorganize.reorganizer import Reorganizer
from treemem.tasks.verbs import Tasks

_numbers = itertools.count()
#: A call takes the memory, the id of some memory, words to ask for, and a folder.
Call = Callable[[TreeTextMemory, str, str, Path], Any]


def _fresh(prefix: str) -> str:
    return f"{prefix}-{next(_numbers)}"


def _folder(folder: Path) -> Path:
    return folder / _fresh("dump")


def _base(memory: TreeTextMemory) -> str:
    return memory.knowledge_bases.make(_fresh("base")).name


def _drawn(name: str) -> networkx.DiGraph[str]:
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_node(name, label="A node that was drawn.")
    return graph


CALLS: dict[str, Call] = {
    "add": lambda m, i, words, d: m.add({"id": i, "memory": "something else"}),
    "add_documents": lambda m, i, words, d: m.add_documents({"id": _fresh("guide"), "text": "# Guide\n\nPress it."}),
    "add_events": lambda m, i, words, d: m.add_events({"action": "clicked", "object": _fresh("button")}),
    "add_messages": lambda m, i, words, d: m.add_messages([{"content": "Hello."}], conversation_id=_fresh("talk")),
    "archive": lambda m, i, words, d: m.archive(i),
    "backup": lambda m, i, words, d: m.backup(_folder(d).with_suffix(".db")),
    "bookmarks": lambda m, i, words, d: m.bookmarks(),
    "chat": lambda m, i, words, d: str(m.chat("What is known?", llm=Parrot(), conversation_id=_fresh("talk"))),
    "check": lambda m, i, words, d: m.check(),
    "conversations": lambda m, i, words, d: m.conversations(),
    "content_hash": lambda m, i, words, d: m.content_hash(),
    "context": lambda m, i, words, d: m.context(words),
    "correct": lambda m, i, words, d: m.correct(i, tags=["seen"]),
    "cube": lambda m, i, words, d: list(m.cube(m.cube_id).search(words)),
    "delete": lambda m, i, words, d: m.delete(i),
    "delete_all": lambda m, i, words, d: None,
    "diff": lambda m, i, words, d: str(m.diff("2001-01-01")),
    "documents": lambda m, i, words, d: m.documents(),
    "drop": lambda m, i, words, d: None,
    "dump": lambda m, i, words, d: _read(m.dump(_folder(d))),
    "archive_hash": lambda m, i, words, d: m.archive_hash(),
    "explain": lambda m, i, words, d: str(m.explain(i)),
    "export": lambda m, i, words, d: [m.export(_folder(d).with_suffix(s)).read_text() for s in (".graphml", ".jsonl")],
    "expire": lambda m, i, words, d: m.expire(i, at="2100-01-01"),
    "feedback": lambda m, i, words, d: [
        m.feedback(f"No, {words}", about=i, apply=False),
        m.feedback(words, apply=False),
    ],
    "for_caller": lambda m, i, words, d: list(m.for_caller("ann").search(words)),
    "from_networkx": lambda m, i, words, d: m.from_networkx(_drawn(_fresh("node"))),
    "freeze": lambda m, i, words, d: m.freeze(i),
    "get": lambda m, i, words, d: m.get(i),
    "get_all": lambda m, i, words, d: m.get_all(),
    "get_by_ids": lambda m, i, words, d: m.get_by_ids([i]),
    "get_relevant_subgraph": lambda m, i, words, d: m.get_relevant_subgraph(words).plain(),
    "get_working_memory": lambda m, i, words, d: m.get_working_memory(),
    "history": lambda m, i, words, d: m.history(i),
    "import_": lambda m, i, words, d: m.import_(d / "nothing-here"),
    "link": lambda m, i, words, d: m.link(i, "LEADS_TO", m.add("A memory to link to.")[0], properties={"n": 1}),
    "load": lambda m, i, words, d: m.load(d / "nothing-here"),
    "messages": lambda m, i, words, d: [m.messages(each.id) for each in m.conversations()],
    "neighbours": lambda m, i, words, d: m.neighbours(i),
    "operations": lambda m, i, words, d: m.operations(limit=10_000),
    "pages": lambda m, i, words, d: list(m.pages()),
    "path": lambda m, i, words, d: m.path(i, m.add("A memory to walk to.")[0]),
    "purge": lambda m, i, words, d: None,
    "read": lambda m, i, words, d: str(m.read(i, dry_run=True)),
    "reembed": lambda m, i, words, d: m.reembed(),
    "reindex": lambda m, i, words, d: m.reindex(),
    "replace_working_memory": lambda m, i, words, d: m.replace_working_memory(["A thought of now."]),
    "restore": lambda m, i, words, d: m.restore(i),
    "search": lambda m, i, words, d: [list(m.search(words, 50, explain=True)), str(m.search(words, explain=True))],
    "stats": lambda m, i, words, d: m.stats(),
    "subgraph": lambda m, i, words, d: m.subgraph(i).plain(),
    "subtree": lambda m, i, words, d: str(m.subtree(i)),
    "tree": lambda m, i, words, d: [str(tree) for tree in m.tree(orphans=True)],
    "to_frames": lambda m, i, words, d: [each.to_dict() for each in m.to_frames()],
    "to_networkx": lambda m, i, words, d: list(m.to_networkx().nodes(data=True)),
    "undo": lambda m, i, words, d: m.undo(m.operations()[0].id),
    "unfreeze": lambda m, i, words, d: m.unfreeze(i),
    "unlink": lambda m, i, words, d: m.unlink(i, "RELATES_TO", m.add("A memory not linked to.")[0]),
    "update": lambda m, i, words, d: m.update(i, tags=["read"]),
    "wait_for": lambda m, i, words, d: m.wait_for(m.bookmarks()),
    "with_clock": lambda m, i, words, d: list(m.with_clock(m._context.clock).search(words)),
    "remove_documents": lambda m, i, words, d: m.remove_documents(
        m.add_documents({"id": _fresh("guide"), "text": "Press it."})[0].id
    ),
    "preferences.add": lambda m, i, words, d: m.preferences.add("Likes tea.", evidence=i),
    "preferences.forget": lambda m, i, words, d: m.preferences.forget(i),
    "preferences.list": lambda m, i, words, d: m.preferences.list(),
    "preferences.profile": lambda m, i, words, d: str(m.preferences.profile()),
    "knowledge_bases.add_documents": lambda m, i, words, d: m.knowledge_bases.add_documents("none", "Press it."),
    "knowledge_bases.documents": lambda m, i, words, d: m.knowledge_bases.documents("none"),
    "knowledge_bases.drop": lambda m, i, words, d: m.knowledge_bases.drop(_base(m), backups=d / _fresh("backups")),
    "knowledge_bases.get": lambda m, i, words, d: m.knowledge_bases.get("none"),
    "knowledge_bases.list": lambda m, i, words, d: m.knowledge_bases.list(),
    "knowledge_bases.make": lambda m, i, words, d: m.knowledge_bases.drop(_base(m), backups=d / _fresh("backups")),
    "knowledge_bases.purge": lambda m, i, words, d: m.knowledge_bases.purge("none", i),
    "knowledge_bases.remove_documents": lambda m, i, words, d: m.knowledge_bases.remove_documents("none", i),
    "knowledge_bases.share": lambda m, i, words, d: m.knowledge_bases.share("none", everyone=True),
    "reorganizer.apply": lambda m, i, words, d: m.reorganizer.apply(m.reorganizer.plan(everything=True)),
    "reorganizer.plan": lambda m, i, words, d: m.reorganizer.plan(everything=True, group=True).model_dump_json(),
    "reorganizer.run": lambda m, i, words, d: m.reorganizer.run(group=True),
    "reorganizer.schedule": lambda m, i, words, d: m.reorganizer.schedule(words).model_dump_json(),
    "reorganizer.start": lambda m, i, words, d: None,
    "reorganizer.status": lambda m, i, words, d: m.reorganizer.status(),
    "reorganizer.stop": lambda m, i, words, d: m.reorganizer.stop(),
    "reorganizer.wait": lambda m, i, words, d: m.reorganizer.wait(0),
    "skills.add": lambda m, i, words, d: m.skills.add(_fresh("skill"), "To press it.", ["Press it."]),
    "skills.apply": lambda m, i, words, d: m.skills.apply(m.skills.propose(times=1)),
    "skills.export": lambda m, i, words, d: [m.skills.export(each.id) for each in m.skills.list()],
    "skills.get": lambda m, i, words, d: m.skills.get(i),
    "skills.import_": lambda m, i, words, d: m.skills.import_(d / "nothing-here"),
    "skills.list": lambda m, i, words, d: m.skills.list(),
    "skills.propose": lambda m, i, words, d: str(m.skills.propose(times=1)),
    "tools.forget": lambda m, i, words, d: m.tools.forget("none"),
    "tools.get": lambda m, i, words, d: m.tools.get("none"),
    "tools.list": lambda m, i, words, d: m.tools.list(),
    "tools.register": lambda m, i, words, d: m.tools.register({"name": "press", "description": "Presses it."}),
    "tools.search": lambda m, i, words, d: m.tools.search(words),
    "tasks.add": lambda m, i, words, d: m.tasks.add("reindex"),
    "tasks.cancel": lambda m, i, words, d: m.tasks.cancel(m.tasks.add("reindex").id),
    "tasks.get": lambda m, i, words, d: m.tasks.get(m.tasks.add("reorganize").id),
    "tasks.list": lambda m, i, words, d: m.tasks.list(),
    "tasks.retry": lambda m, i, words, d: m.tasks.retry(m.tasks.cancel(m.tasks.add("reorganize").id).id),
    "tasks.start": lambda m, i, words, d: m.tasks.start() if m._context.caller else None,
    "tasks.stop": lambda m, i, words, d: m.tasks.stop(),
    "tasks.wait": lambda m, i, words, d: m.tasks.wait(m.tasks.add("reindex").id, 0),
    "tasks.work": lambda m, i, words, d: m.tasks.work(once=True),
}
#: What opens, closes or runs beside the verbs.
NOT_VERBS = {"open", "close"}


def _read(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file()]


def public(owner: type) -> set[str]:
    """The public methods of a class."""
    return {name for name, value in inspect.getmembers(owner, inspect.isroutine) if not name.startswith("_")}


def verbs() -> list[str]:
    """The public verbs; each has a call."""
    found = public(TreeTextMemory) - NOT_VERBS
    found |= {f"reorganizer.{name}" for name in public(Reorganizer)}
    found |= {f"tasks.{name}" for name in public(Tasks)}
    found |= {f"preferences.{name}" for name in public(Preferences)}
    found |= {f"skills.{name}" for name in public(Skills)}
    found |= {f"tools.{name}" for name in public(Tools)}
    found |= {f"knowledge_bases.{name}" for name in public(KnowledgeBases)}
    missing, gone = found - CALLS.keys(), CALLS.keys() - found
    assert not missing, f"verbs without a call in tests/verbs.py: {sorted(missing)}"
    assert not gone, f"calls of verbs that are gone: {sorted(gone)}"
    return sorted(found)


def said_by_every_verb(memory: TreeTextMemory, memory_id: str, words: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what each verb returns, or the error it raises, as text."""
    from treemem import TreememError

    for verb in verbs():
        try:
            yield verb, repr(CALLS[verb](memory, memory_id, words, folder))
        except TreememError as error:
            yield verb, f"{type(error).__name__}: {error}"
