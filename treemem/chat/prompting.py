"""What a language model is told in a chat: instructions, the last lines of the conversation, what the memory knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ingest.chat import Message
from treemem.prompts import prompt
from treemem.search.context import context_line
from treemem.search.results import SearchHit
from treemem.zones import local

_PROMPT = "chat.v1"
#: How many earlier lines of a conversation a model is shown at most.
MOST_LINES = 20
#: Who speaks in a chat; what tools say is no line of it.
_SPEAKERS = ("user", "assistant")
_INSTRUCTING = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Line:
    """What was said before: by whom, in the words that the model is shown, and its memory's id if it has one."""

    role: str
    text: str
    memory_id: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is sent, and the hits that are in it."""

    system: str
    messages: tuple[dict[str, str], ...]
    hits: tuple[SearchHit, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """How many tokens the conversation and the memories may take, and how they are counted."""

    tokens: float
    count: Callable[[str], int]

    def price(self, text: str) -> float:
        """Return what a text costs. Raises InvalidInputError where the function returns no number."""
        price = self.count(text + "\n")
        if not isinstance(price, (int, float)) or isinstance(price, bool):
            raise InvalidInputError(
                f"count_tokens: wanted a function that returns a number, it returned {shown(price)}"
            )
        return price


def line_of(message: Message) -> Line | None:
    """Return a message as a line of the conversation, None for one without words, of a tool, or an instruction."""
    if message.role not in _SPEAKERS or not message.text:
        return None
    return Line(message.role, f"{message.name}: {message.text}" if message.name else message.text)


def instructions(messages: Sequence[Message]) -> list[str]:
    """Return what system prompts among the messages say."""
    return [each.text for each in messages if each.role in _INSTRUCTING and each.text]


def last_lines(lines: Sequence[Line], budget: Budget) -> tuple[list[Line], float]:
    """Return the last lines that fit half of the budget, oldest first, and what is left of the whole."""
    kept: list[Line] = []
    left = budget.tokens / 2
    for line in reversed(lines[-MOST_LINES:]):
        price = budget.price(line.text)
        if price > left:
            break  # a gap would change who answers whom
        kept.append(line)
        left -= price
    return kept[::-1], budget.tokens / 2 + left


def prompted(
    question: str,
    told: Sequence[str],
    lines: Sequence[Line],
    hits: Sequence[SearchHit],
    today: datetime,
    left: float,
    budget: Budget,
) -> Prompt:
    """Return the prompt. `told` are instructions of the caller's own; hits that do not fit `left` are left out."""
    known: list[str] = []
    used: list[SearchHit] = []
    for hit in hits:
        line = context_line(hit)
        price = budget.price(line)
        if price <= left:
            known.append(line)
            used.append(hit)
            left -= price
    block = "\n".join([f'<memories today="{local(today).date().isoformat()}">', *known, "</memories>"])
    system = "\n\n".join([prompt(_PROMPT), *told])
    turns = list(_in_turns([*lines, Line("user", f"{block}\n\n{question}")]))
    return Prompt(system, tuple({"role": turn.role, "content": turn.text} for turn in turns), tuple(used))


def _in_turns(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield lines as turns that change between user and assistant and begin with the user, as many models want them."""
    held: Line | None = None
    for line in lines:
        if held is None:
            held = line if line.role == "user" else None
        elif held.role == line.role:
            held = Line(held.role, f"{held.text}\n\n{line.text}")
        else:
            yield held
            held = line
    if held is not None:
        yield held
