"""What is known of tools: their schemas, the calls of them, what failed and what then worked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from treemem.changes import State
from treemem.keywords import checked_names
from treemem.temporal import from_micros


@checked_names
@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool and how it ended. `text` has what was asked, the arguments and the result, in short.

    `ok` is whether it succeeded, `error` what kind of error it told; `call` is the tool with its arguments. `sources`
    are the messages: of the result, of the call, and of what was asked. `similarity` is the cosine to a question.
    """

    id: str
    tool: str
    text: str
    call: str
    ok: bool
    since: datetime
    error: str = ""
    conversation_id: str | None = None
    sources: tuple[str, ...] = ()
    user_id: str | None = None
    similarity: float | None = None

    @classmethod
    def of(cls, state: State, similarity: float | None = None) -> ToolCall:
        """Return the call that a state says."""
        info = state.fields["info"]
        return cls(
            id=state.memory_id,
            tool=str(info["tool"]),
            text=str(state.fields["memory"]),
            call=str(info["call"]),
            ok=info["outcome"] == "ok",
            since=from_micros(state.valid_from),
            error=str(info.get("error") or ""),
            conversation_id=info.get("conversation"),
            sources=tuple(dict.fromkeys(info["messages"])),
            user_id=state.fields.get("user_id"),
            similarity=similarity,
        )


@checked_names
@dataclass(frozen=True, slots=True)
class ToolExperience:
    """A call that failed, and the next one of the same conversation that worked, if one did. `text` tells both.

    `failed` and `worked` are the ids of the calls, whose texts and `sources` are the evidence.
    """

    text: str
    failed: str
    worked: str | None = None


@checked_names
@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, as far as the caller sees it: its schema, and what came of calling it.

    `origin` says where description and parameters are from: "registered", "declared" (by a system prompt), or "called"
    (there are only the names and types of arguments that calls had). `calls` ended, `failed` of them with an error.
    `recent` are the newest calls, of a search those most like the question. `declared_in` is the message of a prompt.
    """

    id: str
    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    origin: str = "called"
    calls: int = 0
    failed: int = 0
    last_used: datetime | None = None
    recent: tuple[ToolCall, ...] = ()
    experience: tuple[ToolExperience, ...] = ()
    user_id: str | None = None
    declared_in: str | None = None
    similarity: float | None = None

    @property
    def success_rate(self) -> float | None:
        """The share of its calls that succeeded, None where there are none."""
        return (self.calls - self.failed) / self.calls if self.calls else None

    @property
    def quoted(self) -> tuple[str, ...]:
        """The memories whose words are told with the tool."""
        told = [call.id for call in self.recent]
        told += [i for each in self.experience for i in (each.failed, each.worked) if i is not None]
        told += [self.declared_in] if self.declared_in is not None else []
        return tuple(dict.fromkeys([*([self.id] if self.origin == "registered" else []), *told]))

    def __str__(self) -> str:
        rate = "" if self.success_rate is None else f" ({self.calls} calls, {self.success_rate:.0%} ok)"
        return f"{self.name}: {self.description}{rate}" if self.description else f"{self.name}{rate}"
