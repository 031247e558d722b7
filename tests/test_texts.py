"""Statements as files: every fragment is used, every place filled, and what does not fit is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from treemem.store.neo4j.statements import CYPHER
from treemem.store.sqlite.statements import SQL
from treemem.store.texts import Texts

LANGUAGES = {"cypher": CYPHER, "sql": SQL}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_statement_can_be_put_together_and_every_fragment_is_used(language: str) -> None:
    texts = LANGUAGES[language]
    sources = [texts.source(name) for name in texts.names()]
    for name in texts.names():
        whole = texts.text(name, dict.fromkeys(texts.places(name), "x"))
        assert whole.strip(), name
        assert "{{" not in whole, name
    fragments = texts.names("fragments")
    sources += [texts.source(name, "fragments") for name in fragments]
    used = {name for source in sources for name in re.findall(r"\{\{([a-z_0-9]+)", source)}
    assert used == set(fragments)


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    for kind, name, text in (
        ("statements", "plain", "-- What it is.\nSELECT {{holds ROW=s}}{{REST}}"),
        ("statements", "loose", "SELECT {{holds}}"),
        ("statements", "more", "SELECT {{holds ROW=s OTHER=t}}"),
        ("statements", "absent", "SELECT {{nowhere}}"),
        ("statements", "endless", "SELECT {{round}}"),
        ("statements", "garbled", "SELECT {{Holds row=s}}"),
        ("fragments", "holds", "-- A test.\n{{ROW}}.a <= 1\nAND {{ROW}}.b"),
        ("fragments", "round", "{{round}}"),
        ("old/fragments", "holds", "{{ROW}}.c"),
    ):
        file = tmp_path / kind / f"{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Texts(lambda: tmp_path, ".sql", "--")


def test_fragments_and_values_are_put_in(texts: Texts) -> None:
    assert texts.text("plain", {"REST": " OR x"}) == "SELECT s.a <= 1\nAND s.b OR x"
    assert texts.text("plain", {"REST": ""}, "old") == "SELECT s.c"
    assert texts.places("plain") == {"REST"}


def test_a_value_is_not_looked_through_for_fragments(texts: Texts) -> None:
    assert texts.text("plain", {"REST": "{{holds ROW=t}}"}).endswith("{{holds ROW=t}}")


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        ("plain", {}, "plain: it has the places"),
        ("plain", {"REST": "", "OTHER": ""}, "plain: it has the places"),
        ("loose", {}, "fragment holds: it has the places"),
        ("more", {}, "fragment holds: it has the places"),
        ("endless", {}, "fragment round includes itself"),
        ("garbled", {}, "no fragment and no place"),
    ],
)
def test_what_does_not_fit_is_refused(texts: Texts, name: str, values: dict[str, str], error: str) -> None:
    with pytest.raises(LookupError, match=error):
        texts.text(name, values)


def test_a_fragment_that_is_not_there_is_refused(texts: Texts) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        texts.text("absent", {})
