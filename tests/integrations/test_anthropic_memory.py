"""Anthropic's memory tool over a memory: every command and error as documented, driven by the package's own runners."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.lib.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool, ToolError
from anthropic.tools import BetaLocalFilesystemMemoryTool

from tests.helpers import fresh_cube
from tests.integrations.scripted import Script
from treemem import TreeTextMemory
from treemem.integrations.anthropic_memory import TreememAsyncMemoryTool, TreememMemoryTool
from treemem.integrations.files import FileRefused, MemoryFiles

HEAD = "Here're the files and directories up to 2 levels deep in {}, excluding hidden items and node_modules:\n"
LINES = "Here's the content of {} with line numbers:\n"
EDITED = "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
NOTES = "/memories/notes.txt"
LONG = "".join(f"line {n}\n" for n in range(1, 12))
#: Each: the command, what it answers, whether that is an error. They follow one another.
TABLE: list[tuple[dict[str, Any], str, bool]] = [
    ({"command": "view", "path": "/memories"}, HEAD.format("/memories") + "0B\t/memories", False),
    ({"command": "view", "path": NOTES}, f"The path {NOTES} does not exist. Please provide a valid path.", True),
    (
        {"command": "create", "path": NOTES, "file_text": "one\ntwo\ntwo\n"},
        f"File created successfully at: {NOTES}",
        False,
    ),
    ({"command": "create", "path": NOTES, "file_text": "other"}, f"Error: File {NOTES} already exists", True),
    ({"command": "create", "path": "/memories", "file_text": "x"}, "Error: File /memories already exists", True),
    (
        {"command": "create", "path": f"{NOTES}/below.txt", "file_text": "x"},
        f"Error: The path {NOTES} is a file, not a directory",
        True,
    ),
    (
        {"command": "view", "path": NOTES},
        LINES.format(NOTES) + "     1\tone\n     2\ttwo\n     3\ttwo\n     4\t",
        False,
    ),
    ({"command": "view", "path": NOTES, "view_range": [2, 2]}, LINES.format(NOTES) + "     2\ttwo", False),
    ({"command": "view", "path": NOTES, "view_range": [3, -1]}, LINES.format(NOTES) + "     3\ttwo\n     4\t", False),
    ({"command": "view", "path": NOTES, "view_range": [3, 99]}, LINES.format(NOTES) + "     3\ttwo\n     4\t", False),
    (
        {"command": "view", "path": NOTES, "view_range": [9, 9]},
        "Error: Invalid `view_range` parameter: [9, 9]. It should be within the range of lines of the file: [1, 4]",
        True,
    ),
    (
        {"command": "view", "path": NOTES, "view_range": [1]},
        "Error: Invalid `view_range` parameter. It should be a list of two integers.",
        True,
    ),
    (
        {"command": "str_replace", "path": NOTES, "old_str": "one", "new_str": "1"},
        EDITED + "     1\t1\n     2\ttwo\n     3\ttwo",
        False,
    ),
    (
        {"command": "str_replace", "path": NOTES, "old_str": "one", "new_str": "1"},
        f"No replacement was performed, old_str `one` did not appear verbatim in {NOTES}.",
        True,
    ),
    (
        {"command": "str_replace", "path": NOTES, "old_str": "", "new_str": "1"},
        f"No replacement was performed, old_str `` did not appear verbatim in {NOTES}.",
        True,
    ),
    (
        {"command": "str_replace", "path": NOTES, "old_str": "two", "new_str": "2"},
        "No replacement was performed. Multiple occurrences of old_str `two` in lines: 2, 3. "
        "Please ensure it is unique",
        True,
    ),
    (
        {"command": "str_replace", "path": "/memories/no", "old_str": "a", "new_str": "b"},
        "Error: The path /memories/no does not exist. Please provide a valid path.",
        True,
    ),
    (
        {"command": "str_replace", "path": "/memories", "old_str": "a", "new_str": "b"},
        "Error: The path /memories does not exist. Please provide a valid path.",
        True,
    ),
    (
        {"command": "insert", "path": NOTES, "insert_line": 0, "insert_text": "zero\n"},
        f"The file {NOTES} has been edited.",
        False,
    ),
    (
        {"command": "insert", "path": NOTES, "insert_line": 4, "insert_text": "end"},
        f"The file {NOTES} has been edited.",
        False,
    ),
    (
        {"command": "view", "path": NOTES},
        LINES.format(NOTES) + "     1\tzero\n     2\t1\n     3\ttwo\n     4\ttwo\n     5\tend\n     6\t",
        False,
    ),
    *(
        (
            {"command": "insert", "path": NOTES, "insert_line": line, "insert_text": "x"},
            f"Error: Invalid `insert_line` parameter: {line}. "
            "It should be within the range of lines of the file: [0, 5]",
            True,
        )
        for line in (-1, 6)
    ),
    (
        {"command": "insert", "path": "/memories/no", "insert_line": 0, "insert_text": "x"},
        "Error: The path /memories/no does not exist",
        True,
    ),
    (
        {"command": "create", "path": "/memories/work/plans/deep/x.md", "file_text": "a" * 1_536},
        "File created successfully at: /memories/work/plans/deep/x.md",
        False,
    ),
    (
        {"command": "create", "path": "/memories/.hidden", "file_text": "x"},
        "File created successfully at: /memories/.hidden",
        False,
    ),
    (
        {"command": "create", "path": "/memories/node_modules/x", "file_text": "x"},
        "File created successfully at: /memories/node_modules/x",
        False,
    ),
    (
        {"command": "view", "path": "/memories/"},
        HEAD.format("/memories") + f"1.5K\t/memories\n19B\t{NOTES}\n1.5K\t/memories/work/\n1.5K\t/memories/work/plans/",
        False,
    ),
    (
        {"command": "view", "path": "/memories/work/plans"},
        HEAD.format("/memories/work/plans")
        + "1.5K\t/memories/work/plans\n1.5K\t/memories/work/plans/deep/\n1.5K\t/memories/work/plans/deep/x.md",
        False,
    ),
    (
        {"command": "insert", "path": "/memories/work", "insert_line": 0, "insert_text": "x"},
        "Error: The path /memories/work does not exist",
        True,
    ),
    (
        {"command": "rename", "old_path": NOTES, "new_path": "/memories/work"},
        "Error: The destination /memories/work already exists",
        True,
    ),
    (
        {"command": "rename", "old_path": "/memories/no", "new_path": "/memories/yes"},
        "Error: The path /memories/no does not exist",
        True,
    ),
    (
        {"command": "rename", "old_path": "/memories/work", "new_path": "/memories/work/below"},
        "Error: The path /memories/work cannot be moved below itself",
        True,
    ),
    (
        {"command": "rename", "old_path": "/memories/work", "new_path": "/memories/done"},
        "Successfully renamed /memories/work to /memories/done",
        False,
    ),
    (
        {"command": "rename", "old_path": NOTES, "new_path": "/memories/done/notes.txt"},
        f"Successfully renamed {NOTES} to /memories/done/notes.txt",
        False,
    ),
    (
        {"command": "rename", "old_path": "/memories", "new_path": "/memories/a"},
        "Cannot rename the /memories directory itself",
        True,
    ),
    ({"command": "delete", "path": "/memories"}, "Cannot delete the /memories directory itself", True),
    ({"command": "delete", "path": "/memories/no"}, "Error: The path /memories/no does not exist", True),
    ({"command": "delete", "path": "/memories/done"}, "Successfully deleted /memories/done", False),
    ({"command": "view", "path": "/memories"}, HEAD.format("/memories") + "0B\t/memories", False),
    (
        {"command": "create", "path": "/memories/long", "file_text": LONG},
        "File created successfully at: /memories/long",
        False,
    ),
    (
        {"command": "str_replace", "path": "/memories/long", "old_str": "line 6\n", "new_str": "six\nand more\n"},
        EDITED + "     4\tline 4\n     5\tline 5\n     6\tsix\n     7\tand more\n     8\tline 7",
        False,
    ),
    (
        {"command": "view", "path": "/memories/long", "view_range": [9, 10]},
        LINES.format("/memories/long") + "     9\tline 8\n    10\tline 9",
        False,
    ),
    ({"command": "grep", "path": "/memories"}, "Error: Unknown command 'grep'. Use one of ", True),
]


def test_every_command_and_error(memory: TreeTextMemory) -> None:
    tool = TreememMemoryTool(memory)
    assert isinstance(tool, BetaAbstractMemoryTool)
    assert tool.to_dict() == {"type": "memory_20250818", "name": "memory"}
    for command, answer, refused in TABLE:
        try:
            said, failed = tool.call(command), False
        except ToolError as error:
            said, failed = error.content, True
        assert isinstance(said, str)
        assert (said if not answer.endswith(" ") else said[: len(answer)], failed) == (answer, refused), command


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ({"command": "view"}, "path"),
        ({"command": "view", "path": 3}, "path"),
        ({"command": "view", "path": "/memories", "view_range": "1"}, "view_range"),
        ({"command": "create", "path": NOTES}, "file_text"),
        ({"command": "insert", "path": NOTES, "insert_line": "1", "insert_text": "x"}, "insert_line"),
        ({"command": "insert", "path": NOTES, "insert_line": True, "insert_text": "x"}, "insert_line"),
        ({"command": "str_replace", "path": NOTES, "old_str": "x", "new_str": 3}, "new_str"),
        ({"command": "rename", "old_path": NOTES}, "new_path"),
    ],
)
def test_wrong_parameters_are_named(embedded: TreeTextMemory, command: dict[str, Any], name: str) -> None:
    expected = f"Error: The parameter `{name}` of {command['command']} is missing or of the wrong kind."
    assert MemoryFiles(embedded).run(command) == (expected, True)


@pytest.mark.parametrize(
    "path",
    [
        "/memories/../secret",
        "/memories/a/../../etc/passwd",
        "/memories/..",
        "/memories/./a",
        "/memories/..\\secret",
        "/memories\\..\\secret",
        "/memories/%2e%2e/secret",
        "/memories/%2e%2e%2fsecret",
        "/memories/%252e%252e%252fsecret",
        "/memories/a%2Fb",
        "/memories/%5c..%5csecret",
        "/memories/．．/secret",  # becomes dots where it is normalised
        "/memories/‥/secret",
        "/memories/ .. /secret",
        "/memories/a\x00b",
        "/memories/a\nb",
        "/memories/a%00b",
        "/memories/a\u2028b",
        "/memoriesque/a",
        "/memories2",
        "memories/a",
        "/etc/passwd",
        "",
        "C:\\memories\\a",
        "file:///memories/a",
        "/memories/%" + "25" * 9 + "2e",
        "/memories/" + "a" * 2_000,
    ],
)
def test_no_path_leads_out(embedded: TreeTextMemory, path: str) -> None:
    files = MemoryFiles(embedded)
    files.create("/memories/secret", "kept")
    for command in (
        {"command": "view", "path": path},
        {"command": "create", "path": path, "file_text": "x"},
        {"command": "str_replace", "path": path, "old_str": "kept", "new_str": "x"},
        {"command": "insert", "path": path, "insert_line": 0, "insert_text": "x"},
        {"command": "delete", "path": path},
        {"command": "rename", "old_path": path, "new_path": "/memories/b"},
        {"command": "rename", "old_path": "/memories/secret", "new_path": path},
    ):
        said, refused = files.run(command)
        assert refused
        assert said.startswith(("Path", "Error: A path")), said
    assert files.view("/memories").endswith("\n4B\t/memories/secret")


@pytest.mark.parametrize("name", ["100%.txt", "a b.txt", "%41", "...", "a..b", "naïve 説.md", "x;y&z='\"`$(rm)"])
def test_odd_names_are_names(embedded: TreeTextMemory, name: str) -> None:
    files = MemoryFiles(embedded)
    files.create(f"/memories//{name}", "text")
    assert files.view(f"/memories/{name}").endswith("     1\ttext")


def test_random_operations_leave_what_files_on_a_disk_hold(embedded: TreeTextMemory, tmp_path: Path) -> None:
    chance = random.Random(5)
    ours, theirs = TreememMemoryTool(embedded), BetaLocalFilesystemMemoryTool(str(tmp_path / "disk"))
    names = ("a", "b", "d/a", "d/e/f")
    texts = (
        "",
        "\n",
        "one",
        "one\n",
        "one\ntwo\n\n",
        "  \n\n x",
        "\r\n",
        "tab\there",
        "説明\n",
        "aaa",
        "\ud83d".join("ab")[:1],
    )
    for _ in range(250):
        path = f"/memories/{chance.choice(names)}"
        command = chance.choice(
            [
                {"command": "create", "path": path, "file_text": chance.choice(texts)},
                {
                    "command": "str_replace",
                    "path": path,
                    "old_str": chance.choice("one two aa a".split()),
                    "new_str": "new\n",
                },
                {
                    "command": "insert",
                    "path": path,
                    "insert_line": chance.randint(-1, 4),
                    "insert_text": chance.choice(texts),
                },
                {"command": "view", "path": path},
                {"command": "delete", "path": path},
                {"command": "rename", "old_path": path, "new_path": f"/memories/{chance.choice(names)}"},
            ]
        )
        answers = []
        for tool in (ours, theirs):
            try:
                answers.append(("done", tool.call(command)))
            except (ToolError, OSError):  # its words differ from those documented
                answers.append(("refused", ""))
        if command["command"] == "view":  # it numbers in six places, where the documentation says so
            answers = [(how, " ".join(str(said).split())) for how, said in answers if "up to 2 levels" not in str(said)]
        assert len(set(answers)) <= 1, (command, answers)
    disk = {
        p.relative_to(theirs.memory_root).as_posix(): p.read_text()
        for p in theirs.memory_root.rglob("*")
        if p.is_file()
    }
    held = {path: MemoryFiles(embedded)._file(f"/memories/{path}") for path in disk}
    assert {path: file.text for path, file in held.items() if file is not None} == disk


def test_files_keep_their_history_and_are_found(embedded: TreeTextMemory) -> None:
    files = MemoryFiles(embedded)
    files.create("/memories/anna.md", "Anna lives in Porto.")
    files.str_replace("/memories/anna.md", "Porto", "Lisbon")
    files.rename("/memories/anna.md", "/memories/people/anna.md")
    (hit,) = embedded.search("Where does Anna live?", 1)
    assert hit.memory == "Anna lives in Lisbon."
    assert next(v.item.memory for v in embedded.history(hit.id)) == "Anna lives in Porto."
    files.delete("/memories/people")
    assert list(embedded.search("Where does Anna live?", 1)) == []
    embedded.restore(hit.id)
    assert files.view("/memories/people/anna.md").endswith("Anna lives in Lisbon.")
    # The path of a file that was renamed is free; what was deleted goes on.
    files.create("/memories/anna.md", "Anna rows.")
    files.delete("/memories/anna.md")
    files.create("/memories/anna.md", "Anna sings.")
    assert files.view("/memories/anna.md").endswith("Anna sings.")
    embedded.purge(hit.id)
    files.create("/memories/people/anna.md", "Anna again.")
    assert files.clear() == "All memory cleared"
    assert list(files._files()) == []


def test_each_caller_has_files_of_its_own(embedded: TreeTextMemory) -> None:
    anna, ben = MemoryFiles(embedded.for_caller("anna")), MemoryFiles(embedded.for_caller("ben"))
    embedded.add("Not a file.")
    anna.create("/memories/a", "of Anna")
    assert ben.run({"command": "view", "path": "/memories/a"})[1]
    ben.create("/memories/a", "of Ben")
    assert anna.view("/memories/a").endswith("of Anna")
    ben.delete("/memories/a")
    assert anna.view("/memories/a").endswith("of Anna")
    ben.create("/memories/a", "of Ben again")
    assert ben.view("/memories/a").endswith("of Ben again")


def test_what_a_memory_refuses_the_model_is_told(embedded: TreeTextMemory) -> None:
    files = MemoryFiles(embedded)
    files.create("/memories/a", "x")
    embedded.freeze(embedded.search("x", 1)[0].id)
    said, refused = files.run({"command": "delete", "path": "/memories/a"})
    assert refused
    assert said.startswith("Error: ")
    said, refused = files.run({"command": "create", "path": "/memories/b", "file_text": "x" * 1_000_001})
    assert refused
    assert "1000000" in said


SCRIPT: tuple[Any, ...] = (
    ("memory", {"command": "view", "path": "/memories"}),
    ("memory", {"command": "create", "path": NOTES, "file_text": "Anna likes coffee."}),
    ("memory", {"command": "create", "path": NOTES, "file_text": "again"}),
    "Noted: you like coffee.",
)
ASKED: Any = {"max_tokens": 100, "model": "scripted", "messages": [{"role": "user", "content": "I like coffee."}]}


def _results(script: Script) -> list[tuple[str, bool]]:
    """What the model was told, by the last message of each request."""
    blocks = [block for request in script.sent[1:] for block in request["messages"][-1]["content"]]
    return [(block["content"], bool(block.get("is_error"))) for block in blocks]


EXPECTED = [
    (HEAD.format("/memories") + "0B\t/memories", False),
    (f"File created successfully at: {NOTES}", False),
    (f"Error: File {NOTES} already exists", True),
]


def test_the_runner_of_the_package_uses_it(memory: TreeTextMemory, script: Script) -> None:
    script.answers += SCRIPT
    with Anthropic() as client:
        last = client.beta.messages.tool_runner(tools=[TreememMemoryTool(memory)], **ASKED).until_done()
    assert last.content[0].text == "Noted: you like coffee."  # type: ignore[union-attr]
    assert script.sent[0]["tools"] == [{"type": "memory_20250818", "name": "memory"}]
    assert _results(script) == EXPECTED
    assert memory.search("Who likes coffee?", 1)[0].memory == "Anna likes coffee."


async def test_the_asynchronous_runner_uses_it(embedded: TreeTextMemory, script: Script) -> None:
    script.answers += SCRIPT
    tool = TreememAsyncMemoryTool(embedded)
    assert isinstance(tool, BetaAsyncAbstractMemoryTool)
    async with AsyncAnthropic() as client:
        await client.beta.messages.tool_runner(tools=[tool], **ASKED).until_done()
    assert _results(script) == EXPECTED
    assert await tool.clear_all_memory() == "All memory cleared"


def test_two_cubes_share_no_files(location: str, embedder: Any) -> None:
    with TreeTextMemory.open(location, cube=fresh_cube(), embedder=embedder) as memory:
        MemoryFiles(memory).create("/memories/a", "x")
        assert MemoryFiles(memory.cube(fresh_cube())).view("/memories").endswith("\n0B\t/memories")


def _three(memory: TreeTextMemory) -> tuple[MemoryFiles, MemoryFiles, MemoryFiles]:
    return MemoryFiles(memory), MemoryFiles(memory.for_caller("alice")), MemoryFiles(memory.for_caller("bob"))


def test_what_is_made_again_is_seen_by_nobody_else(memory: TreeTextMemory) -> None:
    root, alice, bob = _three(memory)
    root.create("/memories/x", "rules")
    root.delete("/memories/x")
    alice.create("/memories/x", "ALICE: my diagnosis")
    assert bob.run({"command": "view", "path": "/memories/x"})[1]
    alice.create("/memories/y", "for all")
    (shared,) = (file.item.id for file in alice._files() if file.path == "/memories/y")
    memory.for_caller("alice").update(shared, visibility="public")
    assert bob.view("/memories/y").endswith("for all")
    alice.delete("/memories/y")
    for _ in range(5):
        alice.create("/memories/y", "mine alone")
        assert bob.run({"command": "view", "path": "/memories/y"})[1]
        alice.delete("/memories/y")


def test_of_creates_at_once_one_is_done(embedded: TreeTextMemory) -> None:
    view = embedded.for_caller("alice")

    def create(path: str) -> bool:
        return MemoryFiles(view).run({"command": "create", "path": path, "file_text": "x"})[1]

    for turn in range(6):
        path = f"/memories/{turn // 2}"
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(create, [path] * 4))
        assert sorted(answers) == [False, True, True, True]
        assert len(list(MemoryFiles(view)._files())) == turn // 2 + 1
        if turn % 2 == 0:
            MemoryFiles(view).delete(path)


def test_another_process_that_was_faster_refuses_the_create(embedded: TreeTextMemory) -> None:
    class Slow(MemoryFiles):
        def _no_file_above(self, path: str) -> None:
            MemoryFiles(embedded).create(path, "first")  # after this one looked, and before it writes

    for _ in range(3):
        assert Slow(embedded).run({"command": "create", "path": "/memories/a", "file_text": "second"}) == (
            "Error: File /memories/a already exists",
            True,
        )
        assert [file.text for file in MemoryFiles(embedded)._files()] == ["first"]
        MemoryFiles(embedded).delete("/memories/a")
    embedded.purge(_ids_of_deleted(embedded))
    MemoryFiles(embedded).create("/memories/a", "after all")
    assert MemoryFiles(embedded).view("/memories/a").endswith("after all")


def _ids_of_deleted(memory: TreeTextMemory) -> list[str]:
    return [item.id for page in memory.pages(statuses=["deleted"]) for item in page.items]


def test_edits_at_once_are_all_kept(embedded: TreeTextMemory) -> None:
    MemoryFiles(embedded).create("/memories/a", "\n".join(f"l{n}=0" for n in range(8)))

    def edit(n: int) -> str:
        return MemoryFiles(embedded).str_replace("/memories/a", f"l{n}=0", f"l{n}=1")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(edit, range(8)))
    assert MemoryFiles(embedded).view("/memories/a").count("=1") == 8


ODD = [None, 0, -1, 1.5, True, b"x", [], [1], {}, object(), 10**30]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_odd_values_are_answered(embedded: TreeTextMemory, odd: Any) -> None:
    files = MemoryFiles(embedded)
    files.create("/memories/a", "one\ntwo\n")
    for call in (
        lambda: files.view(odd),
        lambda: files.view("/memories/a", [1, None] if odd is None else odd),
        lambda: files.create(odd, "x"),
        lambda: files.create("/memories/b", odd),
        lambda: files.str_replace("/memories/a", odd, "x"),
        lambda: files.str_replace("/memories/a", "one", odd),
        lambda: files.insert("/memories/a", "0" if odd == 0 else odd, "x"),
        lambda: files.insert("/memories/a", 1, odd),
        lambda: files.delete(odd),
        lambda: files.rename("/memories/a", odd),
    ):
        with pytest.raises(FileRefused):
            call()
    assert files.run(odd)[1]
    assert files.view("/memories/a").endswith("1\tone\n     2\ttwo\n     3\t")


def test_a_text_that_is_everywhere_costs_no_more_than_one_that_is_nowhere(embedded: TreeTextMemory) -> None:
    files = MemoryFiles(embedded)
    files.create("/memories/a", "A-\n" * 250_000)
    spent = []
    for old in ("B", "A-"):
        began = time.process_time()
        told, refused = files.run({"command": "str_replace", "path": "/memories/a", "old_str": old})
        spent.append(time.process_time() - began)
        assert refused
    assert told.endswith("in lines: " + ", ".join(map(str, range(1, 51))) + ", .... Please ensure it is unique")
    assert spent[1] < 3 * spent[0] + 0.5, spent


def test_half_characters_are_refused(embedded: TreeTextMemory) -> None:
    files = MemoryFiles(embedded)
    files.create("/memories/b", "text")
    for command in (
        {"command": "create", "path": "/memories/a", "file_text": "\ud800"},
        {"command": "str_replace", "path": "/memories/b", "old_str": "text", "new_str": "\udfff"},
        {"command": "insert", "path": "/memories/b", "insert_line": 0, "insert_text": "\ud800"},
    ):
        said, refused = files.run(command)
        assert refused
        assert "half characters" in said
    assert files.view("/memories").endswith("\n4B\t/memories/b")


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"file_path": 3},
        {"file_path": "elsewhere"},
        {"file_path": "/memories"},
        {"file_path": "/memories/../x"},
        {"file_path": "/memories/x", "file_text": 3},
        {"file_path": "/memories/x", "file_text": ["x"]},
        {"file_path": "/memories/x", "file_text": [3]},
        {"file_path": "/memories/x", "file_text": ["3"]},
        {"file_path": "/memories/x", "file_text": ['"\\ud800"']},
    ],
)
def test_what_only_looks_like_a_file_is_none(embedded: TreeTextMemory, info: dict[str, Any]) -> None:
    embedded.for_caller("bob").add("odd", info={"memory_file": True, **info}, visibility="public")
    alice = MemoryFiles(embedded.for_caller("alice"))
    alice.create("/memories/x", "text")
    assert alice.view("/memories").endswith("\n4B\t/memories/x")
    assert alice.view("/memories/x").endswith("text")


def test_what_is_somebody_elses_stays_and_the_rest_is_done(embedded: TreeTextMemory) -> None:
    root, alice, bob = _three(embedded)
    bob.create("/memories/d/bob", "of Bob")
    (file,) = bob._files()
    embedded.for_caller("bob").update(file.item.id, visibility="public")
    root.create("/memories/rules", "of nobody")
    for name in ("d/a", "e"):
        alice.create(f"/memories/{name}", "of Alice")
    assert (
        alice.rename("/memories/d", "/memories/f")
        == "Successfully renamed /memories/d to /memories/f, but for 1 that belong to somebody else"
    )
    assert alice.rename("/memories/f/a", "/memories/d/a").startswith("Successfully")
    assert alice.delete("/memories/d") == "Successfully deleted /memories/d, but for 1 that belong to somebody else"
    for command in (
        {"command": "delete", "path": "/memories/d"},
        {"command": "rename", "old_path": "/memories/d", "new_path": "/memories/g"},
    ):
        assert alice.run(command) == ("Error: The path /memories/d belongs to somebody else", True)
    assert alice.clear() == "All memory cleared"
    assert sorted(each.path for each in alice._files()) == ["/memories/d/bob", "/memories/rules"]
    root.clear()
    assert list(root._files()) == []


def test_no_rename_makes_a_path_too_long(embedded: TreeTextMemory) -> None:
    files = MemoryFiles(embedded)
    files.create("/memories/d/a", "x")
    files.create(f"/memories/d/{'n' * 900}", "x")
    assert files.run({"command": "rename", "old_path": "/memories/d", "new_path": f"/memories/{'L' * 900}"})[1]
    assert files.view("/memories/d/a").endswith("x")
