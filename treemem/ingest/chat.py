"""Messages as chat programs write them, in one plain form.

Read are dicts of OpenAI's chat completions and of its responses, of Anthropic's messages and of Gemini's contents,
LangChain's messages (objects, their dicts, pairs of role and text), the objects of these libraries (whatever has
`model_dump`), and plain dicts of `role`, `content`, `name`, `chat_time`, `id` and `metadata`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from treemem.checks import shown
from treemem.errors import InvalidInputError, TreememError
from treemem.ingest import langchain
from treemem.ingest.calls import is_call_item
from treemem.items import check_number
from treemem.storable import check_json, checked_text
from treemem.temporal import parse_time

#: What is told of a message that cannot be taken, with its position.
Refused = Callable[[int, TreememError], None]

#: The roles of a message, by the words for them.
ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
}
#: The keys under which the time of a message stands, the first that is there counts.
_TIMES = ("chat_time", "timestamp", "created_at", "create_time", "created")
#: Keys that are read, and not kept beside the message.
_READ = frozenset({"role", "content", "name", "id", "sequence", "metadata", *_TIMES})
#: The keys of which a message has at least one.
_SAYING = frozenset({"content", "parts", "tool_calls", "function_call", "audio", "refusal"})
#: The parts of a content that are text, each with the key under which it stands.
_TEXTS = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "refusal": "refusal",
    "input_audio": "transcript",
}
#: What is kept of a longer text beside a message, a picture in base64 say, is its length.
LONGEST_KEPT = 4_096
#: What is kept of one that a tool was given or answered is its beginning; and the keys under which such texts stand.
LONGEST_BEGINNING = 200
_OF_TOOLS = frozenset({"arguments", "args", "input", "content", "response"})


@dataclass(frozen=True, slots=True)
class Message:
    """What was said. `text` is empty where nothing was, a call of a tool say; `at` is in microseconds.

    `sequence` is the number that it has in its conversation, where whoever gives it knows. `kept` is what else the
    message had: calls of tools, parts that are no text, keys that have no meaning here.
    """

    role: str
    text: str
    name: str | None = None
    at: int | None = None
    id: Any = None
    sequence: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)


def plain(message: Any, where: str) -> Message:
    """Return a message in the plain form; `where` names it in errors.

    Raises InvalidInputError for what is no message.
    """
    given = _as_mapping(message, where)
    kind = given.get("type")
    role, text, parts = _said(given, where)
    kept = {key: each for key, each in given.items() if key not in _READ and each is not None}
    if isinstance(kind, str) and (kind in ROLES or kind == "message"):
        del kept["type"]
    if role == "tool":
        kept.pop("output", None)  # of an item of responses: its text
    if "parts" in kept and given.get("content") is None:
        del kept["parts"]  # Gemini's name for the content
    if parts:
        kept["parts"] = parts
    for key in ("audio", "refusal"):
        spoken = given.get(key)
        text = text or _text(spoken.get("transcript") if isinstance(spoken, Mapping) else spoken, f"{where}.{key}")
    metadata = given.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidInputError(f"{where}.metadata: wanted a dict, found {type(metadata).__name__}")
    name = given.get("name")
    if name is not None and (role == "tool" or ("role" not in given and is_call_item(kind))):
        kept["name"], name = name, None  # the tool's, nobody's who speaks
    if kept:
        check_json(kept, where)
        kept = _shortened(kept)
    sequence = given.get("sequence")
    check_number(sequence, f"{where}.sequence")
    clock = next((key for key in _TIMES if given.get(key) is not None), None)
    return Message(
        role=role,
        text=text,
        name=None if name is None else checked_text(name, f"{where}.name"),
        at=None if clock is None else parse_time(given[clock], f"{where}.{clock}"),
        id=given.get("id"),
        sequence=sequence,
        metadata=metadata or {},
        kept=kept,
    )


def plain_all(messages: Iterable[Any], refused: Refused) -> Iterator[tuple[int, Message]]:
    """Yield each message with its position; a wrong one goes to `refused`, which may raise it."""
    for position, message in enumerate(messages):
        try:
            one = plain(message, f"messages[{position}]")
        except InvalidInputError as error:
            refused(position, error)
        else:
            yield position, one


def _as_mapping(message: Any, where: str) -> dict[str, Any]:
    """Return a message as a dict with text keys."""
    if isinstance(message, (tuple, list)) and len(message) == 2 and all(isinstance(each, str) for each in message):
        message = {"role": message[0], "content": message[1]}
    try:
        if not isinstance(message, Mapping) and callable(getattr(message, "model_dump", None)):
            message = message.model_dump(mode="json", exclude_none=True)
        if isinstance(message, Mapping):
            message = dict(message)
    except Exception as error:  # whatever an object's own methods raise
        raise InvalidInputError(f"{where}: cannot be read ({type(error).__name__}: {error})"[:300]) from error
    if not isinstance(message, Mapping):
        raise InvalidInputError(
            f"{where}: wanted a dict with 'role' and 'content', or a message of LangChain, OpenAI or Anthropic, "
            f"found {type(message).__name__}"
        )
    message = langchain.unwrapped(message)
    odd = [key for key in message if not isinstance(key, str)]
    if odd:
        raise InvalidInputError(f"{where}: wanted keys that are texts, found {shown(odd[0])}")
    return dict(message)


def _said(given: Mapping[str, Any], where: str) -> tuple[str, str, list[Any]]:
    """Return the role, the text and the parts that are no text."""
    kind, content = given.get("type"), given.get("content")
    if "role" not in given and isinstance(kind, str) and kind not in ROLES and kind != "message":
        return _item_said(kind, given, where)
    if content is None and given.get("parts") is not None:
        content = given["parts"]
    if content is None and given.keys().isdisjoint(_SAYING):
        raise InvalidInputError(f"{where}: wanted 'content', found {', '.join(sorted(given)) or 'nothing'}"[:300])
    role = given.get("role", kind if isinstance(kind, str) and kind in ROLES else "user")
    if not isinstance(role, str) or role not in ROLES:
        raise InvalidInputError(f"{where}.role: wanted one of {', '.join(sorted(ROLES))}, found {shown(role)}")
    texts, results, parts = _parts(content, f"{where}.content")
    alone = sum(isinstance(part, Mapping) and part.get("type") == "tool_result" for part in parts) == 1
    if results and not texts:  # what a tool answered, in the words of Anthropic
        return "tool", _joined(results), [_without_words(part) for part in parts] if alone else parts
    return ROLES[role], _joined(texts), parts


def _item_said(kind: str, given: Mapping[str, Any], where: str) -> tuple[str, str, list[Any]]:
    """Return the same of an item of OpenAI's responses that is no message: a call, its output, a reasoning."""
    if kind.endswith("_output"):
        texts, _, parts = _parts(given.get("output"), f"{where}.output")
        return "tool", _joined(texts), parts
    if kind == "reasoning" or kind.endswith("_call"):
        return "assistant", "", []
    raise InvalidInputError(f"{where}.type: wanted a message, a call, its output or a reasoning, found {shown(kind)}")


def _parts(content: Any, where: str, *, inside: bool = False) -> tuple[list[str], list[str], list[Any]]:
    """Return the texts of a content, those that tools answered, and the parts that are neither."""
    if content is None or isinstance(content, str):
        return [_text(content, where)], [], []
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, (list, tuple)):
        raise InvalidInputError(f"{where}: wanted a text or a list of parts, found {shown(content)}")
    texts: list[str] = []
    results: list[str] = []
    others: list[Any] = []
    for n, part in enumerate(content):
        place = f"{where}[{n}]"
        if isinstance(part, str):
            texts.append(_text(part, place))
        elif not isinstance(part, Mapping):
            raise InvalidInputError(f"{place}: wanted a text or a dict, found {shown(part)}")
        elif part.get("type") == "tool_result" and not inside:
            inner, _, rest = _parts(part.get("content"), f"{place}.content", inside=True)
            results += inner
            held = [*({"type": "text", "text": each} for each in inner), *rest]
            others.append({**{k: v for k, v in part.items() if k != "content"}, **({"content": held} if held else {})})
        elif (value := _value(part)) is not None:
            texts.append(_text(value, place))
        else:
            others.append(dict(part))
    return [text for text in texts if text], [text for text in results if text], others


def _without_words(part: Any) -> Any:
    """Return a part without the words of a tool, which are those of the message."""
    if not isinstance(part, Mapping) or part.get("type") != "tool_result":
        return part
    rest = [each for each in part.get("content", ()) if each.get("type") != "text"]
    return {**part, "content": rest} if rest else {name: value for name, value in part.items() if name != "content"}


def _value(part: Mapping[str, Any]) -> Any:
    """Return what a part of text says, None for another part."""
    kind = part.get("type", "text")
    value = part.get(_TEXTS.get(kind, "")) if isinstance(kind, str) else None
    return value.get("value") if isinstance(value, Mapping) else value  # OpenAI's assistants put it one deeper


def _text(value: Any, where: str) -> str:
    """Return a text that may be missing or blank as one that is empty then."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    return checked_text(value, where)


def _joined(texts: list[str]) -> str:
    """Return parts as one text, each on a line of its own unless a blank parts it from the one before."""
    found = ""
    for text in texts:
        found += text if not found or found[-1].isspace() or text[0].isspace() else "\n" + text
    return found


def _shortened(value: Any, name: str = "") -> Any:
    """Return a JSON value with each text that is too long to be kept replaced by its length.

    Of what a tool was given or answered the beginning stays.
    """
    if isinstance(value, str):
        if len(value) <= LONGEST_KEPT:
            return value
        return _beginning(value) if name in _OF_TOOLS else f"<{len(value):,} characters left out>"
    if isinstance(value, Mapping):
        return {key: _shortened(each, name if name in _OF_TOOLS else key) for key, each in value.items()}
    return [_shortened(each, name) for each in value] if isinstance(value, (list, tuple)) else value


def _beginning(text: str) -> str:
    """Return the beginning of a long text; of one that is a JSON object that of each of its values, as JSON again."""
    try:
        said = json.loads(text) if text.lstrip()[:1] == "{" else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return _begun(text)
    found: dict[str, Any] = {}
    left = LONGEST_KEPT
    for name, value in said.items():
        whole = json.dumps(value)
        if len(whole) > LONGEST_BEGINNING:
            value = _begun(value if isinstance(value, str) else whole)
            whole = json.dumps(value)
        left -= len(json.dumps(name)) + len(whole) + 4
        if left >= 0:
            found[name] = value
        else:
            left += len(json.dumps(name)) + len(whole) + 4
    return json.dumps(found)


def _begun(text: str) -> str:
    left = len(text) - LONGEST_BEGINNING
    return text if left <= 0 else f"{text[:LONGEST_BEGINNING]}… <{left:,} characters left out>"
