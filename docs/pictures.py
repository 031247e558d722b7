"""Draws the pictures of docs/pictures/: `python docs/pictures.py`; a test keeps them true.

Each has a ground of its own, light or dark as the reader's system is, so that it can be read on any page.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "pictures"
STYLE = """
svg { font: 15.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; --ground: #ffffff; --line: #64748b;
  --ink: #1e293b; --soft: #475569; --frame: #cbd5e1; --blue: #dbeafe; --green: #dcfce7; --amber: #fef3c7;
  --rose: #ffe4e6; --violet: #ede9fe; --grey: #f1f5f9; --mark: #be123c; }
@media (prefers-color-scheme: dark) { svg { --ground: #111827; --line: #94a3b8; --ink: #f1f5f9; --soft: #cbd5e1;
  --frame: #475569; --blue: #1e3a5f; --green: #14432a; --amber: #4a3510; --rose: #4c1d28; --violet: #38245f;
  --grey: #1f2937; --mark: #fda4af; } }
text { fill: var(--ink); text-anchor: middle; dominant-baseline: central; }
.small { font-size: 13.5px; fill: var(--soft); } .left { text-anchor: start; } .bold { font-weight: 600; }
.name { font-size: 13px; fill: var(--soft); font-family: ui-monospace, Menlo, Consolas, monospace;
  paint-order: stroke; stroke: var(--ground); stroke-width: 5px; }
.mark { fill: var(--mark); font-weight: 600; } .code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 14px; }
path { fill: none; stroke: var(--line); stroke-width: 1.5; } .dashed { stroke-dasharray: 5 4; }
.frame { fill: none; stroke: var(--frame); stroke-width: 1.5; stroke-dasharray: 6 5; }
.dot { fill: var(--mark); stroke: var(--ground); stroke-width: 2; }
"""


class Drawing:
    """A picture that is being drawn: its size, what it is called, and its parts in order."""

    def __init__(self, width: int, height: int, title: str, about: str) -> None:
        self.head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-labelledby="title about">\n<title id="title">{escape(title)}</title>\n'
            f'<desc id="about">{escape(about)}</desc>\n<style>{STYLE}</style>\n'
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            'orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9" style="stroke-width:1.6"/></marker></defs>\n'
            f'<rect width="{width}" height="{height}" rx="10" style="fill:var(--ground)"/>'
        )
        self.parts: list[str] = []

    def text(self, x: float, y: float, said: str, kind: str = "") -> None:
        self.parts.append(f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(said)}</text>')

    def box(
        self, x: float, y: float, width: float, height: float, colour: str, lines: list[tuple[str, str]], rx: float = 8
    ) -> None:
        """A box with its middle at (x, y), and lines of text in it, each with its kind."""
        self.parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height:g}" rx="{rx:g}" '
            f'style="fill:var(--{colour});stroke:var(--line)"/>'
        )
        for number, (said, kind) in enumerate(lines):
            self.text(x, y + (number - (len(lines) - 1) / 2) * 19, said, kind)

    def frame(self, x: float, y: float, width: float, height: float, title: str) -> None:
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="14" class="frame"/>')
        self.text(x + 16, y + 20, title, "small left")

    def arrow(self, path: str, name: str = "", at: tuple[float, float] | None = None, kind: str = "") -> None:
        self.parts.append(f'<path d="{path}" class="{kind}" marker-end="url(#head)"/>')
        if at is not None:
            self.text(*at, name, "name")

    def made(self) -> str:
        return "\n".join([self.head, *self.parts, "</svg>"]) + "\n"


def model() -> str:
    """The nodes and relationships of a cube, with their names in Neo4j."""
    d = Drawing(
        880,
        560,
        "The model",
        "A cube holds memories. States, with four times each, are joined to a memory by STATE_OF. Memories are joined to "
        "each other by typed relationships, to entities by MENTIONS, to sources by DERIVED_FROM.",
    )
    d.frame(16, 16, 848, 528, "(:Cube {id: 'default', clock, embedder, dimension})")
    d.box(190, 260, 190, 74, "blue", [(":Memory", "code bold"), ("id: home", "code"), ("says now: Ghent", "small")], 36)
    d.box(
        690,
        260,
        190,
        74,
        "blue",
        [(":Memory", "code bold"), ("id: lena", "code"), ("says now: Lena …", "small")],
        36,
    )
    states = [
        (150, "version: 2", "Mara lives in Porto.", "holds 4 Jan to 7 June"),
        (420, "version: 3", "Mara lives in Ghent.", "holds from 7 June"),
    ]
    for x, version, said, holds in states:
        d.box(x, 98, 210, 78, "green", [(f":State {version}", "code bold"), (said, ""), (holds, "small")])
    d.arrow("M 158 138 L 176 221", "STATE_OF", (160, 180))
    d.arrow("M 360 138 Q 300 190 258 230", "STATE_OF", (318, 180))
    d.box(
        715,
        98,
        210,
        78,
        "green",
        [(":State version: 1", "code bold"), ("Lena works at …", ""), ("holds from 2 Feb", "small")],
    )
    d.arrow("M 708 138 L 696 221", "STATE_OF", (704, 180))
    d.arrow("M 286 260 L 593 260", "PARENT, CAUSES, FOLLOWS, …", (440, 246))
    d.text(440, 278, "or a type of your own: WORKS_AT", "small")
    d.box(440, 380, 120, 60, "amber", [(":Entity", "code bold"), ("Mara", "")], 30)
    d.arrow("M 232 298 Q 300 352 379 372", "MENTIONS", (300, 346))
    d.arrow("M 648 298 Q 590 352 501 372", "MENTIONS", (582, 346))
    d.box(150, 420, 190, 62, "violet", [(":Source", "code bold"), ("message of 4 Jan", "")], 30)
    d.arrow("M 180 298 L 158 388", "DERIVED_FROM", (168, 346))
    d.box(
        440,
        492,
        480,
        66,
        "rose",
        [
            (":Operation", "code bold"),
            ("kind: update, actor, reason: she moved, recorded_at", "small"),
            ("one for each change; states and edges name it (opened_by)", "small"),
        ],
    )
    d.box(752, 400, 190, 62, "grey", [(":Passage", "code bold"), ("a part of a long text", "small")])
    d.arrow("M 800 369 Q 850 250 800 138", "PASSAGE_OF", (808, 330))
    return d.made()


def times() -> str:
    """Valid time to the right, transaction time upwards: what was believed of when."""
    d = Drawing(
        880,
        500,
        "The two times",
        "Four states of one memory as rectangles: to the right the time in the world, upwards the time of knowing.",
    )
    left, low, right, high = 150, 400, 850, 50
    month = (right - left) / 7  # January to July

    def x(months: float) -> float:
        return left + months * month

    def y(months: float) -> float:
        return low - months * (low - high) / 6.4

    def area(since: float, until: float, known: float, over: float, colour: str, lines: list[tuple[str, str]]) -> None:
        d.parts.append(
            f'<rect x="{x(since):g}" y="{y(over):g}" width="{x(until) - x(since):g}" height="{y(known) - y(over):g}" '
            f'style="fill:var(--{colour});stroke:var(--line)"/>'
        )
        for number, (said, kind) in enumerate(lines):
            d.text(x((since + until) / 2), y((known + over) / 2) + (number - (len(lines) - 1) / 2) * 19, said, kind)

    area(0, 7, 0.3, 1.7, "blue", [("version 1: 900 euros", "bold"), ("from January, with no end", "small")])
    area(0, 2, 1.7, 6.2, "blue", [("version 2", "bold"), ("900 euros", ""), ("until March", "small")])
    area(2, 7, 1.7, 4.15, "amber", [("version 3: 950 euros", "bold"), ("from March: the letter", "small")])
    area(2, 7, 4.15, 6.2, "green", [("version 4: 980 euros", "bold"), ("from March: the contract", "small")])
    for number, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "June", "July")):
        d.text(x(number + 0.5), low + 18, name, "small")
    for known, date, why in ((0.3, "10 Jan", "add"), (1.7, "20 Feb", "update"), (4.15, "5 May", "correct")):
        d.text(left - 62, y(known) - 9, date, "bold")
        d.text(left - 62, y(known) + 9, why, "small")
        d.arrow(f"M {left - 30} {y(known):g} L {left - 4} {y(known):g}")
    d.arrow(f"M {left} {low} L {right + 14} {low}")
    d.arrow(f"M {left} {low} L {left} {high - 22}")
    d.text(x(3.5), low + 48, "valid time: when it holds in the world (at, until, as_of)", "bold")
    d.text(left + 10, high - 24, "transaction time: when we knew it (known_at)", "bold left")
    for known, said in (
        (3.5, "true on 15 March, as known on 15 April: 950"),
        (5.75, "true on 15 March, as known now: 980"),
    ):
        d.parts.append(f'<circle cx="{x(2.5):g}" cy="{y(known):g}" r="6" class="dot"/>')
        d.text(x(2.5) + 14, y(known), said, "mark left")
    d.text(x(3.5), low + 74, "A closed state is never changed: what was believed stays readable.", "small")
    return d.made()


def _flow(title: str, about: str, steps: list[tuple[str, str, str, str]], foot: str = "") -> str:
    """Steps from above to below: a colour, a name, what is done, and the module or verb that it stands in."""
    gap, height = 84, 58
    d = Drawing(880, 4 + gap * len(steps) + (30 if foot else 0), title, about)
    for number, (colour, name, done, where) in enumerate(steps):
        y = 44 + gap * number
        first, _, second = done.partition("\n")
        d.box(330, y, 580, height, colour, [], 10)
        d.text(58, y, name, "bold left")
        d.text(166, y - 9 if second else y, first, "left")
        if second:
            d.text(166, y + 10, second, "small left")
        d.text(640, y, where, "small left code")
        if number + 1 < len(steps):
            d.arrow(f"M 330 {y + height / 2} L 330 {y + gap - height / 2 - 2}")
    if foot:
        d.text(440, 10 + gap * len(steps), foot, "small")
    return d.made()


def message() -> str:
    """What becomes of a message."""
    return _flow(
        "The way of a message in",
        "A message is read, placed in its conversation, told from repetitions, given a vector, planned and written.",
        [
            (
                "grey",
                "message",
                '{"role": "user", "content": "I moved to Ghent."}\na dict, or an object of OpenAI, Anthropic, Gemini, LangChain',
                "add_messages()",
            ),
            (
                "blue",
                "read",
                "who speaks, when, what is text and what is not\nall messages are looked at before the first is written",
                "ingest/",
            ),
            (
                "blue",
                "place",
                "is it in the log already? which number is next?\nby id, number, time, or by what a window repeats",
                "write/placing.py",
            ),
            (
                "blue",
                "embed",
                "its vector, its words, the names and terms in it\nlong texts get passages",
                "models/, ingest/",
            ),
            (
                "blue",
                "tell",
                "does it say anything new?\nwhat repeats the memory is kept, but archived",
                "ingest/telling.py",
            ),
            ("amber", "plan", "a change set: states, edges, names, the source\nplain data for one cube", "changes.py"),
            (
                "green",
                "apply",
                "one transaction: lock, compare, write, or nothing\nthe same operation id again changes nothing twice",
                "store/",
            ),
            (
                "rose",
                "graph",
                "Memory, State, FOLLOWS, MENTIONS, DERIVED_FROM\nand an Operation: who, when, why",
                "Neo4j or a file",
            ),
        ],
    )


def question() -> str:
    """What becomes of a question."""
    return _flow(
        "The way of a question",
        "A question is read, seeds are found by vectors, words and names, the graph is walked, and hits are ranked, settled and cut.",
        [
            ("grey", "question", '"Who is the boss where Lena works?"', "search()"),
            (
                "blue",
                "read",
                "its words, names, time and vector\n“last week”, “before I moved” become a span of time",
                "search/question.py",
            ),
            (
                "violet",
                "seeds",
                "by meaning, by words, by names\nonly states that hold at that time, and that the caller may see",
                "store/",
            ),
            (
                "violet",
                "walk",
                "two hops over edges, the strongest first\nno further through nodes that everything mentions",
                "store/",
            ),
            (
                "amber",
                "rank",
                "arms summed, personalised PageRank\nthen who said it, how sure, how fresh",
                "search/rank.py",
            ),
            (
                "amber",
                "settle",
                "what superseded something comes before it\nthe older one is flagged: superseded_by",
                "search/settle.py",
            ),
            (
                "green",
                "finish",
                "reranker, limits, repetition\nevery stage can be left out; a failing model fails nothing",
                "search/finish.py",
            ),
            (
                "rose",
                "hits",
                "text, score, dates, and the path that led there\nexplain=True tells all of the above",
                "SearchResult",
            ),
        ],
    )


def pictures() -> dict[str, str]:
    """Return all pictures, by file name."""
    return {"model.svg": model(), "times.svg": times(), "message.svg": message(), "question.svg": question()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, "utf-8")
