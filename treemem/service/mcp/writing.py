"""The tools that write. Descriptions are written here and nowhere else: no word of a memory stands in one."""

from __future__ import annotations

from treemem.schemas import answers, requests
from treemem.schemas.plain import plain
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.tools import Tool
from treemem.service.running import Progress


def _add(on: Binding, asked: requests.Add, progress: Progress) -> answers.Answer:
    return answers.Ids(ids=on.memory.add(**asked.given(), progress=progress))


def add_messages(on: Binding, asked: requests.AddMessages, progress: Progress) -> answers.Answer:
    """Add messages; see `TreeTextMemory.add_messages`."""
    return answers.Ids(ids=on.memory.add_messages(**asked.given(), progress=progress))


def change(on: Binding, asked: requests.Change, *, correct: bool) -> answers.Answer:
    """Say something else of a memory, since the world changed, or since we were wrong."""
    verb = on.memory.correct if correct else on.memory.update
    return answers.Receipt.of(verb(asked.memory_id, asked.memory, **asked.given("memory_id", "memory")))


def _update(on: Binding, asked: requests.Change, progress: Progress) -> answers.Answer:
    return change(on, asked, correct=False)


def _correct(on: Binding, asked: requests.Change, progress: Progress) -> answers.Answer:
    return change(on, asked, correct=True)


def _expire(on: Binding, asked: requests.Expire, progress: Progress) -> answers.Answer:
    return answers.Receipt.of(on.memory.expire(**asked.given()))


def delete(on: Binding, asked: requests.Several, progress: Progress) -> answers.Answer:
    """Hide memories; see `TreeTextMemory.delete`."""
    return answers.Receipt.of(on.memory.delete(**asked.given()))


def _restore(on: Binding, asked: requests.Several, progress: Progress) -> answers.Answer:
    return answers.Receipt.of(on.memory.restore(**asked.given()))


def _purge(on: Binding, asked: requests.Several, progress: Progress) -> answers.Answer:
    return answers.Receipt.of(on.memory.purge(**asked.given()))


def _link(on: Binding, asked: requests.Link, progress: Progress) -> answers.Answer:
    return answers.Receipt.of(on.memory.link(**asked.given()))


def _unlink(on: Binding, asked: requests.Unlink, progress: Progress) -> answers.Answer:
    return answers.Receipt.of(on.memory.unlink(**asked.given()))


def _add_document(on: Binding, asked: requests.AddDocument, progress: Progress) -> answers.Answer:
    document = {"id": asked.id, "text": asked.text, "title": asked.title}
    added = on.memory.add_documents(document, **asked.given(*document), progress=progress)
    return answers.AddedDocuments(documents=[answers.AddedDocument.of(each) for each in added])


def _remove_documents(on: Binding, asked: requests.RemoveDocuments, progress: Progress) -> answers.Answer:
    return answers.Receipt.of(on.memory.remove_documents(**asked.given()))


def feedback(on: Binding, asked: requests.Feedback, progress: Progress) -> answers.Answer:
    """Let words change what is remembered; see `TreeTextMemory.feedback`."""
    plan = on.memory.feedback(asked.text, **asked.given("text"))
    return answers.Feedback(**plain(plan), answer=plan.answer)


def _undo(on: Binding, asked: requests.Undo, progress: Progress) -> answers.Answer:
    return answers.Receipt.of(on.memory.undo(**asked.given()))


WRITING: tuple[Tool, ...] = (
    Tool(
        "add",
        "Remember",
        "Remember statements, such as 'Anna moved to Lisbon in May 2026.' One memory says one thing and is understood "
        "by itself. To keep what was said in a conversation, use add_messages.",
        requests.Add,
        answers.Ids,
        "adds",
        _add,
    ),
    Tool(
        "add_messages",
        "Remember messages",
        "Remember the messages of a conversation as they were said, turn by turn or many at once. With a "
        "conversation_id the call goes on where that conversation ends.",
        requests.AddMessages,
        answers.Ids,
        "adds",
        add_messages,
    ),
    Tool(
        "update",
        "The world changed",
        "From a time on a memory says something else. What it said before stays readable with as_of.",
        requests.Change,
        answers.Receipt,
        "changes",
        _update,
    ),
    Tool(
        "correct",
        "We were wrong",
        "A memory said something wrong: it says something else over the whole time for which it held. What was "
        "believed before stays readable with known_at.",
        requests.Change,
        answers.Receipt,
        "changes",
        _correct,
    ),
    Tool(
        "expire",
        "It holds no longer",
        "A memory does not hold any more from a time on, and nothing took its place.",
        requests.Expire,
        answers.Receipt,
        "changes",
        _expire,
    ),
    Tool(
        "delete",
        "Forget",
        "Hide memories from reading and searching; restore or undo brings them back.",
        requests.Several,
        answers.Receipt,
        "changes",
        delete,
    ),
    Tool(
        "restore",
        "Bring back",
        "Bring deleted or archived memories back.",
        requests.Several,
        answers.Receipt,
        "adds",
        _restore,
    ),
    Tool(
        "purge",
        "Erase for good",
        "Erase memories with their history, and what holds their words. Nothing brings them back.",
        requests.Several,
        answers.Receipt,
        "erases",
        _purge,
    ),
    Tool(
        "link",
        "Join memories",
        "Join two memories by a typed edge.",
        requests.Link,
        answers.Receipt,
        "adds",
        _link,
    ),
    Tool(
        "unlink",
        "Part memories",
        "An edge does not hold any more.",
        requests.Unlink,
        answers.Receipt,
        "changes",
        _unlink,
    ),
    Tool(
        "add_document",
        "Remember a document",
        "Remember a document from its text, Markdown or plain, by headings and passages. Under a name that is there "
        "already the document has changed: what is gone ends, what is new begins.",
        requests.AddDocument,
        answers.AddedDocuments,
        "changes",
        _add_document,
        repeatable=True,
    ),
    Tool(
        "remove_documents",
        "Forget documents",
        "Hide documents with all their parts; undo brings them back.",
        requests.RemoveDocuments,
        answers.Receipt,
        "changes",
        _remove_documents,
    ),
    Tool(
        "feedback",
        "Say what is wrong",
        "Let what the user says about what is remembered change it: 'No, I moved to Lund in May', 'Call it Orion "
        "instead of Apollo', 'Forget that'. Give the user's own words, and in about the memories that were shown. "
        "apply=false says first what would change.",
        requests.Feedback,
        answers.Feedback,
        "changes",
        feedback,
    ),
    Tool(
        "undo",
        "Take back",
        "Take an operation back by a new one; undoing the undo brings it back.",
        requests.Undo,
        answers.Receipt,
        "changes",
        _undo,
    ),
)
