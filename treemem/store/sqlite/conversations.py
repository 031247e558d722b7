"""Conversations of the embedded store: their messages in the order of their numbers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from treemem.changes import Log, State
from treemem.filters import Filter
from treemem.store.protocol import ConversationRow
from treemem.store.sqlite import filtering, rows
from treemem.store.sqlite.statements import statement
from treemem.temporal import END


def conversation(
    conn: sqlite3.Connection,
    cube: str,
    log: Log,
    above: int,
    below: int,
    newest: bool,
    limit: int,
    statuses: Sequence[str] | None,
    where: Filter | None,
) -> list[State]:
    """Return the messages of a log with a number between two, oldest first."""
    passing, parameters = filtering.compiled(where)
    given = {
        **_of_log(rows.cube_num(conn, cube), log),
        "above": above,
        "below": below,
        "limit": limit,
        "statuses": rows.maybe(statuses),
        **parameters,
    }
    text = statement("conversation", FILTER=passing, ORDER="DESC" if newest else "ASC")
    found = [rows.state(row) for row in conn.execute(text, given)]
    return found[::-1] if newest else found


def conversations(
    conn: sqlite3.Connection, cube: str, statuses: Sequence[str], where: Filter | None
) -> list[ConversationRow]:
    """Return every conversation, the one that went on last first."""
    passing, parameters = filtering.compiled(where)
    given = {"cube": rows.cube_num(conn, cube), "end": END, "statuses": rows.listed(statuses), **parameters}
    found = conn.execute(statement("conversations", FILTER=passing), given)
    return [
        ConversationRow(i, count, first, last, tuple(sorted(json.loads(users))))
        for i, count, first, last, users in found
    ]


def log_end(conn: sqlite3.Connection, cube: int, log: Log) -> int:
    """Return the last number of a log, 0 where it is empty."""
    row = conn.execute(statement("log_end"), _of_log(cube, log)).fetchone()
    return 0 if row is None else max(0, int(row[0]))


def _of_log(cube: int | None, log: Log) -> dict[str, Any]:
    return {
        "cube": cube,
        "conversation": log.conversation,
        "user": log.user_id,
        "session": log.session_id,
        "end": END,
    }
