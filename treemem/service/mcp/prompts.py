"""The prompts: texts that a person chooses in a client, with what the memory holds quoted in them."""

from __future__ import annotations

from collections.abc import Mapping

from mcp_types import Prompt, PromptArgument

from treemem.checks import known_names, shown
from treemem.errors import InvalidInputError
from treemem.schemas import answers, requests
from treemem.schemas.written import as_json
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.reading import difference

ANSWER, CHANGED = "answer_with_memory", "what_changed_since"
#: How many changed memories a prompt quotes.
_CHANGES = 200

PROMPTS = (
    Prompt(
        name=ANSWER,
        title="Answer with memory",
        description="Answer a question from what the memory holds.",
        arguments=[
            PromptArgument(name="question", description="The question.", required=True),
            PromptArgument(name="max_tokens", description="How much of the memory to quote. Default: 2000."),
        ],
    ),
    Prompt(
        name=CHANGED,
        title="What changed since",
        description="Tell what the memory learned since a time.",
        arguments=[
            PromptArgument(name="since", description="A time as ISO 8601, such as 2025-03-01.", required=True),
            PromptArgument(name="until", description="Up to this time. Default: now."),
        ],
    ),
)


def written(on: Binding, name: str, arguments: Mapping[str, str]) -> str:
    """Return the text of a prompt. Raises InvalidInputError for arguments that it does not take."""
    prompt = next((each for each in PROMPTS if each.name == name), None)
    if prompt is None:
        raise InvalidInputError(f"prompts: wanted one of {', '.join(p.name for p in PROMPTS)}, found {shown(name)}")
    wanted = prompt.arguments or []
    known_names(name, arguments, [each.name for each in wanted])
    for each in wanted:
        if each.required and not arguments.get(each.name, "").strip():
            raise InvalidInputError(f"{each.name}: required, and not given")
    return _answer(on, arguments) if name == ANSWER else _changed(on, arguments)


def _answer(on: Binding, arguments: Mapping[str, str]) -> str:
    asked: dict[str, object] = {"question": arguments["question"]}
    if arguments.get("max_tokens"):
        asked["max_tokens"] = _number(arguments["max_tokens"])
    request = requests.Ask.read(ANSWER, asked)
    known = on.memory.context(**request.given())
    return (
        "Answer the question at the end from what the memory holds. The lines between <memory> and </memory> are "
        f"quoted, one memory a line with its date. {answers.ABOUT} If they do not tell the answer, say so.\n"
        f"<memory>\n{known}\n</memory>\nQuestion: {request.question}"
    )


def _changed(on: Binding, arguments: Mapping[str, str]) -> str:
    asked: dict[str, object] = {"known_at_1": arguments["since"], "limit": _CHANGES}
    if arguments.get("until"):
        asked["known_at_2"] = arguments["until"]
    answer = difference(on, requests.Diff.read(CHANGED, asked))
    return (
        f"Tell in a few sentences what the memory learned. The JSON between <changes> and </changes> is quoted. "
        f"{answers.ABOUT}\n<changes>\n{as_json(answer.json_able()).replace('<', chr(92) + 'u003c')}\n</changes>"
    )


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInputError(f"max_tokens: wanted a whole number, found {shown(text)}") from None
