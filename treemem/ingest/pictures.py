"""Pictures as documents: a language model that sees says what is on them, and what can be read there."""

from __future__ import annotations

from pathlib import PurePath

from pydantic import BaseModel, Field

from treemem.checks import shown
from treemem.errors import InvalidInputError, LLMError
from treemem.ingest.markdown import Page
from treemem.models.llm import LLM, Picture, look
from treemem.prompts import prompt

#: The prompt by which a model looks; a change of it is another version.
_PICTURE = "picture.v1"
#: What models take, by how such a file begins.
_SIGNS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
#: The endings of the names of pictures, those that no model takes among them.
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic")
#: Bytes of a picture at most: servers take no more.
MOST_BYTES = 20_000_000
_MOST_TOKENS = 4_096


class _Seen(BaseModel):
    title: str = Field(max_length=200)
    description: str = Field(max_length=8_000)
    text: str = Field(max_length=40_000)


def is_picture(content: bytes, name: str | None) -> bool:
    """Return whether bytes are a picture: by their name, or without one by how they begin."""
    suffix = PurePath(name).suffix.lower() if name else ""
    return suffix in PICTURES or (not suffix and any(map(content.startswith, _SIGNS)))


def picture_of(content: bytes, name: str | None) -> Picture:
    """Return a picture as a model takes it. Raises InvalidInputError for one that none takes."""
    media = next((kind for sign, kind in _SIGNS.items() if content.startswith(sign)), None)
    if media == "image/webp" and content[8:12] != b"WEBP":
        media = None
    if media is None:
        raise InvalidInputError(
            f"document: {shown(name)}: no picture that a model takes; known are PNG, JPEG, GIF and WebP, convert it"
        )
    if len(content) > MOST_BYTES:
        raise InvalidInputError(f"document: {shown(name)}: {len(content)} bytes; a picture has at most {MOST_BYTES}")
    return Picture(content, media)


def described(picture: Picture, llm: LLM | None, what: str) -> tuple[str | None, tuple[Page, ...]]:
    """Return a picture's title and its pages: what a model sees on it, and what it reads there.

    `what` says in errors which picture it is. Raises InvalidInputError without a model that sees, LLMError where one
    fails.
    """
    if llm is None or not callable(getattr(llm, "look", None)):
        found = "there is none" if llm is None else f"{getattr(llm, 'name', type(llm).__name__)} has no look()"
        raise InvalidInputError(
            f"document {what}: a picture wants a model that sees, and {found}; open the memory with llm=OpenAILLM(...)"
        )
    seen = look(llm, prompt(_PICTURE), "Say what is on this picture.", _Seen, picture, max_tokens=_MOST_TOKENS).value
    parts = [" ".join(seen.description.split()), seen.text.replace("\0", "").strip()]
    if not any(parts):
        raise LLMError(f"{llm.name}: says nothing of what is on the picture {what}", "invalid")
    return " ".join(seen.title.split()) or None, (Page("\n\n".join(part for part in parts if part), plain=True),)
