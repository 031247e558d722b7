"""import_: files, databases and graphs of other programs, and archives of ours, into a cube."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from treemem.checks import shown
from treemem.context import Context
from treemem.errors import InvalidInputError, NotAllowedError, TreememError
from treemem.exchange import compressing, files, foreign, graphml, keeping, letta, mem0, mem0_history, memos, zep
from treemem.exchange.format import ARCHIVE, FORMAT, GRAPH
from treemem.exchange.formats import FORMATS
from treemem.exchange.graph import Graph, graph_of, parsed
from treemem.ids import derived_id
from treemem.ingest import exports, langchain
from treemem.ingest.described import described, packing
from treemem.ingest.exports import Chat
from treemem.ingest.opening import opened
from treemem.keywords import checked_names
from treemem.locations import NEO4J_SCHEMES
from treemem.storable import half_character
from treemem.write.addition import Progress
from treemem.write.intent import Intent
from treemem.write.messaging import add_messages
from treemem.write.remembering import Remember

log = logging.getLogger("treemem.exchange")
ON_ERROR = ("raise", "skip")


@checked_names
@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: how many memories are new, how many edges hold now, and how many conversations, messages and
    rows the file has. `operation` is that of a graph, for `undo`.

    `notes` say what was read as something else, with how often; `left_out` what could not be read: where, and why.
    """

    format: str
    memories: int = 0
    edges: int = 0
    conversations: int = 0
    messages: int = 0
    rows: int = 0
    operation: str | None = None
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Import:
    """One call of import_."""

    ctx: Context
    path: str
    skip: bool
    remember: Remember
    conversation: str | None
    intent: Intent
    progress: Progress | None
    merge: bool = False
    reembed: bool = False
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def refused(self, where: str, error: TreememError) -> None:
        """Note what cannot be read, or raise it."""
        if not self.skip:
            raise error
        self.left_out.append((where, str(error)))

    def archive(self, path: Path) -> Imported:
        """Load an archive into a cube that is empty, or add it to one that is not."""
        self._refuse_conversation()
        self.ctx.caller.require_whole_cube("import_ of an archive")
        done = keeping.load_archive(self.ctx, path, self.progress, merge=self.merge, reembed=self.reembed)
        return Imported("archive", memories=done.memories, rows=done.rows)

    def _refuse_conversation(self) -> None:
        if self.conversation is not None:
            raise InvalidInputError(f"conversation_id: {self.path} holds no conversation; leave it out")

    def _memories(self) -> int:
        found = self.ctx.store.counts(self.ctx.cube)
        return found["memories"] - found["logged"]

    def both(self, name: str, data: Any, chats: list[Chat], notes: Iterable[str]) -> Imported:
        """Add what a plain graph says, and conversations beside it."""
        if not chats:
            self._refuse_conversation()
        first = self._graph(name, data) if data["nodes"] or not chats else Imported(name)
        done = self.chats(name, chats) if chats else first
        return replace(
            first,
            memories=first.memories + (done.memories if chats else 0),
            conversations=done.conversations,
            messages=done.messages,
            notes=(*first.notes, *notes),
            left_out=tuple(self.left_out),
        )

    def graph(self, name: str, data: Any, notes: Iterable[str] = ()) -> Imported:
        """Add what a plain graph says, as one operation."""
        self._refuse_conversation()
        return self._graph(name, data, notes)

    def _graph(self, name: str, data: Any, notes: Iterable[str] = ()) -> Imported:
        try:
            read = graph_of(data, self.ctx.model.dimension, self.refused)
            self._sign(read)
        except (InvalidInputError, NotAllowedError) as error:
            raise type(error)(f"{self.path}: {error}; nothing was imported") from error
        refusals: list[TreememError] = []

        def refused(where: str, error: TreememError) -> None:
            refusals.append(error)
            self.refused(where, error)

        try:
            added = keeping.add_graph(self.ctx, read, self.intent, self.progress, refused)
        except TreememError as error:
            if error not in refusals:
                raise  # of the store: parts may be written
            raise type(error)(f"{self.path}: {error}; nothing was imported") from error
        told = (*read.notes, *notes)
        for note in told:
            log.warning("import of %s: %s", self.path, note)
        return Imported(
            name,
            memories=added.memories,
            edges=added.edges,
            operation=added.operation,
            notes=told,
            left_out=tuple(self.left_out),
        )

    def _sign(self, read: Graph) -> None:
        """Take out the memories that the caller may not add, with their edges."""
        if not self.ctx.caller:
            return
        signed = []
        for node in read.nodes:
            try:
                self.ctx.caller.signed(node["metadata"])
            except TreememError as error:
                self.refused(node["id"], error)
            else:
                signed.append(node)
        if len(signed) < len(read.nodes):
            ids = {node["id"] for node in signed}
            read.nodes = signed
            read.edges = [edge for edge in read.edges if {edge.source, edge.target} <= ids]

    def database(self, source: Any, group_ids: Sequence[str] | None) -> Imported:
        """Add what a database of Graphiti's says."""
        from treemem.exchange import graphiti  # the driver of Neo4j takes a while to import

        self._refuse_conversation()
        try:
            found = graphiti.knowledge(source, group_ids, self.mine, self.refused)
        except InvalidInputError as error:
            raise InvalidInputError(f"{error}; nothing was imported") from error
        return self.both("graphiti", found.plain(), [], found.notes)

    def zep(self, data: Any, name: str) -> Imported:
        """Add what responses of Zep's say."""
        try:
            found, chats = zep.read(data, name, self.mine, self.refused)
        except InvalidInputError as error:
            raise InvalidInputError(f"{self.path}: {error}; nothing was imported") from error
        return self.both("zep", found.plain(), chats, found.notes)

    def letta(self, data: Any, name: str) -> Imported:
        """Add what an export of Letta's says."""
        try:
            found = letta.Export(data, name, self.mine, self.refused)
        except InvalidInputError as error:
            raise InvalidInputError(f"{self.path}: {error}; nothing was imported") from error
        return self.both("letta", found.plain(), found.chats, found.notes)

    def events(self, data: list[Any]) -> Imported:
        """Tell the events of memories one after the other, each as one operation."""
        self._refuse_conversation()
        before = self._memories()
        try:
            history = mem0_history.History(data, self.refused, any(self.mine))
        except InvalidInputError as error:
            raise InvalidInputError(f"{self.path}: {error}; nothing was imported") from error
        mem0_history.tell(self.ctx, history, self.mine, self.intent, self.refused, self.progress)
        return Imported("mem0", memories=self._memories() - before, notes=history.notes, left_out=tuple(self.left_out))

    def mem0(self, data: Any) -> Imported:
        """Add memories that mem0 gives."""
        plain, notes = mem0.plain_of(data, any(self.mine))
        done = self.graph("mem0", plain)
        return replace(done, notes=(*done.notes, *notes))

    def chats(self, name: str, chats: list[Chat]) -> Imported:
        """Add conversations, each as one operation."""
        if self.conversation is not None and len(chats) != 1:
            raise InvalidInputError(
                f"conversation_id: goes with one conversation, {self.path} holds {len(chats)}; leave it out"
            )
        total, done = sum(len(chat.messages) for chat in chats), 0
        before = self._memories()
        for chat in chats:
            talk = self.conversation or chat.id

            def refused(position: int, error: TreememError, talk: str = talk) -> None:
                self.refused(f"{talk}, message {position}", error)

            operation = derived_id("import", *self.mine, talk, chat.id) if chat.exact else None
            intent = Intent(operation, self.intent.actor, self.intent.reason)
            messages = [self._own(message) for message in chat.messages] if any(self.mine) else chat.messages
            add_messages(self.ctx, messages, talk, False, self.remember, refused, intent, None, {})
            done += len(chat.messages)
            if self.progress is not None:
                self.progress(done, total)
        return Imported(
            name,
            memories=self._memories() - before,
            conversations=len(chats),
            messages=total,
            left_out=tuple(self.left_out),
        )

    @property
    def mine(self) -> tuple[str, str]:
        """Who imports: user and session, empty where nobody is named."""
        return self.ctx.caller.user_id or "", self.ctx.caller.session_id or ""

    def _own(self, message: Any) -> Any:
        """Return a message with an id that is its caller's: two users may export one conversation."""
        plain = langchain.unwrapped(message) if isinstance(message, Mapping) else {}
        own = plain.get("id")
        if own is None or (isinstance(own, str) and half_character(own)):  # which is refused by its place
            return message
        return {**plain, "id": derived_id("import", *self.mine, own)}


def import_(
    ctx: Context,
    path: str | Path,
    format: str,
    conversation_id: str | None,
    group_ids: Sequence[str] | None,
    remember: Remember,
    on_error: str,
    merge: bool,
    reembed: bool,
    intent: Intent,
    progress: Progress | None,
) -> Imported:
    """See `TreeTextMemory.import_`."""
    skip = _skips(on_error)
    readable = [each.name for each in FORMATS if each.reads]
    if format not in ("auto", *readable):
        raise InvalidInputError(f"format: wanted auto, {', '.join(readable)}, found {shown(format)}")
    if remember not in (modes := get_args(Remember)):
        raise InvalidInputError(f"remember: wanted one of {', '.join(modes)}, found {shown(remember)}")
    work = _Import(ctx, "the database", skip, remember, conversation_id, intent, progress, merge, reembed)
    if format == "graphiti" or (format == "auto" and _is_database(path)):
        if merge or reembed:
            raise InvalidInputError(
                "merge, reembed: go with an archive, and a database of Graphiti is none; leave them out"
            )
        return work.database(path, group_ids)
    if group_ids is not None:
        raise InvalidInputError("group_ids: goes with a database of Graphiti; leave it out")
    place = files.as_path(path, "path")
    work.path = str(place)
    with files.told(place, "read"):
        names = (GRAPH, ARCHIVE) if format in ("memos", "mem0") else (ARCHIVE, GRAPH)
        inner = [place / name for name in names] if place.is_dir() else []
        found = next((each for each in inner if each.is_file()), place)
        head = b"" if found.is_dir() else _head(found)
    archived = format == "archive" or (format == "auto" and _is_archive(head))
    _refuse_packed(found, archived, format)
    if archived:
        return work.archive(found)
    if merge or reembed:
        raise InvalidInputError(f"merge, reembed: go with an archive, and {place} is none; leave them out")
    if format == "graphml" or (format == "auto" and graphml.fits(head)):
        return work.graph("graphml", *foreign.plain_of(graphml.read(found), keys=False))
    if format in ("memos", "mem0", "zep", "letta") or (
        format == "auto" and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b'"')
    ):
        data = _json_or_none(found) if format == "auto" else _json(found, format)
        if format in ("auto", "memos", "mem0") and mem0_history.is_history(data):
            return work.events(data)
        theirs = format == "auto" or (format == "memos" and not memos.fits(data))
        if format == "mem0" or (theirs and mem0.is_memories(data)):
            if not mem0.can_be(data):
                raise InvalidInputError(f"{place}: wanted memories or events of mem0, found {described(data)}")
            return work.mem0(data)
        if format == "zep" or (format == "auto" and zep.fits(data)):
            return work.zep(data, place.stem)
        if format == "letta" or (format == "auto" and letta.fits(data)):
            return work.letta(data, place.stem)
        if format == "memos" or memos.fits(data) or _mostly(data, memos.fits):
            return work.graph("memos", data)
    name, chats = exports.read_export(found, format, [each for each in readable if each != "graphiti"])
    return work.chats(name, chats)


def from_networkx(ctx: Context, graph_: Any, on_error: str, intent: Intent, progress: Progress | None) -> Imported:
    """See `TreeTextMemory.from_networkx`."""
    work = _Import(ctx, "graph", _skips(on_error), "all", None, intent, progress)
    return work.graph("networkx", *foreign.plain_of(graph_))


def _is_database(path: Any) -> bool:
    """Return whether a path is the URI of a Neo4j server."""
    scheme, mark, _ = path.partition("://") if isinstance(path, str) else ("", "", "")
    return bool(mark) and scheme.strip().lower() in NEO4J_SCHEMES


def _skips(on_error: str) -> bool:
    if not isinstance(on_error, str) or on_error not in ON_ERROR:
        raise InvalidInputError(f"on_error: wanted 'raise' or 'skip', found {shown(on_error)}")
    return on_error == "skip"


def _head(path: Path) -> bytes:
    """Return how a file begins, unpacked where it is packed; raise InvalidInputError, StoreError."""
    head = files.beginning(path, 4_096)
    if head.startswith(compressing.MAGIC):
        with path.open("rb") as file:
            return compressing.plain(file).read(4_096)
    return head


def _refuse_packed(path: Path, archived: bool, format: str) -> None:
    """Raise InvalidInputError for a packed file, unless it is an archive in Zstandard or chats in a ZIP archive."""
    head = b"" if path.is_dir() else files.beginning(path, 8)
    packed = packing(head)
    if head.startswith(b"PK\x03\x04") and (archived or format == "graphml"):
        packed = "ZIP"
    if packed is not None and not (archived and head.startswith(compressing.MAGIC)):
        raise InvalidInputError(f"{path}: is packed with {packed}; unpack it, and import what was in it")


def _is_archive(head: bytes) -> bool:
    head = head.removeprefix(compressing.MARK)
    return b"\n" in head and head.startswith(b"{") and f'"{FORMAT}"'.encode() in head.split(b"\n", 1)[0]


def _json(path: Path, format: str) -> Any:
    """Return what a JSON file says, the values of JSON Lines as a list; raise InvalidInputError for anything else."""
    try:
        return parsed(path)
    except InvalidInputError:
        found = opened(path)
    if isinstance(found, tuple):
        return list(found)
    raise InvalidInputError(f"{path}: wanted JSON of {format}, found {described(found)}")


def _mostly(data: Any, fits: Callable[[Any], bool]) -> bool:
    """Return whether most items of a list are a format's: one that is odd does not make it another."""
    return isinstance(data, list) and 2 * sum(fits([each]) for each in data) > len(data)


def _json_or_none(path: Path) -> Any:
    """Return what a JSON file says, None where it is none: JSON Lines, a chat that begins with a bracket."""
    try:
        return parsed(path)
    except InvalidInputError:
        return None
