"""The demonstration on a terminal: how the graph grows, the questions with their answers, and the timings."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from treemem.cli.terminal import shown
from treemem.demo import QUESTIONS, THRESHOLD, ask, messages, replay
from treemem.errors import TreememError
from treemem.items import TextualMemoryItem

console = Console(highlight=False, markup=False, emoji=False)


def grow(memory: Any, *, quiet: bool) -> None:
    """Store the conversation; unless `quiet`, with a progress bar."""
    if quiet:
        for _ in replay(memory):
            pass
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        whole = messages()
        task = bar.add_task("Remembering", total=len(whole))
        for done in replay(memory):
            if done % 10 == 0:
                stats = memory.stats()
                bar.console.print(
                    f"  {whole[done - 1]['at'][:10]}  {stats.memories:3d} memories, {stats.entities:3d} names, "
                    f"{stats.edges:3d} edges, {stats.states:3d} states"
                )
            bar.update(task, completed=done)


def ask_all(memory: Any) -> list[tuple[str, float, dict[str, float]]]:
    """Ask the questions and show each answer; return question, seconds and stages of each."""
    timings = []
    for number, question in enumerate(QUESTIONS, start=1):
        started = time.perf_counter()
        result = ask(memory, question)
        timings.append((question.text, time.perf_counter() - started, dict(result.timings)))
        console.print()
        console.print(Text(f"{number}. {question.text}", style="bold"), Text(f"({question.shows})", style="dim"))
        if not result:
            console.print(f"   nothing above the threshold (cosine {THRESHOLD})")
        for hit in result:
            console.print(_answer(hit))
            for line in _path_lines(memory, hit, question):
                console.print(Text(shown("        " + line), style="dim"))
    return timings


def _answer(hit: Any) -> Text:
    held = hit.metadata.valid_from.strftime("%Y-%m-%d")
    until = hit.metadata.valid_to.strftime("%Y-%m-%d") if hit.metadata.valid_to else "open"
    told = hit.metadata.recorded_from.strftime("%Y-%m-%d")
    line = Text(shown(f"   {hit.score:4.2f}  {hit.memory}"))
    line.append(f"\n        holds {held} to {until}, known since {told}", style="cyan")
    return line


def _path_lines(memory: Any, hit: Any, question: Any) -> list[str]:
    """Return the way to a hit, with the texts of the memories on it."""
    if not hit.path:
        found = ", ".join(f"{arm} {rank}" for arm, rank in hit.arms.items())
        return [f"found by {found}" if found else "found by name"]
    ids = {end for step in hit.path for end in (step.source, step.target)} - {hit.id}
    texts = {item.id: _short(item) for item in _lookup(memory, ids, question)}
    texts[hit.id] = "this"
    lines = []
    for step in hit.path:
        target = f"[{step.target}]" if step.target_kind == "entity" else texts.get(step.target, step.target)
        lines.append(f"{texts.get(step.source, step.source)} -{step.type}-> {target}")
    return lines


def _lookup(memory: Any, ids: set[str], question: Any) -> list[TextualMemoryItem]:
    from treemem.ids import checked_id

    def is_id(text: str) -> bool:
        try:
            return bool(checked_id(text))
        except TreememError:
            return False

    return list(memory.get_by_ids(sorted(filter(is_id, ids)), as_of=question.as_of, known_at=question.known_at))


def _short(item: TextualMemoryItem) -> str:
    from treemem.text import caption

    return f'"{caption(item.memory, 48)}"'


def tell(memory: Any, loaded: float, timings: list[tuple[str, float, dict[str, float]]]) -> None:
    """Show the timings and where the memory lies."""
    table = Table(title="Timings in milliseconds", title_justify="left")
    for column in ("question", "embed", "read", "rank", "whole"):
        table.add_column(column, justify="left" if column == "question" else "right")
    for text, whole, stages in timings:
        cells = [f"{1_000 * stages[name]:.1f}" for name in ("embed", "read", "rank")]
        table.add_row(text, *cells, f"{1_000 * whole:.1f}")
    stats = memory.stats()
    console.print()
    console.print(table)
    console.print(f"Loading took {loaded:.1f} s. {len(memory.check())} broken invariants.")
    console.print(Text(shown(f"The memory lies in {stats.location}, cube {stats.cube!r}.")), soft_wrap=True)


def answers(memory: Any) -> list[dict[str, Any]]:
    """Ask the questions and return each with its hits as data."""
    found = []
    for question in QUESTIONS:
        hits = [
            {"id": hit.id, "memory": hit.memory, "score": hit.score, "path": [str(step) for step in hit.path]}
            for hit in ask(memory, question)
        ]
        found.append({"question": question.text, "shows": question.shows, "hits": hits})
    return found
