"""memory.knowledge_bases: documents that several callers share, read beside their own memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from treemem.arguments import distinct_ids
from treemem.changes import Receipt
from treemem.contents import BASE
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryExistsError, NotAllowedError
from treemem.exchange import keeping
from treemem.ids import base_cube
from treemem.ingest.documents import DocumentLike
from treemem.knowledge import quoting
from treemem.read import filed
from treemem.read.bases import FIELD, POLICY, Policy, bases_of, inside, owned, policy_of, readable
from treemem.records import Added, AddedDocument, DocumentRecord, KnowledgeBase
from treemem.signatures import checked_verbs
from treemem.storable import checked_text
from treemem.temporal import TimeLike
from treemem.write import adding, changing, filing, purging, reading, reading_later
from treemem.write.addition import Progress
from treemem.write.intent import Intent
from treemem.write.messaging import OnError

#: The most users that a policy names.
MOST_READERS = 10_000


@checked_verbs
class KnowledgeBases:
    """The knowledge bases of a cube: documents that several callers read; use `memory.knowledge_bases`.

    A base is a cube of its own, "shop.kb.handbook", with a policy: its owner alone writes to it, and it is read by its
    owner, by the users that are named, or by every caller of this cube. `search(..., knowledge_bases=["handbook"])`
    brings its hits beside the memory's own. Whoever opened the memory may do all that owners may. To others a base
    that they may not read does not exist; only its name is taken.
    """

    def __init__(self, context: Context) -> None:
        """Use `memory.knowledge_bases`."""
        self._ctx = context

    @property
    def zone(self) -> str | None:
        """The zone of the memory, in which times without one are read."""
        return self._ctx.config.zone

    def make(
        self,
        name: str,
        *,
        description: str = "",
        readers: str | Iterable[str] = (),
        everyone: bool = False,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> KnowledgeBase:
        """Make a base and return it: 1 to 40 letters, digits, `-` and `_`. It is the caller's who makes it.

        `readers` are the users who may read it; with `everyone` every caller may. One that is there already, and is
        equal, stays. With an `operation_id` a repeated call finds what became of it since. Raises MemoryExistsError
        where the name is taken, NotAllowedError for a session without a user, OperationMismatchError.
        """
        ctx = self._ctx
        cube = base_cube(ctx.cube, name)
        if ctx.caller and ctx.caller.user_id is None:
            raise NotAllowedError(f"knowledge_bases.make: a base belongs to a user, and {ctx.caller} has none")
        info = _said(description, ctx.caller.user_id, readers, everyone)
        there = policy_of(ctx, name)
        if there is not None and _said(there.description, there.owner, there.readers, there.everyone) == info:
            return there.told(ctx.caller)
        own = there is not None and there.owner == ctx.caller.user_id
        done = own and operation_id is not None and bool(ctx.store.operations(cube, ids=[operation_id], limit=1))
        if not done and (there is not None or ctx.store.cube(cube) is not None):
            raise MemoryExistsError(
                f"the name {name!r} is taken in cube {ctx.cube!r}; choose another, or share() your own base"
            )
        made = Policy(name, cube, description, ctx.caller.user_id, (), everyone, 0)
        policy = {
            "id": POLICY,
            "memory": f"The knowledge base {name}.",
            "metadata": {"status": "archived", "sources": [{"type": BASE}], "info": {FIELD: info}},
        }
        adding.add(inside(ctx, made), policy, None, None, self._signed(operation_id, actor, reason), None, {})
        return readable(ctx, name).told(ctx.caller)

    def list(self) -> tuple[KnowledgeBase, ...]:
        """Return the bases that the caller may read, by name."""
        ctx = self._ctx
        return tuple(each.told(ctx.caller) for each in bases_of(ctx).values() if each.shown_to(ctx.caller))

    def get(self, name: str) -> KnowledgeBase:
        """Return a base. Raises MemoryNotFoundError where there is none that the caller may read."""
        return readable(self._ctx, name).told(self._ctx.caller)

    def share(
        self,
        name: str,
        *,
        readers: str | Iterable[str] = (),
        everyone: bool = False,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> KnowledgeBase:
        """Say from now on who may read a base: these `readers`, or `everyone`; nobody else may any more.

        Raises MemoryNotFoundError, NotAllowedError.
        """
        ctx = self._ctx
        policy = owned(ctx, name)
        info = _said(policy.description, policy.owner, readers, everyone)
        intent = self._signed(operation_id, actor, reason)
        changing.update(inside(ctx, policy), POLICY, None, None, intent, {"info": {FIELD: info}})
        return readable(ctx, name).told(ctx.caller)

    def documents(self, name: str) -> Sequence[DocumentRecord]:
        """Return the documents of a base, as they are now. Raises MemoryNotFoundError."""
        return filed.documents(inside(self._ctx, readable(self._ctx, name)))

    def add_documents(
        self,
        name: str,
        documents: DocumentLike | Iterable[DocumentLike],
        *,
        mode: str = "fast",
        at: TimeLike | None = None,
        on_error: OnError = "raise",
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
    ) -> Sequence[AddedDocument]:
        """Add documents to a base, or the new version of those that it has, as `memory.add_documents` does.

        With `mode="fine"` the memory's `llm` reads them then: what it finds is of the base, too. With `mode="async"` a
        worker of the base's cube does (`treemem work --every-cube`), by the `task_ids` of the list. Raises
        MemoryNotFoundError, NotAllowedError, InvalidInputError, ReadingError.
        """
        ctx = inside(self._ctx, owned(self._ctx, name))
        reading.check_mode(ctx, mode, "knowledge_bases.add_documents")
        intent = self._signed(operation_id, actor, reason)
        queue = reading_later.QueuedReading(ctx) if mode == "async" else None
        added = filing.add_documents(ctx, documents, at, on_error, intent, progress, {}, amend=queue)
        if mode == "fine":
            reading.read_added(ctx, [i for each in added for i in (*each.added, *each.kept)], intent)
        return added if queue is None else Added(added, queue.task_ids)

    def remove_documents(
        self,
        name: str,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Delete documents of a base, by what they are called or by the ids of their memories.

        Raises MemoryNotFoundError, NotAllowedError.
        """
        ctx = inside(self._ctx, owned(self._ctx, name))
        return filing.remove_documents(ctx, ids, self._signed(operation_id, actor, reason))

    def purge(
        self,
        name: str,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Erase memories of a base for good, as `memory.purge` does; a document's memory takes all its parts along.

        So go the answers of chats, whoever asked, whose model was shown them and which share a word with them.

        Raises MemoryNotFoundError, NotAllowedError.
        """
        ctx = inside(self._ctx, owned(self._ctx, name))
        wanted = distinct_ids(ids)
        if POLICY in wanted:
            raise InvalidInputError(f"purge: {POLICY!r} is the policy of the base; drop({name!r}) erases all of it")
        intent = self._signed(operation_id, actor, reason)
        return purging.purge(
            ctx, wanted, intent, first=lambda found: quoting.purge_answers(self._ctx, ctx.cube, found, intent)
        )

    def drop(self, name: str, keep_last_n: int = 30, *, backups: str | Path | None = None) -> Path | None:
        """Back a base up, then erase it with its history and its policy; return the backup's folder.

        As `memory.drop` does; `memory.cube("shop.kb.handbook").load(folder)` brings it back. The answers of chats that
        were shown it stay, as the backup does: `purge` what must not be told any more before. Raises
        MemoryNotFoundError, NotAllowedError, StoreFullError, StoreError.
        """
        return keeping.drop(inside(self._ctx, owned(self._ctx, name)), keep_last_n, backups)

    def _signed(self, operation_id: str | None, actor: str | None, reason: str | None) -> Intent:
        """Return who changes a base and why: its content has no owner, so that the user who wrote is the actor."""
        return Intent(operation_id, actor or self._ctx.config.actor or self._ctx.caller.user_id, reason)


def _said(description: str, owner: str | None, readers: str | Iterable[str], everyone: bool) -> dict[str, Any]:
    """Return a policy as it is kept. Raises InvalidInputError."""
    named = [readers] if isinstance(readers, str) else [*readers]
    if len(named) > MOST_READERS:
        raise InvalidInputError(f"readers: wanted at most {MOST_READERS}, found {len(named)}; use everyone=True")
    users = sorted({checked_text(user, "readers") for user in named})
    if description:
        checked_text(description, "description")
    return {"description": description, "owner": owner, "readers": users, "everyone": everyone}
