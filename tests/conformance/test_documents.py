"""Documents: trees of headings and passages that follow their changes, on both stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treemem import InvalidInputError, MemoryNotFoundError, TreememError, TreeTextMemory

GUIDE = """# Coffee machine

Read this before you use the machine. Keep it near the machine, so that everybody finds it when something is wrong with
it, and hand it on together with the machine when you sell it to somebody else.

## Start

Press the green button and wait until the lamp stops blinking, which takes about a minute. Then put a cup below the
spout, and press the button once more. The machine stops by itself when the cup is full, and never before that.

## Clean

### Daily

Empty the tray and rinse it with warm water every evening, also on days on which nobody drank any coffee at all. Leave
the lid open over night, so that the tray dries, and look whether the rubber ring is still where it should be.

### Monthly

| part | with |
|---|---|
| filter | vinegar |
| tank | citric acid |
"""


def passages(memory: TreeTextMemory, **at: Any) -> list[str]:
    pages = memory.pages(filter={"info.document_part": "passage"}, **at)
    return sorted(item.memory.split()[0] for page in pages for item in page.items)


def test_a_document_is_a_tree_of_headings_with_passages(memory: TreeTextMemory) -> None:
    (added,) = memory.add_documents({"id": "coffee", "text": GUIDE, "name": "coffee.md"})
    assert (added.document_id, added.title) == ("coffee", "Coffee machine")
    assert len(added.added) == 4
    assert added.kept == added.ended == ()
    tree = str(memory.tree(root=added.id))
    for line in ("Coffee machine", "Start", "Clean", "Daily", "Monthly"):
        assert line in tree
    hit = memory.search("rinse the tray with warm water", top_k=1)[0]
    assert hit.memory.startswith("Empty the tray")
    assert hit.metadata.key == "Coffee machine: Clean: Daily"
    assert hit.metadata.memory_type == "KnowledgeBaseMemory"
    source = hit.metadata.sources[0]
    assert (source["document_id"], source["name"], source["line"]) == ("coffee", "coffee.md", 15)
    assert "from: coffee.md" in memory.context("rinse the tray with warm water", top_k=1)
    assert [memory.get(i).memory for i in added.added][-1].splitlines()[-1] == "| tank | citric acid |"
    assert {hit.memory for hit in memory.search("Clean Daily", top_k=50)} <= {memory.get(i).memory for i in added.added}
    (record,) = memory.documents()
    assert (record.id, record.document_id, record.title, record.name) == (added.id, "coffee", added.title, "coffee.md")
    assert memory.check() == []


def test_a_changed_document_ends_what_is_gone_and_keeps_what_stayed(memory: TreeTextMemory) -> None:
    (first,) = memory.add_documents({"id": "coffee", "text": GUIDE}, at="2025-01-01")
    changed = GUIDE.replace("green button", "red button").replace("## Clean", "New words here.\n\n## Clean")
    (second,) = memory.add_documents({"id": "coffee", "text": changed}, at="2025-03-01", operation_id="second")
    assert second.id == first.id
    assert len(second.kept) == 3
    assert set(second.kept) < set(first.added)
    assert set(second.ended) == set(first.added) - set(second.kept)
    for kept in second.kept:
        assert len(memory.history(kept)) == 1
    assert any("green" in hit.memory for hit in memory.search("button", as_of="2025-02-01"))
    assert not any("green" in hit.memory for hit in memory.search("button", as_of="2025-04-01"))
    assert any("red" in hit.memory for hit in memory.search("button", as_of="2025-04-01"))
    assert memory.check() == []
    (again,) = memory.add_documents({"id": "coffee", "text": changed}, at="2025-03-01", operation_id="second")
    assert again.added == again.ended == ()
    assert memory.operations()[0].id == "second"
    memory.undo("second")
    assert {i for i in first.added if memory.get(i).metadata.valid_to is None} == set(first.added)
    assert memory.check() == []


def test_what_was_in_a_document_before_comes_back_under_its_id(memory: TreeTextMemory) -> None:
    without = GUIDE.replace("### Monthly", "### Never").replace("vinegar", "oil")
    (first,) = memory.add_documents({"id": "coffee", "text": GUIDE}, at="2025-01-01")
    memory.add_documents({"id": "coffee", "text": without}, at="2025-02-01")
    (third,) = memory.add_documents({"id": "coffee", "text": GUIDE}, at="2025-03-01")
    assert set(third.added) | set(third.kept) == set(first.added)
    (table,) = third.added
    assert memory.get(table).memory == memory.get(table, as_of="2025-01-15").memory
    assert [h.memory for h in memory.search("vinegar", as_of="2025-02-15") if "vinegar" in h.memory] == []
    assert memory.check() == []
    with pytest.raises(InvalidInputError, match="from 2025-03-01"):
        memory.add_documents({"id": "coffee", "text": without}, at="2025-02-15")


def test_the_same_document_again_changes_nothing(memory: TreeTextMemory) -> None:
    memory.add_documents({"id": "coffee", "text": GUIDE}, at="2025-01-01")
    before = memory.content_hash()
    (again,) = memory.add_documents({"id": "coffee", "text": GUIDE})
    assert (again.added, again.ended) == ((), ())
    assert memory.content_hash() == before


def test_a_document_is_removed_with_all_it_brought(memory: TreeTextMemory) -> None:
    memory.add({"id": "own", "memory": "I like tea."})
    (added,) = memory.add_documents({"id": "coffee", "text": GUIDE})
    memory.link(added.id, "PARENT", "own")
    memory.remove_documents("coffee", operation_id="gone")
    assert passages(memory) == []
    assert memory.documents() == []
    assert memory.get("own").memory == "I like tea."
    assert memory.remove_documents("coffee", operation_id="gone").repeated
    with pytest.raises(MemoryNotFoundError, match="removed already"):
        memory.remove_documents("coffee")
    memory.undo("gone")
    assert len(passages(memory)) == 4
    memory.remove_documents(added.id)
    (again,) = memory.add_documents({"id": "coffee", "text": GUIDE})
    assert again.id == added.id
    assert len(again.added) == 4
    memory.purge(added.id)
    assert [node["id"] for node in memory.get_all()["nodes"]] == ["own"]
    with pytest.raises(MemoryNotFoundError, match="no document 'coffee'"):
        memory.remove_documents("coffee")
    assert memory.check() == []


def test_a_large_document_is_one_operation(memory: TreeTextMemory) -> None:
    text = "\n\n".join(
        f"# Chapter {n}\n\nThe number {n} is told here. " + "It goes on and on. " * 20 for n in range(300)
    )
    (added,) = memory.add_documents({"id": "book", "text": text}, operation_id="book")
    assert len(added.added) == 300
    assert [o.id for o in memory.operations()] == ["book"]
    memory.undo("book")
    assert memory.get_all()["nodes"] == []


def test_files(memory: TreeTextMemory, tmp_path: Path) -> None:
    tmp_path /= "files"
    tmp_path.mkdir()
    (tmp_path / "a.md").write_text("# One\n\nThe cat sleeps.")
    (tmp_path / "b.txt").write_text("The dog barks.\n\nThe bird sings.", encoding="utf-16")
    (tmp_path / "c.csv").write_text("name;age\nAnn;41\nBo|b;7\n")
    (tmp_path / "d.json").write_text(json.dumps([{"city": "Porto"}, {"city": "Ghent"}]))
    (tmp_path / "e.jsonl").write_text('{"city": "Lund"}\n{"city": "Oslo"}\n')
    (tmp_path / "f.xml").write_text("<r><city a='1'>Turin</city></r>")
    names = sorted(tmp_path.iterdir())
    told: list[tuple[int, int | None]] = []
    added = memory.add_documents(names, progress=lambda done, total: told.append((done, total)))
    assert [a.document_id for a in added] == [p.resolve().as_uri() for p in names]
    assert [a.title for a in added] == ["One", "b.txt", "c.csv", "d.json", "e.jsonl", "f.xml"]
    assert told[-1][0] == told[-1][1]
    texts = {memory.get(i).memory for a in added for i in a.added}
    assert "| name | age |\n|---|---|\n| Ann | 41 |\n| Bo\\|b | 7 |" in texts
    assert "city: Turin" in texts
    for word in ("cat", "dog", "Ghent", "Oslo"):
        assert any(word in text for text in texts), word


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (7, "wanted a Path, bytes, a text or a dict"),
        ("", "no text"),
        ("report.json", r"Path\('report\.json'\)"),
        ("https://example.org/a.html", "nothing is fetched"),
        ({"id": "x"}, "found none"),
        ({"text": "a", "path": "b"}, "found path, text"),
        ({"txt": "a"}, "did you mean 'text'"),
        ({"id": 5, "text": "a"}, "id of a document"),
        (b"\xff\xfe\xff", "UTF-16"),
        (b"caf\xe9", "UTF-8"),
        ({"name": "x.json", "text": "{"}, "no JSON"),
        ({"name": "x.json", "text": "[" * 100_000}, "nested too deeply|no JSON"),
        ({"name": "x.xml", "text": "<a>"}, "no XML"),
        ({"name": "x.zip", "content": b"PK\0\0"}, "no known format"),
        (Path("/nothing/here.md"), "cannot be read"),
        ({"text": "a\ud800b"}, "half"),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_written(memory: TreeTextMemory, wrong: Any, said: str) -> None:
    with pytest.raises(TreememError, match=said):
        memory.add_documents([{"id": "good", "text": "Good words."}, wrong])
    assert memory.get_all()["nodes"] == []
    refused: list[int] = []
    (good,) = memory.add_documents(
        [wrong, {"id": "good", "text": "Good words."}], on_error=lambda position, error: refused.append(position)
    )
    assert (good.document_id, refused) == ("good", [0])


def test_each_user_has_documents_of_his_own(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    (hers,) = ann.add_documents({"id": "notes", "text": "Ann keeps bees."})
    (his,) = bob.add_documents({"id": "notes", "text": "Bob keeps hens."})
    assert hers.id != his.id
    assert [d.id for d in bob.documents()] == [his.id]
    assert [h.memory for h in bob.search("keeps bees")] == ["Bob keeps hens."]
    with pytest.raises(MemoryNotFoundError):
        bob.remove_documents(hers.id)
    (shared,) = ann.add_documents({"id": "rules", "text": "No smoking."}, visibility="public")
    assert {d.id for d in bob.documents()} == {his.id, shared.id}
    with pytest.raises(TreememError):
        bob.remove_documents(shared.id)
    (own,) = bob.add_documents({"id": "rules", "text": "Smoking is fine."})
    assert own.id != shared.id
    assert [h.memory for h in ann.search("smoking")][:1] == ["No smoking."]


def test_the_reorganizer_leaves_documents_as_they_are(memory: TreeTextMemory) -> None:
    text = "# A\n\nThe gate opens at six.\n\n# B\n\nThe gate opens at six.\n"
    memory.add_documents([{"id": "one", "text": text}, {"id": "two", "text": text}], at="2025-01-01")
    before = passages(memory)
    memory.reorganizer.run(everything=True)
    assert passages(memory) == before
    assert memory.check() == []


def test_a_tree_is_in_the_order_of_the_document(memory: TreeTextMemory) -> None:
    names = [f"{letter} part" for letter in "QWERTZUIOP"]
    memory.add_documents({"id": "book", "text": "# Book\n\n" + "\n\n".join(f"## {n}\n\nText of {n}." for n in names)})
    (book,) = memory.tree()
    assert [child.item.memory for child in book.children] == names


def test_passages_of_one_line_are_in_order_after_an_edit_too(memory: TreeTextMemory) -> None:
    sentences = [f"Sentence {n:04} tells of the harbour and its boats at some length, as it must." for n in range(120)]

    def read() -> list[str]:
        memory.add_documents({"id": "book", "text": "# Book\n\n" + " ".join(sentences) + "\n\n## End\n\nThe end."})
        (book,) = memory.tree()
        assert memory.subtree(book.item.id) == book
        return [child.item.memory[:13] for child in book.children]

    first = read()
    assert first == [*sorted(first[:-1]), "End"]
    sentences.insert(0, "Sentence 0000 A foreword that is long enough to be a passage. " * 12)
    again = read()
    assert again == [*sorted(again[:-1]), "End"]
    assert len(again) > len(first)
