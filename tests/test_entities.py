"""Names in texts and questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treemem.ingest.entities import _ASCII_RUN, _runs, entity, meant, names_in, question_entity_ids
from treemem.ingest.terms import mentioned_in
from treemem.language import of_all, packs


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Anna moved to Lisbon.", ["Anna", "Lisbon"]),
        ("I met Ben at the Harbour Museum on Monday.", ["Ben", "Harbour Museum"]),
        ("The Harbour Museum has a new director, Ines Duarte.", ["Harbour Museum", "Ines Duarte"]),
        ("Lena's ship models are on show until January.", ["Lena"]),
        ("Yes! Then we went to Xi'an and Hangzhou.", ["Xi'an", "Hangzhou"]),
        ("So I can visit you by train now.", []),
        ("Élodie lives in Zürich.", ["Élodie", "Zürich"]),
        (
            "Directed by Robert A. Stemmle, after J. R. R. Tolkien.",
            ["Directed", "Robert A. Stemmle", "J. R. R. Tolkien"],
        ),
        ("Élodie B. Curie lives in Zürich.", ["Élodie B. Curie", "Zürich"]),
        ("nothing here", []),
        ("", []),
    ],
)
def test_names(text: str, names: list[str]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Keep going! You’ll love it, Caroline. I’m off.", ["Caroline"]),
        ("Hey Caroline I've been to New York City, they're nice.", ["Caroline", "New York City"]),
        ("We met in Reading, and use Express, Go and Flask.", ["Reading", "Express", "Go", "Flask"]),
        ("Sounds good!\nFinding Nemo is on. 1. Check the time (Then go).", ["Finding Nemo"]),
        ("Heute war Klara da. Dann fuhr sie nach Graz.", ["Klara", "Graz"]),
        ("They’re in Zürich. Sie haben Recht.", ["Zürich", "Recht"]),
        ("Can't you? Keep, Focus and the Go board.", ["Focus", "Go"]),
        ("Directed by Robert A. Stemmle.", ["Robert A. Stemmle"]),
        ("Anna moved to Lisbon.", ["Anna", "Lisbon"]),
        ("MIT is near. NEAR is not. You, Call!", ["MIT", "NEAR", "Call"]),
        ("  Keep  Going", ["Going"]),
        ("", []),
    ],
)
def test_a_capital_of_a_sentence_makes_no_name_that_is_mentioned(text: str, names: list[str]) -> None:
    assert mentioned_in(text) == names


def test_who_must_not_overlook_a_name_reads_without_the_lists() -> None:
    assert names_in("Keep going! They're in Reading.") == ["Keep", "They're", "Reading"]


@pytest.mark.parametrize("code", ["de", "en"])
def test_openers_are_read_from_their_file_alone(code: str) -> None:
    listed = packs()[code].words("openers")
    assert listed <= of_all("openers.toml", "openers")
    assert all(word == word.lower() for word in listed)


def test_known_names_are_found_in_lower_case() -> None:
    known = {"pepper": {"pepper"}, "harbour": {"harbour museum"}}
    assert names_in("pepper barked at the harbour museum", known) == ["pepper", "harbour museum"]


def test_a_question_reaches_the_entities_it_names() -> None:
    ids = question_entity_ids("c", "who runs the harbour museum in Lisbon?")
    assert entity("c", "Harbour Museum").id in ids
    assert entity("c", "LISBON").id in ids
    assert entity("other", "Lisbon").id not in ids
    assert question_entity_ids("c", "what is it?") == ()


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Who directed the film Dark River (2017 film)?", ["Dark River (2017 film)"]),
        ("When was the film Stalker made?", ["Stalker"]),
        ("who made the film stalker?", ["Film", "Stalker"]),
        ("What did I say about the sourdough of Stalker?", ["Stalker", "sourdough"]),
        ("Is the Film of Stalker's director out?", ["Film", "Stalker"]),
        ("关于项目A的电影 Stalker", ["Stalker", "电影"]),
        ("nothing", []),
    ],
)
def test_a_question_means_whole_names_in_their_case(question: str, names: list[str]) -> None:
    known = ["Film", "Dark River", "Dark River (2017 film)", "River", "Stalker", "sourdough", "电影"]
    ids = question_entity_ids("c", question)
    named = [each for each in (entity("c", name) for name in known) if each.id in ids]
    assert [each.name for each in meant(question, named)] == names


@given(st.text(alphabet="aB c.D'-eF", max_size=40))
def test_the_fast_way_finds_what_the_general_one_finds(text: str) -> None:
    general = [name for _, run in _runs(text) for name in run.split(" ")]
    assert [name for run in _ASCII_RUN.findall(text) for name in run.split(" ")] == general
