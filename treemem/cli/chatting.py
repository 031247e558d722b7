"""chat: questions to a language model that knows what the memory knows, one or many."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from treemem.chat.answer import ChatAnswer, ChatStream
from treemem.cli.guard import errors, tell
from treemem.cli.reading import lines_of_stdin
from treemem.cli.shell import AsJson, Config, Cube, Everything, Store, User, app, opened, say
from treemem.cli.terminal import cell, shown
from treemem.errors import InvalidInputError, LLMError
from treemem.search.context import context_line

if TYPE_CHECKING:
    from treemem.memory import TreeTextMemory


@app.command()
def chat(
    question: Annotated[
        str | None, typer.Argument(help="What to ask. Without it a terminal asks on and on, else standard input is it.")
    ] = None,
    conversation: Annotated[
        str | None, typer.Option(help="The conversation to go on with. Default: a new one.")
    ] = None,
    sources: Annotated[bool, typer.Option("--sources", help="Show which memories the model was shown.")] = False,
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="The most memories to show the model.")] = 6,
    system: Annotated[str | None, typer.Option(help="What the model is told beside the prompt.")] = None,
    max_tokens: Annotated[int, typer.Option(help="The most tokens of an answer.")] = 1_024,
    remember: Annotated[bool, typer.Option(help="Whether question and answer are remembered.")] = True,
    everything: Everything = False,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Ask the language model of the settings, which is shown what the memory knows."""
    if everything and not remember:
        raise InvalidInputError("chat: --everything and --no-remember say opposite things; give one of them")
    asks = question is None and sys.stdin is not None and sys.stdin.isatty()
    if asks and as_json:
        raise InvalidInputError("chat: --json answers one question; give it")
    if question is None and not asks:
        question = "\n".join(lines_of_stdin())
    given: dict[str, Any] = {
        "conversation_id": conversation,
        "system": system,
        "top_k": top_k,
        "max_tokens": max_tokens,
        "remember": "all" if everything else remember,
    }
    with opened(store, cube, config, user) as memory:
        if not asks:
            assert question is not None
            _answer(memory, question, given, sources=sources, as_json=as_json)
            return
        errors.print("Ask; an empty line or Control-D ends.", style="dim")
        while text := _read():
            try:
                given["conversation_id"] = _answer(memory, text, given, sources=sources, as_json=False)
            except LLMError as error:  # the next question may go well
                tell(str(error), type(error).__name__)


def _read() -> str:
    """Return the next question, empty where there is none."""
    try:
        return input("> ").strip()
    except (EOFError, KeyboardInterrupt):
        errors.print()
        return ""


def _answer(
    memory: TreeTextMemory, question: str, given: dict[str, Any], *, sources: bool, as_json: bool
) -> str | None:
    """Answer a question on standard output; return its conversation."""
    if as_json:
        answer: ChatAnswer = memory.chat(question, **given)
        say(True, _plain(answer), "")
        return answer.conversation_id
    answering: ChatStream = memory.chat(question, stream=True, **given)
    with answering as stream:
        _write(stream)
        if sources:
            for hit in stream.hits:
                errors.print(cell(f"{hit.id}  {context_line(hit)}"), soft_wrap=True)
            if not stream.hits:
                errors.print("no memory was found for it", style="dim")
        if stream.conversation_id is not None and given["conversation_id"] is None:
            errors.print(cell(f"conversation: {stream.conversation_id}"), style="dim", soft_wrap=True)
        return stream.conversation_id


def _write(stream: ChatStream) -> None:
    """Write the pieces as they come; Control-C ends an answer."""
    came = False
    try:
        for piece in stream:
            sys.stdout.write(shown(piece))
            sys.stdout.flush()
            came = True
    except KeyboardInterrupt:
        errors.print(" (stopped)", style="dim")
    finally:
        if came:
            sys.stdout.write("\n")
            sys.stdout.flush()


def _plain(answer: ChatAnswer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "used": answer.used,
        "conversation_id": answer.conversation_id,
        "question_id": answer.question_id,
        "answer_id": answer.answer_id,
        "usage": answer.usage,
        "degraded": answer.degraded,
    }
