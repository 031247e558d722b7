"""What a service may be asked for when a whole memory goes out as a file, or one comes in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from treemem.schemas.requests import AsOf, Filter, Id, KnownAt, Reason, Request, Short

#: The formats that are one file: how its name ends, and its media type.
EXPORTED = {
    "archive": (".jsonl", "application/jsonl"),
    "memos": (".json", "application/json"),
    "graphml": (".graphml", "application/xml"),
    "cypher": (".cypher", "text/plain; charset=utf-8"),
}


class Export(Request):
    """See `TreeTextMemory.export`."""

    format: Annotated[
        Literal["archive", "memos", "graphml", "cypher"],
        Field(description="archive: everything, with history; the others for other programs."),
    ] = "archive"
    filter: Filter = None
    below: Annotated[Id | None, Field(description="Of an archive: what lies below a memory in the tree.")] = None
    as_of: AsOf = None
    known_at: KnownAt = None


class Import(Request):
    """See `TreeTextMemory.import_`."""

    format: Annotated[Short, Field(description="auto, or one that treemem formats lists.")] = "auto"
    conversation_id: Annotated[Short | None, Field(description="Of a file that holds one conversation.")] = None
    merge: Annotated[bool, Field(description="Add an archive to what is there already.")] = False
    reembed: Annotated[bool, Field(description="Make the vectors of an archive of another model again.")] = False
    skip: Annotated[bool, Field(description="Leave out what cannot be read, and say so, instead of refusing it.")] = (
        False
    )
    reason: Reason = None

    def given(self, *without: str) -> dict[str, Any]:
        """Return the arguments as `import_` takes them."""
        return {**super().given("skip", *without), "on_error": "skip" if self.skip else "raise"}


class Imported(BaseModel):
    """What an import brought: memories, messages and edges that are new, and what was left out, by place and reason."""

    format: str
    memories: int
    rows: int | None = None
    conversations: int | None = None
    messages: int | None = None
    edges: int | None = None
    notes: list[str] = []
    left_out: list[Any] = []
