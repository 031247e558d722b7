"""The tools that read. Descriptions are written here and nowhere else: no word of a memory stands in one."""

from __future__ import annotations

from itertools import islice

from treemem.schemas import answers, requests
from treemem.schemas.plain import plain
from treemem.search.results import SearchResult
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.tools import Tool
from treemem.service.running import Progress


def hits_of(result: SearchResult) -> answers.Found:
    """Return the hits of a search, without the seconds of its stages: nobody here waits for them."""
    return answers.Found.of({**plain(result), "timings": None})


def _search(on: Binding, asked: requests.Search, progress: Progress) -> answers.Answer:
    return hits_of(on.memory.search(**asked.given()))


def _context(on: Binding, asked: requests.Ask, progress: Progress) -> answers.Answer:
    return answers.Context(text=on.memory.context(**asked.given()))


def _get(on: Binding, asked: requests.Get, progress: Progress) -> answers.Answer:
    return answers.OneMemory(memory=answers.Memory.of(on.memory.get(**asked.given())))


def _pages(on: Binding, asked: requests.Pages, progress: Progress) -> answers.Answer:
    page = next(on.memory.pages(**asked.given()), None)
    if page is None:
        return answers.Memories(memories=[])
    return answers.Memories(memories=[answers.Memory.of(item) for item in page.items], cursor=page.cursor)


def _history(on: Binding, asked: requests.History, progress: Progress) -> answers.Answer:
    versions = on.memory.history(asked.memory_id)
    shown = versions[-asked.limit :]
    return answers.History(
        versions=[answers.Version.of(version) for version in shown], earlier=len(versions) - len(shown)
    )


def _messages(on: Binding, asked: requests.Messages, progress: Progress) -> answers.Answer:
    found = on.memory.messages(**asked.given())
    return answers.Messages(messages=[answers.Message.of(message) for message in found])


def _conversations(on: Binding, asked: requests.Conversations, progress: Progress) -> answers.Answer:
    found = on.memory.conversations(limit=asked.limit)
    return answers.Conversations(conversations=[answers.Conversation.of(talk) for talk in found])


def _neighbours(on: Binding, asked: requests.Neighbours, progress: Progress) -> answers.Answer:
    found = on.memory.neighbours(**asked.given("limit"))
    shown = [answers.Neighbour.of(each) for each in islice(found, asked.limit)]
    return answers.Neighbours(neighbours=shown, more=len(found) - len(shown))


def _subgraph(on: Binding, asked: requests.Subgraph, progress: Progress) -> answers.Answer:
    return answers.Graph.of(on.memory.subgraph(**asked.given()))


def _path(on: Binding, asked: requests.Path, progress: Progress) -> answers.Answer:
    found = on.memory.path(**asked.given())
    return answers.MaybePath(path=None if found is None else answers.Path.of(found))


def _documents(on: Binding, asked: requests.Nothing, progress: Progress) -> answers.Answer:
    return answers.Documents(documents=[answers.Document.of(each) for each in on.memory.documents()])


def difference(on: Binding, asked: requests.Diff) -> answers.Difference:
    """Return what was learned between two times, the first memories of it."""
    found = plain(on.memory.diff(**asked.given("limit")))
    shown = found["memories"][: asked.limit]
    return answers.Difference(**{**found, "memories": shown}, more=len(found["memories"]) - len(shown))


def _diff(on: Binding, asked: requests.Diff, progress: Progress) -> answers.Answer:
    return difference(on, asked)


def _preferences(on: Binding, asked: requests.Preferences, progress: Progress) -> answers.Answer:
    found = on.memory.preferences.list(**asked.given("limit"))
    shown = [answers.Preference.of(each) for each in found[: asked.limit]]
    return answers.Preferences(preferences=shown, more=len(found) - len(shown))


def _explain(on: Binding, asked: requests.Explain, progress: Progress) -> answers.Answer:
    return answers.Provenance.of(on.memory.explain(asked.memory_id))


def _operations(on: Binding, asked: requests.Operations, progress: Progress) -> answers.Answer:
    found = on.memory.operations(**asked.given())
    return answers.Operations(operations=[answers.Operation.of(each) for each in found])


def statistics(on: Binding) -> answers.Statistics:
    """Return how much the cube holds, without where it lies: that is of no use to a client."""
    return answers.Statistics.of({**plain(on.memory.stats()), "location": None})


def _stats(on: Binding, asked: requests.Nothing, progress: Progress) -> answers.Answer:
    return statistics(on)


READING: tuple[Tool, ...] = (
    Tool(
        "search",
        "Search the memory",
        "Find the memories that answer a question best. Ask in words, before you answer anything that earlier "
        "conversations may tell. Reads a time from the question ('last week'); as_of, known_at and when set it.",
        requests.Search,
        answers.Found,
        "reads",
        _search,
    ),
    Tool(
        "context",
        "What is known about a question",
        "What the memory holds about a question as dated lines of text, best first: shorter than search.",
        requests.Ask,
        answers.Context,
        "reads",
        _context,
    ),
    Tool(
        "get",
        "Read a memory",
        "One memory by its id, also as it was at another time.",
        requests.Get,
        answers.OneMemory,
        "reads",
        _get,
    ),
    Tool(
        "list",
        "List memories",
        "Memories in order of id, page by page, those that pass a filter. To find some, search.",
        requests.Pages,
        answers.Memories,
        "reads",
        _pages,
    ),
    Tool(
        "history",
        "History of a memory",
        "Every state that a memory had: what it said, when that held, when it was known, who changed it and why.",
        requests.History,
        answers.History,
        "reads",
        _history,
    ),
    Tool(
        "messages",
        "Read a conversation",
        "The messages of a conversation as they were said, oldest first.",
        requests.Messages,
        answers.Messages,
        "reads",
        _messages,
    ),
    Tool(
        "conversations",
        "List conversations",
        "The conversations, the one that went on last first.",
        requests.Conversations,
        answers.Conversations,
        "reads",
        _conversations,
    ),
    Tool(
        "neighbours",
        "Neighbours of a memory",
        "The edges at a memory, each with what is at its other end: memories, entities, sources.",
        requests.Neighbours,
        answers.Neighbours,
        "reads",
        _neighbours,
    ),
    Tool(
        "subgraph",
        "Graph around memories",
        "The memories within some steps of others, and the edges among them.",
        requests.Subgraph,
        answers.Graph,
        "reads",
        _subgraph,
    ),
    Tool(
        "path",
        "Way between memories",
        "The cheapest way between two memories.",
        requests.Path,
        answers.MaybePath,
        "reads",
        _path,
    ),
    Tool(
        "documents",
        "List documents",
        "The documents that the memory has.",
        requests.Nothing,
        answers.Documents,
        "reads",
        _documents,
    ),
    Tool(
        "diff",
        "What changed",
        "What was learned after one time up to another: memories added, changed, closed.",
        requests.Diff,
        answers.Difference,
        "reads",
        _diff,
    ),
    Tool(
        "preferences",
        "What is preferred",
        "What the user prefers, as stated or concluded, with the memories that each rests on. Read it before you "
        "choose how to answer or what to propose.",
        requests.Preferences,
        answers.Preferences,
        "reads",
        _preferences,
    ),
    Tool(
        "explain",
        "Where it comes from",
        "Where a memory comes from: the words that it rests on, who said them and when.",
        requests.Explain,
        answers.Provenance,
        "reads",
        _explain,
    ),
    Tool(
        "operations",
        "Audit trail",
        "Who did what, when and why, newest first; undo takes an operation back.",
        requests.Operations,
        answers.Operations,
        "reads",
        _operations,
    ),
    Tool(
        "stats",
        "How much the memory holds",
        "Counts, clock and model.",
        requests.Nothing,
        answers.Statistics,
        "reads",
        _stats,
    ),
)
