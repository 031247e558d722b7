"""What a language model is asked about a window, and the form of its answer."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, Field

from treemem.ingest.reading.windows import Line, Window
from treemem.models.llm import LLM, LLMAnswer, ask
from treemem.prompts import prompt
from treemem.temporal import from_micros
from treemem.zones import local

#: The prompt that is asked with. Items know it, and what was read with it is not read with it again.
PROMPT = "read.v1"
#: Tokens of an answer at most.
ANSWER_TOKENS = 4_096
#: Items of one answer at most, and characters of a known memory that are shown.
MOST_ITEMS, KNOWN_CHARACTERS = 200, 300

ItemKind = Literal["fact", "event", "opinion", "preference", "plan", "procedure", "relation"]
Polarity = Literal["positive", "negative"]
Modality = Literal["asserted", "planned", "wished", "quoted", "supposed"]


class Claim(BaseModel):
    """One thing that a model reads out of a line. Nothing of it is believed before `evidence.bind` has looked."""

    kind: ItemKind
    text: str = Field(min_length=1, max_length=1_000)
    line: int
    quote: str = Field(min_length=1, max_length=2_000)
    speaker: str = Field(default="", max_length=200)
    about: str = Field(default="", max_length=200)
    polarity: Polarity = "positive"
    modality: Modality = "asserted"
    confidence: float = Field(default=0.8, ge=0, le=1, allow_inf_nan=False)
    time: str = Field(default="", max_length=200)
    starts: str = Field(default="", max_length=40)
    ends: str = Field(default="", max_length=40)
    recurs: str = Field(default="", max_length=200)
    entities: list[str] = Field(default_factory=list, max_length=16)
    preference: Literal["", "explicit", "implicit"] = ""
    reasoning: str = Field(default="", max_length=500)
    subject: str = Field(default="", max_length=200)
    relation: str = Field(default="", max_length=100)
    object: str = Field(default="", max_length=200)


class Claims(BaseModel):
    """The answer about one window."""

    items: list[Claim] = Field(max_length=MOST_ITEMS)


def ask_about(llm: LLM, window: Window) -> LLMAnswer[Claims]:
    """Return what a model reads in a window: one call, and the one repair that the model's own client makes.

    Raises LLMError.
    """
    data = json.dumps(_shown(window), ensure_ascii=False)
    return ask(llm, prompt(PROMPT), data, Claims, max_tokens=ANSWER_TOKENS)


def _shown(window: Window) -> dict[str, Any]:
    return {
        "known": [text[:KNOWN_CHARACTERS] for _, text in window.known],
        "before": [_line(line) for line in window.before],
        "lines": [{"line": n, **_line(line)} for n, line in enumerate(window.lines, 1)],
    }


def _line(line: Line) -> dict[str, str]:
    said = local(from_micros(line.said_at)).strftime("%A %Y-%m-%d %H:%M")
    return {"speaker": line.speaker, "role": line.role, "said": said, "text": line.text}
