"""Commands that try the models out and write nothing: extract, rerank."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from treemem.cli.fine import show_report
from treemem.cli.lists import Format, form_of, show_list
from treemem.cli.reading import lines_of_stdin, messages_of
from treemem.cli.shell import AsJson, Config, Cube, Store, User, app, opened, progress_bar, settings
from treemem.errors import InvalidInputError


@app.command()
def extract(
    texts: Annotated[list[str] | None, typer.Argument(help="What a user says; - reads one a line from stdin.")] = None,
    messages: Annotated[Path | None, typer.Option(help="A JSON or JSON Lines file of messages.")] = None,
    conversation: Annotated[str | None, typer.Option(help="A conversation that the memory has.")] = None,
    at: Annotated[str | None, typer.Option(help="When the texts were said (ISO 8601). Default: now.")] = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what the language model finds in texts, or in a conversation, and write nothing.

    Texts are read in a store that is thrown away, so that nothing of the memory is known there; of a conversation it
    is what `treemem read --dry-run --again` shows.
    """
    if sum(map(bool, (texts, messages, conversation))) != 1:
        raise InvalidInputError("extract: give texts, or --messages FILE, or --conversation ID")
    if at is not None and not texts:
        raise InvalidInputError("extract: --at goes with texts; messages have times of their own")
    if conversation is not None:
        with opened(store, cube, config, user) as memory, progress_bar("Reading", as_json) as progress:
            report = memory.read(conversation_id=conversation, dry_run=True, again=True, progress=progress)
        show_report(report, as_json)
        return
    said = messages_of(messages) if messages is not None else _said(texts or [], at)
    from treemem.memory import TreeTextMemory

    with tempfile.TemporaryDirectory(prefix="treemem-") as folder:
        beside: dict[str, Any] = {"store": str(Path(folder) / "extract.db"), "cube": "extract"}
        beside |= {"record_usage": False, "note_preferences": False, "note_tools": False}
        wanted = settings(store, cube, config, user=user).model_copy(update=beside)
        with TreeTextMemory(wanted) as memory, progress_bar("Reading", as_json) as progress:
            ids = memory.add_messages(said, remember="all")
            report = memory.read(ids, dry_run=True, progress=progress)
    show_report(report, as_json)


def _said(texts: list[str], at: str | None) -> list[dict[str, Any]]:
    many = lines_of_stdin() if texts == ["-"] else texts
    time = {} if at is None else {"chat_time": at}
    return [{"role": "user", "content": text, **time} for text in many]


@app.command()
def rerank(
    question: Annotated[str, typer.Argument(help="What the texts are to answer.")],
    texts: Annotated[list[str], typer.Argument(help="The texts; - reads one a line from stdin.")],
    top_k: Annotated[int | None, typer.Option("--top-k", "-k", help="How many of the best. Default: all.")] = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Order texts by how well they answer a question: by the reranker of the settings, or without one by the cosine of
    their embedding model. No memory is opened.
    """
    from treemem.models.embedders import checked_embedder
    from treemem.models.rerankers import CosineReranker, checked_scores
    from treemem.opening import chosen_embedder, open_llm, open_reranker

    form = form_of(as_json, format)
    many = lines_of_stdin() if texts == ["-"] else texts
    if not question.strip() or not many or not all(text.strip() for text in many):
        raise InvalidInputError("rerank: wanted a question and texts, found nothing but white space among them")
    if top_k is not None and top_k < 1:
        raise InvalidInputError(f"--top-k: wanted 1 or more, found {top_k}")
    said = settings(None, None, config)
    embedder = checked_embedder(chosen_embedder(said.embedder, None))
    reranker = open_reranker(said.reranker, embedder, open_llm(said.llm)) or CosineReranker(embedder)
    scores = checked_scores(reranker, question, many)
    order = sorted(range(len(many)), key=lambda n: (-scores[n], n))[:top_k]
    found = [{"index": n, "score": scores[n], "text": many[n]} for n in order]
    rows = [(f"{scores[n]:.4f}", n, many[n]) for n in order]
    show_list(form, {"reranker": reranker.name, "texts": found}, ("score", "index", "text"), rows, "no texts")
