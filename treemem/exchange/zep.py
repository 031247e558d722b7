"""What Zep's SDK and API give as JSON: edges, nodes and episodes of a graph, summaries, messages, facts of a session.

A file holds one response (a list, a page with `items`, `{"messages"}`, `{"edges", "nodes", "episodes"}`), or several
under the names of `_KINDS`. Read are version 4 and, where it says the same by other names, 3 and 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.exchange.facts import Knowledge
from treemem.exchange.graph import Refused
from treemem.ids import derived_id
from treemem.ingest.exports import Chat
from treemem.storable import half_character

Row = Mapping[str, Any]


def _has(*names: str) -> Callable[[Row], bool]:
    """Return what tells whether a row has a uuid and these names."""
    return lambda row: isinstance(row.get("uuid"), str) and row.keys() >= set(names)


def _is_message(row: Row) -> bool:
    return _has("content")(row) and bool(row.keys() & {"role", "role_type"})


#: The kinds of rows by the names under which files have them, each with what tells its rows from all others.
_KINDS: dict[str, Callable[[Row], bool]] = {
    "nodes": lambda row: _has("name", "created_at")(row) and not row.keys() & {"fact", "memory"},
    "episodes": _has("content"),
    "edges": _has("fact"),
    "hyperedges": _has("fact"),
    "relevant_facts": _has("fact"),
    "facts": _has("fact"),
    "observations": _has("summary"),
    "thread_summaries": _has("summary", "thread_uuid"),
    "document_summaries": _has("summary", "document_id"),
    "messages": _is_message,
}
#: What rows of lists and pages, which have no name, are, the most telling first.
_TELLING = (
    ("edges", _has("fact")),
    ("thread_summaries", _KINDS["thread_summaries"]),
    ("document_summaries", _KINDS["document_summaries"]),
    ("nodes", lambda row: _has("name", "summary", "created_at")(row) and "chat_messages" not in row),
    ("episodes", _has("content", "source")),
    ("messages", lambda row: _is_message(row) and bool(row.keys() & {"thread_uuid", "role_type", "processed"})),
)
#: What a session of version 2 has beside facts that are mere texts, which others have too.
_OF_A_SESSION = frozenset({"session_id", "thread_id", "thread_uuid", "relevant_facts"})
#: Lists of conversations, each with its own messages.
_TALKS = ("threads", "sessions")
#: How a fact stands, which may have changed from one response to the next.
_STANDS = ("valid_at", "invalid_at", "expired_at")
#: Where responses have their rows.
_ROWS = ("items", "results")


def fits(data: Any) -> bool:
    """Return whether the value of a JSON file is a response of Zep's, or several under their names."""
    odd: list[str] = []
    try:
        kinds = _kinds(data, lambda where, _: odd.append(where))
    except InvalidInputError:
        return False
    found = sum(map(len, kinds.values()))
    if isinstance(data, Mapping) and not data.keys() & _OF_A_SESSION:
        found -= len(list(_said_facts(data)))
    return found > 0 and found >= len(odd)


def read(data: Any, name: str, mine: tuple[str, str], refused: Refused) -> tuple[Knowledge, list[Chat]]:
    """Return what responses say and their conversations; `name` is that of a conversation that has none."""
    kinds, found = _kinds(data, refused), Knowledge("zep", mine, refused)
    said: dict[str, list[Any]] = {}
    for row in kinds.get("nodes", ()):
        found.entity(row)
        for episode in row["episode_uuids"] if isinstance(row.get("episode_uuids"), list) else ():
            said.setdefault(str(episode), []).append(row["uuid"])
    for row in kinds.get("episodes", ()):
        found.episode({n: v for n, v in row.items() if n != "entity_edges"}, said.get(row["uuid"], ()))
    seen: dict[str, Row] = {}
    for kind in ("edges", "hyperedges", "facts", "relevant_facts"):
        for row in kinds.get(kind, ()):
            first = seen.setdefault(row["uuid"], row)
            if first is row or first["fact"] != row["fact"]:  # another fact under one uuid is refused
                found.fact(_with_fact(row))
            elif any(first.get(n) != row.get(n) for n in _STANDS if n in row):  # relevant facts are among the facts
                found.note("facts that come again with other times are read as they come first")
    for kind in ("observations", "thread_summaries", "document_summaries", "summary"):
        for row in kinds.get(kind, ()):
            found.summary(row, row.get("summary") or row.get("content"), kind)
    for part in data if isinstance(data, Mapping) else ():
        if isinstance(data[part], (list, dict)) and data[part] and part not in {*_KINDS, *_TALKS, *_ROWS, "summary"}:
            found.note(f"{shown(part)} is no part of a memory that is known, and is left out")
    if isinstance(data, Mapping) and data.get("context"):
        found.note("the context of a prompt, which is made of the others, is left out")
    return found, list(_chats(data, kinds.get("messages", []), name))


def _kinds(data: Any, refused: Refused) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a file by kind; a row that is none goes to `refused`.

    Raises InvalidInputError for what Zep does not give.
    """
    if isinstance(data, Mapping) and isinstance(data.get("results"), Mapping):
        data = {**data["results"], **{n: v for n, v in data.items() if n != "results"}}
    if isinstance(data, Mapping) and isinstance(data.get("items"), list):
        data = data["items"]
    if isinstance(data, list):
        rows = [_row(each) for each in data]
        told = {kind: sum(map(tells, rows)) for kind, tells in _TELLING}
        kind = max(told, key=lambda each: told[each])  # of equals the most telling
        if told[kind] and 2 * told[kind] >= len(rows):
            return {kind: _rows_of(kind, data, dict(_TELLING)[kind], refused)}
        raise InvalidInputError("wanted edges, nodes, episodes or messages of Zep, found a list of something else")
    if not isinstance(data, Mapping):
        raise InvalidInputError(f"wanted a response of Zep's as JSON, found {shown(data)}")
    if not data.keys() & {*_KINDS, *_TALKS, "summary"}:
        raise InvalidInputError(f"wanted one of {', '.join((*_KINDS, *_TALKS))}, found {shown(sorted(map(str, data)))}")
    found = {kind: _rows_of(kind, data.get(kind), tells, refused) for kind, tells in _KINDS.items()}
    found["facts"] += _said_facts(data)
    summary = data.get("summary")
    if isinstance(summary, Mapping) and _has("content")(_row(summary)):
        found["summary"] = [_row(summary)]
    for talk in _talks(data):
        own = _rows_of(f"messages of {_id_of(talk)}", talk["messages"], _is_message, refused)
        found["messages"] += ({"thread_uuid": _id_of(talk), **row} for row in own)
    return found


def _rows_of(kind: str, given: Any, tells: Callable[[Row], bool], refused: Refused) -> list[dict[str, Any]]:
    rows = []
    for number, each in enumerate(given if isinstance(given, list) else [] if given is None else [given]):
        row = _row(each)
        if tells(row):
            rows.append(row)
        elif kind != "facts" or not isinstance(each, str):
            where = f"{kind}[{number}]"
            refused(where, InvalidInputError(f"{where}: wanted a row of Zep's, found {shown(each)}"))
    return rows


def _talks(data: Row) -> Iterator[Row]:
    """Yield the conversations of a file that have messages."""
    for kind in _TALKS:
        given = data.get(kind)
        for talk in given if isinstance(given, list) else ():
            if isinstance(talk, Mapping) and talk.get("messages"):
                yield talk


def _row(value: Any) -> dict[str, Any]:
    """Return a row with its `uuid`, which objects of the SDK call `uuid_`; one without anything for what is no row."""
    row = dict(value) if isinstance(value, Mapping) else {}
    if "uuid_" in row:
        row["uuid"] = row.pop("uuid_")
    return row


def _said_facts(data: Row) -> Iterator[dict[str, Any]]:
    """Yield the facts of a session that are mere texts, and not said by its relevant ones too."""
    relevant, texts = data.get("relevant_facts"), data.get("facts")
    rows = [each for each in relevant if isinstance(each, Mapping)] if isinstance(relevant, list) else []
    known = {row["fact"] for row in rows if isinstance(row.get("fact"), str)}
    for text in texts if isinstance(texts, list) else ():
        if isinstance(text, str) and text not in known:
            known.add(text)
            plain = ascii(text) if half_character(text) else text  # what cannot be read is refused as any fact is
            yield {"uuid": derived_id("zep", "fact", plain), "fact": text}


def _with_fact(row: dict[str, Any]) -> dict[str, Any]:
    """Return a fact without the copy of its text that version 2 has under another name."""
    return {n: v for n, v in row.items() if not (n == "content" and v == row.get("fact"))}


def _id_of(talk: Row) -> str | None:
    named = (talk.get(name) for name in ("thread_id", "session_id", "thread_uuid", "uuid", "uuid_"))
    return next((each for each in named if isinstance(each, str) and each.strip()), None)


def _chats(data: Any, messages: list[dict[str, Any]], name: str) -> Iterator[Chat]:
    """Yield the conversations of a file: those of messages by the thread that each names."""
    whole = (_id_of(data) if isinstance(data, Mapping) else None) or name
    talks: dict[str, list[dict[str, Any]]] = {}
    for row in messages:
        thread = row.get("thread_uuid")
        talks.setdefault(thread if isinstance(thread, str) and thread else whole, []).append(_message(row))
    for own, said in talks.items():
        yield Chat(own, said)


def _message(row: dict[str, Any]) -> dict[str, Any]:
    """Return a message as one of a chat. In version 2 `role` is who speaks and `role_type` the role."""
    typed = row.get("role_type")
    role = typed or row.get("role")
    named = row.get("name") or (row.get("role") if typed else None)
    kept = (
        "uuid",
        "thread_uuid",
        "role",
        "role_type",
        "name",
        "content",
        "created_at",
        "reference_time",
        "metadata",
        "processed",
    )
    made = {
        "id": row["uuid"],
        "role": "user" if role == "norole" else role,
        "content": row.get("content"),
        "chat_time": row.get("reference_time") or row.get("created_at"),
        **{n: v for n, v in row.items() if n not in kept and v is not None},
    }
    if isinstance(row.get("metadata"), Mapping) and row["metadata"]:
        made["zep_metadata"] = dict(row["metadata"])
    return {**made, "name": named} if named else made
