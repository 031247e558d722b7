"""Pictures as documents: a language model that sees says what is on them, and what can be read there."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, Field

from treemem.checks import shown
from treemem.errors import InvalidInputError, LLMError
from treemem.ingest.markdown import Page
from treemem.models.llm import LLM, Picture, look, name_of
from treemem.prompts import prompt

#: The prompt by which a model looks; a change of it is another version.
_PICTURE = "picture.v1"
#: The endings of the names of pictures that models take, and of others.
PICTURES, OTHERS = (".png", ".jpg", ".jpeg", ".gif", ".webp"), (".tif", ".tiff", ".bmp", ".heic")
#: Scanned pages of a document at which a model looks, at most.
MOST_PICTURES = 200
#: Bytes of a picture at most: servers take no more.
MOST_BYTES = 20_000_000
_MOST_TOKENS = 4_096


class _Seen(BaseModel):
    title: str = Field(max_length=200)
    description: str = Field(max_length=8_000)
    text: str = Field(max_length=40_000)


def is_picture(content: bytes, suffix: str, known: Collection[str]) -> bool:
    """Return whether bytes are a picture: by the ending of their name, or where that is not known by how they begin."""
    return suffix in (*PICTURES, *OTHERS) or (suffix not in known and _media_type(content) is not None)


def _media_type(content: bytes) -> str | None:
    """Return what of the kinds that models take bytes are, by their signature."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")) and b"\0" in content[:1_000]:
        return "image/gif"
    return "image/webp" if content.startswith(b"RIFF") and content[8:12] == b"WEBP" else None


def picture_of(content: bytes, name: str | None) -> Picture:
    """Return a picture as a model takes it. Raises InvalidInputError for one that none takes."""
    media = _media_type(content)
    if media is None:
        raise InvalidInputError(
            f"document: {shown(name)}: no picture that a model takes; known are PNG, JPEG, GIF and WebP, convert it"
        )
    if len(content) > MOST_BYTES:
        raise InvalidInputError(f"document: {shown(name)}: {len(content)} bytes; a picture has at most {MOST_BYTES}")
    return Picture(content, media)


def sees(llm: LLM | None) -> bool:
    """Return whether there is a model, and one that sees."""
    return llm is not None and callable(getattr(llm, "look", None))


def check_sees(llm: LLM | None, what: str) -> LLM:
    """Return a model that sees, or raise InvalidInputError; `what` says which picture wants one."""
    if llm is not None and sees(llm):
        return llm
    found = "there is none" if llm is None else f"{name_of(llm)} has no look()"
    raise InvalidInputError(
        f"document {what}: a picture wants a model that sees, and {found}; open the memory with llm=OpenAILLM(...)"
    )


def described(page: Page, llm: LLM | None, what: str) -> tuple[str | None, Page]:
    """Return the title of a page that is a picture, and the page with a text: what a model sees on it, and reads there.

    `what` says in errors which document it is of. Raises InvalidInputError without a model that sees, LLMError where
    one fails.
    """
    if page.picture is None:
        return None, page
    if page.number is not None:
        what = f"{what}, page {page.number}"
    model = check_sees(llm, what)
    asked = "Say what is on this picture."
    seen = look(model, prompt(_PICTURE), asked, _Seen, page.picture, max_tokens=_MOST_TOKENS).value
    title, description, text = (part.replace("\0", "") for part in (seen.title, seen.description, seen.text))
    parts = [" ".join(description.split()), text.strip()]
    if not any(parts) and page.number is None:  # a scanned page may be blank
        raise LLMError(f"{name_of(model)}: says nothing of what is on the picture {what}", "invalid")
    text = "\n\n".join(part for part in parts if part)
    return " ".join(title.split()) or None, Page(text, page.number, plain=True)
