"""Entities, facts between them, and the episodes that told them, as Graphiti and Zep have them: as a plain graph.

A fact is a memory that mentions both of its entities. It holds from `valid_at` to `invalid_at` and is derived from its
episodes. What their rows say that has no place here stays in `info` under their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.exchange.graph import Refused
from treemem.ids import ID, derived_id
from treemem.storable import check_json, checked_text, half_character, storable
from treemem.temporal import BEGINNING, from_micros, parse_time

Row = Mapping[str, Any]
#: What is read of every row; all else goes into `info`.
_READ = frozenset({"uuid", "name", "created_at", "name_embedding", "fact_embedding", "embedding", "score", "relevance"})


class Knowledge:
    """Collects rows in this order: entities, episodes, facts, topics, and what joins them."""

    def __init__(self, program: str, mine: tuple[str, str], refused: Refused) -> None:
        """`mine` is who imports, user and session: two users may read one graph, and each gets memories of its own."""
        self._program, self._mine, self._refused = program, mine, refused
        self._nodes: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}
        self._edges: dict[tuple[str, str, str], dict[str, Any]] = {}
        #: The facts that episodes say they told, by the uuid of the episode.
        self._told: dict[str, list[str]] = {}
        self._children: set[str] = set()
        self._noted: Counter[str] = Counter()

    def plain(self) -> dict[str, Any]:
        """Return all that was taken as a plain graph of this library."""
        for episode, facts in self._told.items():
            gone = [uuid for uuid in facts if not self._derive(uuid, [episode])]
            if gone:
                self._nodes[self.id_of(episode)]["metadata"]["info"]["entity_edges"] = gone
        return {"treemem": True, "nodes": list(self._nodes.values()), "edges": list(self._edges.values())}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was read as something else, with how often."""
        return told(self._noted)

    def note(self, what: str) -> None:
        """Note once more that something was read as something else."""
        self._noted[what] += 1

    def entity(self, row: Row) -> None:
        """Take an entity: a memory of its summary, whose key is its name."""
        self._take("entity", row, lambda: self._named(row, _words(row.get("labels"))))

    def topic(self, row: Row) -> None:
        """Take a community or a saga: a topic of its summary."""
        self._take("topic", row, lambda: {**self._named(row, ()), "type": "topic"})

    def gather(self, row: Row, members: Iterable[Any]) -> None:
        """Make a topic that was taken the parent of its members."""
        for member in members:
            self._parent(row["uuid"], member)

    def episode(self, row: Row, mentions: Iterable[Any] = ()) -> None:
        """Take an episode: a memory of its content, which holds from when it was told."""

        def read() -> dict[str, Any]:
            text = row.get("content")
            if not _says(text):
                text = row.get("name")
                self.note("episodes without content are read by their name")
            begins, kept = self._begin(row, "valid_at", "reference_time", "created_at")
            info = {**_kept(row, {"content", "valid_at", "entity_edges"}), **kept}
            if _says(row.get("name")):
                info["name"] = row["name"]
            return {
                "memory": text,
                "source": "conversation" if row.get("source") == "message" else None,
                "entities": self._known(mentions),
                "valid_from": begins,
                "memory_time": begins,
                "info": info,
            }

        if self._take("episode", row, read) and isinstance(row.get("entity_edges"), list):
            self._told[row["uuid"]] = [e for e in row["entity_edges"] if isinstance(e, str)]

    def summary(self, row: Row, text: Any, kind: str) -> None:
        """Take a text that a model made of others: an observation, the summary of a thread."""
        begins, kept = self._begin(row, "created_at")
        info = {**_kept(row, {"summary", "content", "episode_uuids"}), **kept}
        given = {"memory": text, "key": _name(row), "valid_from": begins, "info": info}
        if self._take(kind, row, lambda: given):
            self._leave(row, self._derive(row["uuid"], _words(row.get("episode_uuids"))), "episode_uuids")

    def fact(self, row: Row) -> None:
        """Take a fact that joins two entities."""

        def read() -> dict[str, Any]:
            ends_at = "invalid_at" if row.get("invalid_at") is not None else "expired_at"
            begins, kept = self._begin(row, "valid_at", "created_at")
            ends = self._time(row, ends_at, kept)
            if ends is not None:
                if self._time(row, "valid_at", kept) is None and (begins is None or begins >= ends):
                    self.note("facts that say their end and no beginning hold since ever")
                    begins = BEGINNING
                elif begins is None or begins >= ends:
                    self.note("facts that end before they begin hold for the last moment before their end")
                    kept |= {n: row[n] for n in ("valid_at", "invalid_at") if row.get(n) is not None}
                    begins = max(BEGINNING, ends - 1)
                if ends_at == "expired_at":
                    self.note("facts that expired, though they say no end, end when they expired")
            info = {**_kept(row, {"fact", "valid_at", "invalid_at", "episodes", "episode_uuids"}), **kept}
            if _says(row.get("name")):
                info["name"] = row["name"]
            ends_of = [(row.get(f"{end}_node_name"), row.get(f"{end}_node_uuid")) for end in ("source", "target")]
            names = [name if _says(name) else self._names.get(str(uuid)) for name, uuid in ends_of]
            entities = list(dict.fromkeys(n for n in names if n))
            return {
                "memory": row.get("fact"),
                "type": "fact",
                "entities": entities,
                "valid_from": begins,
                "valid_to": ends,
                "info": info,
            }

        if self._take("fact", row, read):
            for name in ("episodes", "episode_uuids"):
                self._leave(row, self._derive(row["uuid"], _words(row.get(name))), name)

    def follows(self, later: Any, earlier: Any) -> None:
        """Join an episode to the one before it."""
        self._join("FOLLOWS", later, earlier, {})

    def id_of(self, uuid: Any) -> str:
        """Return the id of the memory of what has a `uuid` there: that one, or one derived of it."""
        if not any(self._mine) and isinstance(uuid, str) and ID.fullmatch(uuid) and uuid not in (".", ".."):
            return uuid
        return derived_id(self._program, *self._mine, uuid if _is_plain(uuid) else ascii(uuid))

    def _take(self, kind: str, row: Row, read: Callable[[], dict[str, Any]]) -> bool:
        """Add a memory, unless it cannot be read."""
        uuid = row.get("uuid")
        where = f"{kind} {uuid if isinstance(uuid, str) and len(uuid) <= 128 else shown(uuid)}"
        try:
            if not _says(uuid):
                raise InvalidInputError(f"uuid: wanted a text, found {shown(uuid)}")
            memory_id = self.id_of(storable(str(uuid), "uuid"))
            if memory_id in self._nodes:
                raise InvalidInputError("its uuid comes twice")
            given = read()
            text = checked_text(given.pop("memory"), "its text")
            info = given.pop("info")
            if memory_id != uuid:
                info["uuid"] = uuid
            made = self._time(row, "created_at", info)
            times = {"created_at": made, **{n: given.pop(n, None) for n in ("valid_from", "valid_to", "memory_time")}}
            metadata = {n: v for n, v in given.items() if v not in (None, [])}
            metadata |= {name: from_micros(at) for name, at in times.items() if at is not None}
            check_json(info, "info")
        except InvalidInputError as error:
            self._refused(where, InvalidInputError(f"{where}: {error}"))
            return False
        self._nodes[memory_id] = {"id": memory_id, "memory": text, "metadata": {**metadata, "info": info}}
        return True

    def _named(self, row: Row, tags: Iterable[str]) -> dict[str, Any]:
        name, summary = _name(row), row.get("summary")
        if name and isinstance(row.get("uuid"), str):
            self._names[row["uuid"]] = name
        begins, kept = self._begin(row, "created_at")
        return {
            "memory": summary if _says(summary) else name,
            "key": name,
            "tags": [tag for tag in tags if tag != "Entity"],
            "valid_from": begins,
            "info": {**_kept(row, {"summary", "labels"}), **kept},
        }

    def _begin(self, row: Row, *names: str) -> tuple[int | None, dict[str, Any]]:
        """Return the first time that a row says, and what it says instead of times."""
        kept: dict[str, Any] = {}
        times = [self._time(row, name, kept) for name in names]
        return next((at for at in times if at is not None), None), kept

    def _time(self, row: Row, name: str, kept: dict[str, Any]) -> int | None:
        value = row.get(name)
        if value is None or value == "":
            return None
        try:
            return parse_time(value, name)
        except (InvalidInputError, TypeError):
            if name not in kept:
                self.note(f"{name}: what is no time is kept in info alone")
            kept[name] = value
            return None

    def _known(self, uuids: Iterable[Any]) -> list[str]:
        return list(dict.fromkeys(self._names[uuid] for uuid in uuids if isinstance(uuid, str) and uuid in self._names))

    def _leave(self, row: Row, joined: list[str], name: str) -> None:
        """Keep in `info` the ids of those that are not there."""
        there = set(joined)
        gone = [uuid for uuid in _words(row.get(name)) if uuid not in there]
        if gone:
            self._nodes[self.id_of(row["uuid"])]["metadata"]["info"][name] = gone

    def _derive(self, uuid: Any, episodes: Iterable[str]) -> list[str]:
        """Derive a memory from those of its episodes that are there, and return these."""
        metadata = self._nodes.get(self.id_of(uuid), {}).get("metadata", {})
        span = {name: metadata[name] for name in ("valid_from", "valid_to") if name in metadata}
        return [episode for episode in episodes if self._join("DERIVED_FROM", uuid, episode, span)]

    def _parent(self, parent: Any, child: Any) -> None:
        if not isinstance(child, str):
            return
        if child in self._children:
            self.note("what is a member of several is below the first, and joined to the others by HAS_MEMBER")
            self._join("HAS_MEMBER", parent, child, {})
        elif self._join("PARENT", parent, child, {}):
            self._children.add(child)

    def _join(self, kind: str, source: Any, target: Any, span: Mapping[str, Any]) -> bool:
        """Join two memories, if both are there and they are two."""
        ends = (self.id_of(source), self.id_of(target))
        if ends[0] == ends[1] or not self._nodes.keys() >= set(ends):
            return False
        self._edges.setdefault((kind, *ends), {"type": kind, "source": ends[0], "target": ends[1], **span})
        return True


def told(noted: Counter[str]) -> tuple[str, ...]:
    """Return notes of an import, with how often each was made."""
    return tuple(f"{what} ({count})" for what, count in sorted(noted.items()))


def _is_plain(uuid: Any) -> bool:
    """Return whether an id of theirs can be part of one of ours: a text without half characters."""
    return isinstance(uuid, str) and not half_character(uuid)


def _says(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _name(row: Row) -> str | None:
    name = row.get("name")
    return name if isinstance(name, str) and name.strip() else None


def _words(value: Any) -> list[str]:
    return [each for each in value if _says(each)] if isinstance(value, list) else []


def _kept(row: Row, read: set[str]) -> dict[str, Any]:
    """Return what a row says that has no place here."""
    own = {n: v for n, v in row.items() if n not in _READ and n not in read and n != "attributes"}
    attributes = row.get("attributes")
    told = attributes if isinstance(attributes, Mapping) else {"attributes": attributes}
    return {n: v for n, v in {**told, **own}.items() if v not in (None, "", [], {})}
