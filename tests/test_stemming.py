"""Stems: words of a language are found in their other forms, and texts of several languages lose nothing."""

from __future__ import annotations

import importlib
import re
import sys
import threading
import tomllib
from importlib.resources import files

import pytest
import snowballstemmer

from tests.conftest import OpenMemory
from treemem import SearchOptions, TreeTextMemory, stemming
from treemem.stemming import _OF_SCRIPTS, language_of, stem, stems
from treemem.text import STOP_WORDS, analyse, asked, words

#: What was said, what is asked, the word that both have, and the language.
FOUND = [
    ("Mein Bruder hat zwei Häuser am See gekauft.", "Welches Haus hat mein Bruder?", "haus", "german"),
    ("Ik heb de honden van mijn broer in de schuur gezet.", "Waar is de hond?", "hond", "dutch"),
    ("J'ai perdu les clés de mon bureau dans le train.", "Où est la clé ?", "clé", "french"),
    ("Mis hermanas cantan los domingos en el coro.", "¿Quién es la hermana que canta?", "herman", "spanish"),
    ("As minhas irmãs cantam no coro aos domingos.", "Quem é a irmã que canta?", "cant", "portuguese"),
    ("Le mie sorelle cantano nel coro della chiesa.", "Chi è la sorella che canta?", "sorell", "italian"),
    ("Les meves germanes canten al cor de l'església.", "Qui és la germana que canta?", "cant", "catalan"),
    ("Mina katter sover på soffan hela dagen.", "Var är katten som sover?", "katt", "swedish"),
    ("Mine søstre synger af og til i koret.", "Hvem er det der synger?", "syng", "danish"),
    ("Lapseni ovat koulussa ja minä olen kotona.", "Missä minun lapseni on?", "laps", "finnish"),
    ("A nővéreim a kórusban énekelnek, és én is.", "Hol van a nővérem és mit énekel?", "énekel", "hungarian"),
    ("Moje siostry śpiewają w chórze i nie mam czasu.", "Gdzie jest moja siostra?", "siostr", "polish"),
    ("Мои сёстры поют в хоре по воскресеньям.", "Где поёт моя сестра?", "сестр", None),
    ("Τα κλειδιά είναι στην κουζίνα.", "Πού είναι το κλειδί;", "κλειδ", None),
    ("كتبي في المنزل", "أين الكتب؟", "كتب", None),
    ("मेरी किताबें घर में हैं", "किताब कहाँ है?", "किताब", None),
]


@pytest.mark.parametrize(("said", "question", "token", "language"), FOUND)
def test_other_forms_of_a_word_are_found(said: str, question: str, token: str, language: str | None) -> None:
    assert token in analyse(said)
    assert token in asked(question)
    assert language_of(words(said), STOP_WORDS) == language


@pytest.mark.parametrize(("said", "question"), [(said, question) for said, question, *_ in FOUND])
def test_searches_find_them(open_memory: OpenMemory, said: str, question: str) -> None:
    memory: TreeTextMemory = open_memory()
    memory.add(["We had soup for lunch.", said, "Das Wetter war schön.", "Le temps est beau.", "Погода была хорошая."])
    found = memory.search(question, options=SearchOptions(vector_limit=0, hops=0))
    assert found[0].memory == said


@pytest.mark.parametrize(
    "text",
    [
        "I live in Las Vegas and was in Los Angeles.",
        "The note said: take care of die.cpp, line 3.",
        "I'm pushing on though. Talk soon!",
        "My brother is on the way to La Paz, he said no to me.",
        "He ate pizza in Rome and had a siesta in the afternoon.",
        "Monday: gym. Tuesday: physio.",
        "die",
        "",
    ],
)
def test_english_stays_english(text: str) -> None:
    assert language_of(words(text), STOP_WORDS) is None
    kept = [word for word in words(text) if word not in STOP_WORDS]
    assert analyse(text) == [stem(word) if len(word) > 2 and word.isalpha() else word for word in kept]


@pytest.mark.parametrize(
    "text",
    [
        "E. coli, A. niger",
        "password: a1 e2 y3 u v z",
        "Plan: a) i. ii. o; e. y",
        "for (i = 0; i < n; i++) { e.x += s[i]; }",
    ],
)
def test_single_letters_tell_no_language(text: str) -> None:
    assert language_of(words(text), STOP_WORDS) is None


def test_texts_of_two_languages_keep_the_words_of_both() -> None:
    mixed = analyse("The meetings were postponed. Das Treffen mit meinen Schwestern ist jetzt am Donnerstag.")
    assert {"meet", "postpon", "donnerstag"} <= set(mixed)
    assert {"schwest", "schwestern"} & set(mixed)
    both = analyse("Ich wohne in Москва, 猫在哪里?")
    assert {"москв", "猫"} <= set(both)


@pytest.mark.parametrize(
    ("said", "question", "token"),
    [
        ("Meine Schwester studiert am MIT in Boston und ist sehr gut.", "Who studies at MIT?", "mit"),
        ("Jag träffade Mina på jobbet och hon var glad.", "Who is Mina?", "mina"),
        ("Jugamos al UNO con los niños y es muy divertido.", "Who plays UNO?", "uno"),
        ("Ik heb mijn haar rood geverfd en het is mooi.", "Welke kleur heeft mijn haar?", "haar"),
        ("Voi on jääkaapissa ja maito on pöydällä.", "Missä voi on?", "voi"),
        ("Nous partons en été chez ma mère.", "Que faites-vous en été ?", "été"),
        ("Ho sei gatti e un cane che non mi ascolta.", "sei", "sei"),
        ("Он любит есть суши и не любит мясо.", "Что он любит есть?", "есть"),
        ("Собаки живут во дворе.", "Собаки", "собаки"),
        ("دوستان من در خانه هستند و می‌خندند", "خانه", "خانه"),
        ("Моя мати живе в Києві", "мати", "мати"),
    ],
)
def test_a_word_that_both_say_is_found(open_memory: OpenMemory, said: str, question: str, token: str) -> None:
    """Whatever language each is taken for, and whether or not the word is grammar somewhere."""
    memory: TreeTextMemory = open_memory()
    memory.add(["We had soup for lunch.", said, "The weather was fine."])
    assert token in asked(question)
    found = memory.search(question, options=SearchOptions(vector_limit=0, hops=0))
    assert found[0].memory == said


@pytest.mark.parametrize(
    ("question", "tokens"),
    [
        ("Wo ist die Katze von meiner Schwester?", ["katz", "schwester", "schwest"]),
        ("Wer bist du?", ["wer", "bist", "du"]),
        ("Где она?", ["где", "он", "она"]),
        ("我是谁？", ["我", "我是", "是", "是谁", "谁"]),
        ("die hard", ["die", "hard"]),
    ],
)
def test_questions_leave_out_what_is_grammar_unless_there_is_nothing_else(question: str, tokens: list[str]) -> None:
    assert asked(question) == tokens


def test_words_as_they_were_stored_before_are_found() -> None:
    assert {"собаки", "собак"} <= set(asked("Где собаки?"))
    assert analyse("собаки") == ["собак"]


def test_every_list_is_of_a_stemmer_and_repeats_nothing() -> None:
    said = tomllib.loads((files("treemem") / "stop_words.toml").read_text("utf-8"))
    assert set(said) <= set(snowballstemmer.algorithms())
    assert set(said) >= _OF_SCRIPTS - {"armenian", "tamil"}
    for language, given in said.items():
        listed = given.casefold().split()
        assert len(listed) >= 30, language
        assert len(listed) == len(set(listed)), language
        assert all(re.fullmatch(r"[\w\u0900-\u097f]+", word) for word in listed), language


def test_stems_are_the_same_from_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from snowballstemmer.german_stemmer import GermanStemmer

    slow = GermanStemmer()  # in Python, so that threads change in the middle of a word
    monkeypatch.setattr(stemming, "_stemmer", lambda language: slow)
    texts = [f"häuser{i} wohnungen{i} straßen{i}en freundinnen{i}".split() for i in range(300)]
    stem.cache_clear()
    wanted = [list(stems(text, "german")) for text in texts]
    stem.cache_clear()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    made: list[list[list[str]]] = []
    threads = [
        threading.Thread(target=lambda: made.append([list(stems(text, "german")) for text in texts])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    stem.cache_clear()
    assert made == [wanted] * 4


def test_both_builds_of_snowball_agree() -> None:
    """With `treemem[fast]` PyStemmer does it; the index must not depend on what is installed."""
    stemmer = pytest.importorskip("Stemmer")
    said = sorted({word for said, question, *_ in FOUND for word in words(said + " " + question)})
    said += "interval jazz marathon häuser wohnungen straßen kačių katės ciudades chevaux".split()
    listed = tomllib.loads((files("treemem") / "stop_words.toml").read_text("utf-8"))
    for language in [*listed, "english", "armenian", "tamil"]:
        module = importlib.import_module(f"snowballstemmer.{language}_stemmer")
        slow = getattr(module, f"{language.capitalize()}Stemmer")()
        assert [slow.stemWord(word) for word in said] == stemmer.Stemmer(language).stemWords(said), language
